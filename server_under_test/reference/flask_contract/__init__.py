"""What Flask-SocketIO itself does, made visible: applications of their own beside the contract's.

`/flask` runs with Flask-SocketIO's defaults, `/flask-options` with other options, and `/flask-websocket`
has one transport.
Each namespace shows one thing; conformance/CONTRACT.md lists them.
They are mounted below the main application, so that neither sees the other's clients or error handlers.
"""
