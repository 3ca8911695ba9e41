"""TLS in front of a server, for those who show a header and a cookie, and who come back with their route.

As a proxy with sticky sessions: the answer to a handshake sets the cookie `route`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conformance.fronts import listening
from tests.engine.tls_front import place_of

READ = 65536


class GuardingFront:
    """What has come: `refused` heads without the secrets, `strayed` sids without a route."""

    def __init__(self, behind: str, header: tuple[str, str], cookie: tuple[str, str]) -> None:
        self._behind = place_of(behind)
        self._header = f"\r\n{header[0]}: {header[1]}\r\n".lower()
        self._cookie = "=".join(cookie)
        self._routes = 0
        self.url = ""
        self.passed = 0
        self.refused: list[str] = []
        self.strayed: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: its first request is looked at, what follows is handed on."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            cookies = dict(
                pair.partition("=")[::2]
                for line in re.findall(r"(?im)^cookie: *(.*)\r$", head)
                for pair in line.split("; ")
            )
            if self._header not in head.lower() or self._cookie not in map("=".join, cookies.items()):
                self.refused.append(head)
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            self.passed += 1
            sid = re.search(r"[?&]sid=([^& ]+)", head.partition("\r\n")[0])
            if sid and "route" not in cookies:
                self.strayed.add(sid[1])
            await self._hand_on(reader, writer, head, sets_route=sid is None)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _hand_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, *, sets_route: bool
    ) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self._behind)
        # As proxies do: an application compares it with the Origin of a browser.
        inner_writer.write(head.replace("\r\n", "\r\nX-Forwarded-Proto: https\r\n", 1).encode("latin-1"))

        async def back() -> None:
            if sets_route:
                answer = await inner_reader.readuntil(b"\r\n")
                self._routes += 1
                writer.write(answer + b"Set-Cookie: route=%d; Path=/\r\n" % self._routes)
            await pump(inner_reader, writer)

        tasks = [asyncio.create_task(back()), asyncio.create_task(pump(reader, inner_writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[1].done() and not tasks[0].done():
                # A client that has gone must be gone for the server too.
                inner_writer.transport.abort()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            inner_writer.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ):
            writer.write(data)
            await writer.drain()


@contextmanager
def guarding(
    context: ssl.SSLContext, behind: str, header: tuple[str, str], cookie: tuple[str, str]
) -> Iterator[GuardingFront]:
    """Such a front on a free port, in a thread of its own."""
    front = GuardingFront(behind, header, cookie)
    with listening(front.serve, context) as front.url:
        yield front
