"""`SocketIOUser`: a Locust user whose tasks are plain Python, on the callback engine.

Here is what Locust asks of it; its calls are in `sioprobe.users.calls`, its settings in
`sioprobe.users.settings`. Importing this module imports Locust, which monkey-patches the process: do it
before anything else that opens sockets.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import locust
from locust import User
from locust.env import Environment

from sioprobe.engine.errors import SwarmError
from sioprobe.locusts.conductor import attachment_of
from sioprobe.users.calls import UserCalls
from sioprobe.users.client import UserClient
from sioprobe.users.contrib import SocketIOClient, apply_options
from sioprobe.users.reserved_names import check_names
from sioprobe.users.settings import UserSettings

__all__ = ["SocketIOClient", "SocketIOUser", "SwarmError"]


class SocketIOUser(UserCalls, UserSettings, User):  # type: ignore[misc]
    """A user with one Socket.IO connection.

    Example, a locustfile for somebody's chat::

        from locust import between, task
        from sioprobe import SocketIOUser


        class ChatUser(SocketIOUser):
            wait_time = between(1, 3)
            transport = "upgrade"  # or "websocket", "polling"

            def on_start(self):
                self.on("chat", self.on_chat)
                self.connect(auth={"token": "good"})
                self.call("join", "lobby", timeout=5)
                self.heard = 0

            def on_chat(self, text, sender):
                self.heard += 1

            @task
            def say(self):
                self.emit("say", "lobby", "hello")

    `locust -f chat.py --host http://127.0.0.1:5000`. Recorded are `SIO connect`, `SIO upgrade`, `SIO ack`,
    `SIO answer` and `SIO reconnect` with their times, `SIO emit` and `SIO event` with their numbers only.
    What fails is counted by kind, raises SwarmError, and so ends the task; in `on_start`, as with any
    exception there, it ends the user.
    """

    abstract = True

    def __init_subclass__(cls, **keywords: Any) -> None:
        """TypeError for a task that has the name of something that is here."""
        super().__init_subclass__(**keywords)
        check_names(cls, SocketIOUser)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.options:
            apply_options(self, self.options)
        engine = attachment_of(environment).engine
        engine.start()
        self._sioprobe = UserClient(self, engine, partial(_tell_of_failed_handler, self))

    @cached_property
    def sio(self) -> SocketIOClient:
        """The calls of `locust.contrib.socketio`, for locustfiles written for it."""
        return SocketIOClient(self._sioprobe)

    def start(self, group: Any) -> Any:
        """Start the user's greenlet; when that ends, so does the connection, whatever `on_stop` does."""
        started = super().start(group)
        started.link(self._sioprobe.greenlet_ended)
        return started

    def on_stop(self) -> None:
        """Close the session; call it from an `on_stop` of your own."""
        self._sioprobe.disconnect(None)


def _tell_of_failed_handler(user: SocketIOUser, error: Exception) -> None:
    user.environment.events.user_error.fire(user_instance=user, exception=error, tb=error.__traceback__)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _attach(environment: Environment, **_: Any) -> None:
    """Before the test starts, so that masters, which have no users, take their workers' reports too."""
    attachment_of(environment)
