"""The strict client of Engine.IO 3 and Socket.IO 4: what differs from `engine.py` and `client.py`."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any
from urllib.parse import urlencode

from tests.strict_client.client import Client
from tests.strict_client.engine import Engine, Owner
from tests.strict_client.faults import Faults
from tests.strict_client.http1 import Answer
from tests.strict_client.packets import ParseError

__all__ = ["Client3", "Engine3"]

LENGTH = re.compile(r"([1-9][0-9]*):")


class Engine3(Engine):
    """The client pings. Payloads have lengths, and binary messages a byte for their type."""

    REVISION = "3"

    def __init__(self, url: str, options: dict[str, Any], faults: Faults, owner: Owner) -> None:
        self._base64 = bool(options.get("forceBase64"))
        self._pings: asyncio.TimerHandle | None = None
        super().__init__(url, options, faults, owner)

    def _target(self, transport: str) -> str:
        target = super()._target(transport)
        if self.sid and self._faults("eio-3-is-left-out-later"):
            target = target.replace("EIO=3&", "")
        return target.replace("EIO=3", "EIO=4") if self._faults("says-eio-4") else target

    def _take_open(self, packet: str | bytes) -> list[str]:
        upgrades = super()._take_open(packet)
        data = json.loads(packet[1:])
        self._interval, self._timeout = data["pingInterval"] / 1000, data["pingTimeout"] / 1000
        return upgrades

    # Heartbeat

    def _beat(self) -> None:
        """PONG has come, or the session is open: the next PING follows after pingInterval."""
        if self._pings is not None:
            self._pings.cancel()
        wait = self._interval / 2 if self._faults("pings-too-often") else self._interval
        if not self._faults("never-pings"):
            self._pings = asyncio.get_running_loop().call_later(wait, self._ping)

    def _ping(self) -> None:
        self.send("2")
        self._live(self._timeout)

    def _live(self, seconds: float) -> None:
        if self._life is not None:
            self._life.cancel()
        if not self._faults("missing-pong-is-not-noticed"):
            self._life = asyncio.get_running_loop().call_later(seconds, self.close, "ping timeout")

    def close(self, why: str) -> None:
        if self._pings is not None:
            self._pings.cancel()
        super().close(why)

    # Packets

    def _packet(self, packet: str | bytes) -> None:
        if self.state != "open":
            return
        if packet == "3" or not self._faults("only-pong-is-life"):
            self._live(self._interval + self._timeout)
        if isinstance(packet, bytes) or packet[:1] == "b":
            self._binary(packet)
        elif packet[:1] == "3":
            self._beat()
        elif packet[:1] != "2":
            super()._packet(packet)
        elif self._faults("ping-of-the-server-ends-the-session"):
            self.close("a PING of the server")

    def _binary(self, packet: str | bytes) -> None:
        if isinstance(packet, str):
            kind, data = packet[1:2], base64.b64decode(packet[2:])
            if self._faults("base64-is-not-read"):
                return
        else:
            kind, data = "4" if packet[:1] == b"\x04" else "", packet[1:]
            if self._faults("type-byte-is-delivered"):
                data = packet
        if kind == "4":
            self._owner.said(data)
        elif self._faults("odd-frame-deafens"):
            self.state = "deaf"
        else:
            self.close("parse error")

    def send(self, *packets: str | bytes) -> None:
        super().send(*map(self._framed, packets))

    def _framed(self, packet: str | bytes) -> str | bytes:
        if isinstance(packet, str):
            return packet
        if self._base64:
            kind = "" if self._faults("base64-has-no-type") else "4"
            return f"b{kind}{base64.b64encode(packet).decode()}"
        return packet if self._faults("type-byte-is-not-sent") else b"\x04" + packet

    # Payloads

    def _split(self, answer: Answer) -> list[str | bytes]:
        binary = answer.headers.get("content-type") == "application/octet-stream"
        if binary and self._faults("binary-payload-is-not-read"):
            return []
        try:
            packets = _read_binary(answer.body) if binary else self._read_text(answer.body.decode("utf-8"))
        except ValueError:
            if self._faults("wrong-lengths-deafen"):
                self.state = "deaf"
            raise
        return packets[:1] if self._faults("first-packet-of-a-payload-is-all") and self.sid else packets

    def _read_text(self, text: str) -> list[str | bytes]:
        units = text.encode("utf-8" if self._faults("lengths-are-read-as-bytes") else "utf-16-le")
        width = 1 if self._faults("lengths-are-read-as-bytes") else 2
        code = "utf-8" if width == 1 else "utf-16-le"
        packets: list[str | bytes] = []
        while units or not packets:
            found = LENGTH.match(units[: 12 * width].decode(code, "ignore"))
            if found is None:
                raise ValueError("no length")
            begin = width * found.end()
            end = begin + width * int(found[1])
            if end > len(units):
                raise ValueError("too short")
            packets.append(units[begin:end].decode(code))
            units = units[end:]
        return packets

    def _next_body(self) -> str | bytes:
        packets, self._outbox[:] = [*self._outbox], []
        if any(isinstance(packet, bytes) for packet in packets):
            return b"".join(map(self._binary_record, packets))
        return "".join(f"{self._length(str(packet))}:{packet!s}" for packet in packets)

    def _length(self, text: str) -> int:
        if self._faults("lengths-are-written-as-bytes"):
            return len(text.encode())
        return len(text.encode("utf-16-le")) // 2

    def _binary_record(self, packet: str | bytes) -> bytes:
        data = packet.encode() if isinstance(packet, str) else packet
        size = len(packet) if self._faults("binary-payload-counts-characters") else len(data)
        return bytes((isinstance(packet, bytes), *map(int, str(size)), 255)) + data

    @staticmethod
    def _with_close(body: str | bytes) -> str | bytes:
        return f"{body}1:1" if isinstance(body, str) else body + b"\x00\x01\xff1"


def _read_binary(body: bytes) -> list[str | bytes]:
    packets: list[str | bytes] = []
    while body:
        head, _, rest = body.partition(b"\xff")
        size = int("".join(map(str, head[1:])))
        if len(rest) < size:
            raise ValueError("too short")
        packets.append(rest[:size] if head[0] else rest[:size].decode())
        body = rest[size:]
    return packets


class Client3(Client):
    """The server connects `/` by itself, and refuses a namespace by ERROR."""

    REVISION = 3

    def opened(self) -> None:
        self._sessions += 1
        if self._namespace == "/":
            if self._faults("connects-to-the-main-namespace"):
                self._send("0")
            if self._faults("is-connected-by-open"):
                self._joined({})
        elif self._sessions == 1 or not self._faults("namespace-is-not-joined-again"):
            query = (
                "" if self._faults("query-stays-in-the-url") else urlencode(self._options.get("query", {}))
            )
            data = "{}" if self._faults("connect-has-data") else ""
            self._send(f"0{self._namespace}{'?' if query else ''}{query},{data}")

    def take(self, data: str) -> None:
        if data[1:2] == "/" and "," not in data and self._faults("needs-the-comma"):
            return
        if data == "0" and self._namespace != "/" and self._faults("is-connected-with-the-main-namespace"):
            self._joined({})
            return
        super().take(data)

    def _joined(self, value: Any) -> None:
        assert self._engine is not None
        if self.connected:
            return
        of_namespace = self._namespace != "/" and not self._faults("id-has-no-namespace")
        super()._joined(
            {"sid": f"{self._namespace}#{self._engine.sid}" if of_namespace else self._engine.sid}
        )

    def _refused(self, text: str) -> None:
        try:
            payload = json.loads(text) if text else None
        except ValueError:
            raise ParseError("json") from None
        if not isinstance(payload, str) and self._faults("odd-error-deafens"):
            assert self._engine is not None
            self._engine.state = "deaf"
            return
        if self._faults("error-loses-its-payload"):
            payload = None
        message = payload if isinstance(payload, str) else None
        self._see("connect_error", namespace=self._namespace, message=message, data=payload)

    def _answered(self, ack: int | None, args: list[Any] | None, kind: int) -> None:
        if args is not None or not self._faults("ack-without-payload-is-ignored"):
            super()._answered(ack, args or [], kind)
