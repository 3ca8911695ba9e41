"""Events handled by a class of python-socketio for each namespace, and by handlers for all namespaces."""

import socketio
from gevent.event import Event
from locust import constant, task
from locust.contrib.socketio import SocketIOUser


class Chat(socketio.ClientNamespace):
    def __init__(self, namespace, user):
        super().__init__(namespace)
        self.user = user

    def on_connect(self):
        self.user.told.append("connect")
        # Not `call`: the handlers of a user run one after the other.
        self.emit("join_room", {"room": "r"}, callback=self.joined)

    def joined(self, answer):
        self.emit("send_message", {"room": "r", "message": "hello"})

    def on_chat_message(self, data):
        self.user.told.append(data)
        self.user.heard.set()

    def on_disconnect(self):
        self.user.told.append("disconnect")
        self.user.left.set()


class Talker(SocketIOUser):
    wait_time = constant(0.01)

    def on_start(self):
        self.told, self.noticed = [], []
        self.heard, self.left = Event(), Event()
        self.sio.register_namespace(Chat("/chat", self))
        self.sio.on("ready", lambda namespace, data: self.noticed.append(namespace), namespace="*")
        self.sio.connect(
            lambda: self.host,
            auth=lambda: {"token": "T-ann"},
            headers=lambda: {"X-Session-Id": "1"},
            namespaces=["/chat"],
            wait_timeout=10,
        )

    @task
    def talk(self):
        assert self.heard.wait(10)
        self.sio.disconnect()
        assert self.left.wait(10)
        assert self.told == ["connect", "hello", "disconnect"], self.told
        print("ALL DONE")
        self.environment.runner.quit()
