"""HTTP/1.1 requests over asyncio streams, one connection each, framed by h11.

A request without an answer is an outcome (`NoAnswer`), not an exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11

from conformance.client.address import Address, Headers
from conformance.client.transcript import RECORDING, TO_CLIENT, TO_SERVER, quoted
from conformance.verdicts import HarnessError
from sioprobe.commandline.own_limits import advice_on, own_limit
from sioprobe.wire.cookies import Cookies

__all__ = [
    "BINARY",
    "Answer",
    "HttpConnection",
    "NoAnswer",
    "broken_answer",
    "exchange",
    "open_stream",
    "take_cookies",
]

BINARY = "application/octet-stream"
EXCERPT = 60  # characters of an answer


def _status_text(status: int) -> str:
    """`400 Bad Request`; the number alone if nobody knows it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def is_binary(self) -> bool:
        """Whether the body is bytes and no text, as payloads of revision 3 may be."""
        return (self.header("content-type") or "").startswith(BINARY)

    def set_cookie(self, name: str) -> str | None:
        """The Set-Cookie header of the cookie of this name."""
        headers = (value for key, value in self.headers if key == "set-cookie")
        return next((value for value in headers if value.startswith(f"{name}=")), None)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def __str__(self) -> str:
        """`HTTP 302 Found to /login`, `HTTP 400 Bad Request '{"code":1}'`."""
        return f"HTTP {self.headline}" + (f" {quoted(self.text, EXCERPT)}" if self.body else "")

    @property
    def headline(self) -> str:
        """Status, its text, and where a redirection goes or what a refusal asks for."""
        words = [_status_text(self.status)]
        if (place := self.header("location")) is not None:
            words.append(f"to {place}")
        elif (scheme := self.header("www-authenticate")) is not None:
            words.append(f"(WWW-Authenticate: {scheme})")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No response came; `reason` says why.

    `silent`: nothing came in time. `closed`: the server closed the connection properly.
    """

    reason: str
    silent: bool = False
    closed: bool = False

    def __str__(self) -> str:
        return self.reason


def broken_answer(received: bytes, error: str, *, closed: bool) -> NoAnswer:
    """What to say of an answer that cannot be read: of its first bytes, and of what is wrong with them."""
    if not received:
        return NoAnswer("connection closed before an answer", closed=closed)
    excerpt = quoted(received, EXCERPT)
    if received.startswith(b"HTTP/") and closed:
        return NoAnswer(f"the connection closed within the answer {excerpt}", closed=True)
    # What h11 says next to its colon are bytes as Python writes them.
    return NoAnswer(f"the answer is not HTTP: {excerpt} ({error.partition(':')[0]})", closed=closed)


async def open_stream(
    address: Address, seconds: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | NoAnswer:
    """A TCP (and TLS) connection. Raises HarnessError for what this machine does not allow."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.open_connection(address.host, address.port, ssl=address.tls, limit=2**20)
    except TimeoutError:
        return NoAnswer(f"no connection within {seconds:.1f} s", silent=True)
    except ssl.SSLCertVerificationError as error:
        return NoAnswer(f"TLS failed ({error.verify_message})")
    except ssl.SSLError as error:
        return NoAnswer(f"TLS failed ({error.reason or error})")
    except ConnectionRefusedError:
        return NoAnswer("connection refused")
    except OSError as error:
        own = own_limit(error)
        if own is not None:
            raise HarnessError(f"{own}; {advice_on(own)}") from None
        # The words of asyncio hold an address as Python writes it.
        known = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        return NoAnswer(f"no connection ({known or error})")


def take_cookies(cookies: Cookies, headers: tuple[tuple[str, str], ...]) -> None:
    """Keep what the server sets."""
    if values := [value for name, value in headers if name == "set-cookie"]:
        cookies.take(values)


class HttpConnection:
    """One connection, whose requests can be cut into pieces. All show the same `cookies`."""

    def __init__(
        self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookies: Cookies
    ) -> None:
        self._address = address
        self._cookies = cookies
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._received = b""  # the beginning of the answer

    @classmethod
    async def open(
        cls, address: Address, seconds: float, cookies: Cookies | None = None
    ) -> HttpConnection | NoAnswer:
        """Without `cookies` it is the connection of a new client."""
        stream = await open_stream(address, seconds)
        if isinstance(stream, NoAnswer):
            return stream
        return cls(address, *stream, cookies or address.new_cookies())

    async def send_head(self, method: str, target: str, headers: Headers = ()) -> None:
        """The request line and headers. The caller's `headers` say how long the body is."""
        shown = self._address.with_headers(self._cookies, headers)
        self._received = b""
        request = h11.Request(
            method=method,
            target=self._address.with_query(target),
            headers=[("Host", self._address.host_header), *shown],
        )
        await self._write(self._http.send(request))

    async def send_data(self, data: bytes) -> None:
        """A piece of the body."""
        await self._write(self._http.send(h11.Data(data=data)))

    async def send_end(self) -> None:
        """The end of the request."""
        await self._write(self._http.send(h11.EndOfMessage()))

    async def _write(self, data: bytes | None) -> None:
        # A server may answer and close before it has read everything. Then the answer counts.
        with contextlib.suppress(OSError):
            self._writer.write(data or b"")
            await self._writer.drain()

    async def answer(self, seconds: float) -> Answer | NoAnswer:
        """The response to the request that was sent."""
        try:
            async with asyncio.timeout(seconds):
                return await self._read_answer()
        except TimeoutError:
            if self._received:
                only = quoted(self._received, EXCERPT)
                return NoAnswer(f"no whole answer within {seconds:.1f} s, only {only}")
            return NoAnswer(f"no answer within {seconds:.1f} s", silent=True)
        except h11.RemoteProtocolError as error:
            return broken_answer(self._received, str(error), closed=self._reader.at_eof())
        except ConnectionResetError:
            return NoAnswer("connection reset")
        except OSError as error:
            return NoAnswer(f"connection lost ({error.strerror or error})")

    async def _read_answer(self) -> Answer:
        head: h11.Response | None = None
        body: list[bytes] = []
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(2**16)
                self._received = self._received or data[: 2 * EXCERPT]
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)) or event is h11.PAUSED:
                if head is None:
                    raise h11.RemoteProtocolError("no response")
                headers = tuple(
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers
                )
                take_cookies(self._cookies, headers)
                return Answer(head.status_code, headers, b"".join(body))

    @property
    def reusable(self) -> bool:
        """Whether another request can follow on this connection."""
        with contextlib.suppress(h11.LocalProtocolError):
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE

    def abort(self) -> None:
        """Drop the connection, answered or not."""
        self._writer.transport.abort()


async def exchange(
    address: Address,
    method: str,
    target: str,
    *,
    headers: Headers = (),
    body: bytes | None = None,
    seconds: float,
    session: bool = False,
    cookies: Cookies | None = None,
    on_sent: Callable[[], object] | None = None,
) -> Answer | NoAnswer:
    """One request and its answer on a connection of its own. `target` is path and query.

    Without `cookies` it comes from a new client. `on_sent` is called when the request is on its way.
    With `session` the caller records what went well, and only the rest is recorded here.
    """
    recording = RECORDING.get()
    query = target.partition("?")[2]
    if not session:
        recording.add(TO_SERVER, "http", (body or b"").decode("utf-8", "replace"), f"{method} ?{query}")
    connection = await HttpConnection.open(address, seconds, cookies)
    if isinstance(connection, NoAnswer):
        recording.add(TO_CLIENT, "http", "", f"{method}: {connection}")
        return connection
    try:
        framing = [] if body is None else [("Content-Length", str(len(body)))]
        await connection.send_head(method, target, [*headers, *framing, ("Connection", "close")])
        if body:
            await connection.send_data(body)
        await connection.send_end()
        if on_sent is not None:
            on_sent()
        answer = await connection.answer(seconds)
    finally:
        connection.abort()
    if isinstance(answer, Answer):
        if session and answer.status == 200:
            return answer
        meaning = f"answer to {method}: {answer.headline}"
    else:
        meaning = f"{method}: {answer}"
        recording.in_vain |= answer.silent
    recording.add(TO_CLIENT, "http", answer.text if isinstance(answer, Answer) else "", meaning)
    return answer
