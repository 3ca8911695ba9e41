"""The application of the reference server: the contract, the guide, the page, and its self-description.

Nothing is imported here: a launcher patches the standard library before anything else is loaded.
"""
