"""Balancers that part the requests of a session from the process that knows it."""

from __future__ import annotations

import itertools
import socket
import threading
from collections import Counter

from tests.engine.tls_front import Front, place_of


class Unsticky(Front):
    """It gives each new connection to the next server, whatever session its requests belong to."""

    def __init__(self, *behind: str) -> None:
        self._next = itertools.cycle(map(place_of, behind))
        super().__init__()

    def _serve(self, outer: socket.socket) -> None:
        self._join(outer, next(self._next))

    def _join(self, outer: socket.socket, place: tuple[str, int]) -> None:
        inner = socket.create_connection(place)
        self._socks += [outer, inner]
        for source, sink in ((outer, inner), (inner, outer)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()


class Apart(Unsticky):
    """It gives polling to the first server, and WebSockets to the second."""

    def __init__(self, polling: str, websockets: str) -> None:
        self._places = place_of(polling), place_of(websockets)
        super().__init__(polling)

    def _serve(self, outer: socket.socket) -> None:
        if head := head_of(outer):
            self._join(outer, self._places[b"upgrade: websocket" in head.lower()])


class Straying(Unsticky):
    """It gives every eighth request of a session to the second server."""

    def __init__(self, right: str, wrong: str) -> None:
        self._places = place_of(right), place_of(wrong)
        self._requests: Counter[bytes] = Counter()
        super().__init__(right)

    def _serve(self, outer: socket.socket) -> None:
        if head := head_of(outer):
            _, _, sid = head.partition(b"\r\n")[0].partition(b"sid=")
            self._requests[sid] += 1
            self._join(outer, self._places[bool(sid) and self._requests[sid] % 8 == 0])


def head_of(outer: socket.socket) -> bytes:
    """The first request of a connection, which stays there. Empty if it ends before."""
    head = b""
    while b"\r\n\r\n" not in head:
        seen = outer.recv(65536, socket.MSG_PEEK)
        if len(seen) == len(head):
            return b""
        head = seen
    return head
