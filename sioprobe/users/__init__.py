"""`SocketIOUser`, and the calls of `locust.contrib.socketio` for it. The module `user` imports Locust."""
