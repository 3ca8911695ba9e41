"""One TCP connection of the client: HTTP/1.1 requests one after the other, and what follows a 101."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import h11

from conformance.stage.requests import Answer, Framing, Request

__all__ = ["Connection", "Manners", "Owner", "Upgraded"]

PIECES_SECONDS = 0.001  # between two pieces of an answer that is cut


@dataclass(slots=True)
class Manners:
    """How the stage writes HTTP. `cut`: so many bytes at a time (None: all at once)."""

    cut: int | None = None
    framing: Framing = "length"
    keep_alive: bool = True


class Upgraded(Protocol):
    """Whoever takes the bytes of a connection after a 101."""

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class Owner(Protocol):
    """Whoever takes requests."""

    manners: Manners

    def came(self, connection: Connection) -> None: ...

    def gone(self, connection: Connection) -> None: ...

    def requested(self, request: Request) -> None: ...

    def complain(self, what: str) -> None: ...


class Connection(asyncio.Protocol):
    """h11 reads the requests. The answers are bytes of our own, so that they can be wrong.

    `life`: which of the servers at this port, one after the other, has accepted it.
    """

    def __init__(self, owner: Owner, life: int = 0) -> None:
        self._owner = owner
        self.life = life
        self._parser = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._request: Request | None = None  # that waits for its answer
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._upgraded: Upgraded | None = None
        self._free_at = 0.0  # when all pieces that are under way are out
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.came(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self._upgraded is not None:
            self._upgraded.lost()
        self._owner.gone(self)

    def data_received(self, data: bytes) -> None:
        if self._upgraded is not None:
            self._upgraded.received(data)
            return
        try:
            self._parser.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            self._owner.complain(f"HTTP: {error}")
            self.end()

    def _read(self) -> None:
        while self._request is None and self._upgraded is None:
            event = self._parser.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED):
                if self._parser.they_are_waiting_for_100_continue:
                    self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    self._parser.send(h11.InformationalResponse(status_code=100, headers=[]))
                return
            if isinstance(event, h11.Request):
                self._head, self._body = event, bytearray()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                head = self._head
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
                target, body = head.target.decode("latin-1"), bytes(self._body)
                self._request = Request(head.method.decode("latin-1"), target, headers, body, self)
                self._owner.requested(self._request)
            else:
                return

    def answer(self, answer: Answer, announced: int | None = None) -> None:
        manners = self._owner.manners
        if self._request is not None:
            answer = self._request.allowing(answer)
        keep = manners.keep_alive and announced is None
        self.write(answer.encoded(manners.framing, keep_alive=keep, announced=announced), manners.cut)
        if not keep:
            self.end()
            return
        rest = self._parser.trailing_data[0]
        self._parser, self._request = h11.Connection(h11.SERVER), None
        if rest:
            asyncio.get_running_loop().call_soon(self.data_received, rest)

    def upgrade(self, headers: list[tuple[str, str]], owner: Upgraded) -> None:
        """Answer 101. All further bytes go to `owner`."""
        lines = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in headers)]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self._upgraded = owner
        if self._request is not None:
            self._request.answered = 101
        if rest := self._parser.trailing_data[0]:
            asyncio.get_running_loop().call_soon(owner.received, rest)

    def write(self, data: bytes, cut: int | None = None) -> None:
        """Write, after all that was written before. `cut`: so many bytes at a time."""
        size = cut or len(data) or 1
        for place in range(0, len(data), size):
            self._do(partial(self._put, data[place : place + size]))
            if cut:
                now = asyncio.get_running_loop().time()
                self._free_at = max(self._free_at, now) + PIECES_SECONDS

    def _put(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _do(self, action: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        if self._free_at > loop.time():
            loop.call_at(self._free_at, action)
        else:
            action()

    def end(self, *, reset: bool = False) -> None:
        """Close the connection when all is written, or at once by a reset (RST)."""
        if reset:
            self._reset()
        else:
            self._do(self._close)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
