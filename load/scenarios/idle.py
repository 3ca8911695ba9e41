"""`idle`: connect, answer pings, do nothing.

It shows what an idle connection costs the server and the generator, whether the server pings as often as it
announced, and which connections end unexpectedly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

import psutil

from load.playing.observations import (
    Observations,
    add_counts,
    count_of,
    duration,
    pack,
    spread,
    summed,
    told,
    unpack,
)
from load.playing.parameters import NAMESPACE, Options
from load.playing.players import Player, Scenario, kind_of_end
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.engine.hub import SECOND
from sioprobe.measured import Recorder
from sioprobe.results.histogram import Histogram

__all__ = ["IdleScenario"]

OVERDUE_SECONDS = 1.0
"""A ping is overdue if it is so much later than announced. Both sides may be busy."""


class IdleScenario(Scenario):
    """No operations."""

    title = "connect, answer pings, do nothing"
    parameters = (NAMESPACE,)

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.players: set[IdlePlayer] = set()
        self.pings = 0
        self.intervals = Histogram()
        self.early = Histogram()
        """How much earlier than announced pings came; `late`: how much later. In µs."""
        self.late = Histogram()
        self.announced: tuple[float, float] = (0.0, 0.0)
        self.ended: dict[str, int] = {}
        self._rss_before = _own_rss()
        self._held: dict[str, Any] | None = None

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player that stays connected."""
        return IdlePlayer(self, connection, changed)

    def settle(self) -> None:
        """Note what can be seen only while the connections are there."""
        self._held = self._look()

    def _look(self) -> dict[str, Any]:
        interval = self.announced[0]
        now = monotonic_ns()
        waits = [(now - player.last_ping) / SECOND for player in self.players]
        return {
            "connections": len(self.players),
            "overdue": sum(wait > interval + OVERDUE_SECONDS for wait in waits) if interval else 0,
            "longest_wait_seconds": max(waits, default=None),
            "generator_rss_before_bytes": self._rss_before,
            "generator_rss_bytes": _own_rss(),
        }

    def state(self) -> dict[str, Any]:
        """Pings and their intervals, unexpected ends, memory of this process."""
        return {
            **(self._held or self._look()),
            "pings": self.pings,
            "intervals": pack(self.intervals),
            "early": pack(self.early),
            "late": pack(self.late),
            "ping_interval_seconds": self.announced[0],
            "ping_timeout_seconds": self.announced[1],
            "ended": dict(self.ended),
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Observations:
        """Memory of each connection, pings and their drift, unexpected ends."""
        connections = sum(state["connections"] for state in states)
        ended = summed(state["ended"] for state in states)
        memory, memory_words = _memory(states, connections, server)
        pings, ping_words = _pings(states, connections)
        words = [*memory_words, *ping_words]
        if ended:
            words.append(f"{count_of(sum(ended.values()), 'connection')} ended unexpectedly: {told(ended)}")
        else:
            words.append("no connection ended unexpectedly")
        return Observations(words, {"connections": connections, **memory, **pings, "unexpected_ends": ended})


def _memory(
    states: Sequence[dict[str, Any]], connections: int, server: Watched
) -> tuple[dict[str, Any], list[str]]:
    figures: dict[str, Any] = {
        "server_bytes_per_connection": None,
        "server_threads_per_connection": None,
        "generator_bytes_per_connection": None,
    }
    if not connections:
        return figures, ["no connection was there at the end"]
    of_server = "server not known"
    before, held = server.before, server.held
    if before is not None and held is not None:
        if before.rss_bytes is not None and held.rss_bytes is not None:
            each = _each(held.rss_bytes - before.rss_bytes, connections)
            figures["server_bytes_per_connection"] = each
            of_server = "server " + _kibibytes(each)
        if before.threads is not None and held.threads is not None:
            threads = (held.threads - before.threads) / connections
            figures["server_threads_per_connection"] = threads
            of_server += f" and {threads:.2f} threads" if threads >= 0.01 else ""
    sizes = [(state["generator_rss_before_bytes"], state["generator_rss_bytes"]) for state in states]
    of_generator = "generator not known"
    if not any(None in pair for pair in sizes):
        grown = sum(after - before for before, after in sizes)
        figures["generator_bytes_per_connection"] = each = _each(grown, connections)
        of_generator = "generator " + _kibibytes(each)
    return figures, [f"memory of each of {count_of(connections, 'connection')}: {of_server}, {of_generator}"]


def _own_rss() -> int | None:
    """The memory of this process; None if it may open no file to read that."""
    try:
        return int(psutil.Process().memory_info().rss)
    except OSError:
        return None


def _each(grown: int, connections: int) -> float | None:
    """Bytes for each connection. None if memory did not grow: the process had as many before."""
    return grown / connections if grown > 0 else None


def _kibibytes(each: float | None) -> str:
    return "no more than it had before" if each is None else f"{each / 1024:.1f} KiB"


def _pings(states: Sequence[dict[str, Any]], connections: int) -> tuple[dict[str, Any], list[str]]:
    pings = sum(state["pings"] for state in states)
    overdue = sum(state["overdue"] for state in states)
    interval = max((state["ping_interval_seconds"] for state in states), default=0.0)
    timeout = max((state["ping_timeout_seconds"] for state in states), default=0.0)
    intervals = unpack(state["intervals"] for state in states)
    early, late = (unpack(state[name] for state in states) for name in ("early", "late"))
    waits = [state["longest_wait_seconds"] for state in states if state["longest_wait_seconds"] is not None]
    figures = {
        "ping_interval_seconds": interval,
        "ping_timeout_seconds": timeout,
        "pings": pings,
        "intervals": spread(intervals),
        "early_us": spread(early),
        "late_us": spread(late),
        "overdue": overdue,
        "longest_wait_seconds": max(waits, default=None),
    }
    if not pings:
        words = f"no ping came: the server announced one every {interval:g} s"
        if waits and max(waits) < interval:
            words += f", and no connection was {interval:g} s old"
    else:
        words = (
            f"{count_of(pings, 'ping')} came and {'was' if pings == 1 else 'were'} answered;"
            f" announced every {interval:g} s"
        )
        if intervals.count:
            words += (
                f", seen every {duration(intervals.percentile(50))}"
                f" (p99 {duration(intervals.percentile(99))}),"
                f" at most {duration(late.max)} late and {duration(early.max)} early"
            )
    found = [words]
    if overdue:
        found.append(
            f"{overdue:,} of {connections:,} connections wait for a ping that is more than"
            f" {OVERDUE_SECONDS:g} s late"
        )
    return figures, found


class IdlePlayer(Player):
    """One connection. `last_ping` is when the last PING came, or the session opened (`monotonic_ns`)."""

    __slots__ = ("_interval", "_pings", "last_ping", "play")

    def __init__(
        self, scenario: IdleScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.play = scenario
        self.last_ping = 0
        self._interval = 0
        self._pings = 0

    def connected(self, connection: Connection, namespace: str) -> None:
        self.last_ping = monotonic_ns()
        heartbeat = connection.session.heartbeat
        if heartbeat is not None:
            self.play.announced = heartbeat
            self._interval = int(heartbeat[0] * SECOND)
        self.play.players.add(self)
        super().connected(connection, namespace)

    def pinged(self, connection: Connection) -> None:
        """Record a ping. The interval before the first one is not known, so it is not recorded."""
        now = monotonic_ns()
        self.play.pings += 1
        self._pings += 1
        if self._pings > 1:
            interval = now - self.last_ping
            self.play.intervals.record(interval / 1000)
            late = (interval - self._interval) / 1000
            (self.play.late if late >= 0 else self.play.early).record(abs(late))
        self.last_ping = now

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Count an unexpected end. A connection that was never made is not one."""
        was_there = self in self.play.players
        self.play.players.discard(self)
        super().closed(connection, failure)
        if was_there and not self.leaving:
            add_counts(self.play.ended, {kind_of_end(self.failure): 1})
