"""One life: servers start together, are driven in turns, and end.

The order of a round of turns is random and then played backwards (base, head, base', base', head, base), so
that a machine that gets slower is as bad for all. Where this process may, servers and driver come before
all others on different cores (`priority`): then nobody else takes the core in the middle of a turn.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from load.side_by_side.asking import LifeError, LifeRequest
from load.side_by_side.playing import Players, Playing
from load.side_by_side.priority import Priority, held, highest_allowed
from load.side_by_side.starting import RunningServer
from sioprobe.engine import Engine
from sioprobe.results.environment import cpu_pressure

__all__ = ["cores", "measure_life", "running"]

FEWEST_ROUNDS = 6
"""Rounds of turns without which a life says nothing."""
LONGEST_SECONDS = 30.0
"""A life whose rounds take so long is given up."""
CONNECT_SECONDS = 20.0
"""A server that is ready and takes no client for so long hangs."""
LONG_TURN_NS = 60_000_000
"""Where every turn of tasks takes longer, a user plays one task a turn: short turns vary less."""


def cores() -> tuple[set[int] | None, set[int] | None]:
    """The core of the servers and that of the driver; None twice where there are not two."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return ({allowed[0]}, {allowed[-1]}) if len(allowed) > 1 else (None, None)


@contextlib.contextmanager
def running(
    request: LifeRequest, order: random.Random, *, when_ready: Callable[[RunningServer], None] | None = None
) -> Iterator[tuple[list[RunningServer], list[Playing]]]:
    """All servers up with their connections open, in the order of the request's sides; ended afterwards.

    `when_ready` is called with each server before anything connects to it.
    """
    players_of: Callable[[Engine, RunningServer, LifeRequest], Playing] = Players
    if request.locustfile is not None:
        # Before any child is started: it imports Locust, which patches this process.
        from load.side_by_side.tasks import TaskPlayers

        players_of = TaskPlayers
    servers: dict[str, RunningServer] = {}
    players: list[Playing] = []
    engine = Engine()
    engine.start()
    end = time.monotonic() + request.start_seconds
    try:
        for side in order.sample(request.sides, len(request.sides)):
            servers[side.name] = RunningServer(side)
        for side in request.sides:
            server = servers[side.name]
            server.ready(end)
            if when_ready is not None:
                when_ready(server)
            players.append(players_of(engine, server, request))
            players[-1].connect(min(end, time.monotonic() + CONNECT_SECONDS))
        yield [servers[side.name] for side in request.sides], players
    finally:
        for player in players:
            player.close()
        engine.stop()
        for server in servers.values():
            server.stop()
        for server in servers.values():
            server.ended()


def measure_life(request: LifeRequest) -> dict[str, Any]:
    """The slices of one life: for each the number of its side, CPU and wall nanoseconds, and the p50 in µs.

    `also` of the answer has the same for each transport that the request has there. Raises LifeError.
    """
    order = random.Random(request.seed)
    began = time.monotonic()
    pressure = cpu_pressure()
    found: list[dict[str, Any]] = []
    with running(request, order) as (servers, players):
        server_cores, driver_cores = cores()
        priority = highest_allowed(*_wanted(request, one_core=server_cores is None))
        started = ended = time.monotonic()
        messages = max(request.messages, players[0].connections)
        with _driver_on(driver_cores), held(priority):
            for server in servers:
                server.settle_on(server_cores, priority)
            for transport in (request.transport, *request.also):
                with contextlib.nullcontext(players) if not found else _over(transport, players) as playing:
                    turns = _warm_up(messages, playing, request.warmup_seconds)
                    if request.locustfile is not None and min(turns, default=0) > LONG_TURN_NS:
                        messages = players[0].connections
                    slices, unsettled = _slices(messages, request, servers, playing, order, priority)
                since, ended = ended if found else began, time.monotonic()
                found.append(
                    {
                        "transport": transport,
                        "seconds": round(ended - since, 3),
                        "unsettled": unsettled,
                        "slices": slices,
                    }
                )
        for player in players:
            player.finish(players[0])
        for server in servers:
            if not server.same_processes:
                raise LifeError(
                    f"{server.side.name}: its processes changed while it was measured", server.side.name
                )
    common = {
        "sides": [side.name for side in request.sides],
        "messages": messages,
        "connections": request.connections,
        "seed": request.seed,
        "realtime": priority is Priority.REALTIME,
        "priority": priority.value,
        "pinned": server_cores is not None,
        "cpu_pressure": pressure,
        "seconds_to_start": round(started - began, 3),
    }
    first, *others = ({**common, **one} for one in found)
    return {**first, "also": others} if others else first


@contextlib.contextmanager
def _over(transport: str, players: list[Playing]) -> Iterator[list[Playing]]:
    """More connections to the same servers. Those that are open stay open, silent."""
    others = [player.over(transport) for player in players]
    try:
        for other in others:
            other.connect(time.monotonic() + CONNECT_SECONDS)
        yield others
    finally:
        for other in others:
            other.close()


def _warm_up(messages: int, players: list[Playing], seconds: float) -> list[int]:
    """The nanoseconds of each turn."""
    end, turns = time.monotonic() + seconds, list[int]()
    while time.monotonic() < end:
        turns += [player.play(messages)[0] for player in players]
    return turns


def _slices(
    messages: int,
    request: LifeRequest,
    servers: list[RunningServer],
    players: list[Playing],
    order: random.Random,
    priority: Priority,
) -> tuple[list[list[float]], int]:
    """The turns, and how many ended before the server was silent."""
    seconds = request.seconds if priority is Priority.AS_OTHERS else request.realtime_seconds
    most_rounds = request.most_rounds or math.inf
    slices: list[list[float]] = []
    unsettled = 0
    numbers = list(range(len(servers)))
    started, rounds = time.monotonic(), 0
    while rounds < FEWEST_ROUNDS or (rounds < most_rounds and time.monotonic() - started < seconds):
        if time.monotonic() - started > LONGEST_SECONDS:
            raise LifeError(f"too slow: {rounds} rounds of turns in {LONGEST_SECONDS:.0f} s")
        turn = order.sample(numbers, len(numbers))
        for number in turn + turn[::-1]:
            before = servers[number].cpu_ns()
            wall, p50 = players[number].play(messages)
            after, silent = servers[number].silent_cpu_ns()
            unsettled += not silent
            slices.append([number, after - before, wall, round(p50, 1)])
        rounds += 1
    return slices, unsettled


def _wanted(request: LifeRequest, *, one_core: bool) -> tuple[Priority, ...]:
    """The best first. Under SCHED_RR on one core the driver would starve what it measures."""
    if request.realtime and not one_core:
        return (Priority.REALTIME,)
    return (Priority.NICE,) if request.nice else ()


@contextlib.contextmanager
def _driver_on(own_cores: set[int] | None) -> Iterator[None]:
    """This process on its core, without garbage collections; as before afterwards."""
    if own_cores is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    gc.collect()
    gc.disable()
    try:
        os.sched_setaffinity(0, own_cores)
        gevent.sleep(0)
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        gc.enable()
