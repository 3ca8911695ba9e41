"""What may lie between the judge and a server: a long way, or a proxy that keeps request bodies back."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from ci.wide.delay import connect
from tests.engine.tls_front import place_of

Close = Callable[[], object]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

READ = 65536


@contextmanager
def far_away(behind: str, one_way: float) -> Iterator[str]:
    """The URL of the same server, `one_way` seconds away. A new connection has its own two ways first."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connect(reader, writer, place_of(behind)[1], one_way)

    with listening(serve) as url:
        yield url


@contextmanager
def buffering(behind: str) -> Iterator[str]:
    """The URL of the same server behind a proxy that hands on a request when its body is complete.

    As nginx does by default. It reads the first request of a connection; what follows is handed on.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, body = await _whole(await reader.readuntil(b"\r\n\r\n"), reader)
        await connect(reader, writer, place_of(behind)[1], 0.0, head + body)

    with listening(serve) as url:
        yield url


@contextmanager
def ignoring_aborts(behind: str) -> Iterator[str]:
    """The URL of the same server behind HAProxy without `option abortonclose`.

    The server never hears that a client is gone. What is no HTTP is refused in the words of HAProxy.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\n:" in head:
            page = b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n"
            writer.write(b"HTTP/1.1 400 Bad request\r\nContent-length: %d\r\n\r\n%s" % (len(page), page))
            return
        inner_reader, inner_writer = await asyncio.open_connection(*place_of(behind))
        inner_writer.write(head)

        async def ask() -> None:
            while data := await reader.read(READ):
                inner_writer.write(data)

        asking = asyncio.create_task(ask())
        while data := await inner_reader.read(READ):
            with contextlib.suppress(OSError):
                writer.write(data)
        asking.cancel()
        inner_writer.close()

    with listening(serve) as url:
        yield url


async def _whole(head: bytes, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and whole body. One in chunks gets a Content-Length."""
    if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        return head, await reader.readexactly(int(length[1]))
    chunked = re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head)
    if not chunked:
        return head, b""
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return head.replace(chunked[0], b"\r\nContent-Length: %d" % len(body)), body


@contextmanager
def listening(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """`serve` on a free port, in a thread of its own."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end, which asyncio's streams would tell as an error.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()

    async def start() -> tuple[int, Close]:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024, ssl=context)
        return server.sockets[0].getsockname()[1], server.close

    with in_a_thread(start) as port:
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"


@contextmanager
def in_a_thread(start: Callable[[], Awaitable[tuple[int, Close]]]) -> Iterator[int]:
    """The port of what `start` starts in a loop of its own. It also gives what closes it at the end."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    ready = threading.Event()

    async def run() -> None:
        stop = asyncio.Event()
        port, close = await start()
        started.append((asyncio.get_running_loop(), stop, port))
        ready.set()
        await stop.wait()
        close()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(40)
    loop, stop, port = started[0]
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
