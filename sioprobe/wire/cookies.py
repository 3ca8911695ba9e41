"""The cookies of one client, as one header: those that the user gave and those that the server set.

A balancer with sticky sessions sets one at the handshake and wants it back in every request.
`http.cookiejar` checks domain, path, `Secure` and `Max-Age` when a cookie is set. A cookie that expires
later is still sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Cookies"]


class Cookies:
    """`line` is what a request's head holds: empty, or `Cookie: name=value` with its line end.

    `url` is that of the Socket.IO endpoint, as the server knows it. `given` are names and values.
    """

    __slots__ = ("_given", "_jar", "_url", "line")

    def __init__(self, url: str, given: Sequence[tuple[str, str]] = ()) -> None:
        self._url = url
        self._given = given
        self._jar: Any = None
        self.line = _line(given)

    @property
    def header(self) -> tuple[tuple[str, str], ...]:
        """The header as name and value; empty if there is no cookie."""
        return (("Cookie", self.line[len("Cookie: ") : -2]),) if self.line else ()

    def keep(self, other: Cookies) -> None:
        """Have the cookies that a server set on another connection of the same client."""
        self._jar, self.line = other._jar, other.line

    def take(self, values: Iterable[str]) -> None:
        """Take the values of the Set-Cookie headers of one answer. A value that is no cookie is ignored."""
        # Imported when a server sets a cookie: urllib imports `ssl`, and Locust must patch that first.
        from email.message import Message
        from http.cookiejar import CookieJar
        from urllib.request import Request

        if self._jar is None:
            self._jar = CookieJar()
        answer = _Answer(Message())
        for value in values:
            answer.headers["Set-Cookie"] = value
        self._jar.extract_cookies(answer, Request(self._url))
        request = Request(self._url)
        self._jar.add_cookie_header(request)
        set_by_server = request.get_header("Cookie", "")
        names = {cookie.name for cookie in self._jar}
        given = [(name, value) for name, value in self._given if name not in names]
        self.line = _line(given, set_by_server)


class _Answer:
    """As much of a response as the jar wants."""

    def __init__(self, headers: Any) -> None:
        self.headers = headers

    def info(self) -> Any:
        return self.headers


def _line(pairs: Iterable[tuple[str, str]], more: str = "") -> str:
    parts = [f"{name}={value}" for name, value in pairs]
    if more:
        parts.append(more)
    return f"Cookie: {'; '.join(parts)}\r\n" if parts else ""
