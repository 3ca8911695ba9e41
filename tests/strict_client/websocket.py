"""The client's end of a WebSocket, by RFC 6455 and strict."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import struct
import zlib

from tests.strict_client.faults import Faults
from tests.strict_client.origin import Origin

__all__ = ["NoWebSocket", "WebSocket"]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class NoWebSocket(Exception):
    """It was not opened, or it has ended."""


class WebSocket:
    """Messages in both directions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults) -> None:
        self._reader, self._writer, self._faults = reader, writer, faults
        self.closed = False

    @classmethod
    async def open(cls, origin: Origin, target: str, faults: Faults) -> WebSocket:
        """Raises NoWebSocket."""
        key = base64.b64encode(os.urandom(8 if faults("key-is-short") else 16)).decode()
        lines = [f"GET {target} HTTP/1.1", *origin.headers(websocket=True), "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        protocols = [] if faults("protocols-are-not-read") else origin.options.get("protocols", [])
        lines += [f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await origin.connect()
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            _check(head, key, protocols, faults)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise NoWebSocket(str(error)) from None
        except BaseException:
            if writer is not None:
                writer.transport.abort()
            raise
        return cls(reader, writer, faults)

    def send(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        if self._faults("long-messages-are-cut"):
            data = data[:60_000]
        opcode = TEXT if isinstance(message, str) else BINARY
        if self._faults("compresses-without-consent") and len(data) > 1024:
            opcode, data = opcode | 0x40, zlib.compress(data, wbits=-15)
        self._frame(opcode, data)

    def _frame(self, opcode: int, data: bytes) -> None:
        if self.closed:
            return
        masked = 0 if self._faults("frames-are-not-masked") else 0x80
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, masked | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, masked | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, masked | 127, size)
        if masked:
            mask = os.urandom(4)
            wide = (mask * (size // 4 + 1))[:size]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(wide, "big")).to_bytes(size, "big")
            head += mask
        self._writer.write(head + data)

    async def receive(self) -> str | bytes:
        """The next message. Raises NoWebSocket at its end, and when the server breaks the rules."""
        kind, parts = 0, []
        while True:
            fin, opcode, data = await self._read_frame()
            if opcode == PING:
                if not self._faults("ping-frame-is-ignored"):
                    self._frame(PONG, data)
                if self._faults("control-frame-ends-a-message") and parts:
                    parts = []
            elif opcode == CLOSE:
                if not self._faults("close-frame-is-not-answered"):
                    self._frame(CLOSE, data[:2])
                    await self._writer.drain()
                self.abort()
                raise NoWebSocket("closed by the server")
            elif opcode in (TEXT, BINARY, 0):
                kind = opcode or kind
                parts.append(data)
                if fin:
                    return self._message(kind, b"".join(parts))
            elif opcode != PONG and not self._faults("unknown-opcode-is-ignored"):
                self._fail("unknown opcode")

    def _message(self, kind: int, data: bytes) -> str | bytes:
        if kind == BINARY:
            return data
        if self._faults("bad-utf8-is-replaced"):
            return data.decode("utf-8", "replace")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return self._fail("text that is not UTF-8")

    async def _read_frame(self) -> tuple[bool, int, bytes]:
        try:
            if self._faults("frame-is-one-read"):
                data = await self._reader.read(65536)
                return True, data[0] & 0x0F, data[2:] if data[1] < 126 else data[4:]
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
                size = size // 2 if self._faults("lengths-of-64-bits-are-wrong") else size
            if second & 0x80:
                mask = await self._reader.readexactly(4)
                if not self._faults("masked-frame-is-read"):
                    self._fail("masked frame")
                data = await self._reader.readexactly(size)
                return True, first & 0x0F, bytes(byte ^ mask[n % 4] for n, byte in enumerate(data))
            if first & 0x70 and not self._faults("reserved-bits-are-ignored"):
                self._fail("reserved bits")
            if first & 0x08 and not first & 0x80 and not self._faults("fragmented-control-is-taken"):
                self._fail("fragmented control frame")
            data = await self._reader.readexactly(size)
            if self._faults("one-frame-a-read") and self._reader._buffer:  # type: ignore[attr-defined]
                await self._reader.read(65536)
            return bool(first & 0x80), first & 0x0F, data
        except (OSError, IndexError, asyncio.IncompleteReadError) as error:
            self.abort()
            raise NoWebSocket(f"lost: {type(error).__name__}") from None

    def _fail(self, why: str) -> str:
        self._frame(CLOSE, struct.pack("!H", 1002))
        self.abort()
        raise NoWebSocket(why)

    def close(self) -> None:
        """Say goodbye, and end the connection."""
        if not self._faults("no-close-frame"):
            self._frame(CLOSE, struct.pack("!H", 1000))
        self.closed = True
        self._writer.close()

    def abort(self) -> None:
        self.closed = True
        self._writer.close()


def _check(head: str, key: str, protocols: list[str], faults: Faults) -> None:
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if first.split(" ")[1] != "101":
        raise NoWebSocket(first)
    wanted = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
    if headers.get("sec-websocket-accept") != wanted and not faults("accept-key-is-not-checked"):
        raise NoWebSocket("wrong accept key")
    if "sec-websocket-extensions" in headers and not faults("extensions-are-not-checked"):
        raise NoWebSocket("an extension")
    chosen = headers.get("sec-websocket-protocol")
    if chosen is not None and chosen not in protocols and not faults("subprotocol-is-not-checked"):
        raise NoWebSocket("a subprotocol")
