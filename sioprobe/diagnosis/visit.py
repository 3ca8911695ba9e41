"""A visit that failed: where the client went, and what it showed."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from sioprobe.wire.cookies import Cookies
from sioprobe.wire.endpoint import DEFAULT_PATH, endpoint_path
from sioprobe.wire.request_headers import RequestHeaders, sort_headers

__all__ = ["Address", "Visit"]

Address = tuple[int, tuple[Any, ...]]
"""What `socket.socket` and `connect` take: a family and an address of it."""


@dataclass(frozen=True)
class Visit:
    """One client. The URL, the headers and the rest were accepted by the command already.

    `transport` is `polling` or `websocket`, or None if either will do. `revisions` are those of Engine.IO
    that the command speaks.
    """

    url: str
    path: str = DEFAULT_PATH
    namespace: str = "/"
    auth: Any = field(default=None, repr=False)
    transport: str | None = None
    revisions: tuple[int, ...] = (4,)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
    verify: bool = True

    @cached_property
    def base(self) -> str:
        """The URL with its scheme, and without a slash at its end."""
        return (self.url if "//" in self.url else f"http://{self.url}").rstrip("/")

    @cached_property
    def place(self) -> str:
        """Host and port, as the URL has them."""
        return urlsplit(self.base).netloc

    @cached_property
    def host(self) -> str:
        """The name or the address of the server."""
        return urlsplit(self.base).hostname or ""

    @cached_property
    def secure(self) -> bool:
        """Whether the URL asks for TLS."""
        return urlsplit(self.base).scheme in ("https", "wss")

    @cached_property
    def given(self) -> RequestHeaders:
        """The headers and cookies, with Host and Cookie sorted out."""
        return sort_headers(self.headers, self.cookies)

    @cached_property
    def host_header(self) -> str:
        """The Host header."""
        return self.given.host or self.place

    def addresses(self) -> list[Address]:
        """All addresses of the host, IPv4 first, as the load has them. Blocks. Raises OSError."""
        port = urlsplit(self.base).port or (443 if self.secure else 80)
        found = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM)
        found.sort(key=lambda entry: entry[0] != socket.AF_INET)
        return [(family, tuple(address)) for family, _, _, _, address in found]

    def new_cookies(self) -> Cookies:
        """The cookies of a new client."""
        scheme = "https" if self.secure else "http"
        return Cookies(f"{scheme}://{self.host_header}{endpoint_path(self.path)}", self.given.cookies)

    def target(
        self, transport: str, *, revision: int = 4, session_id: str = "", path: str | None = None
    ) -> str:
        """Path and query of a request. `path` takes the place of the visit's, as it is."""
        pairs = [
            *self.query.items(),
            ("EIO", str(revision)),
            ("transport", transport),
            *([("sid", session_id)] if session_id else []),
        ]
        return f"{endpoint_path(self.path) if path is None else path}?{urlencode(pairs)}"
