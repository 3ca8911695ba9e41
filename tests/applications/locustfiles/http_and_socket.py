"""A user of both: it logs in over HTTP, its session opens the socket, and it talks over each."""

from threading import Event

import gevent
from locust import HttpUser, constant, task
from locust.contrib.socketio import SocketIOUser
from socketio import Client


class Both(SocketIOUser, HttpUser):
    wait_time = constant(0.01)

    @property
    def options(self):
        return {"http_session": self.client}

    def on_start(self):
        self.client.post("/login", json={"username": "ann"})
        self.sio.connect(self.host, wait_timeout=10)
        self.sio_greenlet = gevent.spawn(self.sio.wait)

    @task
    def talk(self):
        self.event = Event()
        assert self.sio.call("join_room", {"room": "room1"}) == {"ok": True}
        self.sio.on("chat_message", self.on_chat_message)
        Client.call(self.sio, "send_message", {"room": "room1", "message": "foo"})
        self.sio.emit("send_message", {"room": "room1", "message": "bar"})
        assert self.event.wait(10)
        self.sio.call("leave_room", {"room": "room1"})
        assert self.client.get("/").text == "hello"
        print("ALL DONE")
        self.environment.runner.quit()

    def on_chat_message(self, data):
        if data.startswith("bar"):
            self.event.set()
        self.sio.on_message("chat_message", data)

    def on_stop(self):
        self.sio.disconnect()
        self.sio_greenlet.kill()
