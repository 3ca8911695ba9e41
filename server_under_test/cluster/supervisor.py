"""Several server processes of one mode, each with a port of its own, joined by a queue.

The supervisor starts them, waits until each hears the others, and prints one READY line for all. It stops
them together on a signal, or when one of them ends by itself.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from types import FrameType
from typing import Any

from server_under_test.queues.redis_server import listeners as redis_listeners
from server_under_test.queues.registry import QUEUES, Running
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.command import command, environment
from server_under_test.starting.listener import bind
from server_under_test.starting.options import Options, without_password
from server_under_test.starting.problems import Problem
from server_under_test.starting.readiness import parse_line, write_line

START_SECONDS = 60.0
STOP_SECONDS = 4.5


def run(options: Options) -> int:
    """Serve until a signal comes, and return the exit code. Raises Problem when it cannot start."""
    wakeup = _Wakeup()
    # Bind first: a port in use is the most frequent reason to fail.
    sockets = _bind_all(options)
    assert options.queue is not None
    queue = Running(options.queue_url) if options.queue_url else QUEUES[options.queue].load().start()
    names = dict.fromkeys(queue.processes, f"the {QUEUES[options.queue].title} server")
    try:
        before = redis_listeners(queue.url)
        servers = []
        for number, listener in enumerate(sockets, start=1):
            server = _start_server(replace(options, queue_url=queue.url), listener)
            names[server] = f"server {number} of {options.workers}"
            servers.append(server)
        abouts = _wait_until_ready(servers, names, wakeup)
        _wait_for_listeners(queue, before + len(servers), names, wakeup)
        write_line(_together(abouts, queue))
        return _wait_for_the_end(servers, names, wakeup)
    except _AskedToStop:
        return 0
    finally:
        stop_children([process for process in names if process not in queue.processes], STOP_SECONDS)
        stop_children(queue.processes, STOP_SECONDS)


class _AskedToStop(Exception):
    """SIGTERM or SIGINT came before the servers were ready."""


class _Wakeup:
    """A socket that becomes readable when SIGTERM or SIGINT arrives, or when a child ends."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self.reading, writing = socket.socketpair()
        self.reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        self._writing = writing
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True


def _bind_all(options: Options) -> list[socket.socket]:
    return [
        bind(options.host, options.port + number if options.port else 0, nagle=options.nagle)
        for number in range(options.workers)
    ]


def _start_server(options: Options, listener: socket.socket) -> subprocess.Popen[bytes]:
    fd = listener.fileno()
    options = replace(options, listen_fd=fd, port=listener.getsockname()[1])
    server = start_child(command(options), env=environment(options), pass_fds=[fd], stdout=subprocess.PIPE)
    listener.close()
    return server


def _wait_until_ready(
    servers: list[subprocess.Popen[bytes]], names: dict[subprocess.Popen[bytes], str], wakeup: _Wakeup
) -> list[dict[str, Any]]:
    """The object after READY of each server."""
    deadline = time.monotonic() + START_SECONDS
    abouts: dict[subprocess.Popen[bytes], dict[str, Any]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(wakeup.reading, selectors.EVENT_READ)
        for server in servers:
            assert server.stdout is not None
            selector.register(server.stdout, selectors.EVENT_READ, server)
        while len(abouts) < len(servers):
            if wakeup.asked_to_stop:
                raise _AskedToStop
            if time.monotonic() > deadline:
                late = next(server for server in servers if server not in abouts)
                raise Problem(f"{names[late]} was not ready after {START_SECONDS:.0f} s")
            _complain_about_the_dead(names)
            for key, _ in selector.select(timeout=1.0):
                if key.data is None:
                    _drain(wakeup.reading)
                    continue
                about = parse_line(key.data.stdout.readline().decode())
                if about is not None:
                    abouts[key.data] = about
                    selector.unregister(key.fileobj)
    return [abouts[server] for server in servers]


def _wait_for_listeners(
    queue: Running, count: int, names: dict[subprocess.Popen[bytes], str], wakeup: _Wakeup
) -> None:
    """Wait until every server is subscribed. An earlier broadcast would not reach all of them."""
    deadline = time.monotonic() + START_SECONDS
    while (found := redis_listeners(queue.url)) < count:
        if wakeup.asked_to_stop:
            raise _AskedToStop
        _complain_about_the_dead(names)
        if time.monotonic() > deadline:
            raise Problem(f"{found} of {count} processes listen to the queue after {START_SECONDS:.0f} s")
        time.sleep(0.02)


def _complain_about_the_dead(names: dict[subprocess.Popen[bytes], str]) -> None:
    for process, name in names.items():
        if process.poll() is not None:
            raise Problem(f"{name} ended with code {process.returncode}")


def _together(abouts: list[dict[str, Any]], queue: Running) -> dict[str, Any]:
    """One READY object for all: that of the first server, with the addresses and process ids of all."""
    return {
        **abouts[0],
        "urls": [url for about in abouts for url in about["urls"]],
        "pids": [pid for about in abouts for pid in about["pids"]],
        "queue_url": without_password(queue.url),
    }


def _wait_for_the_end(
    servers: list[subprocess.Popen[bytes]], names: dict[subprocess.Popen[bytes], str], wakeup: _Wakeup
) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(wakeup.reading, selectors.EVENT_READ)
        for server in servers:
            assert server.stdout is not None
            selector.register(server.stdout, selectors.EVENT_READ, server)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    _drain(wakeup.reading)
                elif not os.read(key.fd, 65536):
                    selector.unregister(key.fileobj)
            if wakeup.asked_to_stop:
                return 0
            for process, name in names.items():
                if process.poll() is not None:
                    print(
                        f"{name} ended with code {process.returncode}; stopping the others", file=sys.stderr
                    )
                    return 1


def _drain(reading: socket.socket) -> None:
    try:
        while reading.recv(4096):
            pass
    except BlockingIOError:
        return
