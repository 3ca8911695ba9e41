"""Each person logs in, enters the lobby and talks."""

import requests
from locust import constant, task
from sioprobe import SocketIOUser


class Person(SocketIOUser):
    wait_time = constant(0)
    transport = "websocket"

    def on_start(self):
        answer = requests.post(f"{self.host}/login", data={"name": "ann"}, timeout=10)
        self.cookies = {"session": answer.cookies["session"]}
        self.connect()
        self.call("enter", "lobby")

    @task
    def say(self):
        self.call("say", "lobby", "hello")
