"""The contract of the conformance cases on python-socketio's AsyncServer, on uvicorn or on aiohttp.

Run as `python -m server_under_test.foreign.python_socketio uvicorn`; the options come in the environment.
"""
