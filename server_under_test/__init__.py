"""The reference Flask-SocketIO server, in every async mode.

Nothing is imported here: a launcher patches the standard library before anything else is loaded.
"""
