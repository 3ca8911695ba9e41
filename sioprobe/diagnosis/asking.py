"""One question to a server at a time: an HTTP request, a WebSocket, or a TLS handshake. Each has a limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Any

from sioprobe.diagnosis.answers import Ended, Lack, Nothing, Redact, Reply, lack_of
from sioprobe.diagnosis.streams import WebSocket, read_answer, read_upgrade
from sioprobe.diagnosis.visit import Visit
from sioprobe.wire import encode_upgrade_request, new_key
from sioprobe.wire.cookies import Cookies

__all__ = ["Asker", "Clock", "Headers", "OutOfTime"]

Headers = Sequence[tuple[str, str]]


class OutOfTime(Exception):
    """The diagnosis has used up its time."""


class Clock:
    """The time of a whole diagnosis, and the limit of each question, in seconds."""

    def __init__(self, seconds: float, each: float) -> None:
        self._end = time.monotonic() + seconds
        self._each = each

    def next(self) -> float:
        """When the next question ends, on the monotonic clock. Raises OutOfTime."""
        now = time.monotonic()
        if now >= self._end:
            raise OutOfTime
        return min(self._end, now + self._each)


class Asker:
    """Asks the server of a visit. Each question is one connection of a client without a history."""

    def __init__(self, visit: Visit, clock: Clock, redact: Redact) -> None:
        self.visit = visit
        self.clock = clock
        self.redact = redact

    def request(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        cookies: Cookies | None = None,
        secure: bool | None = None,
        link: Any = None,
    ) -> Reply | Nothing:
        """One HTTP request. `headers` take the place of the visit's, `secure` that of its scheme.

        With a `link`, which `connect` made, the request goes over it, and it stays open. Raises OutOfTime.
        """
        end = self.clock.next()
        sock = link or self.connect(end, secure=self.visit.secure if secure is None else secure)
        if isinstance(sock, Nothing):
            return sock
        cookies = cookies or self.visit.new_cookies()
        given = self.visit.given.headers if headers is None else headers
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self.visit.host_header}",
            *(f"{name}: {value}" for name, value in (*given, *cookies.header)),
            *([] if body is None else ["Content-Type: text/plain;charset=UTF-8"]),
            *([] if body is None else [f"Content-Length: {len(body)}"]),
            *([] if link else ["Connection: close"]),
        ]
        try:
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b""))
            return read_answer(sock, method, end, cookies, self.redact)
        except OSError as error:
            return lack_of(error)
        finally:
            if not link:
                sock.close()

    def websocket(self, *, path: str | None = None) -> WebSocket | Reply | Nothing:
        """A WebSocket, or the answer that refuses it. Raises OutOfTime."""
        end = self.clock.next()
        visit, key = self.visit, new_key()
        sock = self.connect(end, secure=visit.secure)
        if isinstance(sock, Nothing):
            return sock
        shown = (*visit.given.headers, *visit.new_cookies().header)
        target = visit.target("websocket", path=path)
        opened: WebSocket | Reply | Nothing
        try:
            sock.sendall(encode_upgrade_request(visit.host_header, target, key, shown))
            opened = read_upgrade(sock, key, end)
        except OSError as error:
            opened = lack_of(error)
        if not isinstance(opened, WebSocket):
            sock.close()
        return opened

    def first_message(self, websocket: WebSocket) -> str | bytes | Ended | None:
        """What comes first, None if nothing comes in time. Closes the WebSocket if it raises OutOfTime."""
        try:
            return websocket.receive(self.clock.next())
        except OutOfTime:
            websocket.close()
            raise

    def speaks_tls(self) -> bool:
        """Whether a TLS server, with any certificate, is there. Raises OutOfTime."""
        sock = self.connect(self.clock.next(), secure=True, verify=False)
        if isinstance(sock, Nothing):
            return False
        sock.close()
        return True

    def connect(self, end: float, *, secure: bool, verify: bool | None = None) -> Any:
        """A connected socket, or Nothing. It tries each address of the host."""
        try:
            addresses = self.visit.addresses()
        except OSError as error:
            return Nothing(Lack.UNKNOWN_HOST, f"{self.visit.host} ({error.strerror or error})")
        first: OSError | None = None
        for family, address in addresses:
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                return Nothing(Lack.UNREACHABLE, f"on our side: {(error.strerror or str(error)).lower()}")
            try:
                sock.settimeout(max(end - time.monotonic(), 0.01))
                sock.connect(address)
            except OSError as error:
                sock.close()
                first = first or error
                continue
            return self._secured(sock, end, verify=verify) if secure else sock
        if isinstance(first, ConnectionRefusedError):
            return Nothing(Lack.REFUSED)
        if first is None or isinstance(first, TimeoutError):
            return Nothing(Lack.UNREACHABLE, "no answer to a connection")
        return Nothing(Lack.UNREACHABLE, first.strerror or str(first))

    def _secured(self, sock: Any, end: float, *, verify: bool | None) -> Any:
        import ssl  # when needed: Locust must patch it before anybody has used it

        if self.visit.verify if verify is None else verify:
            context = ssl.create_default_context(cafile=self.visit.ca_file)
        else:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            sock.settimeout(max(end - time.monotonic(), 0.01))
            return context.wrap_socket(sock, server_hostname=self.visit.host)
        except ssl.SSLCertVerificationError as error:
            sock.close()
            return Nothing(Lack.UNTRUSTED, f"{error.reason} ({error.verify_message})")
        except OSError as error:  # ssl.SSLError among them
            sock.close()
            reason = getattr(error, "reason", None) or error.strerror or error
            return Nothing(Lack.NO_TLS, "no answer" if isinstance(error, TimeoutError) else str(reason))
