"""An example locustfile for a chat. Replace it by your own."""

from locust import between, task

from sioprobe import SocketIOUser


class ChatUser(SocketIOUser):
    wait_time = between(1, 3)

    def on_start(self) -> None:
        self.connect()
        self.call("join", "lobby", timeout=5)

    @task
    def say(self) -> None:
        self.call("message-with-ack", 1, "hello")
