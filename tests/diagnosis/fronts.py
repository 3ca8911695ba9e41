"""A balancer that gives each new connection to the next server, whatever session its requests belong to."""

from __future__ import annotations

import itertools
import socket
import threading

from tests.engine.tls_front import Front, place_of


class Unsticky(Front):
    """In front of the servers at some URLs."""

    def __init__(self, *behind: str) -> None:
        self._next = itertools.cycle(map(place_of, behind))
        super().__init__()

    def _serve(self, outer: socket.socket) -> None:
        inner = socket.create_connection(next(self._next))
        self._socks += [outer, inner]
        for source, sink in ((outer, inner), (inner, outer)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()
