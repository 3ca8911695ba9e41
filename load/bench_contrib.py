"""The `ack` scenario with `locust.contrib.socketio`, for comparison. Part of `load/bench.py`."""

from __future__ import annotations

import os
from typing import Any

from locust import task
from locust.contrib.socketio import SocketIOUser


class ContribUser(SocketIOUser):  # type: ignore[misc]
    """One connection, one call outstanding."""

    def on_start(self) -> None:
        """Connect with the transport that is measured."""
        self.number = 0
        self.sio.connect(self.host, transports=[os.environ["SIOPROBE_TRANSPORT"]], wait_timeout=20)

    @task  # type: ignore[untyped-decorator]
    def call(self) -> Any:
        """One round trip."""
        self.number += 1
        self.sio.call("message-with-ack", (self.number, "x" * 32), timeout=20)
