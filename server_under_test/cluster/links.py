"""The links: one way from each worker to the queue, which can be cut or frozen. A program of its own.

    python -m server_under_test.cluster.links --links 2 127.0.0.1:6379

It prints the ports of each link as a line of JSON, in the order of the addresses: [[40001], [40002]].
Then it reads one command a line, and answers each with a line:

    cut N       close the connections of link N; new ones are let through
    freeze N    nothing passes, nothing is closed, and new connections get no answer
    thaw N      all of it goes on
    close       refuse connections at every link, as a queue that does not run does
    open        let them through again

It ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

HOST = "127.0.0.1"
# As much as a socket holds; a message is far smaller.
CHUNK_BYTES = 1 << 18


class Link:
    """The way of one worker: a listener for each address of the queue, and the connections through it."""

    def __init__(self, addresses: Sequence[tuple[socket.AddressFamily, Any]]) -> None:
        self._addresses = addresses
        # They keep the ports while nobody listens there.
        self._held = [_bound() for _ in addresses]
        self.ports: list[int] = [held.getsockname()[1] for held in self._held]
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listening: set[asyncio.Task[None]] = set()
        self._connected: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen, unless it does already."""
        if not self._listening:
            for port, address in zip(self.ports, self._addresses, strict=True):
                listener = _bound(port)
                listener.listen()
                _keep(self._accept(listener, *address), self._listening)

    async def close(self) -> None:
        """Refuse new connections. Those that are open end with the queue."""
        await _cancel(self._listening)

    async def cut(self) -> None:
        """Close the connections."""
        await _cancel(self._connected)

    async def freeze(self) -> None:
        """Let nothing pass."""
        self._flowing.clear()

    async def thaw(self) -> None:
        """Let everything pass."""
        self._flowing.set()

    async def _accept(self, listener: socket.socket, family: socket.AddressFamily, address: Any) -> None:
        with listener:
            while True:
                worker, _ = await asyncio.get_running_loop().sock_accept(listener)
                _keep(self._connect(worker, socket.socket(family), address), self._connected)

    async def _connect(self, worker: socket.socket, queue: socket.socket, address: Any) -> None:
        """Join two connections until one of them ends. That ends the other."""
        with worker, queue, suppress(OSError):
            for side in (worker, queue):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The kernel has opened it already, as it does for a process that SIGSTOP holds.
            await self._flowing.wait()
            await asyncio.get_running_loop().sock_connect(queue, address)
            ways = [asyncio.create_task(self._pass(*way)) for way in ((worker, queue), (queue, worker))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel(ways)

    async def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            data = await loop.sock_recv(source, CHUNK_BYTES)
            # An end waits here too: nothing is closed while the link is frozen.
            await self._flowing.wait()
            if not data:
                return
            await loop.sock_sendall(sink, data)


def _keep(work: Any, tasks: set[asyncio.Task[None]]) -> None:
    """Run it as a task of this set until it ends."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """Return when all of them are over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _bound(port: int = 0) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    bound.setblocking(False)
    return bound


async def serve(count: int, addresses: Sequence[tuple[socket.AddressFamily, Any]]) -> None:
    """Make the links, say where they are, and obey until standard input ends."""
    links = [Link(addresses) for _ in range(count)]
    for link in links:
        await link.open()
    print(json.dumps([link.ports for link in links]), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := (await commands.readline()).decode().split():
        word, *numbers = line
        for link in [links[int(number) - 1] for number in numbers] or links:
            await getattr(link, word)()
        print(" ".join(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--links", type=int, required=True)
    parser.add_argument("addresses", nargs="+")
    words = parser.parse_args()
    # Ctrl-C is the supervisor's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    addresses = []
    for text in words.addresses:
        host, _, port = text.rpartition(":")
        family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        addresses.append((family, address))
    asyncio.run(serve(words.links, addresses))


if __name__ == "__main__":
    main()
