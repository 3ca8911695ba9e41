"""The listening socket: the command line binds it once, and the server behind it inherits it.

One place decides the port, TCP_NODELAY and the backlog for every mode.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from pathlib import Path

from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem

# A load test opens a thousand connections at once.
BACKLOG = 4096
SYSTEM_LIMIT = Path("/proc/sys/net/core/somaxconn")


def bind(host: str, port: int, *, nagle: bool) -> socket.socket:
    """Bind and listen, on a free port when `port` is 0. Raises Problem when that is impossible.

    Accepted connections inherit TCP_NODELAY from the listener.
    Without it an answer of two small packets waits about 40 ms for the peer's delayed ACK.
    """
    listener = _bound(host, port, listens=True)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not nagle)
    listener.set_inheritable(True)
    return listener


def hold(host: str, port: int) -> socket.socket:
    """A socket that keeps the port, or a free one when `port` is 0, and does not listen.

    `bind` can listen there as long as it is open. In the meantime nobody else gets the port, and a client is
    refused. Raises Problem when that is impossible.
    """
    return _bound(host, port, listens=False)


def hold_for_program(host: str, port: int) -> socket.socket:
    """As `hold`, for a program that binds the port itself, with SO_REUSEPORT."""
    held = hold(host, port)
    # From now on the program may bind the port, and nobody else may hold it.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def _bound(host: str, port: int, *, listens: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Problem(f"host {host!r} is unknown: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        if listens:
            listener.listen(backlog_limit())
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Problem(f"port {port} on {host} is in use (--port 0 takes a free one)") from None
        raise Problem(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener


def backlog_limit() -> int:
    """The backlog that the system allows. Linux silently reduces a larger one, and uWSGI refuses it."""
    try:
        return min(BACKLOG, int(SYSTEM_LIMIT.read_text()))
    except OSError:
        return BACKLOG


def inherited(fd: int) -> socket.socket:
    """The listening socket that this process inherited."""
    return socket.socket(fileno=fd)


def listening_socket(mode: str) -> tuple[Options, socket.socket]:
    """What a launcher begins with: the options of this process, and its listener.

    A launcher that somebody started by hand binds one itself.
    """
    options = replace(Options.from_environment(), mode=mode)
    if options.listen_fd is not None:
        return options, inherited(options.listen_fd)
    listener = bind(options.host, options.port, nagle=options.nagle)
    return replace(options, port=listener.getsockname()[1], listen_fd=listener.fileno()), listener
