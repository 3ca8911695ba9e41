"""The SocketIO objects of the applications. Handlers import them from here."""

from flask_socketio import SocketIO

socketio = SocketIO()
options_socketio = SocketIO()
websocket_socketio = SocketIO()
