"""A Socket.IO server that does next to nothing. It shows the floor of the load generator's figures.

`python -m load.blocks.null_server --port 0` prints the READY line. It serves handshake, CONNECT,
heartbeat, upgrade, `message-with-ack` (with attachments too), `message`, `join`, `leave`, `in`, `all` and
`burst` on WebSocket and polling, as callbacks on the gevent hub.
`GET /counts` answers as JSON what it has done so far: acks, deliveries, connects, and the open sessions.
It does not check what clients send, knows no other events, and refuses no namespace. It is no reference.
"""

from __future__ import annotations

import _socket
import argparse
import base64
import json
import os
import signal
from collections import deque
from typing import Any

import gevent
import httptools
from gevent.event import Event

from sioprobe.engine.errors import SwarmError
from sioprobe.engine.hub import raise_open_files_limit
from sioprobe.engine.transports.stream import Stream
from sioprobe.wire import RECORD_SEPARATOR, accept_key
from sioprobe.wire.websocket import apply_mask

PING_INTERVAL = 25.0
MAX_HEAD = 65536


class Client:
    """One Engine.IO session; `stream` is its WebSocket, or None while it polls."""

    __slots__ = (
        "attachments",
        "missing",
        "namespaces",
        "outbox",
        "pending",
        "pings",
        "rooms",
        "server",
        "session_id",
        "socket",
        "upgrading",
    )

    def __init__(self, server: NullServer, session_id: str) -> None:
        self.server = server
        self.session_id = session_id
        self.socket: Exchange | None = None
        self.pending: Exchange | None = None
        self.outbox: deque[str] = deque()
        self.rooms: set[str] = set()
        self.namespaces: set[str] = set()
        self.attachments: list[str | bytes] = []
        self.missing = 0
        self.upgrading = False

    def send(self, packet: str) -> None:
        """Send one packet over whichever transport the client has now."""
        if self.socket is not None:
            self.socket.send_frame(packet)
        else:
            self.outbox.append(packet)
            self.release()

    def release(self) -> None:
        """Answer the pending poll if there is anything to say."""
        if self.pending is None:
            return
        if not self.outbox and self.upgrading:
            self.outbox.append("6")
        if self.outbox:
            pending, self.pending = self.pending, None
            body = RECORD_SEPARATOR.join(self.outbox)
            self.outbox.clear()
            pending.answer(body)

    def receive(self, packet: str) -> None:
        """Take one packet of the client."""
        if packet.startswith("42"):
            self._event(packet)
        elif packet.startswith("45"):
            self._begin_binary(packet)
        elif packet[:1] == "b":
            self.receive_attachment(packet)
        elif packet.startswith("40"):
            namespace = _namespace(packet)
            self.namespaces.add(namespace)
            self.server.connects += 1
            self.send(f'40{namespace}{{"sid":"{self.session_id}"}}')
        elif packet.startswith("41"):
            self.namespaces.discard(_namespace(packet))
        elif packet == "1":
            self.server.drop(self)

    def _begin_binary(self, packet: str) -> None:
        """`message-with-ack` with attachments. The ack follows when they are there."""
        start = packet.index("[")
        count, _, prefix = packet[2:start].partition("-")
        if packet.startswith('["message-with-ack",', start):
            self.attachments = [f"46{count}-{prefix}[{packet[start + 20 :]}"]
            self.missing = int(count)

    def receive_attachment(self, data: str | bytes) -> None:
        """One attachment: bytes of a frame, or a record of a polling body."""
        if not self.missing:
            return
        self.attachments.append(data)
        self.missing -= 1
        if not self.missing:
            for part in self.attachments:
                self.send_part(part)
            self.attachments = []

    def send_part(self, part: str | bytes) -> None:
        """Send a text or an attachment over whichever transport the client has now."""
        if self.socket is not None and part[:1] == "b":
            part = base64.b64decode(part[1:])
        if isinstance(part, str):
            self.send(part)
        elif self.socket is not None:
            self.socket.send_binary(part)
        else:
            self.send("b" + base64.b64encode(part).decode())

    def _event(self, packet: str) -> None:
        start = packet.index("[")
        prefix = packet[2:start]  # namespace and ack id
        if packet.startswith('["message-with-ack",', start):
            self.server.acks += 1
            self.send(f"43{prefix}[{packet[start + 20 :]}")
            return
        if packet.startswith('["message",', start):
            self.send(f'42{prefix}["message-back",{packet[start + 11 :]}')
            return
        name, *args = json.loads(packet[start:])
        if name == "join":
            self.server.join(self, args[0])
            self.send(f"43{prefix}[{json.dumps([args[0]])}]")
        elif name == "burst":
            namespace = prefix.rpartition(",")[0] + "," if "," in prefix else ""
            for number in range(args[0]):
                self.send(f'42{namespace}["b",{number},"{"x" * args[1]}"]')
        elif name == "in":
            namespace = prefix.rpartition(",")[0] + "," if "," in prefix else ""
            text = f"42{namespace}{json.dumps(args[1:], separators=(',', ':'))}"
            members = self.server.rooms.get(args[0], ())
            self.server.deliveries += len(members)
            for member in members:
                member.send(text)
        elif name == "all":
            namespace = prefix.rpartition(",")[0] + "," if "," in prefix else ""
            text = f"42{namespace}{json.dumps(args, separators=(',', ':'))}"
            for member in list(self.server.clients.values()):
                if namespace in member.namespaces:
                    self.server.deliveries += 1
                    member.send(text)
        elif name == "leave":
            self.server.leave(self, args[0])
            self.send(f"43{prefix}[{json.dumps(sorted(self.rooms))}]")


def _namespace(packet: str) -> str:
    """The namespace of a CONNECT or DISCONNECT: `/custom,`, or nothing for the main one."""
    return packet[2:].partition(",")[0] + "," if packet[2:3] == "/" else ""


class Exchange:
    """One TCP connection: HTTP requests in turn, or a WebSocket after the upgrade."""

    __slots__ = ("body", "buffer", "client", "headers", "parser", "server", "stream", "url", "websocket")

    def __init__(self, server: NullServer, sock: Any) -> None:
        self.server = server
        self.client: Client | None = None
        self.parser = httptools.HttpRequestParser(self)
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.url = b""
        self.buffer = b""
        self.websocket = False
        self.stream = Stream(server.loop, self.receive, self.lost)
        self.stream.accept(sock)

    def receive(self, data: bytes) -> None:
        if self.websocket:
            self._frames(data)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            self.close()

    def lost(self, failure: SwarmError | None) -> None:
        self.server.exchanges.discard(self)
        client = self.client
        if client is not None and self.websocket and client.socket is self:
            self.server.drop(client)
        elif client is not None and client.pending is self:
            client.pending = None

    def close(self) -> None:
        self.server.exchanges.discard(self)
        self.stream.close()

    # httptools calls these.

    def on_message_begin(self) -> None:
        self.headers, self.body, self.url = {}, b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.url == b"/counts":
            self.answer(json.dumps(self.server.counts()))
            return
        query = dict(
            pair.split("=", 1) for pair in self.url.decode().partition("?")[2].split("&") if "=" in pair
        )
        if query.get("EIO") != "4":
            self.answer('{"code":5,"message":"Unsupported protocol version"}', "400 Bad Request")
            return
        if query.get("transport") == "websocket":
            self._upgrade(query.get("sid"))
            return
        session_id = query.get("sid")
        if session_id is None:
            client = self.server.open()
            self.answer(self.server.open_packet(client))
            return
        known = self.server.clients.get(session_id)
        if known is None:
            self.answer('{"code":1,"message":"Session ID unknown"}', "400 Bad Request")
        elif self.parser.get_method() == b"POST":
            for packet in self.body.decode().split(RECORD_SEPARATOR):
                known.receive(packet)
            self.answer("ok")
        else:
            self.client = known
            known.pending = self
            known.release()

    def answer(self, body: str, status: str = "200 OK") -> None:
        """Answer the current request."""
        data = body.encode()
        self.stream.write(
            b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (status.encode(), len(data), data)
        )

    def _upgrade(self, session_id: str | None) -> None:
        key = self.headers.get(b"sec-websocket-key", b"").decode()
        self.stream.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept_key(key).encode()
        )
        self.websocket = True
        if session_id is None:
            self.client = self.server.open()
            self.client.socket = self
            self.send_frame(self.server.open_packet(self.client))
        else:
            self.client = self.server.clients.get(session_id)
            if self.client is None:
                self.close()

    def _frames(self, data: bytes) -> None:
        data = self.buffer + data
        position, end = 0, len(data)
        while end - position >= 6:
            length = data[position + 1] & 0x7F
            start = position + 2
            if length == 126:
                start += 2
                length = int.from_bytes(data[start - 2 : start], "big")
            elif length == 127:
                start += 8
                length = int.from_bytes(data[start - 8 : start], "big")
            stop = start + 4 + length
            if stop > end:
                break
            opcode = data[position] & 0x0F
            payload = apply_mask(data[start + 4 : stop], data[start : start + 4])
            position = stop
            if opcode == 8:
                self.stream.write(b"\x88" + bytes((len(payload[:2]),)) + payload[:2])
                self.lost(None)
                self.close()
                return
            if opcode == 1:
                self._text(payload.decode())
            elif opcode == 2 and self.client is not None:
                self.client.receive_attachment(payload)
        self.buffer = data[position:]

    def _text(self, packet: str) -> None:
        client = self.client
        if client is None:
            return
        if packet == "2probe":
            self.send_frame("3probe")
            client.upgrading = True
            client.release()
        elif packet == "5":
            client.upgrading = False
            client.socket = self
            while client.outbox:
                self.send_frame(client.outbox.popleft())
        else:
            client.receive(packet)

    def send_frame(self, packet: str) -> None:
        """Send one text frame."""
        self._send(b"\x81", packet.encode())

    def send_binary(self, data: bytes) -> None:
        """Send one binary frame."""
        self._send(b"\x82", data)

    def _send(self, head: bytes, data: bytes) -> None:
        length = len(data)
        if length < 126:
            self.stream.write(head + bytes((length,)) + data)
        elif length < 65536:
            self.stream.write(head + b"\x7e" + length.to_bytes(2, "big") + data)
        else:
            self.stream.write(head + b"\x7f" + length.to_bytes(8, "big") + data)


class NullServer:
    """Listener, sessions and rooms."""

    def __init__(self, host: str, port: int, ping_interval: float = PING_INTERVAL) -> None:
        self.loop: Any = gevent.get_hub().loop
        self.ping_interval = ping_interval
        self.clients: dict[str, Client] = {}
        self.rooms: dict[str, set[Client]] = {}
        self.exchanges: set[Exchange] = set()
        self.acks = self.deliveries = self.connects = 0
        self._count = 0
        self._sock: Any = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port))
        self._sock.listen(4096)
        self._sock.setblocking(False)
        self.address = self._sock.getsockname()
        self._watcher = self.loop.io(self._sock.fileno(), 1)
        self._watcher.start(self._accept)
        self._ping_timer = self.loop.timer(ping_interval, ping_interval)
        self._ping_timer.start(self._ping)

    def _accept(self) -> None:
        for _ in range(64):
            try:
                descriptor, _address = self._sock._accept()
            except OSError:
                return
            self.exchanges.add(Exchange(self, _socket.socket(fileno=descriptor)))

    def _ping(self) -> None:
        for client in list(self.clients.values()):
            client.send("2")

    def open(self) -> Client:
        """A new session."""
        self._count += 1
        client = Client(self, f"null-{self._count}")
        self.clients[client.session_id] = client
        return client

    def counts(self) -> dict[str, int]:
        """The operations since the start, and the open sessions."""
        return {
            "acks": self.acks,
            "deliveries": self.deliveries,
            "connects": self.connects,
            "sessions": len(self.clients),
        }

    def open_packet(self, client: Client) -> str:
        """The OPEN packet of a session."""
        upgrades = [] if client.socket is not None else ["websocket"]
        return "0" + json.dumps(
            {
                "sid": client.session_id,
                "upgrades": upgrades,
                "pingInterval": int(self.ping_interval * 1000),
                "pingTimeout": 20000,
                "maxPayload": 1_000_000,
            }
        )

    def join(self, client: Client, room: str) -> None:
        """Put a session into a room."""
        self.rooms.setdefault(room, set()).add(client)
        client.rooms.add(room)

    def leave(self, client: Client, room: str) -> None:
        """Take a session out of a room."""
        client.rooms.discard(room)
        self.rooms.get(room, set()).discard(client)

    def drop(self, client: Client) -> None:
        """Forget a session."""
        self.clients.pop(client.session_id, None)
        for room in client.rooms:
            members = self.rooms.get(room)
            if members is not None:
                members.discard(client)
                if not members:
                    del self.rooms[room]
        if client.pending is not None:
            pending, client.pending = client.pending, None
            pending.answer("6")
        if client.socket is not None:
            socket, client.socket = client.socket, None
            socket.stream.write(b"\x88\x00")
            socket.close()


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m load.blocks.null_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ping-interval", type=float, default=PING_INTERVAL)
    options = parser.parse_args(arguments)
    raise_open_files_limit()
    try:
        server = NullServer(options.host, options.port, options.ping_interval)
    except OSError as error:
        parser.error(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopped.set)
    ready = {"urls": [f"http://{options.host}:{server.address[1]}"], "pids": [os.getpid()], "server": "null"}
    print("READY " + json.dumps(ready), flush=True)
    stopped.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
