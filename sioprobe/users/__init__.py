"""`SocketIOUser`, and the calls of `locust.contrib.socketio` on it. `user` imports Locust."""
