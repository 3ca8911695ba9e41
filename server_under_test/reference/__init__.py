"""The application of the reference server: the contract, the guide, the page, and what it says of itself.

Nothing is imported here: a launcher patches the standard library before anything else is loaded.
"""
