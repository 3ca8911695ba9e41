"""`python -m load.block`: a long-lived generator that measures one block for each request.

One JSON request a line on stdin, one JSON block a line on stdout; end of input ends it:
`{"url": …, "urls": […], "transport": "websocket", "scenario": "ack", "connections": 50,
"warmup_seconds": 0.5, "seconds": 1.5, "server_pids": […], "payload_bytes": 32}`; of these only `url` or
`urls` is required. The scenario's parameters are keys too.
A block that cannot be measured is answered by `{"error": "one line"}`, and the next may follow.

Plays the scenarios of `load.scenarios` on the engine, as `load/swarm.py` does, but without Locust between:
a block needs no users to be spawned, and is over in seconds.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import gevent
import psutil
from gevent.event import Event

from load.names import nearest
from load.run_watch import RunWatch
from load.sampling import SamplingError, TreeSample, TreeWatch
from load.scenarios import (
    SCENARIOS,
    Options,
    ParameterError,
    Player,
    all_parameters,
    make_options,
    make_scenario,
)
from sioprobe.swarm import TRANSPORTS, Connection, Engine, SwarmError, Target, judge
from sioprobe.swarm.recorder import Sample

__all__ = ["BlockRequest", "RequestError", "main", "measure"]

CONNECT_DEADLINE = 20.0
SETTLE_DEADLINE = 1.0
SETTLE_INTERVAL = 0.05
DRAIN_DEADLINE = 3.0
CLOSE_DEADLINE = 4.0
CONNECTS_AT_ONCE = 64


class RequestError(ValueError):
    """A request that cannot be measured; one line."""


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """What to measure. Users are spread over `urls`; `server_pids` are sampled with their children."""

    urls: tuple[str, ...]
    transport: str = "websocket"
    scenario: str = "ack"
    connections: int = 50
    warmup_seconds: float = 0.5
    seconds: float = 1.5
    server_pids: tuple[int, ...] = ()
    path: str = "/socket.io/"
    options: Options | None = None
    """The scenario's parameters; in a request each is a key of its own. None are the defaults."""

    @classmethod
    def from_json(cls, data: Any) -> BlockRequest:
        """The request in `data`; RequestError names the key, the value, and the nearest valid one."""
        if not isinstance(data, dict):
            raise RequestError("a request is a JSON object")
        values = dict(data)
        url = values.pop("url", None)
        values["urls"] = tuple(values.get("urls") or ([url] if url else []))
        values["server_pids"] = tuple(values.get("server_pids") or ())
        known = [field.name for field in fields(cls) if field.name != "options"]
        given = {key: values.pop(key) for key in list(values) if key in all_parameters()}
        for key in values:
            if key not in known:
                raise RequestError(f"unknown key {key!r}{_nearest(key, [*known, *all_parameters()])}")
        if not values["urls"] or not all(isinstance(url, str) for url in values["urls"]):
            raise RequestError("url is missing")
        request = cls(**values)
        for name, choices in (("transport", TRANSPORTS), ("scenario", tuple(SCENARIOS))):
            value = getattr(request, name)
            if value not in choices:
                raise RequestError(f"unknown {name} {value!r}{_nearest(value, choices)}")
        numbers: tuple[tuple[str, float], ...] = (
            ("connections", 1),
            ("warmup_seconds", 0),
            ("seconds", 0.001),
        )
        for name, least in numbers:
            value = getattr(request, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
                raise RequestError(f"{name} is {value!r}, not a number from {least}")
        transports = SCENARIOS[request.scenario].transports
        if request.transport not in transports:
            raise RequestError(f"scenario {request.scenario} needs transport {' or '.join(transports)}")
        try:
            return replace(request, options=make_options(request.scenario, given))
        except ParameterError as error:
            raise RequestError(str(error)) from None

    @property
    def total_seconds(self) -> float:
        """The deadline of the whole block."""
        waits = CONNECT_DEADLINE + SETTLE_DEADLINE + DRAIN_DEADLINE + CLOSE_DEADLINE
        if SCENARIOS[self.scenario].cools_down and self.options is not None:
            waits += self.options.cool_down
        return self.warmup_seconds + self.seconds + waits + 5.0


def _nearest(value: Any, choices: Any) -> str:
    near = nearest(value, choices)
    return f"; the nearest is {near!r}" if near else f"; valid are {', '.join(choices)}"


class Crowd:
    """The players of one block, and the events that the hub's callbacks set for the waiting greenlet."""

    def __init__(self, request: BlockRequest) -> None:
        self.engine = Engine()
        self.scenario = make_scenario(request.scenario, self.engine, request.options)
        self._request = request
        self._targets = [Target.from_url(url, request.path) for url in request.urls]
        self._changed = Event()
        self.players: list[Player] = []

    def _opening(self) -> Iterator[Player]:
        for index in range(self._request.connections):
            target = self._targets[index % len(self._targets)]
            connection = Connection(
                self.engine, target, self._request.transport, timeout=min(CONNECT_DEADLINE, 10.0)
            )
            yield self.scenario.player(connection, self._tell)

    def _tell(self, player: Player) -> None:
        self._changed.set()

    def _wait(self, done: Callable[[], bool], deadline: float) -> bool:
        """Wait until `done` holds; False when the deadline (seconds from now) passes first."""
        end = time.monotonic() + deadline
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._changed.clear()
            # Not every end of an operation is told, so look again before long.
            self._changed.wait(min(left, 0.02))
        return True

    def connect(self) -> list[Player]:
        """Open all connections, some at a time; those that are ready when all are or the deadline passes."""
        end = time.monotonic() + CONNECT_DEADLINE
        for player in self._opening():
            self.players.append(player)
            player.open()
            if not self._wait(self._few_connecting, end - time.monotonic()):
                break
        self._wait(lambda: not self._count("connecting"), end - time.monotonic())
        return [player for player in self.players if player.state == "ready"]

    def _few_connecting(self) -> bool:
        return self._count("connecting") < CONNECTS_AT_ONCE

    def _count(self, state: str) -> int:
        return sum(player.state == state for player in self.players)

    def drain(self) -> bool:
        """Let what is under way end; whether it did."""
        self.scenario.halt()
        rested = self._wait(lambda: self.scenario.at_rest, DRAIN_DEADLINE)
        self.scenario.settle()
        return rested

    def close(self) -> int:
        """Close every connection in order; how many the server did not confirm."""
        for player in self.players:
            player.leave()
        if not self._wait(lambda: self._count("closed") == len(self.players), CLOSE_DEADLINE):
            for connection in list(self.engine.connections):
                connection.abort()
        self.engine.stop()
        return sum(not player.connection.close_confirmed for player in self.players if player.failure is None)


def measure(request: BlockRequest) -> dict[str, Any]:
    """One block, in the shape of `rounds.jsonl` without `round`, `order` and `arm`."""
    crowd = Crowd(request)
    crowd.engine.start()
    try:
        with gevent.Timeout(request.total_seconds, RequestError("the block did not end before its deadline")):
            return _measure(request, crowd)
    finally:
        for connection in list(crowd.engine.connections):
            connection.abort()
        crowd.engine.stop()


def _wake(request: BlockRequest) -> None:
    """One connection to each process, and its end.

    What a server imports and allocates for its first client is not what a further connection costs.
    """
    namespace = request.options.namespace if request.options is not None else "/"
    idle = make_options("idle", {"namespace": namespace})
    first = Crowd(replace(request, connections=len(request.urls), scenario="idle", options=idle))
    first.engine.start()
    try:
        first.connect()
        first.close()
    finally:
        first.engine.stop()


def _measure(request: BlockRequest, crowd: Crowd) -> dict[str, Any]:
    engine, scenario = crowd.engine, crowd.scenario
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    _wake(request)
    watch = _watch(request.server_pids)
    before = watch.sample()
    looks = RunWatch(SCENARIOS[request.scenario], request.urls, request.server_pids)
    ready = crowd.connect()
    if not ready:
        failures = [player.failure for player in crowd.players if player.failure is not None]
        raise RequestError(f"no connection to {request.urls[0]}: {failures[0] if failures else 'no answer'}")
    settled = _settle(watch)
    gc.collect()
    gc.freeze()

    for player in ready:
        player.begin()
    gevent.sleep(request.warmup_seconds)
    errors = engine.recorder.errors()
    # First, because it holds the hub up for some milliseconds; the window ends with it as well.
    server_start = watch.sample()
    engine.recorder.reset()
    engine.reset_pulse()
    published = scenario.published
    cpu_start, wall_start = time.process_time(), time.monotonic()
    gevent.sleep(request.seconds)
    server_end, cpu, wall = (
        watch.sample(),
        time.process_time() - cpu_start,
        time.monotonic() - wall_start,
    )
    measured = _take_operations(crowd)
    published = scenario.published - published
    # Here, before connections are closed, which is no part of the window.
    vitals = engine.pulse.take()

    if not crowd.drain():
        engine.recorder.series("SIO session", request.transport).error("not at rest before the deadline")
    looks.hold()
    unconfirmed = crowd.close()
    found = looks.found([scenario.state()], engine.recorder, scenario.options)
    gc.unfreeze()
    for kind, count in engine.recorder.errors().items():
        errors[kind] = errors.get(kind, 0) + count
    missing = request.connections - len(ready) - errors.get("connect timeout", 0)
    if missing > 0 and not errors:
        errors["not connected"] = missing
    operations = measured.timed
    unsent = scenario.schedule.due - scenario.schedule.sent if scenario.schedule is not None else 0
    validity = judge(
        operations=operations if scenario.operation else None,
        # What could not be sent is in both accounts.
        errors=max(0, sum(errors.values()) - unsent),
        unsent=unsent,
        vitals=[vitals],
        latency=measured.histogram,
        ledger_clean=scenario.ledger is None or scenario.ledger.clean,
    )
    if len(ready) < request.connections:
        validity.add("INVALID", f"{len(ready)} of {request.connections} connections were opened")
    return {
        "schema": 1,
        "kind": "block",
        "transport": request.transport,
        "scenario": request.scenario,
        "connections": request.connections,
        "connected": len(ready),
        "started_at": started_at,
        "warmup_seconds": request.warmup_seconds,
        "seconds": wall,
        "operations": operations,
        "published": published,
        "unsent": unsent,
        "messages": operations * scenario.messages_per_operation + published,
        "errors": sum(errors.values()),
        "error_kinds": errors,
        "latency": measured.histogram.to_latency(),
        "server": _seen(
            watch,
            {
                **server_end.to_json(since=server_start),
                "rss_bytes": settled.rss_bytes,
                "rss_before_connections_bytes": before.rss_bytes,
                "rss_under_load_bytes": server_end.rss_bytes,
            },
        ),
        "generator": {
            "cpu_seconds": cpu,
            "rss_bytes": psutil.Process().memory_info().rss,
            "hub_lag_p99_us": vitals.hub_lag.percentile(99),
            "send_lag_p99_us": vitals.send_lag.percentile(99),
            "max_cpu_share": vitals.busiest_share,
            "run_delay_share": vitals.share(vitals.run_delay_seconds),
            "unconfirmed_closes": unconfirmed,
        },
        "ledger": scenario.ledger.to_json() if scenario.ledger is not None else None,
        "schedule": scenario.schedule.to_json() if scenario.schedule is not None else None,
        "validity": validity.to_json(),
        **({"found": found} if found is not None else {}),
    }


def _take_operations(crowd: Crowd) -> Sample:
    """What the operations' series counted since the reset, and nothing after this moment."""
    if crowd.scenario.operation is None:
        return Sample()
    sample = Sample()
    crowd.engine.recorder.take()
    sample.merge(crowd.engine.recorder.series(*crowd.scenario.operation).total)
    return sample


def _watch(pids: tuple[int, ...]) -> TreeWatch:
    """A watch over the servers; over nothing where they cannot be read."""
    try:
        return TreeWatch(pids)
    except SamplingError:
        return TreeWatch(())


def _seen(watch: TreeWatch, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures, or None for each where no server was watched: a zero would be one."""
    return figures if watch.watches else dict.fromkeys(figures)


def _settle(watch: TreeWatch) -> TreeSample:
    """The servers' sample once two readings of the memory are equal, or at the deadline."""
    end = time.monotonic() + SETTLE_DEADLINE
    last = watch.sample()
    while time.monotonic() < end:
        gevent.sleep(SETTLE_INTERVAL)
        sample = watch.sample()
        if sample.rss_bytes == last.rss_bytes:
            return sample
        last = sample
    return last


def answer(line: str) -> dict[str, Any]:
    """What is written for one line of input."""
    try:
        return measure(BlockRequest.from_json(json.loads(line)))
    except (RequestError, SwarmError) as error:
        return {"error": str(error)}
    except json.JSONDecodeError as error:
        return {"error": f"not JSON: {error}"}
    except Exception as error:  # the caller goes on with the next block
        return {"error": f"internal error: {type(error).__name__}: {error}".replace("\n", " ")}


def main() -> int:
    """Answer requests until stdin ends. SIGINT and SIGTERM end it at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # Nothing but answers may reach the caller's pipe.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while line := sys.stdin.readline():
        if line.strip():
            out.write(json.dumps(answer(line)) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
