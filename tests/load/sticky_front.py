"""A balancer that knows its clients by a cookie, which it sets at the handshake.

A request of a session without the cookie is refused, and so is one that is not answered by the worker of its
cookie. It can cut connections, as a network does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence

from tests.conformance.fronts import listening
from tests.engine.tls_front import place_of

COOKIE = "route"


class StickyFront:
    """In front of these workers. A context manager; `url` is known inside.

    `fresh` and `known` are the cookies of handshakes: those that were set, and those that came back.
    The first `cuts` WebSockets end after some messages, but not those of the first client.
    """

    def __init__(self, workers: Sequence[str], *, cuts: int = 0) -> None:
        self.url = ""
        self.fresh: list[str] = []
        self.known: list[str] = []
        self.refused: list[str] = []
        self.upgrades = 0
        self._workers = list(workers)
        self._cuts = cuts
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> StickyFront:
        self.url = self._stack.enter_context(listening(self._serve))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            target = head.split(b" ", 2)[1].decode()
            found = re.search(rf"\r\ncookie:[^\r]*\b{COOKIE}=(\d+)".encode(), head, re.IGNORECASE)
            cookie, of_session = found[1].decode() if found else None, "sid=" in target
            handshake = "/socket.io/" in target and not of_session
            if of_session and cookie is None:
                self.refused.append(target)
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\nno cookie")
                return
            setting = b""
            if handshake and cookie is not None:
                self.known.append(cookie)
            elif handshake:
                cookie = str(len(self.fresh))
                self.fresh.append(cookie)
                setting = f"Set-Cookie: {COOKIE}={cookie}; Path=/; HttpOnly\r\n".encode()
            inner, outer = await asyncio.open_connection(
                *place_of(self._workers[int(cookie or 0) % len(self._workers)])
            )
            try:
                outer.write(head + await _body(head, reader))
                answer = (await inner.readuntil(b"\r\n\r\n"))[:-2] + setting + b"\r\n"
                if answer.startswith(b"HTTP/1.1 101"):
                    self.upgrades += of_session
                    writer.write(answer)
                    cut = self._cuts > 0 and cookie != "0"
                    self._cuts -= cut
                    await _splice(reader, writer, inner, outer, 5 if cut else None)
                    return
                writer.write(answer + await _body(answer, inner))
            finally:
                outer.close()


async def _splice(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner: asyncio.StreamReader,
    outer: asyncio.StreamWriter,
    pieces: int | None,
) -> None:
    """Hand on both ways, until one of them ends or the client has sent so many pieces."""
    there = asyncio.create_task(_pass(reader, outer, pieces))
    back = asyncio.create_task(_pass(inner, writer, None))
    _, left = await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return await reader.readexactly(int(length[1])) if length else b""


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: int | None) -> None:
    """Hand on what comes, until its end or for so many pieces."""
    while pieces is None or pieces > 0:
        data = await reader.read(65536)
        if not data:
            return
        writer.write(data)
        await writer.drain()
        pieces = None if pieces is None else pieces - 1
