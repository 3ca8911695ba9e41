"""A TLS stream on top of `Stream`: `ssl.MemoryBIO` between the socket and the callbacks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.transports.stream import CHUNK, Stream

__all__ = ["TlsStream", "failure_of_tls"]


def failure_of_tls(error: OSError) -> SwarmError:
    """The failure that an error of the handshake stands for, with the reason that OpenSSL gives."""
    reason = str(getattr(error, "reason", None) or error)
    if reason == "CERTIFICATE_VERIFY_FAILED":
        reason += f" ({getattr(error, 'verify_message', 'not trusted')})"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        reason += " (the server does not speak TLS; write http://)"
    return SwarmError(Kind.TLS_REFUSED, reason)


class TlsStream(Stream):
    """As `Stream`; `opened` is called when the TLS handshake is done."""

    __slots__ = ("_incoming", "_outgoing", "_plain", "_secured", "_shaken", "_ssl", "_want")

    def __init__(
        self,
        loop: Any,
        receive: Callable[[bytes], None],
        lost: Callable[[SwarmError | None], None],
        opened: Callable[[], None],
        context: Any,
        server_name: str,
    ) -> None:
        import ssl

        super().__init__(loop, self._receive_secured, lost, self._shake_hands)
        self._want = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._plain = receive
        self._secured = opened
        self._shaken = False

    def _receive_secured(self, data: bytes) -> None:
        self._incoming.write(data)
        if not self._shaken:
            self._shake_hands()
            if not self._shaken:
                return
        while self._sock is not None:
            try:
                plain = self._ssl.read(CHUNK)
            except self._want:
                break
            except OSError as error:  # ssl.SSLError, which includes the peer's close_notify
                self._lose_tls(error)
                return
            if not plain:
                self._lose(None)
                return
            self._plain(plain)
        self._flush()

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except self._want:
            self._flush()
            return
        except OSError as error:
            self._flush()
            self._lose(failure_of_tls(error))
            return
        self._shaken = True
        self._flush()
        self._secured()

    def _lose_tls(self, error: OSError) -> None:
        ended = (
            "ZERO_RETURN" in str(getattr(error, "reason", "")) or type(error).__name__ == "SSLZeroReturnError"
        )
        self._lose(None if ended else SwarmError(Kind.TLS_ERROR, str(error)))

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and self._sock is not None:
            Stream.write(self, data)

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        if self._sock is None:
            return
        try:
            self._ssl.write(data)
        except OSError as error:
            self._loop.run_callback(self._lose_tls, error)
            return
        self._flush()

    def close(self) -> None:
        """Send the end of TLS, if the kernel accepts it at once, and close the socket."""
        if self._shaken and self._sock is not None:
            self._shaken = False
            with contextlib.suppress(OSError):  # it would wait for the answer of the peer
                self._ssl.unwrap()
            self._flush()
        super().close()
