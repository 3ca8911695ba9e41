"""A long way to a server: `python -m ci.wide.delay PORT SERVER_PORT MILLISECONDS`.

A round trip takes so many milliseconds longer, half of them each way; opening a connection takes one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio import StreamReader, StreamWriter

CHUNK = 65536


async def carry(source: StreamReader, sink: StreamWriter, seconds: float, first: float = 0.0) -> None:
    """Hand on what comes, and its end, so many seconds later. Nothing sets out before `first` (loop time)."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        data = b"?"
        while data:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            sink.write(data)
            await sink.drain()
        sink.write_eof()

    async with asyncio.TaskGroup() as group:
        group.create_task(arrive())
        data = b"?"
        while data:
            data = await source.read(CHUNK)
            under_way.put_nowait((max(loop.time(), first) + seconds, data))


# asyncio itself holds a connection no longer than its socket, and lets go what is still under way.
_held: set[object] = set()


async def connect(
    reader: StreamReader, writer: StreamWriter, server_port: int, seconds: float, before: bytes = b""
) -> None:
    """Join a connection to a server of this host until both ways end; `seconds` is one way.

    The server gets `before` at once.
    """
    _held.add(task := asyncio.current_task())
    opened = asyncio.get_running_loop().time()
    there: StreamWriter | None = None
    try:
        with contextlib.suppress(OSError, ExceptionGroup):
            answers, there = await asyncio.open_connection("127.0.0.1", server_port)
            there.write(before)
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, there, seconds, first=opened + 2 * seconds))
                group.create_task(carry(answers, writer, seconds))
    finally:
        _held.discard(task)
        for end in filter(None, (writer, there)):
            end.close()


async def serve(port: int, server_port: int, seconds: float) -> None:
    """Listen on 127.0.0.1 until cancelled; `seconds` is one way."""

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        await connect(reader, writer, server_port, seconds)

    async with await asyncio.start_server(connected, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    port, server_port, milliseconds = map(int, sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(port, server_port, milliseconds / 2000))
