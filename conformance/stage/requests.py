"""A request of the client, and the answers that it can get, right and wrong ones."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import parse_qsl

__all__ = ["Answer", "Request", "Wire"]

REASONS = {101: "Switching Protocols", 200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found"}

Framing = Literal["length", "chunked"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Without a `type` it has no Content-Type."""

    status: int = 200
    body: str | bytes = b""
    type: str | None = "text/plain; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()

    def compressed(self) -> Answer:
        """The same, with Content-Encoding: gzip."""
        body = self.body.encode("utf-8") if isinstance(self.body, str) else self.body
        headers = (*self.headers, ("Content-Encoding", "gzip"))
        return replace(self, body=gzip.compress(body), headers=headers)

    def encoded(self, framing: Framing, *, keep_alive: bool, announced: int | None = None) -> bytes:
        """Its bytes. `announced` is a Content-Length that may be wrong."""
        body = self.body.encode("utf-8") if isinstance(self.body, str) else self.body
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Some Reason')}"]
        lines += [f"Content-Type: {self.type}"] if self.type is not None else []
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [] if keep_alive else ["Connection: close"]
        if framing == "chunked" and announced is None:
            lines.append("Transfer-Encoding: chunked")
            middle = max(len(body) // 2, 1)
            parts = [part for part in (body[:middle], body[middle:]) if part]
            body = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
        else:
            lines.append(f"Content-Length: {len(body) if announced is None else announced}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Wire(Protocol):
    """The TCP connection of a request."""

    @property
    def lost(self) -> bool:
        """Whether the client or the stage has ended it."""

    def answer(self, answer: Answer, announced: int | None) -> None:
        """Write the answer, and read the next request."""

    def end(self, *, reset: bool = False) -> None:
        """End the connection, in order or by a reset."""


@dataclass(slots=True, eq=False)
class Request:
    """One request. Names of headers are in lower case. `at` is on the monotonic clock."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    wire: Wire
    at: float = field(default_factory=time.monotonic)
    answered: int | None = None  # the status
    answer_body: str | bytes = b""
    on_answer: Callable[[], None] | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """The first parameter of that name."""
        return next((value for key, value in self.query if key == name), None)

    def header(self, name: str) -> str | None:
        """The first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def is_websocket(self) -> bool:
        return (self.header("upgrade") or "").lower() == "websocket"

    def allowing(self, answer: Answer) -> Answer:
        """The answer, with what lets a page of any origin read it. Only a browser names an origin."""
        origin = self.header("origin")
        if origin is None or any(name.lower() == "access-control-allow-origin" for name, _ in answer.headers):
            return answer
        wanted = self.header("access-control-request-headers") or "content-type"
        allowed = (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Headers", wanted),
        )
        return replace(answer, headers=answer.headers + allowed)

    @property
    def takes_gzip(self) -> bool:
        """Whether its Accept-Encoding names gzip."""
        codings = (self.header("accept-encoding") or "").lower().split(",")
        return "gzip" in [coding.partition(";")[0].strip() for coding in codings]

    @property
    def says_goodbye(self) -> bool:
        """Whether it is a CLOSE packet, of either revision, and nothing else."""
        return self.body in (b"1", b"1:1")

    @property
    def pending(self) -> bool:
        """Whether the client still waits for the answer."""
        return self.answered is None and not self.wire.lost

    def answer(self, answer: Answer, announced: int | None = None) -> None:
        """Answer it. With `announced` as Content-Length the body is cut short, and the connection ends."""
        if not self.pending:
            return
        self.answered, self.answer_body = answer.status, answer.body
        self.wire.answer(answer, announced)
        if self.on_answer is not None:
            self.on_answer()

    def end(self, *, reset: bool = False) -> None:
        """End its connection without an answer."""
        self.answered = self.answered or 0
        self.wire.end(reset=reset)
