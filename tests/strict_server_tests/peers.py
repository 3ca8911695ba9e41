"""Raw peers for the strict server's tests: HTTP requests and WebSocket frames written by hand.

They share nothing with the server and judge nothing; what they see comes back as plain values.
"""

import asyncio
import base64
import json
import os
import struct
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

# What a peer sees when nothing more comes: the end of the connection, or nothing before the deadline.
CLOSED = "(closed)"
SILENT = "(silent)"
# Generous: the machine may be busy.
DEADLINE = 10.0
# How long nothing must come before a peer calls it silence.
SILENCE = 0.5
# The least that a peer waits: longer than a probe asks for where the server answers in the end, however late.
patience: ContextVar[float] = ContextVar("patience", default=0.0)
FENCE = '4299["message-with-ack","fence"]'
FENCE_ANSWER = '4399["fence"]'

Message = str | bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpPeer:
    """One TCP connection for HTTP requests, kept alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        address = urlsplit(url)
        return cls(*await asyncio.open_connection(address.hostname, address.port))

    def send(
        self,
        method: str,
        query: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        path: str = "/socket.io/",
    ) -> None:
        """Write a request; a `content-length` in `headers` replaces that of the body."""
        fields = {"host": "127.0.0.1", "content-length": str(len(body))} | (headers or {})
        if "transfer-encoding" in fields:
            del fields["content-length"]
        lines = [f"{method} {path}?{query} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.send_raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> Answer:
        """The next response. Raises ConnectionError when the connection ends first."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            status = int(head[0].split(" ")[1])
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])
            }
            if headers.get("transfer-encoding") == "chunked":
                return Answer(status, headers, await self._read_chunks())
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("closed before the response") from error
        return Answer(status, headers, body)

    async def _read_chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return body

    def close(self) -> None:
        self._writer.close()


async def request(
    url: str,
    method: str,
    query: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    path: str = "/socket.io/",
    deadline: float = DEADLINE,
) -> Answer:
    """One request on a connection of its own; the status 0 stands for no response before the deadline."""
    peer = await HttpPeer.open(url)
    peer.send(method, query, body, {"connection": "close"} | (headers or {}), path)
    try:
        async with asyncio.timeout(max(deadline, patience.get())):
            return await peer.receive()
    except TimeoutError:
        return Answer(0, {}, SILENT.encode())
    except ConnectionError:
        return Answer(0, {}, CLOSED.encode())
    finally:
        peer.close()


class PollingPeer:
    """A session over polling."""

    def __init__(self, url: str, open_data: dict[str, Any]) -> None:
        self.url = url
        self.open_data = open_data
        self.query = f"EIO=4&transport=polling&sid={open_data['sid']}"

    @classmethod
    async def open(cls, url: str) -> Self:
        answer = await request(url, "GET", "EIO=4&transport=polling")
        return cls(url, json.loads(answer.text[1:]))

    @classmethod
    async def connect(cls, url: str, connect: str = "40") -> Self:
        """A session connected to a namespace, its CONNECT answer and `auth` event already taken."""
        peer = await cls.open(url)
        await peer.push(connect)
        await peer.poll()
        return peer

    async def poll(self, headers: dict[str, str] | None = None, deadline: float = DEADLINE) -> Answer:
        return await request(self.url, "GET", self.query, headers=headers, deadline=deadline)

    async def push(self, text: Message, headers: dict[str, str] | None = None) -> Answer:
        body = text.encode() if isinstance(text, str) else text
        fields = {"content-type": "text/plain;charset=UTF-8"} if headers is None else headers
        return await request(self.url, "POST", self.query, body, fields)

    async def polls_until_refused(self, most: int = 20) -> list[str]:
        """Every packet until a poll is not answered 200."""
        packets: list[str] = []
        for _ in range(most):
            answer = await self.poll(deadline=SILENCE)
            if answer.status != 200:
                return [*packets, str(answer.status)]
            packets += answer.text.split("\x1e")
        return packets


class WebSocketPeer:
    """A WebSocket, with or without a session of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.close_code: int | None = None
        self.extensions = ""
        self.pongs: list[bytes] = []

    @classmethod
    async def open(
        cls, url: str, sid: str = "", query: str | None = None, extensions: str = ""
    ) -> "Self | Answer":
        """An open WebSocket, or the response that refused it."""
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        if query is None:
            query = "EIO=4&transport=websocket" + (f"&sid={sid}" if sid else "")
        key = base64.b64encode(os.urandom(16)).decode()
        http = HttpPeer(reader, writer)
        fields = {
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": key,
        }
        if extensions:
            fields["sec-websocket-extensions"] = extensions
        http.send("GET", query, headers=fields)
        answer = await http.receive()
        if answer.status != 101:
            return answer
        peer = cls(reader, writer)
        peer.extensions = answer.headers.get("sec-websocket-extensions", "")
        return peer

    @classmethod
    async def open_session(cls, url: str) -> Self:
        peer = await cls.open(url)
        assert isinstance(peer, cls), peer
        await peer.receive()
        return peer

    @classmethod
    async def connect(cls, url: str, *connects: str) -> Self:
        """A session connected to namespaces (the main one by default), both answers to each already taken."""
        peer = await cls.open_session(url)
        for connect in connects or ("40",):
            peer.send(connect)
            await peer.receive()
            await peer.receive()
        return peer

    def send(self, *messages: Message) -> None:
        for message in messages:
            opcode = 1 if isinstance(message, str) else 2
            self.send_frame(0x80 | opcode, message.encode() if isinstance(message, str) else message)

    def send_frame(self, first: int, data: bytes, mask: bytes | None = b"\x01\x02\x03\x04") -> None:
        """One frame; `first` is its first byte. Without a mask the frame breaks RFC 6455."""
        bit = 0x80 if mask else 0
        if len(data) < 126:
            head = struct.pack("!BB", first, bit | len(data))
        elif len(data) < 65536:
            head = struct.pack("!BBH", first, bit | 126, len(data))
        else:
            head = struct.pack("!BBQ", first, bit | 127, len(data))
        if mask:
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)) if any(mask) else data
        self._writer.write(head + (mask or b"") + data)

    async def receive(self, deadline: float = DEADLINE) -> Message:
        """The next message, CLOSED or SILENT. Text that is not UTF-8 comes as `(not UTF-8)`."""
        try:
            async with asyncio.timeout(max(deadline, patience.get())):
                return await self._receive()
        except TimeoutError:
            return SILENT
        except (asyncio.IncompleteReadError, ConnectionError):
            return CLOSED

    async def _receive(self) -> Message:
        while True:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self._reader.readexactly(8), "big")
            data = await self._reader.readexactly(length)
            opcode = first & 0x0F
            if opcode == 8:
                self.close_code = int.from_bytes(data[:2], "big") if data else 1005
                self.send_frame(0x88, data[:2])
                return CLOSED
            if opcode == 10:
                self.pongs.append(data)
            elif opcode == 1:
                try:
                    return data.decode()
                except UnicodeDecodeError:
                    return "(not UTF-8)"
            elif opcode == 2:
                return data

    async def receive_until_fence(self) -> list[Message]:
        """Ask for an ack and return all that comes before it; CLOSED or SILENT last when it does not come."""
        self.send(FENCE)
        received: list[Message] = []
        while True:
            message = await self.receive(deadline=2 * SILENCE)
            if message == FENCE_ANSWER:
                return received
            received.append(message)
            if message in (CLOSED, SILENT):
                return received

    def abort(self) -> None:
        self._writer.transport.abort()
