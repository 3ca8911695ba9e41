"""What the engine's tests share: a client that waits, and a server that sends exactly the bytes it is told.

gevent is imported, never patched: the scripted server's threads are real ones.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import AsyncResult, Event

from sioprobe.engine import (
    Backoff,
    Connection,
    Engine,
    Listener,
    SwarmError,
    Target,
)

DEADLINE = 40.0
OPEN = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
OPEN_UPGRADE = OPEN.replace("[]", '["websocket"]')


class Client(Listener):
    """One connection, with calls that wait on the hub. A context manager that drops it."""

    def __init__(
        self,
        url: str | Target,
        transport: str = "websocket",
        *,
        timeout: float = 10.0,
        backoff: Backoff | None = None,
    ) -> None:
        self.engine = Engine()
        self.engine.start()
        target = url if isinstance(url, Target) else Target.from_url(url)
        self.connection = Connection(self.engine, target, transport, self, timeout=timeout, backoff=backoff)
        self.events: list[tuple[str, str, list[Any]]] = []
        self.refusals: list[tuple[str, Any]] = []
        self.disconnects: list[str] = []
        self.failure: SwarmError | None = None
        self.losses: list[SwarmError] = []
        self.reconnects = 0
        self.upgrades = 0
        self._changed = Event()
        self.answer_with: tuple[Any, ...] = ()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.abort()
        self.engine.stop()

    def wait(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until the condition holds."""
        with gevent.Timeout(DEADLINE, AssertionError(f"not within {DEADLINE} s: {what or 'a condition'}")):
            while not condition():
                self._changed.wait(0.02)
                self._changed.clear()
        return condition()

    def connect(self, namespace: str = "/", auth: Any = None) -> Client:
        self.connection.connect(namespace, auth)
        self.wait(
            lambda: namespace in self.connection.namespaces or self.connection.closed or self.refusals,
            "connected",
        )
        return self

    def call(self, event: str, *args: Any, timeout: float = 10.0, **keywords: Any) -> list[Any]:
        answer: AsyncResult = AsyncResult()
        self.connection.emit(
            event,
            *args,
            ack=lambda values, failure: answer.set_exception(failure) if failure else answer.set(values),
            timeout=timeout,
            **keywords,
        )
        return answer.get(timeout=DEADLINE)  # type: ignore[no-any-return]

    def close(self) -> None:
        self.connection.close()
        if self.connection.is_open or not self.connection.closed:
            self.wait(lambda: self.connection.closed, "closed")

    def names(self) -> list[str]:
        return [name for _, name, _ in self.events]

    def counted(self, type: str) -> tuple[int, int, dict[str, int]]:
        """Timed, untimed and errors of all series of a type."""
        timed = untimed = 0
        errors: dict[str, int] = {}
        for series, sample in self.engine.recorder.totals():
            if series.type == type:
                timed += sample.timed
                untimed += sample.untimed
                errors.update(sample.errors)
        return timed, untimed, errors

    # Listener

    def connected(self, connection: Connection, namespace: str) -> None:
        self._changed.set()

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.refusals.append((namespace, data))
        self._changed.set()

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        self.events.append((namespace, name, args))
        if ack_id is not None:
            connection.ack(ack_id, *self.answer_with, namespace=namespace)
        self._changed.set()

    def disconnected(self, connection: Connection, namespace: str) -> None:
        self.disconnects.append(namespace)
        self._changed.set()

    def upgraded(self, connection: Connection) -> None:
        self.upgrades += 1
        self._changed.set()

    def lost(self, connection: Connection, failure: SwarmError) -> None:
        self.losses.append(failure)
        self._changed.set()

    def reconnected(self, connection: Connection, nanoseconds: int) -> None:
        self.reconnects += 1
        self._changed.set()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.failure = failure
        self._changed.set()


class Peer:
    """The server's end of one TCP connection, in a thread of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._held = b""

    def read_request(self) -> bytes:
        """One HTTP request, its body included; empty at the end of the stream."""
        while b"\r\n\r\n" not in self._held:
            if not self._fill():
                return b""
        head, _, rest = self._held.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        length = int(found[1]) if found else 0
        while len(rest) < length:
            if not self._fill():
                return b""
            rest = self._held.partition(b"\r\n\r\n")[2]
        self._held = rest[length:]
        return head + b"\r\n\r\n" + rest[:length]

    def accept_websocket(self) -> bytes:
        """Answer the opening handshake; the request."""
        request = self.read_request()
        self.accept_key(request)
        return request

    def accept_key(self, request: bytes, extra: bytes = b"") -> None:
        """Answer an opening handshake that was read, with more header lines."""
        found = re.search(rb"sec-websocket-key: *(\S+)", request, re.IGNORECASE)
        assert found, request
        digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n" + extra + b"\r\n"
        )

    def read_frame(self) -> tuple[int, bytes]:
        """Opcode and unmasked payload of one client frame; (-1, b"") at the end of the stream."""
        head = self._take(2)
        if len(head) < 2:
            return -1, b""
        assert head[1] & 0x80, "a client must mask"
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8), "big")
        mask = self._take(4)
        data = self._take(length)
        return head[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))

    def read_text(self) -> str:
        """The next text frame."""
        opcode, data = self.read_frame()
        assert opcode == 1, opcode
        return data.decode()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_text(self, text: str) -> None:
        self.send(frame(1, text.encode()))

    def answer(self, body: str, extra: str = "") -> None:
        """One keep-alive answer with a length."""
        data = body.encode()
        self.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n{extra}\r\n".encode() + data)

    def connect_main(self) -> None:
        """WebSocket handshake, OPEN, CONNECT and its answer."""
        self.accept_websocket()
        self.send_text(OPEN)
        assert self.read_text() == "40"
        self.send_text('40{"sid":"x"}')

    def refuse_noise(self) -> None:
        """Answer whatever comes as an HTTP server answers what it cannot read."""
        self._fill()
        self.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    def wait_for_end(self) -> None:
        """Read until the client closes."""
        while self._fill():
            pass

    def _fill(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except OSError:
            return False
        self._held += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            if not self._fill():
                break
        data, self._held = self._held[:count], self._held[count:]
        return data


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """One server frame."""
    first = bytes((opcode | (0x80 if fin else 0),))
    length = len(payload)
    if length < 126:
        return first + bytes((length,)) + payload
    if length < 65536:
        return first + b"\x7e" + length.to_bytes(2, "big") + payload
    return first + b"\x7f" + length.to_bytes(8, "big") + payload


class ScriptedServer:
    """Runs `script(peer)` in a thread for each connection; what a script raises fails the test at the end."""

    def __init__(self, script: Callable[[Peer], None]) -> None:
        self._script = script
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self._peers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            self._peers.append(sock)
            thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, sock: socket.socket) -> None:
        try:
            self._script(Peer(sock))
        except OSError:
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            sock.close()

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for sock in self._peers:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        stop = getattr(self._script, "stop", None)
        if stop is not None:
            stop()
        for thread in (self._acceptor, *self._threads):
            thread.join(5)
        assert not self.errors, self.errors
