"""The one SocketIO object; handlers import it from here, `create_app` gives it its application."""

from flask_socketio import SocketIO

socketio = SocketIO()
