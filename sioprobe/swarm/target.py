"""Where connections go: a server's address, resolved once, and the path of its Socket.IO endpoint."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from sioprobe.swarm.errors import SwarmError

__all__ = ["DEFAULT_PATH", "Target", "client_tls_context"]

DEFAULT_PATH = "/socket.io/"
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One server. `family` and `address` are what `socket.connect` takes; `host` is the Host header.

    `source` is the local address to connect from, None where the system chooses; what is recorded on
    connections to a target with a `label` is also told apart under it.
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
    source: str | None = None
    label: str | None = None

    @classmethod
    def from_url(
        cls,
        url: str,
        path: str = DEFAULT_PATH,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        verify: bool = True,
    ) -> Target:
        """The target that `url` names. Blocks for name resolution; raises SwarmError("bad url")."""
        parts = urlsplit(url if "//" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            raise SwarmError("bad url", f"{url!r} has no valid port") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SwarmError("bad url", f"{url!r} is not http://host:port or https://host:port")
        try:
            found = _addresses(parts.hostname, port or _PORTS[parts.scheme])
        except OSError as error:
            raise SwarmError("unknown host", f"{parts.hostname} ({error.strerror})") from None
        # IPv4 first: servers under test mostly listen on 127.0.0.1 only, while `localhost` also names ::1.
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        secure = parts.scheme in ("https", "wss")
        return cls(
            url=url,
            host=parts.netloc.rpartition("@")[2],
            name=parts.hostname,
            family=int(family),
            address=tuple(address),
            path=path if path.startswith("/") else "/" + path,
            tls=client_tls_context(verify) if secure else None,
            headers=tuple((headers or {}).items()),
            query=tuple((query or {}).items()),
        )

    def endpoint(self, transport: str, session_id: str | None = None) -> str:
        """The request target of one transport, with the session id once there is one."""
        endpoint = _endpoint(self.path, self.query, transport)
        return endpoint if session_id is None else f"{endpoint}&sid={quote_plus(session_id)}"


@lru_cache
def _endpoint(path: str, query: tuple[tuple[str, str], ...], transport: str) -> str:
    return f"{path}?{urlencode([*query, ('EIO', '4'), ('transport', transport)])}"


@cache
def _addresses(name: str, port: int) -> list[Any]:
    # Once for each name: under Locust it would be a thread's work for every connection.
    return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)


@cache
def client_tls_context(verify: bool) -> Any:
    """The TLS client context of this process, made once, for reading the authorities takes long.

    Without `verify` it takes any certificate.
    """
    # Imported when needed: Locust must patch `ssl` before anybody has used it.
    import ssl

    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
