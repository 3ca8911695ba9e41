"""HTTP/1.1 requests over one keep-alive stream, one at a time, for Engine.IO polling.

It reads answers with Content-Length, chunked ones, and those that end with the connection. After
`Connection: close` the next request opens a new stream. There are no redirects and no compression.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import httptools

from sioprobe.engine.errors import Kind, SwarmError, failure_of
from sioprobe.engine.target import Target
from sioprobe.engine.transports.stream import Stream
from sioprobe.engine.transports.tls import TlsStream
from sioprobe.wire.cookies import Cookies

__all__ = ["HttpChannel", "open_stream"]

MAX_BODY = 2**26
FRESH_SECONDS = 1.0
"""A stream that was idle longer is checked before it is used again: the server may have closed it."""

_NOTED_LENGTHS = frozenset(map(len, ("set-cookie", "content-length", "transfer-encoding")))


def open_stream(
    loop: Any,
    target: Target,
    receive: Callable[[bytes], None],
    lost: Callable[[SwarmError | None], None],
    opened: Callable[[], None],
) -> Stream:
    """A stream that connects to the target, with TLS if its URL says so."""
    stream: Stream
    if target.tls is None:
        stream = Stream(loop, receive, lost, opened)
    else:
        stream = TlsStream(loop, receive, lost, opened, target.tls, target.name)
    others = target.others
    if target.source is not None:
        others = tuple(other for other in others if other[0] == target.family)
    stream.connect(target.family, target.address, target.source, others)
    return stream


class HttpChannel:
    """One request at a time. `answered(status, body)` or `failed(failure)` ends each request."""

    __slots__ = (
        "_answered",
        "_body",
        "_body_size",
        "_complete",
        "_cookies",
        "_failed",
        "_fresh",
        "_head_done",
        "_keep_alive",
        "_loop",
        "_parser",
        "_reading",
        "_request",
        "_rested_at",
        "_set_cookies",
        "_sized",
        "_stream",
        "_target",
    )

    def __init__(
        self,
        loop: Any,
        target: Target,
        cookies: Cookies,
        answered: Callable[[int, bytes], None],
        failed: Callable[[SwarmError], None],
    ) -> None:
        self._loop = loop
        self._target = target
        self._cookies = cookies
        self._answered = answered
        self._failed = failed
        self._stream: Stream | None = None
        self._parser: Any = None
        self._request: bytes | None = None
        self._fresh = False
        self._rested_at = 0.0
        self._set_cookies: list[str] | None = None
        self._reading = True
        self._body: list[bytes] = []
        self._body_size = 0
        self._head_done = self._complete = self._sized = self._keep_alive = False

    @property
    def busy(self) -> bool:
        """Whether a request is waiting for its answer."""
        return self._request is not None

    def request(self, method: str, endpoint: str, body: bytes | None = None) -> None:
        """Send one request. The channel must not be busy."""
        head = f"{method} {endpoint} HTTP/1.1\r\n{self._target.head}{self._cookies.line}"
        if body is None:
            self._request = (head + "\r\n").encode("latin-1")
        else:
            head += f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
            self._request = head.encode("latin-1") + body
        self._expect()
        stream = self._stream
        if stream is not None and monotonic() - self._rested_at > FRESH_SECONDS and stream.has_ended():
            self._drop()
            stream = None
        if stream is not None and stream.is_open:
            self._fresh = False
            stream.write(self._request)
        else:
            self._connect()

    def _expect(self) -> None:
        self._body.clear()
        self._body_size = 0
        self._head_done = self._complete = self._sized = self._keep_alive = False

    def _connect(self) -> None:
        self._fresh = True
        self._parser = httptools.HttpResponseParser(self)
        self._stream = open_stream(self._loop, self._target, self._receive, self._lost, self._opened)
        if not self._reading:
            self._stream.stop_reading()

    def stop_reading(self) -> None:
        """Leave answers in the kernel, on this stream and on those that follow it."""
        self._reading = False
        if self._stream is not None:
            self._stream.stop_reading()

    def start_reading(self) -> None:
        """Read again."""
        self._reading = True
        if self._stream is not None:
            self._stream.start_reading()

    def _opened(self) -> None:
        if self._request is not None and self._stream is not None:
            self._stream.write(self._request)

    def _receive(self, data: bytes) -> None:
        if self._request is None:
            raise SwarmError(Kind.MALFORMED_INPUT, "an HTTP answer to no request")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise (error.__context__ or error) from None
        except httptools.HttpParserError as error:
            raise SwarmError(Kind.MALFORMED_INPUT, f"HTTP answer: {error}") from None
        if self._complete:
            self._finish()

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._complete:
            raise SwarmError(Kind.MALFORMED_INPUT, "two HTTP answers to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(name) not in _NOTED_LENGTHS:
            return
        lower = name.lower()
        if lower == b"content-length" or (lower == b"transfer-encoding" and b"chunked" in value.lower()):
            self._sized = True
        elif lower == b"set-cookie":
            if self._set_cookies is None:
                self._set_cookies = []
            self._set_cookies.append(value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._head_done = True

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > MAX_BODY:
            raise SwarmError(Kind.MALFORMED_INPUT, f"HTTP body of more than {MAX_BODY} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._head_done = self._sized = False  # an interim answer; the real one follows
            return
        self._complete = True
        # Asked now, because the parser forgets the head after this call.
        self._keep_alive = self._parser.should_keep_alive()

    def _finish(self) -> None:
        status = self._parser.get_status_code()
        if not self._keep_alive:
            self._drop()
        self._request = None
        self._rested_at = monotonic()
        if self._set_cookies is not None:
            values, self._set_cookies = self._set_cookies, None
            self._cookies.take(values)
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        try:
            self._answered(status, body)
        except Exception as error:
            self._drop()
            self._failed(failure_of(error))

    def _lost(self, failure: SwarmError | None) -> None:
        fresh = self._fresh
        self._stream = None
        if self._request is None:
            if failure is not None and failure.kind == Kind.MALFORMED_INPUT:
                self._failed(failure)
            return  # otherwise the server closed an idle connection, as it may
        if failure is None and self._head_done and not self._sized:
            self._finish()  # the close ends the body
            return
        if not fresh and not self._head_done and self._request.startswith(b"GET "):
            # The server closed a kept connection at the moment of use. A GET may be repeated.
            self._expect()
            self._connect()
            return
        self._request = None
        self._failed(failure or SwarmError(Kind.CONNECTION_CLOSED, "in the middle of an HTTP answer"))

    def _drop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Close the stream. The current request gets no answer."""
        self._request = None
        self._drop()
