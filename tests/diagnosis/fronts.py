"""A balancer that gives each new connection to the next server, whatever session its requests belong to."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading


class Unsticky:
    """In front of the servers at some URLs. A context manager."""

    def __init__(self, *behind: str) -> None:
        places = (url.rpartition("//")[2].partition(":") for url in behind)
        self._next = itertools.cycle([(host, int(port)) for host, _, port in places])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._socks: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                outer, _ = self._listener.accept()
                inner = socket.create_connection(next(self._next))
            except OSError:
                return
            self._socks += [outer, inner]
            for source, sink in ((outer, inner), (inner, outer)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Unsticky:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
