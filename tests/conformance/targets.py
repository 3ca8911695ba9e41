"""Servers that are no Socket.IO servers, on free ports of 127.0.0.1."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.conformance.fronts import Close, in_a_thread

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP server that knows no page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found")
    await writer.drain()
    writer.close()


async def any_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP server that answers every path with the same page, as single-page applications do."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<html>0{</html>")
    await writer.drain()
    writer.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A port that takes everything and says nothing."""
    await reader.read()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server of another protocol."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()
    await reader.read()


async def broken_polling(connection: ServerConnection) -> None:
    """A Socket.IO server over WebSocket; `refusing` answers its handshakes over polling."""
    await connection.send(
        '0{"sid":"one","upgrades":[],"pingInterval":1000,"pingTimeout":1000,"maxPayload":1000}'
    )
    async for message in connection:
        if message == "40":
            await connection.send('40{"sid":"two"}')
            await connection.send('42["b",0,"x"]')  # a sign of contract level 2


def refusing(status: int, body: str) -> Callable[[ServerConnection, Request], Response | None]:
    """Answers each handshake over polling by this status and body, /about by 404."""

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if "transport=websocket" in request.path:
            return None
        return connection.respond(404 if "about" in request.path else status, body)

    return answer


async def echo(connection: ServerConnection) -> None:
    """A WebSocket echo."""
    async for message in connection:
        await connection.send(message)


@contextmanager
def running(kind: str) -> Iterator[str]:
    """The URL of such a server: `nothing`, or the name of a handler of this module."""

    async def start() -> tuple[int, Close]:
        if kind == "nothing":
            # Bound, so that nobody else gets the port, and not listening.
            closed = socket.socket()
            closed.bind(("127.0.0.1", 0))
            return closed.getsockname()[1], closed.close
        if kind == "echo":
            server = await serve(echo, "127.0.0.1", 0)
            return next(iter(server.sockets)).getsockname()[1], server.close
        handlers: dict[str, Handler] = {
            "plain_http": plain_http, "any_page": any_page, "silent": silent, "babble": babble
        }  # fmt: skip
        other = await asyncio.start_server(handlers[kind], "127.0.0.1", 0)
        return other.sockets[0].getsockname()[1], other.close

    with in_a_thread(start) as port:
        yield f"http://127.0.0.1:{port}"
