"""`python -m tests.load.narrow_server SEATS [STEP]`: the null server with room for so many clients at a time.

The others wait, until a client leaves, at this STEP. `http`: nobody serves their TCP connection, as in a
server with so many threads. `connect`, `join`, `ack`: their CONNECT is not answered, or their join of a room,
or their `message-with-ack`.
"""

from __future__ import annotations

import _socket
import json
import os
import signal
import sys
from typing import Any

import gevent
from gevent.event import Event

from load.blocks.null_server import Client, Exchange
from tests.load.lame_servers import LameServer

LOOK_SECONDS = 0.02
HELD = {"connect": "40", "join": '421["join",', "ack": '421["message-with-ack",'}
"""How the packet begins for which a client waits. The ack id is that of its first event."""


class NarrowClient(Client):
    """Waits where the server says."""

    def receive(self, packet: str) -> None:
        server = self.server
        assert isinstance(server, NarrowServer)
        if packet.startswith(HELD.get(server.step, "none")) and not server.seated(self):
            server.held.append((self, packet))
        else:
            super().receive(packet)


class NarrowServer(LameServer):
    """Seats are taken in the order in which clients come."""

    def __init__(self, seats: int, step: str = "http") -> None:
        super().__init__()
        self.seats = seats
        self.step = step
        self.held: list[tuple[Client, str]] = []
        self.outside: list[Any] = []
        self._look_timer = self.loop.timer(LOOK_SECONDS, LOOK_SECONDS)
        self._look_timer.start(self._look)

    def __exit__(self, *_: object) -> None:
        self._look_timer.stop()
        for waiting in self.outside:
            waiting.close()
        super().__exit__()

    def make(self, session_id: str) -> Client:
        return NarrowClient(self, session_id)

    def seated(self, client: Client) -> bool:
        return client in list(self.clients.values())[: self.seats]

    def _accept(self) -> None:
        while True:
            try:
                descriptor, _address = self._sock._accept()
            except OSError:
                break
            self.outside.append(_socket.socket(fileno=descriptor))
        self._look()

    def _look(self) -> None:
        while self.outside and (self.step != "http" or len(self.exchanges) < self.seats):
            self.exchanges.add(Exchange(self, self.outside.pop(0)))
        held, self.held = self.held, []
        for client, packet in held:
            if client.session_id in self.clients:
                client.receive(packet)


def main() -> int:
    """Serve until SIGTERM."""
    server = NarrowServer(int(sys.argv[1]), *sys.argv[2:])
    stopped = Event()
    gevent.signal_handler(signal.SIGTERM, stopped.set)
    print("READY " + json.dumps({"urls": [server.url], "pids": [os.getpid()], "server": "null"}), flush=True)
    stopped.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
