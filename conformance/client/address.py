"""Where a server is, and the headers, cookies and query that the user wants in each request."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from conformance.usage_error import UsageError
from sioprobe.commandline.connection_options import DEFAULT_PATH, ConnectionOptions
from sioprobe.commandline.server_url import problem_with_url
from sioprobe.wire.cookies import Cookies
from sioprobe.wire.request_headers import RequestHeaders, sort_headers

__all__ = ["Address", "Headers", "parse_url"]

Headers = Iterable[tuple[str, str]]
NOTHING = ConnectionOptions()


@dataclass(frozen=True, slots=True)
class Address:
    """A server, the path of its endpoint, and what the user wants in each request.

    `given` holds the headers and cookies of `connection`, with Host and Cookie sorted out.
    """

    host: str
    port: int
    path: str = DEFAULT_PATH
    tls: ssl.SSLContext | None = None
    connection: ConnectionOptions = NOTHING
    given: RequestHeaders = field(default=RequestHeaders("", (), ()), repr=False)

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.tls else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def new_cookies(self) -> Cookies:
        """The cookies of a new client."""
        scheme = "https" if self.tls else "http"
        return Cookies(f"{scheme}://{self.host_header}{self.path}", self.given.cookies)

    def with_query(self, target: str) -> str:
        """Path and query of a request, with the parameters that are in every request."""
        path, _, query = target.partition("?")
        return f"{path}?{urlencode(self.connection.query)}&{query}" if self.connection.query else target

    def with_headers(self, cookies: Cookies, headers: Headers) -> list[tuple[str, str]]:
        """The headers of a request, without Host. `headers` replace the user's of the same name."""
        own = list(headers)
        names = {name.lower() for name, _ in own}
        lines = (value for name, value in (*cookies.header, *own) if name.lower() == "cookie")
        # One of each name. The last is that of the case.
        pairs = {pair.partition("=")[0]: pair for line in lines for pair in line.split("; ") if pair}
        return [
            *((name, value) for name, value in self.given.headers if name.lower() not in names),
            *([("Cookie", "; ".join(pairs.values()))] if pairs else []),
            *((name, value) for name, value in own if name.lower() != "cookie"),
        ]

    @property
    def host_header(self) -> str:
        return self.given.host or self.authority


def parse_url(url: str, connection: ConnectionOptions = NOTHING) -> Address:
    """The address of `http[s]://host[:port]`. Raises UsageError."""
    problem = problem_with_url(url)
    if problem is not None:
        raise UsageError(problem)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not a URL like http://127.0.0.1:5000")
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"{url!r} has no valid port") from None
    tls = _client_context(connection) if parts.scheme == "https" else None
    given = sort_headers(connection.headers, connection.cookies)
    return Address(parts.hostname, port or (443 if tls else 80), connection.path, tls, connection, given)


def _client_context(connection: ConnectionOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=connection.ca_file)
    except OSError as error:  # ssl.SSLError among them
        raise UsageError(f"--ca-file {connection.ca_file}: {error.strerror or error}") from None
    if not connection.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
