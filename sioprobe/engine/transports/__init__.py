"""The bytes of a connection: TCP and TLS streams, HTTP requests and polling, WebSocket."""
