"""A Socket.IO client over one WebSocket that does only what a test asks of it, in the order it is asked.

It answers pings while it waits, keeps what it was not asked for yet, and fails with an AssertionError
when something does not come before the deadline.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from contextvars import ContextVar
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

import websocket

from sioprobe.wire.socketio import SocketDecoder, SocketPacket, SocketPacketType, encode_socket_packet

# Seconds, long enough for a busy machine and shorter than the heartbeat (45 s), which closes sessions too;
# the tests of missing features shorten it, since each of them ends in one.
DEADLINE = 30.0
deadline: ContextVar[float] = ContextVar("deadline", default=DEADLINE)


class NothingCame(AssertionError):
    """What a test waits for did not arrive in time."""


class Refused(Exception):
    """The namespace answered with CONNECT_ERROR; `data` is what it said."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.data = data


class Peer:
    """One Engine.IO session; connected to the given namespaces."""

    def __init__(self, url: str, *namespaces: str, auth: Any = None) -> None:
        self._websocket = websocket.create_connection(
            url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket", timeout=DEADLINE
        )
        self._decoder = SocketDecoder()
        self._unread: list[SocketPacket] = []
        self._next_ack_id = 0
        self.closed = False
        self.socket_ids: dict[str, str] = {}
        self._connected: set[str] = set()
        # A client may not speak before it was told its session; zishang520 loses what comes earlier.
        self.opened: dict[str, Any] = json.loads(self._websocket.recv().removeprefix("0"))
        for namespace in namespaces:
            self.connect(namespace, auth)

    def connect(self, namespace: str, auth: Any = None) -> str:
        """The socket id in that namespace; raises Refused."""
        self._send(SocketPacket(SocketPacketType.CONNECT, namespace, auth))
        answer = self._next(
            f"an answer to CONNECT {namespace}",
            lambda packet: (
                packet.type in (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
                and packet.namespace == namespace
            ),
        )
        if answer.type is SocketPacketType.CONNECT_ERROR:
            raise Refused(answer.data)
        self.socket_ids[namespace] = answer.data["sid"]
        self._connected.add(namespace)
        return self.socket_ids[namespace]

    def disconnect(self, namespace: str) -> None:
        self._connected.discard(namespace)
        self._send(SocketPacket(SocketPacketType.DISCONNECT, namespace))

    def emit(self, event: str, *arguments: Any, namespace: str) -> None:
        self._send(SocketPacket(SocketPacketType.EVENT, namespace, [event, *arguments]))

    def call(self, event: str, *arguments: Any, namespace: str) -> list[Any]:
        """Emit with an ack request; the arguments of the acknowledgement."""
        self._next_ack_id += 1
        ack_id = self._next_ack_id
        self._send(SocketPacket(SocketPacketType.EVENT, namespace, [event, *arguments], ack_id))
        acks = (SocketPacketType.ACK, SocketPacketType.BINARY_ACK)
        answer = self._next(
            f"an acknowledgement of {event!r}",
            lambda packet: packet.type in acks and packet.namespace == namespace and packet.ack_id == ack_id,
        )
        arguments_: list[Any] = answer.data
        return arguments_

    def expect(self, event: str, *, namespace: str) -> list[Any]:
        """The arguments of the next event with that name."""
        return list(self.expect_packet(event, namespace=namespace).data[1:])

    def expect_packet(self, event: str, *, namespace: str) -> SocketPacket:
        """The next event with that name, with its ack id."""
        events = (SocketPacketType.EVENT, SocketPacketType.BINARY_EVENT)
        return self._next(
            f"event {event!r} in {namespace}",
            lambda packet: (
                packet.type in events and packet.namespace == namespace and packet.data[0] == event
            ),
        )

    def answer(self, packet: SocketPacket, *arguments: Any) -> None:
        """Acknowledge an event that asked for it."""
        assert packet.ack_id is not None, f"{packet} asks for no acknowledgement"
        self._send(SocketPacket(SocketPacketType.ACK, packet.namespace, list(arguments), packet.ack_id))

    def expect_disconnect(self, namespace: str) -> None:
        self._next(
            f"DISCONNECT of {namespace}",
            lambda packet: packet.type is SocketPacketType.DISCONNECT and packet.namespace == namespace,
        )

    def expect_close(self) -> None:
        """Wait until the server has closed the session or the WebSocket."""
        end = time.monotonic() + deadline.get()
        while not self.closed:
            self._read(end, "the end of the session")

    def unread(self, namespace: str) -> list[Any]:
        """The data of what has come in a namespace and nobody asked for; does not wait."""
        return [packet.data for packet in self._unread if packet.namespace == namespace]

    def leave(self) -> None:
        """Disconnect from every namespace, wait until the server has run its handlers for that, and go.

        A server works on the packets of one session in their order, so the answer to a last CONNECT,
        to a namespace that does not exist, comes after everything that the disconnections cause.
        """
        if not self.closed:
            for namespace in list(self._connected):
                self.disconnect(namespace)
            with contextlib.suppress(Refused):
                self.connect("/no such namespace")
            self._websocket.send("1")
        self._websocket.shutdown()  # type: ignore[no-untyped-call]

    def drop(self) -> None:
        """End the connection without a word."""
        self.closed = True
        self._websocket.shutdown()  # type: ignore[no-untyped-call]

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.leave()
        else:
            self.drop()

    def _send(self, packet: SocketPacket) -> None:
        text, attachments = encode_socket_packet(packet)
        self._websocket.send("4" + text)
        for attachment in attachments:
            self._websocket.send_binary(attachment)

    def _next(self, what: str, wanted: Callable[[SocketPacket], bool]) -> SocketPacket:
        end = time.monotonic() + deadline.get()
        while True:
            for packet in self._unread:
                if wanted(packet):
                    self._unread.remove(packet)
                    return packet
            if self.closed:
                raise NothingCame(f"{what} did not come before the session was closed")
            self._read(end, what)

    def _read(self, end: float, what: str) -> None:
        self._websocket.settimeout(max(0.001, end - time.monotonic()))
        try:
            message = self._websocket.recv()
        except websocket.WebSocketTimeoutException:
            raise NothingCame(f"{what} did not come; came: {self._unread}") from None
        except (websocket.WebSocketException, OSError):
            message = ""
        if message in ("", "1"):
            self.closed = True
        elif message == "2":
            self._websocket.send("3")
        elif isinstance(message, bytes):
            self._take(message)
        elif message[0] == "4":
            self._take(message[1:])

    def _take(self, data: str | bytes) -> None:
        packet = self._decoder.decode(data)
        if packet is not None:
            self._unread.append(packet)
            if packet.type is SocketPacketType.DISCONNECT:
                self._connected.discard(packet.namespace)


class PollingPeer:
    """One Engine.IO session over long-polling, connected to a namespace. It keeps cookies, as browsers do."""

    def __init__(self, url: str, namespace: str = "/") -> None:
        self._url = url + "/socket.io/?EIO=4&transport=polling"
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        opened = json.loads(self._get().removeprefix("0"))
        self._url += "&sid=" + opened["sid"]
        self.opened: dict[str, Any] = opened
        self.packets: list[str] = []
        self.push("40" if namespace == "/" else f"40{namespace},")
        self.poll_until(lambda packet: packet.startswith("40"))

    def push(self, packet: str) -> None:
        request = urllib.request.Request(self._url, packet.encode(), {"Content-Type": "text/plain"})
        with self._opener.open(request, timeout=DEADLINE) as answer:
            answer.read()

    @property
    def cookies(self) -> dict[str, str | None]:
        """The cookies that a proxy has set, by name."""
        return {cookie.name: cookie.value for cookie in self._jar}

    def poll_until(self, wanted: Callable[[str], bool]) -> str:
        """Poll until such an Engine.IO packet comes; every one that came is in `packets`."""
        end = time.monotonic() + deadline.get()
        while time.monotonic() < end:
            for packet in self._get().split("\x1e"):
                self.packets.append(packet)
                if packet == "2":
                    self.push("3")
                elif wanted(packet):
                    return packet
        raise NothingCame(f"came: {self.packets}")

    def begin_poll(self) -> Callable[[], list[str]]:
        """Send a poll and wait until the server has it; what is returned waits for its packets."""
        parts = urlsplit(self._url)
        poll = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=deadline.get())
        poll.request("GET", f"{parts.path}?{parts.query}")
        # Connections are accepted in their order: the answer to a later one shows that ours is in.
        later = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=deadline.get())
        later.request("GET", "/socket.io/?EIO=4&transport=none")
        assert later.getresponse().status == 400
        later.close()

        def finish() -> list[str]:
            packets = poll.getresponse().read().decode().split("\x1e")
            poll.close()
            return packets

        return finish

    def _get(self) -> str:
        with self._opener.open(self._url, timeout=60) as answer:
            text: str = answer.read().decode()
        return text


def post(url: str, body: Any) -> int:
    """POST JSON; the status of the answer."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        return int(answer.status)


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        return json.load(answer)
