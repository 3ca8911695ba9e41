"""The operations of the benchmark as tasks of `sioprobe.SocketIOUser`: plain Python, a greenlet a user.

`SIOPROBE_BENCH` as for `contrib.py`.
"""

from __future__ import annotations

import json
import os

from gevent.event import Event
from locust import constant_pacing, task

from sioprobe import SocketIOUser

PLAN = json.loads(os.environ["SIOPROBE_BENCH"])
PAYLOAD = "x" * PLAN["payload_bytes"]


class TaskUser(SocketIOUser):
    """One connection. Abstract: each operation has a class."""

    abstract = True
    transport = PLAN["transport"]


if PLAN["operation"] == "acks":

    class AckUser(TaskUser):
        """One call outstanding; the next begins at once, or when it is due."""

        if PLAN["rate"] is not None:
            wait_time = constant_pacing(PLAN["users"] / PLAN["rate"])

        def on_start(self) -> None:
            self.number = 0
            self.connect(timeout=60)

        @task  # type: ignore[untyped-decorator]
        def round_trip(self) -> None:
            """One round trip."""
            self.number += 1
            answer = self.call("message-with-ack", self.number, PAYLOAD, timeout=20)
            assert answer == [self.number, PAYLOAD], answer

elif PLAN["operation"] == "connects":

    class Comer(TaskUser):
        """Connects and leaves, again and again."""

        @task  # type: ignore[untyped-decorator]
        def come_and_go(self) -> None:
            self.connect(timeout=60)
            self.disconnect()

else:

    class IdleUser(TaskUser):
        """Connects and answers pings."""

        def on_start(self) -> None:
            self.connect(timeout=60)

        @task  # type: ignore[untyped-decorator]
        def do_nothing(self) -> None:
            """Do nothing."""
            Event().wait()
