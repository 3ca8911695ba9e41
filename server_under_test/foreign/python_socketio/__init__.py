"""The contract of the conformance cases on python-socketio's AsyncServer, on uvicorn or on aiohttp.

`python -m server_under_test.foreign.python_socketio uvicorn` runs it, with its options in the environment.
"""
