"""The one SocketIO object. Handlers import it from here; `create_app` gives it its application."""

from flask_socketio import SocketIO

socketio = SocketIO()
