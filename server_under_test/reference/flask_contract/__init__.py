"""Applications that show what Flask-SocketIO itself does, beside the application of the contract.

`/flask` runs with Flask-SocketIO's defaults, `/flask-options` with other options, and `/flask-websocket`
has one transport.
Each namespace shows one thing; conformance/CONTRACT.md lists them.
They stand below the main application. Neither sees the clients or error handlers of the other.
"""
