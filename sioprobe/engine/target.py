"""Where connections go: the address of a server, resolved once, and the path of its Socket.IO endpoint."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from sioprobe.commandline.own_limits import own_limit
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.wire import LocalProtocolError
from sioprobe.wire.cookies import Cookies
from sioprobe.wire.endpoint import DEFAULT_PATH, endpoint_path
from sioprobe.wire.request_headers import sort_headers

__all__ = ["DEFAULT_PATH", "Target", "client_tls_context"]

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_BARE = {f"{scheme}:" for scheme in _PORTS}


@dataclass(frozen=True, slots=True)
class Target:
    """One server. `family` and `address` are what `socket.connect` takes; `host` is the Host header.

    `others` are further addresses of the same name, to try when nobody answers at the first.
    `head` follows the first line of every request: Host and the given headers, without cookies. `auth` is the
    auth payload that its clients show, or None: they give it to `connect`. `source` is the local address to
    connect from; the system chooses if it is None. What happens on connections to a target with a `label` is
    also recorded apart, under the label. No POST of polling holds more packets than `max_packets_per_post`;
    with 0 only the server's maxPayload limits it.
    """

    url: str
    host: str
    name: str
    family: int
    address: tuple[Any, ...]
    path: str = DEFAULT_PATH
    tls: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = field(default=())
    cookies: tuple[tuple[str, str], ...] = ()
    auth: Any = field(default=None, repr=False, compare=False)
    source: str | None = None
    label: str | None = None
    others: tuple[tuple[int, tuple[Any, ...]], ...] = ()
    max_packets_per_post: int = 0
    head: str = field(init=False, default="")
    endpoint_url: str = field(init=False, default="")

    def __post_init__(self) -> None:
        lines = [f"Host: {self.host}", *(f"{name}: {value}" for name, value in self.headers)]
        object.__setattr__(self, "head", "\r\n".join(lines) + "\r\n")
        scheme = "http" if self.tls is None else "https"
        object.__setattr__(self, "endpoint_url", f"{scheme}://{self.host}{self.path}")

    @classmethod
    def from_url(
        cls,
        url: str,
        path: str = DEFAULT_PATH,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        auth: Any = None,
        verify: bool = True,
        ca_file: str | None = None,
        max_packets_per_post: int = 0,
    ) -> Target:
        """The target that `url` names. Blocks for name resolution.

        Each request carries the query of the URL and `query`, which wins if both name a parameter. A header
        Host replaces that of the URL, a header Cookie is added to `cookies`. `ca_file` holds the certificates
        (PEM) of the authorities to trust instead of the system's. Without `verify` any certificate is
        accepted. Raises SwarmError (BAD_URL, UNKNOWN_HOST, BAD_HEADER, BAD_CA_FILE).
        """
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if "@" in parts.netloc:
            shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            hint = "give it with the header Authorization: Basic ..."
            raise SwarmError(Kind.BAD_URL, f"{shown} has a user name in front of it; {hint}")
        try:
            port = parts.port
        except ValueError:
            raise SwarmError(Kind.BAD_URL, f"{url!r} has no valid port") from None
        # Locust removes slashes at the end: of a URL without a host, "http:" is left.
        if parts.scheme not in _PORTS or not parts.hostname or url.rstrip("/").lower() in _BARE:
            raise SwarmError(Kind.BAD_URL, f"{url!r} is not http://host:port or https://host:port")
        try:
            found = _addresses(parts.hostname, port or _PORTS[parts.scheme])
        except OSError as error:
            # A gaierror has numbers of its own.
            own = None if isinstance(error, socket.gaierror) else own_limit(error)
            raise SwarmError(own or Kind.UNKNOWN_HOST, f"{parts.hostname} ({error.strerror})") from None
        # IPv4 first: servers under test mostly listen on 127.0.0.1 only, but `localhost` also names ::1.
        # A server that listens on ::1 alone is found too, because `others` are tried.
        found = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
        first, *others = ((int(family), tuple(address)) for family, _, _, _, address in found)
        secure = parts.scheme in ("https", "wss")
        try:
            given = sort_headers(headers or {}, cookies or {})
        except LocalProtocolError as error:
            raise SwarmError(Kind.BAD_HEADER, str(error)) from None
        return cls(
            url=url,
            host=given.host or parts.netloc,
            name=parts.hostname,
            family=first[0],
            address=first[1],
            others=tuple(others),
            path=endpoint_path(path),
            tls=client_tls_context(verify, ca_file) if secure else None,
            headers=given.headers,
            query=tuple((dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query or {})).items()),
            cookies=given.cookies,
            max_packets_per_post=max_packets_per_post,
            auth=auth,
        )

    def new_cookies(self) -> Cookies:
        """The cookies of a new connection."""
        return Cookies(self.endpoint_url, self.cookies)

    def endpoint(self, transport: str, session_id: str | None = None) -> str:
        """The request target of one transport, with the session id if there is one."""
        endpoint = _endpoint(self.path, self.query, transport)
        return endpoint if session_id is None else f"{endpoint}&sid={quote_plus(session_id)}"


@lru_cache
def _endpoint(path: str, query: tuple[tuple[str, str], ...], transport: str) -> str:
    return f"{path}?{urlencode([*query, ('EIO', '4'), ('transport', transport)])}"


@cache
def _addresses(name: str, port: int) -> list[Any]:
    # Cached: under Locust each resolution would take a thread.
    return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)


@cache
def client_tls_context(verify: bool, ca_file: str | None = None) -> Any:
    """The TLS client context. It is made once, because reading the authorities takes long.

    Without `verify` it accepts any certificate. Raises SwarmError (BAD_CA_FILE).
    """
    # Imported when needed: Locust must patch `ssl` before anybody has used it.
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError among them
        raise SwarmError(Kind.BAD_CA_FILE, f"{ca_file} cannot be used: {error.strerror or error}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
