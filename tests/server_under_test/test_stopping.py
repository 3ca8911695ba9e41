"""A server tells its clients when it stops, in every mode; two servers a mode, run side by side.

One is as it comes and gets SIGTERM; the other offers polling only, has Nagle's algorithm, and gets SIGINT.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import websocket

from server_under_test.starting.command import command, environment
from server_under_test.starting.listener import bind
from server_under_test.starting.modes import MODES
from server_under_test.starting.options import Options
from tests.server_under_test.conftest import NODE, require_mode, start_any
from tests.server_under_test.peers import Peer, PollingPeer
from tests.servers import Server, start_command

# Seconds; a server is gone within 5, on a machine that does other things too somewhat later.
DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen of a server from its start to its end."""

    about: dict[str, Any]
    offered_upgrades: list[str]
    websocket_refused: bool
    nodelay: bool
    last_polled: list[str]
    exit_code: int
    left_nothing: bool
    stderr: str


def live(mode: str, *, polling_only: bool) -> Life:
    """Start a server, connect clients that do not leave by themselves, and tell it to stop."""
    with ExitStack() as stack:
        listener = None
        if mode == NODE:
            server = stack.enter_context(start_any(mode))
        else:
            # Options of a socket belong to the socket: this end sees what the server makes of them.
            listener = stack.enter_context(bind("127.0.0.1", 0, nagle=polling_only))
            options = {"transports": ("polling",), "nagle": True} if polling_only else {}
            server = stack.enter_context(server_on(listener, mode, **options))
        websocket_peer = None
        refused = refuses_websocket(server.url)
        if not refused:
            websocket_peer = Peer(server.url, "/")
        polling_peer = PollingPeer(server.url)
        finish_poll = polling_peer.begin_poll()
        nodelay = listener is None or bool(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        server.signal(signal.SIGINT if polling_only else signal.SIGTERM)
        if websocket_peer is not None:
            websocket_peer.expect_disconnect("/")
            websocket_peer.expect_close()
        last_polled = finish_poll()
        exit_code = server.wait(DEADLINE)
        return Life(
            about=server.about,
            offered_upgrades=polling_peer.opened["upgrades"],
            websocket_refused=refused,
            nodelay=nodelay,
            last_polled=last_polled,
            exit_code=exit_code,
            left_nothing=group_ends(server.process.pid),
            stderr=server.stderr,
        )


def server_on(listener: socket.socket, mode: str, **options: Any) -> Server:
    chosen = Options(mode=mode, port=listener.getsockname()[1], listen_fd=listener.fileno(), **options)
    return start_command(command(chosen), environment=environment(chosen), pass_fds=[listener.fileno()])


def refuses_websocket(url: str) -> bool:
    """Whether a WebSocket is refused: with status 400, or, by gevent-websocket, closed at once."""
    address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    try:
        connection = websocket.create_connection(address, timeout=15)
    except websocket.WebSocketBadStatusException as refused:
        return bool(refused.status_code == 400)
    try:
        return bool(connection.recv() == "")
    except websocket.WebSocketConnectionClosedException:
        return True
    finally:
        connection.close()


def group_ends(group: int) -> bool:
    """Whether the last process of a group goes by itself."""
    limit = time.monotonic() + DEADLINE
    while time.monotonic() < limit:
        if subprocess.run(["pgrep", "-g", str(group)], capture_output=True).returncode != 0:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def life() -> Iterator[Callable[..., Life]]:
    """Answers the life of a server; all of them are begun with the first, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        lives: dict[tuple[str, bool], Future[Life]] = {}

        def get(mode: str, *, polling_only: bool = False) -> Life:
            require_mode(mode)
            if not lives:
                for name in (*MODES, NODE):
                    lives[name, False] = pool.submit(live, name, polling_only=False)
                for name in MODES:
                    lives[name, True] = pool.submit(live, name, polling_only=True)
            return lives[mode, polling_only].result()

        yield get


@pytest.mark.parametrize("mode", [*MODES, NODE])
def test_sigterm_tells_the_clients_on_both_transports(mode: str, life: Callable[..., Life]) -> None:
    seen = life(mode)
    assert not seen.websocket_refused
    assert seen.offered_upgrades == ["websocket"]
    assert seen.nodelay
    assert "41" in seen.last_polled
    assert (seen.exit_code, seen.left_nothing) == (0, True), seen.stderr
    assert "Traceback" not in seen.stderr


@pytest.mark.parametrize("mode", list(MODES))
def test_sigint_tells_the_clients_of_a_server_with_polling_only_and_nagle(
    mode: str, life: Callable[..., Life]
) -> None:
    seen = life(mode, polling_only=True)
    assert seen.about["transports"] == ["polling"]
    assert seen.websocket_refused
    assert seen.offered_upgrades == []
    assert seen.about["nagle"] is True
    assert not seen.nodelay
    assert "41" in seen.last_polled
    assert (seen.exit_code, seen.left_nothing) == (0, True), seen.stderr
    assert "Traceback" not in seen.stderr
