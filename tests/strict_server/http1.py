"""HTTP/1.1 for a server, from the bytes up: requests in, responses out.

It knows keep-alive, chunked bodies, `Expect: 100-continue` and a peer that goes away while a response is
still owed.
It leaves out TLS, trailers' meaning, multipart, and everything about Engine.IO.
Written against RFC 9110 and RFC 9112, with the standard library only.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HEAD_LIMIT = 64 * 1024
READ_SIZE = 64 * 1024
LINGER_SECONDS = 5.0
TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class ConnectionLost(Exception):
    """The peer went away in the middle of something."""


class BadRequest(Exception):
    """The peer's bytes are not an HTTP/1.1 request."""


class Connection:
    """One accepted TCP connection with a buffer of its own, so that nothing read ahead is lost."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        # Between two requests, with nothing owed to the peer.
        self.is_idle = False

    async def fill(self) -> bool:
        """Read once into the buffer; False when the peer has closed."""
        try:
            data = await self._reader.read(READ_SIZE)
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    async def read_until(self, mark: bytes, limit: int) -> bytes:
        """The bytes up to and without `mark`; raises ConnectionLost, or BadRequest beyond `limit` bytes."""
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit:
                raise BadRequest(f"no {mark!r} within {limit} bytes")
            if not await self.fill():
                raise ConnectionLost
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    async def read_exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not await self.fill():
                raise ConnectionLost
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    async def read_some(self, most: int) -> bytes:
        """At least one and at most `most` bytes."""
        if not self._buffer and not await self.fill():
            raise ConnectionLost
        found = bytes(self._buffer[:most])
        del self._buffer[:most]
        return found

    async def _discard_until_closed(self) -> None:
        self._buffer.clear()
        while await self.fill():
            self._buffer.clear()

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def linger(self) -> None:
        """Send what is buffered and wait, for a while, until the peer has closed.

        Closing with unread bytes would reset the connection, and the peer would lose what was sent last.
        """
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(LINGER_SECONDS):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                await self._discard_until_closed()

    def close(self) -> None:
        """Send what is buffered, then close."""
        self._writer.close()

    def abort(self) -> None:
        """Close at once, without sending what is buffered."""
        self._writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Request:
    """The head of one request. Header names are lower case; of repeated query parameters the last counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    version: str

    @property
    def keep_alive(self) -> bool:
        options = self.header_options("connection")
        return "close" not in options and (self.version == "HTTP/1.1" or "keep-alive" in options)

    @property
    def is_upgrade(self) -> bool:
        return "upgrade" in self.header_options("connection") and "upgrade" in self.headers

    def header_options(self, name: str) -> list[str]:
        return [option.strip().lower() for option in self.headers.get(name, "").split(",")]


async def read_request(connection: Connection) -> Request | None:
    """The next request of the connection, or None when the peer closed between requests.

    Raises BadRequest and ConnectionLost.
    """
    connection.is_idle = True
    try:
        head = await connection.read_until(b"\r\n\r\n", HEAD_LIMIT)
    except ConnectionLost:
        return None
    finally:
        connection.is_idle = False
    lines = head.lstrip(b"\r\n").decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(f"request line {lines[0]!r}")
    method, target, version = parts
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or not TOKEN_CHARACTERS.issuperset(name):
            raise BadRequest(f"header line {line!r}")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(f"content-length {length!r}")
    if version == "HTTP/1.1" and "host" not in headers:
        raise BadRequest("no host header")
    url = urlsplit(target)
    return Request(method, url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers, version)


class Exchange:
    """One request and the response it is owed, which may be written much later and from another task."""

    def __init__(
        self, connection: Connection, request: Request, extra_headers: Iterable[tuple[str, str]]
    ) -> None:
        self.request = request
        self.on_abort: Callable[[], None] | None = None
        self._connection = connection
        self._extra_headers = tuple(extra_headers)
        self._answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._body = self._read_body()

    @property
    def is_answered(self) -> bool:
        return self._answered.done()

    def respond(
        self,
        status: int,
        body: bytes = b"",
        content_type: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Write the whole response; a second response to the same request is dropped."""
        if self._answered.done():
            return
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in (*self._extra_headers, *headers)]
        if content_type is not None:
            lines.append(f"Content-Type: {content_type}")
        if status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(body)}")
        lines.append(f"Connection: {'keep-alive' if self.request.keep_alive else 'close'}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self._connection.write(head if self.request.method == "HEAD" else head + body)
        self._answered.set_result(True)

    def abandon(self) -> None:
        """Drop the connection instead of answering."""
        self._connection.abort()
        if not self._answered.done():
            self._answered.set_result(False)

    async def wait_answered(self) -> bool:
        """Wait for `respond`; False when the peer went away first (`on_abort` has then been called)."""
        while not self._answered.done():
            fill = asyncio.ensure_future(self._connection.fill())
            try:
                await asyncio.wait({fill, self._answered}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not fill.done():
                    fill.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await fill
            if fill.done() and not fill.cancelled() and not fill.result() and not self._answered.done():
                self._answered.set_result(False)
                if self.on_abort is not None:
                    self.on_abort()
        return self._answered.result()

    def body(self) -> AsyncIterator[bytes]:
        """The request's body in pieces, once. Raises BadRequest and ConnectionLost."""
        return self._body

    async def drain(self) -> None:
        """Read and drop what is left of the request's body."""
        async for _ in self._body:
            pass

    async def _read_body(self) -> AsyncIterator[bytes]:
        headers = self.request.headers
        if headers.get("expect", "").lower() == "100-continue" and not self.is_answered:
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "transfer-encoding" in headers:
            async for chunk in self._read_chunks():
                yield chunk
            return
        left = int(headers.get("content-length", "0"))
        while left:
            piece = await self._connection.read_some(left)
            left -= len(piece)
            yield piece

    async def _read_chunks(self) -> AsyncIterator[bytes]:
        if self.request.header_options("transfer-encoding") != ["chunked"]:
            raise BadRequest("a transfer-encoding other than chunked")
        while True:
            size_line = await self._connection.read_until(b"\r\n", HEAD_LIMIT)
            digits = size_line.partition(b";")[0].strip()
            if not digits or digits.strip(b"0123456789abcdefABCDEF"):
                raise BadRequest(f"chunk size {digits!r}")
            left = int(digits, 16)
            if left == 0:
                break
            while left:
                piece = await self._connection.read_some(left)
                left -= len(piece)
                yield piece
            if await self._connection.read_exactly(2) != b"\r\n":
                raise BadRequest("chunk longer than its size")
        while await self._connection.read_until(b"\r\n", HEAD_LIMIT):
            pass
