"""A load through a balancer with a cookie: each user keeps its worker, whatever happens to its connection."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.load.locusts import headless, load, with_workers
from tests.load.sticky_front import StickyFront
from tests.servers import start_command

USERS = 4


@pytest.fixture(scope="module")
def workers() -> Iterator[list[str]]:
    """A session of the one is unknown to the other."""
    command = [sys.executable, "-m", "load.blocks.null_server"]
    with ExitStack() as stack:
        yield [stack.enter_context(start_command(command)).url for _ in range(2)]


@pytest.mark.parametrize(
    ("transport", "processes"), [("polling", 1), ("upgrade", 1), ("websocket", 1), ("websocket", 2)]
)
def test_users_keep_the_worker_of_their_cookie(workers: list[str], transport: str, processes: int) -> None:
    """Whoever loses a WebSocket comes back with the cookie, and so to the same worker."""
    lost = 0 if transport == "polling" else 2
    with StickyFront(workers, cuts=lost) as front:
        more = with_workers(processes) if processes > 1 else []
        done = headless(
            *("-u", str(USERS), "-r", str(USERS), "-t", "60s", "--host", front.url),
            *("--transport", transport, *more),
            until={"SIO connect": USERS + lost, "SIO ack": 200},
        )

    assert front.refused == []
    assert len(front.known) == lost, done.stderr
    # Each command visits the server once before its run.
    assert len(front.fresh) == USERS + 1
    assert front.upgrades >= (USERS if transport == "upgrade" else 0)
    assert {int(cookie) % 2 for cookie in front.fresh} == {0, 1}


def test_sioprobe_load_does_the_same(workers: list[str]) -> None:
    with StickyFront(workers) as front:
        done = load(
            *(
                "--url",
                front.url,
                "--users",
                str(USERS),
                "--transport",
                "polling",
                "--no-calibrate",
                "--json",
            ),
            until={"SIO connect": USERS, "SIO ack": 50},
        )

    assert '"errors": {}' in done.stdout, done.stdout
    assert (front.refused, front.known) == ([], [])
    assert len(front.fresh) == USERS + 1
