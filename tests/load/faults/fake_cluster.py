"""A cluster of two servers in one process that does one thing wrong, between a fault and its mend.

    python fake_cluster.py WRONG

It prints READY and obeys like `sioprobe serve --play`: the first command begins the fault, the second mends
it. Its servers speak WebSocket alone, and as much Socket.IO as the clients of a fault need.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

WRONGS = {
    "nothing": "all is well",
    "lose": "every tenth event to the other server is lost",
    "double": "every event to the other server comes twice",
    "reorder": "every second event to the other server comes after the next one",
    "delay": "what goes to the other server waits for the mend",
    "deaf": "server 1 hears nothing of the other until the mend",
    "deaf-for-ever": "server 1 hears nothing of the other any more",
    "block": "no emit returns before the mend",
    "raise": "every emit raises",
    "cut": "the clients of server 1 are cut off, and nobody can connect to it before the mend",
    "refuse": "the cluster cannot play the fault",
    "die": "the cluster ends",
}


OPENED = {"sid": "s", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 10**6}
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nOSError: no queue'


class Worker:
    """One server."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.clients: set[ServerConnection] = set()
        self.members: set[ServerConnection] = set()
        self.server: Server | None = None
        self.port = 0

    async def listen(self) -> None:
        self.server = await serve(self.talk, "127.0.0.1", self.port, compression=None, max_size=None)
        self.port = next(iter(self.server.sockets)).getsockname()[1]

    async def talk(self, client: ServerConnection) -> None:
        await client.send("0" + json.dumps(OPENED))
        self.clients.add(client)
        try:
            async for packet in client:
                assert isinstance(packet, str)
                if packet == "40":
                    await client.send('40{"sid":"s"}')
                elif packet.startswith("42"):
                    head, bracket, rest = packet[2:].partition("[")
                    await self.handle(client, head, *json.loads(bracket + rest))
        finally:
            self.clients.discard(client)
            self.members.discard(client)

    async def handle(self, client: ServerConnection, ack: str, event: str, room: str, *words: Any) -> None:
        if event == "join":
            self.members.add(client)
            await client.send(f"43{ack}[[]]")
            return
        text = "42" + json.dumps(words)
        self.deliver(text)
        self.cluster.publish(self, text)
        await self.cluster.answer(client, f"43{ack}[]")

    def deliver(self, text: str) -> None:
        for member in self.members:
            member.protocol.send_text(text.encode())
            member.send_data()


class Cluster:
    """Two servers and what joins them."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong
        self.faulty = False
        self.workers = [Worker(self, 1), Worker(self, 2)]
        self.count = 0
        self.held: list[tuple[Worker, str]] = []
        self.blocked: list[tuple[ServerConnection, str]] = []

    def publish(self, sender: Worker, text: str) -> None:
        """What the queue does with it."""
        other = self.workers[2 - sender.number]
        wrong = self.wrong if self.faulty else ""
        self.count += 1
        if wrong == "delay":
            self.held.append((other, text))
        elif wrong == "reorder" and sender.number == 1:
            if not self.held:
                self.held.append((other, text))
                return
            other.deliver(text)
            self.release()
        elif not (wrong == "lose" and self.count % 10 == 0) and not (
            wrong.startswith("deaf") and other.number == 1
        ):
            for _ in range(2 if wrong == "double" else 1):
                other.deliver(text)

    async def answer(self, client: ServerConnection, ack: str) -> None:
        wrong = self.wrong if self.faulty else ""
        if wrong == "block":
            self.blocked.append((client, ack))
        elif wrong == "raise":
            print(TRACEBACK, file=sys.stderr)
        else:
            await client.send(ack)

    def release(self) -> None:
        held, self.held = self.held, []
        for worker, text in held:
            worker.deliver(text)

    async def obey(self) -> None:
        """Do each command of standard input."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := (await reader.readline()).decode().strip():
            if self.wrong == "die":
                sys.exit("out of memory")
            if self.wrong == "refuse":
                print(json.dumps({"error": "this queue has no links"}), flush=True)
                continue
            await (self.mend() if self.faulty else self.begin())
            print(json.dumps({"done": line}), flush=True)

    async def begin(self) -> None:
        self.faulty = True
        print(f"queue {self.count} is gone", file=sys.stderr, flush=True)
        if self.wrong == "cut":
            server = self.workers[0].server
            assert server is not None
            server.close()
            await server.wait_closed()

    async def mend(self) -> None:
        self.faulty = self.wrong == "deaf-for-ever"
        self.release()
        blocked, self.blocked = self.blocked, []
        for client, ack in blocked:
            await client.send(ack)
        if self.wrong == "cut":
            await self.workers[0].listen()


async def main(wrong: str) -> None:
    cluster = Cluster(wrong)
    for worker in cluster.workers:
        await worker.listen()
    urls = [f"http://127.0.0.1:{worker.port}" for worker in cluster.workers]
    print("READY " + json.dumps({"urls": urls, "versions": {"fake": "1.0"}}), flush=True)
    await cluster.obey()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
