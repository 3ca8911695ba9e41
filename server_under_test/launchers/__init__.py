"""One module for each mode, which runs as a program: `python -m server_under_test.launchers.eventlet_mode`.

A launcher patches the standard library, if its mode does, before it imports anything else.
For the same reason this package imports nothing.
"""
