"""A user of HTTP that makes its Socket.IO clients itself: two of them."""

import gevent
from locust import HttpUser, constant, task
from locust.contrib.socketio import SocketIOClient


class TwoSockets(HttpUser):
    wait_time = constant(0.01)

    def on_start(self):
        self.client.post("/login", json={"username": "ann"})
        self.heard = []
        self.listener = SocketIOClient(self.environment.events.request, http_session=self.client)
        self.listener.on("chat_message", self.heard.append)
        self.listener.connect(self.host, wait_timeout=10)
        self.ws_greenlet = gevent.spawn(self.listener.wait)
        self.sender = SocketIOClient(self.environment.events.request, reconnection=False)
        self.sender.connect(self.host, auth={"token": "T-bob"}, transports=["websocket"], wait_timeout=10)

    @task
    def talk(self):
        assert self.listener.get_sid() != self.sender.get_sid()
        self.listener.call("join_room", {"room": "r"})
        self.sender.call("send_message", {"room": "r", "message": "hello"})
        if self.heard:
            print("ALL DONE")
            self.environment.runner.quit()

    def on_stop(self):
        self.sender.disconnect()
