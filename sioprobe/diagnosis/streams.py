"""Reading from a socket until a point of time: an HTTP answer, and a WebSocket."""

from __future__ import annotations

import io
import time
from typing import Any

from sioprobe.diagnosis.answers import Ended, Lack, Nothing, Redact, Reply, quoted
from sioprobe.wire import (
    Frame,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    check_upgrade_response,
    decode_response_head,
    encode_close,
    encode_frame,
)
from sioprobe.wire.cookies import Cookies

__all__ = ["WebSocket", "read_answer", "read_upgrade"]

MAX_HEAD = 65536
MAX_BODY = 65536


class _Source(io.RawIOBase):
    """A socket to read from until a point of time. `http.client` reads it as it reads a socket."""

    def __init__(self, sock: Any, end: float) -> None:
        self._sock = sock
        self._end = end
        self.first = b""

    def makefile(self, mode: str) -> io.BufferedReader:
        """What an `HTTPResponse` reads."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = receive(self._sock, self._end, len(buffer))
        self.first = self.first or data
        buffer[: len(data)] = data
        return len(data)


def receive(sock: Any, end: float, most: int = 65536) -> bytes:
    """The next bytes, or none at the end of the stream. Raises OSError, TimeoutError after `end`."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)
    data: bytes = sock.recv(most)
    return data


class WebSocket:
    """An open WebSocket."""

    def __init__(self, sock: Any, rest: bytes) -> None:
        self._sock = sock
        self._rest = rest
        self._decoder = MessageDecoder()
        self._messages: list[str | bytes | Ended] = []

    def send(self, message: str | bytes) -> None:
        """One message. A connection that has ended is noticed by `receive`."""
        text = isinstance(message, str)
        data = message.encode() if isinstance(message, str) else message
        self._send(encode_frame(Opcode.TEXT if text else Opcode.BINARY, data))

    def _send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError:
            self._messages.append(Ended("connection lost"))

    def receive(self, end: float) -> str | bytes | Ended | None:
        """The next message, how the WebSocket ended, or None if nothing comes until `end`."""
        while not self._messages:
            try:
                data, self._rest = self._rest or receive(self._sock, end), b""
            except TimeoutError:
                return None
            except OSError as error:
                return Ended(error.strerror or str(error))
            if not data:
                return Ended("connection closed")
            try:
                for message in self._decoder.decode(data):
                    self._take(message)
            except RemoteProtocolError as error:
                self._messages.append(Ended(str(error)))
        return self._messages.pop(0)

    def _take(self, message: str | bytes | Frame) -> None:
        if not isinstance(message, Frame):
            self._messages.append(message)
        elif message.opcode is Opcode.CLOSE:
            self._messages.append(Ended("closed by a close frame"))
        elif message.opcode is Opcode.PING:
            self._send(encode_frame(Opcode.PONG, message.payload))

    def close(self) -> None:
        """Leave at once."""
        self._send(encode_frame(Opcode.CLOSE, encode_close(1000)))
        self._sock.close()


def read_answer(sock: Any, method: str, end: float, cookies: Cookies, redact: Redact) -> Reply | Nothing:
    """The answer to a request, which also sets cookies. Raises OSError where the connection breaks."""
    # When needed: it imports `ssl`.
    from http.client import HTTPException, HTTPResponse, RemoteDisconnected

    def said(data: bytes) -> str:
        return quoted(data.decode("ascii", "backslashreplace"), redact)

    source = _Source(sock, end)
    response = HTTPResponse(source, method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except RemoteDisconnected:
        return Nothing(Lack.CLOSED, "connection closed")
    except TimeoutError:
        return Nothing(Lack.NO_HTTP, said(source.first)) if source.first else Nothing(Lack.SILENT)
    except (HTTPException, ValueError):
        return Nothing(Lack.NO_HTTP, said(source.first))
    try:
        body = response.read(MAX_BODY)
    except (HTTPException, OSError, ValueError):
        body = b""  # the status alone tells enough
    headers = tuple((name.lower(), value) for name, value in response.getheaders())
    if values := [value for name, value in headers if name == "set-cookie"]:
        cookies.take(values)
    words = body.decode("utf-8", "replace").strip().strip('"')
    return Reply(response.status, headers, body, quoted(words, redact))


def read_upgrade(sock: Any, key: str, end: float) -> WebSocket | Reply | Nothing:
    """The WebSocket that a request has opened, or what came instead. Raises OSError."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = receive(sock, end)
        if not data or len(head) > MAX_HEAD:
            return Nothing(Lack.NO_HTTP if head else Lack.CLOSED)
        head += data
    head, _, rest = head.partition(b"\r\n\r\n")
    try:
        response = decode_response_head(head)
        if response.status != 101:
            return Reply(response.status, response.headers, rest[:MAX_BODY])
        check_upgrade_response(response, key)
    except RemoteProtocolError:
        return Nothing(Lack.NO_HTTP)
    return WebSocket(sock, rest)
