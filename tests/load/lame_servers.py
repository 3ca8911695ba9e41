"""The null server with one thing wrong each, on the test's own hub; and one that leaks, as a process.

`python -m tests.load.lame_servers` is the leaking one: it keeps sockets and sessions of clients that left.
With `memory` it keeps 50,000 bytes of each instead, with `nothing` it is as it should be, and with `refusing`
it lets nobody in.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable

import gevent
from gevent.event import Event

from load.blocks.null_server import Client, Exchange, NullServer


def strict_server(*faults: str, ping_timeout: int = 5) -> list[str]:
    """The command that starts the spec-strict server with some faults."""
    words = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1"]
    words += ["--ping-timeout", str(ping_timeout)]
    return [*words, *(word for fault in faults for word in ("--fault", fault))]


class LameServer(NullServer):
    """On 127.0.0.1; a context manager."""

    def __init__(self, ping_interval: float = 25.0) -> None:
        super().__init__("127.0.0.1", 0, ping_interval)
        self.url = f"http://127.0.0.1:{self.address[1]}"

    def make(self, session_id: str) -> Client:
        """The session of one client."""
        return Client(self, session_id)

    def open(self) -> Client:
        self._count += 1
        client = self.make(f"lame-{self._count}")
        self.clients[client.session_id] = client
        return client

    def drop_all(self) -> None:
        """End every TCP connection without a word, as a server that is killed does."""
        for exchange in list(self.exchanges):
            exchange.lost(None)
            exchange.close()
        self.clients.clear()

    def __enter__(self) -> LameServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.stop()
        self._ping_timer.stop()
        self.drop_all()
        self._sock.close()


class RefusedClient(Client):
    """Every CONNECT is refused."""

    def receive(self, packet: str) -> None:
        if packet.startswith("40"):
            self.send('44{"message":"full"}')
        else:
            super().receive(packet)


class CrowdedServer(LameServer):
    """Lets in so many clients and refuses all others."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def make(self, session_id: str) -> Client:
        if self.limit <= 0:
            return RefusedClient(self, session_id)
        self.limit -= 1
        return super().make(session_id)


class SilentClient(Client):
    """Takes events, and acknowledges none."""

    def _event(self, packet: str) -> None:
        pass


class SilentServer(LameServer):
    """Acknowledges nothing."""

    def make(self, session_id: str) -> Client:
        return SilentClient(self, session_id)


class HeldClient(Client):
    """Gets events only when the server lets them through."""

    def send(self, packet: str) -> None:
        server = self.server
        assert isinstance(server, BlockingServer)
        # Behind what is held already: a server keeps the order.
        if packet.startswith("42") and (server.blocked() or server.held):
            server.held.append((self, packet))
        else:
            super().send(packet)


class BlockingServer(LameServer):
    """Serves nobody while `blocked` answers True, and everybody afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: Callable[[], bool] = lambda: False
        self.held: list[tuple[HeldClient, str]] = []

    def make(self, session_id: str) -> Client:
        return HeldClient(self, session_id)

    def flush(self) -> None:
        """Send what was held."""
        held, self.held = self.held, []
        for client, packet in held:
            client.send(packet)


class ImpatientClient(Client):
    """Is reset when more than a little waits for it."""

    def send(self, packet: str) -> None:
        super().send(packet)
        if self.socket is not None and self.socket.stream.unsent > 100_000:
            sock = self.socket.stream._sock
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Not here: the caller goes through the members of a room.
            self.server.loop.run_callback(self.server.drop, self)


class ImpatientServer(LameServer):
    """Has small buffers, and resets a client that does not read."""

    def __init__(self) -> None:
        super().__init__()
        # Sockets that it accepts inherit it.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)

    def make(self, session_id: str) -> Client:
        return ImpatientClient(self, session_id)


class LeakingServer(LameServer):
    """Forgets to close what clients have left."""

    kept: list[Exchange]

    def drop(self, client: Client) -> None:
        pass


class LeakingExchange(Exchange):
    """Does not close its socket."""

    __slots__ = ()

    def close(self) -> None:
        self.stream.stop_reading()


class KeepingServer(LameServer):
    """Keeps 50,000 bytes of each client."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    def make(self, session_id: str) -> Client:
        self.kept.append(os.urandom(50_000))
        return super().make(session_id)


def main() -> int:
    """The leaking server, until SIGTERM."""
    import load.blocks.null_server

    what = sys.argv[1] if len(sys.argv) > 1 else "sockets"
    if what == "sockets":
        load.blocks.null_server.Exchange = LeakingExchange  # type: ignore[misc]
    kinds = {"sockets": LeakingServer, "memory": KeepingServer, "nothing": LameServer}
    server = CrowdedServer(0) if what == "refusing" else kinds[what]()
    stopped = Event()
    gevent.signal_handler(signal.SIGTERM, stopped.set)
    print("READY " + json.dumps({"urls": [server.url], "pids": [os.getpid()], "server": "leaks"}), flush=True)
    stopped.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
