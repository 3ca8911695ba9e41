"""One server process for each async mode, shared by every test that does not stop it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from server_under_test.foreign.building import is_built
from server_under_test.foreign.servers import FOREIGN
from server_under_test.foreign.servers import missing as missing_for
from server_under_test.queues.redis_server import MISSING as REDIS_MISSING
from server_under_test.queues.redis_server import find_redis
from server_under_test.starting.modes import MODES, missing
from tests.servers import Server, start_foreign, start_server

NODE = "node"


def not_here(reason: str) -> NoReturn:
    """Skip on a developer's machine; fail in CI, where the set-up owes everything that a test needs."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_mode(mode: str) -> None:
    if mode in FOREIGN:
        require_foreign(mode)
        return
    lack = missing(MODES[mode])
    if lack is not None:
        not_here(lack)


def require_foreign(name: str) -> None:
    """Skip, or fail, where a foreign server lacks something; the set-up has built it otherwise."""
    server = FOREIGN[name]
    lack = missing_for(server)
    if lack is not None:
        not_here(lack)
    if server.recipe is not None and not is_built(server.recipe):
        not_here(f"{name} is not built: make servers")


def require_node() -> None:
    require_foreign(NODE)


def require_redis() -> None:
    if not os.environ.get("REDIS_URL") and find_redis() is None:
        not_here(REDIS_MISSING)


def start_any(name: str) -> Server:
    """A server of a mode, or a foreign one."""
    return start_foreign(name) if name in FOREIGN else start_server(name)


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[str], Server]]:
    """Answers the one running server with that name; starts it when it is asked for first."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}

        def get(name: str) -> Server:
            require_mode(name)
            if name not in servers:
                servers[name] = stack.enter_context(start_any(name))
            return servers[name]

        yield get
        # All at once; the stack then waits for one after the other.
        for server in servers.values():
            server.process.terminate()


@pytest.fixture(params=list(MODES))
def server(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> Server:
    """The server of each mode in turn."""
    return running(request.param)


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture
def threading_server(running: Callable[[str], Server]) -> Server:
    """One server, for what does not depend on the mode."""
    return running("threading")
