"""HTTP requests over blocking links. Each link has one request at a time."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools

from load.doctor.instruments.tcp_link import TIMEOUT, Link
from sioprobe.engine import Kind, SwarmError, Target

__all__ = ["HttpAnswer", "HttpLink", "cookie_header", "receive_all"]


@dataclass(slots=True)
class HttpAnswer:
    """One HTTP answer. Header names are in lower case. `set_cookie` is a list, because there may be several.

    `seconds` is the time to the end of the answer, `gap` the time between its first and last part.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    set_cookie: list[str] = field(default_factory=list)
    keep_alive: bool = True
    seconds: float = 0.0
    gap: float = 0.0
    parts: int = 0
    connect_seconds: float | None = None
    """The time to open the connection, with TLS. None if an open one was used."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def excerpt(self) -> str:
        """The beginning of the body, in one line."""
        return " ".join(self.text[:80].split())


def cookie_header(target: Target, set_by_server: Mapping[str, str]) -> list[tuple[str, str]]:
    """The header with the user's cookies and those of the server, or none."""
    cookies = {**dict(target.cookies), **set_by_server}
    return [("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))] if cookies else []


class HttpLink:
    """One request at a time, on a connection that stays open as long as the server keeps it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._link: Link | None = None
        self._connect_seconds: float | None = None
        self._parser: Any = None
        self.ack_at_once = False
        self.cookies: dict[str, str] = {}
        """Those that the server set."""

    def request(
        self,
        method: str,
        endpoint: str,
        body: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        *,
        fresh: bool = False,
        timeout: float = TIMEOUT,
    ) -> HttpAnswer:
        """Send a request and wait for its answer. Raises SwarmError."""
        self.start(method, endpoint, body, headers, fresh=fresh)
        return receive_all([self], timeout)[0]

    def start(
        self,
        method: str,
        endpoint: str,
        body: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        *,
        fresh: bool = False,
    ) -> None:
        """Send a request. `receive_all` waits for its answer."""
        lines = [f"{method} {endpoint} HTTP/1.1", f"Host: {self._target.host}"]
        given = (*self._target.headers, *headers, *cookie_header(self._target, self.cookies))
        lines += [f"{name}: {value}" for name, value in given]
        if body is not None:
            lines += ["Content-Type: text/plain;charset=UTF-8", f"Content-Length: {len(body)}"]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")
        self._parser = _Parser()
        self._connect_seconds = None
        if fresh:
            self.close()
        # If the server has closed a kept connection meanwhile, the connection is readable.
        if self._link is not None and select.select([self._link], [], [], 0)[0]:
            self.close()
        if self._link is None:
            self._link = Link(self._target)
            self._connect_seconds = self._link.connect_seconds + self._link.tls_seconds
        self._link.ack_at_once = self.ack_at_once
        self._link.send(data)

    def take(self, timeout: float) -> HttpAnswer | None:
        """Read one part. Returns the answer if it is complete, else None."""
        assert self._link is not None
        link = self._link
        data = link.receive(timeout)
        whole = self._parser.feed(data)
        if not whole:
            if not data:
                self.close()
                raise SwarmError(Kind.CONNECTION_CLOSED, "in the middle of an HTTP answer")
            return None
        parser = self._parser
        answer = HttpAnswer(
            status=parser.status,
            headers=parser.headers,
            body=b"".join(parser.body),
            set_cookie=parser.set_cookie,
            keep_alive=parser.keep_alive,
            seconds=link.parts[-1][0] - link.sent_at + (self._connect_seconds or 0.0),
            gap=link.gap,
            parts=sum(1 for _, size in link.parts if size),
            connect_seconds=self._connect_seconds,
        )
        for cookie in answer.set_cookie:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
        if not answer.keep_alive:
            self.close()
        return answer

    @property
    def link(self) -> Link | None:
        """The open connection, or None."""
        return self._link

    def close(self) -> None:
        """Close the connection. The next request opens another."""
        if self._link is not None:
            self._link.close()
            self._link = None


def receive_all(channels: Sequence[HttpLink], timeout: float = TIMEOUT) -> list[HttpAnswer]:
    """Wait for the answers to the started requests, and read the parts as they come. Raises SwarmError."""
    answers: dict[int, HttpAnswer] = {}
    end = time.perf_counter() + timeout
    while len(answers) < len(channels):
        waiting = [each for each in channels if id(each) not in answers and each.link is not None]
        ready = [each for each in waiting if each.link is not None and each.link.pending]
        if not ready:
            links = {each.link: each for each in waiting if each.link is not None}
            found = select.select(list(links), [], [], max(0.0, end - time.perf_counter()))[0]
            ready = [links[link] for link in found]
        if not ready:
            for each in channels:
                each.close()
            raise SwarmError(Kind.TIMEOUT, f"no HTTP answer for {timeout:.1f} s")
        for each in ready:
            answer = each.take(end - time.perf_counter())
            if answer is not None:
                answers[id(each)] = answer
    return [answers[id(each)] for each in channels]


class _Parser:
    """Called by httptools. `feed` returns True if the answer is complete."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.set_cookie: list[str] = []
        self.body: list[bytes] = []
        self.status = 0
        self.keep_alive = False
        self._complete = self._head_done = False

    def feed(self, data: bytes) -> bool:
        if not data:
            # The end of the connection ends an answer without a length.
            return self._head_done
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._complete = True
        except httptools.HttpParserError as error:
            raise SwarmError(Kind.MALFORMED_INPUT, f"HTTP answer: {error}") from None
        return self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.decode("latin-1").lower()
        if lower == "set-cookie":
            self.set_cookie.append(value.decode("latin-1"))
        self.headers[lower] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._head_done = True
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self._complete = True
        self.keep_alive = self._parser.should_keep_alive()
