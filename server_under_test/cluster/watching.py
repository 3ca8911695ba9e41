"""Waiting for what happens to a supervisor: signals, ends of children, and lines that somebody writes."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import IO, Any

READ_BYTES = 65536


class AskedToStop(BaseException):
    """SIGTERM or SIGINT came. It interrupts whatever the supervisor does, as KeyboardInterrupt would."""


class Watch:
    """The first SIGTERM or SIGINT raises AskedToStop in the main thread. Later ones are ignored."""

    def __init__(self) -> None:
        self._asked_to_stop = False
        # Unlike epoll, poll takes a file too: `serve --play <commands`.
        self._selector = selectors.PollSelector()
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        self._selector.register(self._reading, selectors.EVENT_READ, self._drain)
        # Python writes a byte there with each signal, so that `wait` returns when a child ends.
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def lines(self, stream: IO[Any], take: Callable[[str], None]) -> None:
        """From now on `wait` hands each line of the stream to `take`, and closes it at its end."""
        descriptor = stream.fileno()
        rest = b""

        def read() -> None:
            nonlocal rest
            new = os.read(descriptor, READ_BYTES)
            *whole, rest = (rest + new).split(b"\n")
            if not new:
                self._selector.unregister(descriptor)
                stream.close()
                whole = [rest] if rest else []
            for line in whole:
                take(line.decode(errors="replace"))

        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def wait(self, seconds: float | None = None) -> None:
        """Wait until something happens, but no longer than these seconds. Raises AskedToStop."""
        if self._asked_to_stop:
            raise AskedToStop
        for key, _ in self._selector.select(seconds):
            key.data()

    def close(self) -> None:
        """From now on no signal interrupts."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.close()
        # Where Python runs a finalizer, it swallows the exception.
        self._asked_to_stop = True
        raise AskedToStop

    def _drain(self) -> None:
        try:
            while self._reading.recv(4096):
                pass
        except BlockingIOError:
            return
