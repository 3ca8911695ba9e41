"""An abstract class with helpers for a namespace, and a user that inherits from it."""

import logging
import time

import requests
from locust import between, task
from locust.contrib.socketio import SocketIOUser

logger = logging.getLogger(__name__)


class NamespaceUser(SocketIOUser):
    abstract = True
    ws_namespace = "/"
    options = {"reconnection": False, "logger": False, "engineio_logger": False}
    wait_time = between(0.01, 0.02)

    def on_start(self):
        self._connected = False
        answer = requests.post(f"{self.host}/login", json={"username": "ann"}, timeout=10)
        self._access_token = answer.json()["access_token"]
        self.register()
        self.sio.connect(
            self.host.replace("http://", "ws://"),
            namespaces=[self.ws_namespace],
            auth={"token": self._access_token},
            wait_timeout=10,
        )
        self._connected = True

    def register(self):
        pass

    def received(self, event, data):
        self.environment.events.request.fire(
            request_type="WSR",
            name=f"{self.ws_namespace}:{event}",
            response_time=0,
            response_length=len(str(data)),
            exception=None,
            context={},
        )

    def ws_call(self, event, data=None, timeout=10):
        if not self._connected:
            return None
        try:
            return self.sio.call(event, data, namespace=self.ws_namespace, timeout=timeout)
        except Exception as error:
            logger.warning("%s: %s", event, error)
            return None

    def ws_emit(self, event, data=None):
        started = time.perf_counter()
        self.sio.emit(event, data, namespace=self.ws_namespace)
        self.environment.events.request.fire(
            request_type="WSE",
            name=f"{self.ws_namespace}:{event}",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(str(data)),
            exception=None,
            context={},
        )

    def on_stop(self):
        if self._connected:
            self.sio.disconnect()
            self._connected = False


class Chatter(NamespaceUser):
    ws_namespace = "/chat"

    def register(self):
        self.heard = []
        self.sio.on("chat_message", self.on_chat_message, namespace=self.ws_namespace)

    def on_chat_message(self, data):
        self.heard.append(data)
        self.received("chat_message", data)

    @task
    def talk(self):
        assert self.ws_call("join_room", {"room": "r"}) == {"ok": True}
        self.ws_emit("send_message", {"room": "r", "message": "hello"})
        if self.heard:
            assert list(self.sio.namespaces) == ["/chat"]
            print("ALL DONE")
            self.environment.runner.quit()
