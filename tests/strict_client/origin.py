"""The server that a URL names, and what each request to it carries by the options of the application."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.strict_client.faults import Faults

__all__ = ["Origin"]

SCHEMES = {"http": False, "ws": False, "https": True, "wss": True}


@dataclass(slots=True)
class Origin:
    """Host and port, TLS if the scheme asks for it, headers and cookies."""

    host: str
    port: int
    options: dict[str, Any]
    faults: Faults
    tls: ssl.SSLContext | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    asked: int = 0  # requests so far

    @classmethod
    def of(cls, url: str, options: dict[str, Any], faults: Faults) -> Origin:
        parts = urlsplit(url)
        secure = SCHEMES[parts.scheme]
        port = parts.port or (443 if secure else 80)
        if parts.scheme == "ws" and faults("ws-is-another-port"):
            port = 9
        tls = None
        if secure:
            given = None if faults("ca-is-not-read") else options.get("ca")
            tls = ssl.create_default_context(cadata=given)
            if faults("any-authority-is-trusted") or faults("any-name-is-taken"):
                tls.check_hostname = False
            if faults("any-authority-is-trusted"):
                tls.verify_mode = ssl.CERT_NONE
        return cls(parts.hostname or "", port, options, faults, tls)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError, also for a certificate that is not trusted."""
        return await asyncio.open_connection(self.host, self.port, ssl=self.tls)

    def target(self, transport: str, sid: str, revision: str) -> str:
        """Path and query of a request."""
        faults, options = self.faults, self.options
        path = options.get("path", "/socket.io")
        if faults("path-is-not-read"):
            path = "/socket.io"
        adds = options.get("addTrailingSlash", True) or faults("slash-is-always-added")
        if adds and not faults("path-stays-as-it-is"):
            path = path.rstrip("/") + "/"
        query = [*options.get("query", {}).items()]
        if sid and faults("query-is-in-the-handshake-only"):
            query = []
        if faults("query-is-encoded-twice"):
            query = [(name, urlencode({"": value})[1:]) for name, value in query]
        query += [("EIO", revision), ("transport", transport)]
        if not sid and faults("a-parameter-comes-twice"):
            query.append(("EIO", revision))
        if options.get("timestampRequests", False) or faults("marks-are-always-there"):
            query.append(("t", "same" if faults("all-marks-are-alike") else f"t{self.asked}"))
        if options.get("forceBase64") and not faults("base64-is-not-asked-for"):
            query.append(("b64", "1"))
        if sid:
            query.append(("sid", sid))
            if faults("eio-is-left-out-later"):
                query.remove(("EIO", revision))
        self.asked += 1
        return f"{path}?{urlencode(query)}"

    def headers(self, *, websocket: bool) -> list[str]:
        """Host, the headers of the application, and cookies."""
        host = f"[{self.host}]" if ":" in self.host and not self.faults("host-has-no-brackets") else self.host
        lines = [f"Host: {host}:{self.port}"]
        missing = self.faults("headers-are-not-in-the-websocket") if websocket else self._later_without()
        if not missing:
            lines += [f"{name}: {value}" for name, value in self.options.get("extraHeaders", {}).items()]
        if self.cookies and not self.faults("cookies-are-forgotten"):
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return lines

    def _later_without(self) -> bool:
        return self.asked > 1 and self.faults("headers-are-in-the-handshake-only")

    def keep(self, cookie: str | None) -> None:
        """Remember what Set-Cookie says."""
        wanted = self.options.get("withCredentials") or not self.faults("cookies-need-an-option")
        if cookie and wanted:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
