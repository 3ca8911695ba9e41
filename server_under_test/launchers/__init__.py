"""One module a mode, run as a program of its own: `python -m server_under_test.launchers.eventlet_mode`.

A launcher patches the standard library, if its mode does, before it imports anything else.
Nothing is imported here, for the same reason.
"""
