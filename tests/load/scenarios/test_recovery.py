"""The ledger of a fan-out when the server recovers lost connections: what was missed comes, or is missing."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from load.blocks.measuring import Crowd
from load.playing.players import Player
from load.scenarios.fanout.away import Away
from sioprobe.engine import Connection, Target
from sioprobe.measured import Ledger
from sioprobe.measured.ledger import Receiver
from tests.engine.tls_front import Front, place_of
from tests.load.locusts import load
from tests.load.scenarios.test_scenarios import FANOUTS, playing, timed, wait_for
from tests.load.stage import Stage
from tests.server_under_test.conftest import require_node
from tests.servers import start_command, start_foreign

MISSED = 10


@contextmanager
def fanning(server: str, scenario: str = "fanout") -> Iterator[tuple[Crowd, Ledger, str]]:
    """A room of four at play on Node, or on the strict server with a fault ("" for none)."""
    command = [sys.executable, "-m", "tests.strict_server", "--recovery"]
    if server == "node":
        require_node()
    started = (
        start_foreign("node", recovery=True)
        if server == "node"
        else start_command([*command, *(["--fault", server] if server else [])])
    )
    with started:
        urls: Any = SimpleNamespace(url=started.url)
        with playing(urls, rate=100, timeout=30.0, scenario=scenario, **FANOUTS[scenario]) as crowd:
            ledger = crowd.scenario.ledger
            assert ledger is not None
            wait_for(lambda: ledger.published > 5, "numbers")
            yield crowd, ledger, started.url


def lose(crowd: Crowd, ledger: Ledger) -> Connection:
    """Drop the last member, and wait until it has missed something."""
    connection = crowd.players[-1].connection
    connection.drop()
    assert crowd.players[-1].state == "closed"
    wait_for(lambda: ledger.missed_away >= MISSED, "missed")
    return connection


def come_back(crowd: Crowd, ledger: Ledger, url: str, lost: Connection) -> Player:
    """Connect it again as a user under Locust does, and let more numbers come."""
    connection = Connection(crowd.engine, Target.from_url(url), "websocket")
    connection.resume(lost)
    player = crowd.scenario.player(connection, crowd._tell)
    crowd.players.append(player)
    player.open()
    wait_for(lambda: player.state == "ready", "ready")
    player.begin()
    published = ledger.published
    wait_for(lambda: ledger.published > published + 5, "more numbers")
    return player


@pytest.mark.parametrize("server", ["", "node"])
@pytest.mark.parametrize("scenario", FANOUTS)
def test_what_a_recovered_member_missed_is_received(server: str, scenario: str) -> None:
    with fanning(server, scenario) as (crowd, ledger, url):
        lost = lose(crowd, ledger)
        missed = ledger.missed_away

        come_back(crowd, ledger, url, lost)

    assert ledger.clean
    assert ledger.received == ledger.expected == 4 * ledger.published
    assert (ledger.missed_away, ledger.replayed >= missed) == (0, True)
    assert timed(crowd, "SIO deliver") == {"m": ledger.received - ledger.replayed}
    assert crowd.engine.recorder.errors() == {}


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("replay-loses-one-event", "lost"), ("replay-comes-twice", "duplicated"),
     ("replay-is-reversed", "reordered")],
)  # fmt: skip
def test_what_a_replay_does_wrong_is_named(fault: str, problem: str) -> None:
    with fanning(fault) as (crowd, ledger, url):
        come_back(crowd, ledger, url, lose(crowd, ledger))

    problems = {name for name, count in ledger.problems.items() if count}
    assert problems == {problem}
    assert ledger.received + ledger.lost == ledger.expected == 4 * ledger.published
    assert crowd.engine.recorder.errors()[problem] == ledger.problems[problem]


def test_a_member_that_is_not_recovered_joins_anew_and_has_missed_what_it_missed() -> None:
    with fanning("nothing-is-recovered") as (crowd, ledger, url):
        lost = lose(crowd, ledger)

        come_back(crowd, ledger, url, lost)
        missed, published = ledger.missed_away, ledger.published
        wait_for(lambda: ledger.published > published + 5, "more numbers")
        assert ledger.missed_away == missed

    assert ledger.missed_away >= MISSED
    assert ledger.replayed == ledger.duplicated == 0
    assert ledger.received + ledger.lost == ledger.expected == 4 * ledger.published - ledger.missed_away


def test_a_place_is_kept_until_its_user_leaves_for_good() -> None:
    with fanning("") as (crowd, ledger, url):
        lost = lose(crowd, ledger)
        [room] = crowd.scenario.rooms  # type: ignore[attr-defined]
        newcomer = crowd.scenario.player(Connection(crowd.engine, Target.from_url(url), "websocket"))
        assert newcomer.room is not room  # type: ignore[attr-defined]

        # Its next connection has not opened when it leaves.
        again = Connection(crowd.engine, Target.from_url(url), "websocket")
        again.resume(lost)
        crowd.scenario.player(again).leave()
        missed, published = ledger.missed_away, ledger.published
        wait_for(lambda: ledger.published > published + 5, "more numbers")

        assert ledger.missed_away == missed
        assert len(room.seats) == 3
        assert lost.recovery not in room.away
    assert ledger.received + ledger.lost == ledger.expected


def test_who_is_not_recovered_takes_nobody_elses_place() -> None:
    with fanning("nothing-is-recovered") as (crowd, ledger, url):
        [room] = crowd.scenario.rooms  # type: ignore[attr-defined]
        kicked = crowd.players.pop(-2)
        kicked.connection.emit("kick-all")
        wait_for(lambda: room.lost, "the place of the member that was put out")

        come_back(crowd, ledger, url, lose(crowd, ledger))

        assert room.lost == {kicked}
        missed = ledger.missed_away
        wait_for(lambda: ledger.missed_away > missed, "more is missed")
        kicked.leave()


def test_what_was_under_way_to_a_lost_member_is_lost_if_it_never_comes_back() -> None:
    ledger = Ledger(published=5, expected=3)
    receiver = Receiver(ledger, 0)
    receiver.receive(0)
    member: Any = SimpleNamespace(receivers={"tag": receiver})

    Away(member, {"tag": 3}).close()

    assert (ledger.expected, ledger.received, ledger.lost) == (3, 1, 2)


def test_clients_of_a_storm_are_recovered() -> None:
    command = [sys.executable, "-m", "tests.strict_server", "--recovery"]
    with (
        start_command(command) as server,
        Stage(server.url, "storm", "websocket", 5, waves=2, calm=0.1) as stage,
    ):
        stage.wait(lambda: len(stage.scenario.waves) == 2 and stage.scenario.at_rest, "both waves")
        stage.finish()
        totals = stage.engine.recorder.totals()

    counts = {series.name: sample.untimed for series, sample in totals if series.type == "SIO recovery"}
    assert counts == {"recovered": 10}
    assert stage.errors() == {}


class CuttingFront(Front):
    """Hands everything on, and cuts the first connection that has brought so many bytes to its client."""

    def __init__(self, behind: str, after: int) -> None:
        self._behind = place_of(behind)
        self._left: int | None = after
        super().__init__()

    def _serve(self, outer: socket.socket) -> None:
        inner = socket.create_connection(self._behind)
        self._socks += [outer, inner]
        threading.Thread(target=self._pump, args=(outer, inner), daemon=True).start()
        threading.Thread(target=self._down, args=(inner, outer), daemon=True).start()

    def _down(self, inner: socket.socket, outer: socket.socket) -> None:
        brought = 0
        with contextlib.suppress(OSError):
            while data := inner.recv(4096):
                outer.sendall(data)
                brought += len(data)
                if self._left is not None and brought > self._left:
                    self._left = None
                    break
        for sock in (inner, outer):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def test_a_user_under_locust_goes_on_with_its_account() -> None:
    command = [sys.executable, "-m", "tests.strict_server", "--recovery"]
    words = ["--scenario", "fanout", "--users", "3", "--room-size", "3", "--rate", "50", "--no-calibrate"]
    with start_command(command) as server, CuttingFront(server.url, 8192) as front:
        done = load("--url", front.url, *words, "--json", until={"SIO recovery": 1, "SIO connect": 4})
    ledger = json.loads(done.stdout)["ledger"]

    assert ledger["missed_away"] == 0
    assert ledger["replayed"] > 0
    assert ledger["received"] + ledger["lost"] == ledger["expected"]
