"""`SocketIOUser`: a Locust user whose tasks are plain Python, on the callback engine.

This module holds what Locust needs; the calls are in `sioprobe.users.calls`, the settings in
`sioprobe.users.settings`. Importing it imports Locust, which monkey-patches the process: do it before you
import anything that opens sockets.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import gevent
import locust
from locust import User
from locust.env import Environment

from sioprobe.engine.errors import SwarmError
from sioprobe.locusts.conductor import attachment_of
from sioprobe.locusts.private_parts import sleep_between_tasks
from sioprobe.users.calls import UserCalls
from sioprobe.users.client import UserClient
from sioprobe.users.contrib import SocketIOClient
from sioprobe.users.habits import NoClient
from sioprobe.users.reserved_names import check_names
from sioprobe.users.settings import UserSettings, apply_options

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

    Start it with `locust -f chat.py --host http://127.0.0.1:5000`. It records `SIO connect`, `SIO upgrade`,
    `SIO ack`, `SIO answer`, `SIO wait` and `SIO reconnect` with their times, and the numbers of `SIO emit`
    and `SIO event`. A failure is counted by its kind and raises SwarmError. That ends the task; in `on_start`
    it ends the user, as any exception does there.
    """

    abstract = True
    client: Any = NoClient()
    """An HttpUser has another."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Raise TypeError if a task has a name of `SocketIOUser`."""
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
        """The calls of `locust.contrib.socketio`, for locustfiles that were written for it."""
        return SocketIOClient(self._sioprobe)

    @cached_property
    def sio_greenlet(self) -> Any:
        """A greenlet that ends with the connection. contrib has it; here nothing depends on it."""
        return gevent.spawn(self.sio.wait)

    def start(self, group: Any) -> Any:
        """Start the greenlet of the user. When it ends, the connection is closed."""
        started = super().start(group)
        started.link(self._sioprobe.end)
        return started

    def on_stop(self) -> None:
        """Close the session. If you override it, call `super().on_stop()`."""
        self._sioprobe.disconnect(None)


def _tell_of_failed_handler(user: SocketIOUser, error: Exception) -> None:
    user.environment.events.user_error.fire(user_instance=user, exception=error, tb=error.__traceback__)


def _sleep(tasks: Any, seconds: float) -> None:
    """As Locust sleeps. After a call that waited, others have run, and a sleep of 0 s would do nothing."""
    client: UserClient | None = tasks.user.__dict__.get("_sioprobe")
    if client is None or seconds > 0 or not client.waited:
        gevent.sleep(seconds)
    else:
        client.waited = False


sleep_between_tasks(_sleep)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def _attach(environment: Environment, **_: Any) -> None:
    """Early, so that a master, which has no users, also receives the reports of its workers."""
    attachment_of(environment)
