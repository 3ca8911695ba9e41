"""The operations of the benchmark with `locust.contrib.socketio`, for comparison.

`SIOPROBE_BENCH` names the operation, the transport, the number of users and the length of the payload.
"""

from __future__ import annotations

import json
import os
from time import monotonic_ns
from typing import Any

from gevent.event import Event
from locust import task
from locust.contrib.socketio import SocketIOUser

PLAN = json.loads(os.environ["SIOPROBE_BENCH"])
PAYLOAD = "x" * PLAN["payload_bytes"]


class ContribUser(SocketIOUser):  # type: ignore[misc]
    """One connection. Abstract: each operation has a class."""

    abstract = True

    def connect(self) -> None:
        """Connect with the transport that is measured."""
        # The default waits one second only, which all users at once do not keep.
        self.sio.connect(self.host, transports=[PLAN["transport"]], wait_timeout=60)


if PLAN["operation"] == "acks":

    class AckUser(ContribUser):
        """One call outstanding."""

        def on_start(self) -> None:
            self.number = 0
            self.connect()

        @task  # type: ignore[untyped-decorator]
        def call(self) -> Any:
            """One round trip."""
            self.number += 1
            answer = self.sio.call("message-with-ack", (self.number, PAYLOAD), timeout=20)
            assert answer == (self.number, PAYLOAD) or answer == [self.number, PAYLOAD], answer

elif PLAN["operation"] == "deliveries":

    class Room:
        """What the users share: a closed loop, in which the next event follows when all have the last."""

        name = f"contrib-{os.getpid()}"
        members: list[Any] = []  # noqa: RUF012 - one per process
        number = 0
        missing = 0

        @classmethod
        def publish(cls) -> None:
            """The first member publishes the next number."""
            cls.number += 1
            cls.missing = len(cls.members)
            cls.members[0].sio.emit("in", (cls.name, "m", cls.number, monotonic_ns(), PAYLOAD))

    class Member(ContribUser):
        """A member of the room, which has all users."""

        def on_start(self) -> None:
            self.sio.on("m", self.on_delivery)
            self.connect()
            self.sio.call("join", Room.name, timeout=60)
            Room.members.append(self)
            if len(Room.members) == PLAN["users"]:
                Room.publish()

        def on_delivery(self, number: int, stamp: int, payload: str) -> None:
            """Record it as an application would: with the time that the stamp gives."""
            wrong = number != Room.number or payload != PAYLOAD
            self.environment.events.request.fire(
                request_type="WSR",
                name="m",
                response_time=(monotonic_ns() - stamp) / 1e6,
                response_length=len(payload),
                exception=ValueError("wrong delivery") if wrong else None,
                context={},
            )
            Room.missing -= 1
            if not Room.missing:
                Room.publish()

        @task  # type: ignore[untyped-decorator]
        def wait(self) -> None:
            """Everything happens in `on_delivery`."""
            Event().wait()

elif PLAN["operation"] == "connects":

    class Comer(ContribUser):
        """Connects and leaves, again and again."""

        @task  # type: ignore[untyped-decorator]
        def come_and_go(self) -> None:
            """A client can be used again after it has left."""
            self.connect()
            self.sio.disconnect()

else:

    class IdleUser(ContribUser):
        """Connects and answers pings."""

        def on_start(self) -> None:
            self.connect()

        @task  # type: ignore[untyped-decorator]
        def wait(self) -> None:
            """Do nothing."""
            Event().wait()
