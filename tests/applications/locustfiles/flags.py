"""A user that keeps its own state in attributes, and logs in before it connects."""

import random
import time
import uuid

import requests
from locust import constant, task
from locust.contrib.socketio import SocketIOUser


class Messenger(SocketIOUser):
    wait_time = constant(0.01)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user_id = None
        self.access_token = None
        self.connected = False
        self.namespaces = []
        self.current_transport = None
        self.client_id = None
        self.sent = 0

    def on_start(self):
        self.session_id = str(uuid.uuid4())
        # Of its requests, not of its connection.
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self.path = "/login"
        self.query = "a=1"
        self.cookies = None
        self.transport = "http"
        self.login()
        self.open()

    def login(self):
        answer = requests.post(
            f"{self.host}{self.path}",
            json={"username": f"user{random.randint(1, 1_000_000)}"},
            headers=self.headers,
            timeout=10,
        )
        self.access_token = answer.json()["access_token"]
        self.user_id = 1

    def open(self):
        try:
            self.sio.on("ready", self.on_ready)
            self.sio.connect(
                self.host.replace("http://", "ws://"),
                headers={**self.headers, "X-Session-Id": self.session_id},
                auth={"token": self.access_token},
                transports=["websocket"],
                wait_timeout=10,
            )
            self.connected = True
        except Exception as error:
            self.environment.events.request.fire(
                request_type="WS",
                name="connect",
                response_time=0,
                response_length=0,
                exception=error,
                context={},
            )

    def on_ready(self, data):
        self.client_id = data["session"]

    @task(3)
    def send_message(self):
        if not self.connected or not self.user_id:
            return
        started = time.time()
        self.sio.emit("send_message", {"room": "lobby", "message": "hello"})
        self.environment.events.request.fire(
            request_type="WS",
            name="send_message",
            response_time=(time.time() - started) * 1000,
            response_length=5,
            exception=None,
            context={},
        )
        self.sent += 1
        if self.sent >= 3 and self.client_id:
            assert self.client_id == self.session_id
            assert self.host.startswith("http://")
            assert (self.path, self.query, self.transport) == ("/login", "a=1", "http")
            assert "X-Session-Id" not in self.headers
            print("ALL DONE")
            self.environment.runner.quit()

    @task(1)
    def typing(self):
        if self.connected:
            self.sio.emit("typing", {"is_typing": True})
