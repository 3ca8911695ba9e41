"""The null server in this process, with what it sends changed on its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from load.blocks.null_server import Client, NullServer

EVERY = 7
"""Of the packets that carry a delivery or an answer, each so many-th."""

HELD_BACK = 1.5
"""Seconds."""


class LyingClient(Client):
    """One session. `fault` names what happens to its packets."""

    def __init__(self, server: LyingServer, session_id: str) -> None:
        super().__init__(server, session_id)
        self.fault = server.fault
        self.count = 0
        self.held: str | None = None
        self.timers: list[Any] = []

    def send(self, packet: str) -> None:
        carries = packet.startswith(("42", "43[", "43", "46")) and "fanout-" not in packet
        if not carries or not self.fault:
            super().send(packet)
            return
        self.count += 1
        if self.held is not None:
            held, self.held = self.held, None
            super().send(packet)
            super().send(held)
        elif self.count % EVERY and self.fault != "silent":
            super().send(packet)
        else:
            self._spoil(packet)

    def _spoil(self, packet: str) -> None:
        if self.fault == "double":
            super().send(packet)
            super().send(packet)
        elif self.fault == "swap":
            self.held = packet
        elif self.fault == "change":
            super().send(packet.replace("xx", "xy"))
        elif self.fault == "respell":
            # The same values, as other writers of JSON put them.
            super().send(packet.replace(",", ", "))
        elif self.fault == "hold":
            timer = self.server.loop.timer(HELD_BACK)
            timer.start(super().send, packet)
            self.timers.append(timer)

    def send_part(self, part: str | bytes) -> None:
        # The text before attachments is sent as it is: a fault there is one of the protocol.
        if isinstance(part, bytes) and self.fault == "change":
            self.count += 1
            part = part if self.count % EVERY else bytes(len(part))
        fault, self.fault = self.fault, ""
        super().send_part(part)
        self.fault = fault


class LyingServer(NullServer):
    """A null server whose sessions lie."""

    def __init__(self, fault: str) -> None:
        super().__init__("127.0.0.1", 0)
        self.fault = fault

    def open(self) -> Client:
        client = super().open()
        lying = LyingClient(self, client.session_id)
        self.clients[client.session_id] = lying
        return lying

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}"

    def stop(self) -> None:
        for client in list(self.clients.values()):
            self.drop(client)
        self._watcher.stop()
        self._ping_timer.stop()
        self._sock.close()


@contextmanager
def lying(fault: str) -> Iterator[LyingServer]:
    """A server with that fault, stopped at the end."""
    server = LyingServer(fault)
    try:
        yield server
    finally:
        server.stop()
