"""What the command line and every server process need at their start: options, socket, modes, READY line.

Nothing is imported here: a launcher patches the standard library before anything else is loaded.
"""
