"""TLS in front of any server, with a certificate of an authority made for the occasion."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import trustme


def make_authority(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context for 127.0.0.1, and the file with the certificate of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, str(path)


class Front(ABC):
    """Something between a client and its server: `_serve` gets each connection. A context manager."""

    def __init__(self, scheme: str = "http") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._socks: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._serve(self._listener.accept()[0])

    @abstractmethod
    def _serve(self, outer: socket.socket) -> None:
        """Serve the connection in a thread. Raises OSError at the end of all."""

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class TlsFront(Front):
    """A TLS endpoint in front of a server: decrypts what comes and hands it on."""

    def __init__(self, context: ssl.SSLContext, behind: str) -> None:
        self._context = context
        self._behind = place_of(behind)
        super().__init__("https")

    def _serve(self, outer: socket.socket) -> None:
        threading.Thread(target=self._decrypt, args=(outer,), daemon=True).start()

    def _decrypt(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self._behind) as inner:
            self._socks += [sock, inner]
            with self._context.wrap_socket(sock, server_side=True) as outer:
                back = threading.Thread(target=self._pump, args=(inner, outer), daemon=True)
                back.start()
                self._pump(outer, inner)
                back.join(20)


def place_of(url: str) -> tuple[str, int]:
    """Host and port of a URL that has both."""
    host, _, port = url.rpartition("//")[2].partition(":")
    return host, int(port)
