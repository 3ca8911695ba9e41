"""What the command line and every server process begin with: options, socket, modes, the READY line.

Nothing is imported here: a launcher patches the standard library before anything else is loaded.
"""
