"""One block: connect, warm up, measure, close.

It plays the scenarios of `load.scenarios` on the engine, as `load/swarm.py` does, but without Locust. So it
spawns no users, and is over in seconds.
"""

from __future__ import annotations

import gc
import os
import time
from dataclasses import replace
from datetime import UTC, datetime

import gevent
import psutil

from load.blocks.crowd import CLOSE_DEADLINE, DRAIN_DEADLINE, Crowd, connect_deadline
from load.blocks.request import BlockRequest, RequestError
from load.scenarios import make_options
from load.watching.locating import locate
from load.watching.neighbours import NeighbourWatch
from load.watching.process_trees import TreeSample, TreeWatch
from load.watching.run_watch import RunWatch
from load.watching.server_state import ServerWatch
from sioprobe.engine import Kind
from sioprobe.measured import judge
from sioprobe.measured.arrivals import GRACE_SECONDS
from sioprobe.measured.summary import series_figures
from sioprobe.results.loads import (
    Block,
    Cause,
    Finding,
    GeneratorUsage,
    Neighbours,
    PartnerUsage,
    SeriesFigures,
    ServerUsage,
)

__all__ = ["measure"]

SETTLE_DEADLINE = 1.0
SETTLE_INTERVAL = 0.05


def measure(request: BlockRequest) -> Block:
    """One block."""
    crowd = Crowd(request)
    crowd.engine.start()
    try:
        with gevent.Timeout(
            _longest(request, crowd), RequestError("the block did not end before its deadline")
        ):
            return _measure(request, crowd)
    finally:
        for connection in list(crowd.engine.connections):
            connection.abort()
        crowd.engine.stop()


def _longest(request: BlockRequest, crowd: Crowd) -> float:
    """The deadline of the whole block, in seconds."""
    waits = connect_deadline(request.connections) + SETTLE_DEADLINE + DRAIN_DEADLINE + CLOSE_DEADLINE
    waits += GRACE_SECONDS
    if crowd.scenario.cools_down:
        waits += crowd.scenario.options.cool_down
    return request.warmup_seconds + request.seconds + waits + 5.0


def _wake(request: BlockRequest) -> None:
    """Open and close one connection to each process.

    For its first client a server imports and allocates things that a further connection does not cost.
    """
    request = replace(request, connections=len(request.urls))
    if request.locustfile is None:
        namespace = request.options.namespace if request.options is not None else "/"
        idle = make_options("idle", {"namespace": namespace})
        request = replace(request, scenario="idle", options=idle)
    first = Crowd(request)
    first.engine.start()
    try:
        first.connect()
        first.close()
    finally:
        first.engine.stop()


def _measure(request: BlockRequest, crowd: Crowd) -> Block:
    engine, scenario = crowd.engine, crowd.scenario
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    _wake(request)
    server = ServerWatch(request.urls, locate(request.urls, request.server_pids))
    watch = server.tree
    partners = {role: TreeWatch(pids) for role, pids in request.partner_pids.items()}
    neighbours = NeighbourWatch(
        watch,
        lambda: {os.getpid(), *request.generator_pids},
        # A proxy is connected to the server, and not the server to it.
        also=[pid for pids in request.partner_pids.values() for pid in pids],
    )
    before = watch.sample()
    looks = RunWatch(type(scenario), server, lambda: [scenario.state()])
    ready = crowd.connect()
    if not ready:
        failures = [player.failure for player in crowd.players if player.failure is not None]
        reason = request.connection.redact(str(failures[0])) if failures else "no answer"
        raise RequestError(f"no connection to {request.urls[0]}: {reason}")
    settled = _settle(watch)
    gc.collect()
    gc.freeze()

    for player in ready:
        player.begin()
    gevent.sleep(request.warmup_seconds)
    errors = engine.recorder.errors()
    # First, because it holds the hub up for some milliseconds. The window also ends with a sample.
    server_start = watch.sample()
    partners_start = {role: each.sample() for role, each in partners.items()}
    neighbours.take(server_start.cpu_ns)
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
    partners_end = {role: each.sample() for role, each in partners.items()}
    taken = neighbours.take(server_end.cpu_ns)
    measured = scenario.measured()
    others = _others(crowd) if request.series else []
    published = scenario.published - published
    messages = scenario.packets(measured.timed, published)
    # Now, because closing connections is no part of the window.
    vitals = engine.pulse.take()

    if not crowd.drain():
        engine.recorder.series("SIO session", request.transport).error("not at rest before the deadline")
    looks.hold()
    unconfirmed = crowd.close()
    found = looks.found([scenario.state()], engine.recorder, scenario.options)
    gc.unfreeze()
    for kind, count in engine.recorder.errors().items():
        errors[kind] = errors.get(kind, 0) + count
    missing = request.connections - len(ready) - errors.get(Kind.CONNECT_TIMEOUT, 0)
    if missing > 0 and not errors:
        errors["not connected"] = missing
    operations = measured.timed
    beside = Neighbours(share=taken / wall, most=neighbours.most()) if taken is not None else None
    unsent = scenario.schedule.due - scenario.schedule.sent if scenario.schedule is not None else 0
    validity = judge(
        operations=operations if scenario.operation else None,
        # An operation that could not be sent is an error too.
        errors=max(0, sum(errors.values()) - unsent),
        error_kinds=errors,
        unsent=unsent,
        vitals=[vitals],
        latency=measured.histogram,
        ledger_clean=scenario.ledger is None or scenario.ledger.clean,
        neighbours=beside,
        beside=True,
    )
    if len(ready) < request.connections:
        reason = f"{len(ready)} of {request.connections} connections were opened"
        # A limit of this machine kept them out, and not the server.
        limited = any(finding.cause == "limit" for finding in validity.findings)
        cause: Cause = "limit" if limited else "other"
        validity = validity.plus([Finding(verdict="INVALID", cause=cause, reason=reason)])
    return Block(
        transport=request.transport,
        scenario=request.scenario,
        connections=request.connections,
        connected=len(ready),
        started_at=started_at,
        warmup_seconds=request.warmup_seconds,
        seconds=wall,
        operations=operations,
        published=published,
        unsent=unsent,
        messages=messages,
        errors=sum(errors.values()),
        error_kinds=errors,
        latency=measured.histogram.to_latency(),
        server=_used(watch, before, settled, server_start, server_end, beside),
        partners={
            role: PartnerUsage(
                cpu_seconds=(end.cpu_ns - partners_start[role].cpu_ns) / 1e9,
                rss_bytes=end.rss_bytes,
                processes=end.processes,
            )
            for role, end in partners_end.items()
        },
        generator=GeneratorUsage(
            cpu_seconds=cpu,
            rss_bytes=psutil.Process().memory_info().rss,
            hub_lag_p99_us=vitals.hub_lag.percentile(99),
            send_lag_p99_us=vitals.send_lag.percentile(99),
            max_cpu_share=vitals.busiest_share,
            run_delay_share=vitals.share(vitals.run_delay_seconds),
            unconfirmed_closes=unconfirmed,
        ),
        ledger=scenario.ledger.figures() if scenario.ledger is not None else None,
        schedule=scenario.schedule.figures() if scenario.schedule is not None else None,
        series=others,
        validity=validity,
        found=found,
    )


def _others(crowd: Crowd) -> list[SeriesFigures]:
    """What all other series counted since the recorder was reset."""
    return [
        series_figures(series, sample)
        for series, sample in crowd.engine.recorder.totals()
        if (series.type, series.name) != crowd.scenario.operation
    ]


def _used(
    watch: TreeWatch,
    before: TreeSample,
    settled: TreeSample,
    start: TreeSample,
    end: TreeSample,
    neighbours: Neighbours | None,
) -> ServerUsage:
    """What the server used. If no server was watched, all figures are None, because a zero would be one."""
    if not watch.watches:
        return ServerUsage()
    return ServerUsage(
        cpu_seconds=(end.cpu_ns - start.cpu_ns) / 1e9,
        rss_bytes=settled.rss_bytes,
        rss_before_connections_bytes=before.rss_bytes,
        rss_under_load_bytes=end.rss_bytes,
        threads=end.threads,
        fds=end.fds,
        processes=end.processes,
        neighbours=neighbours,
    )


def _settle(watch: TreeWatch) -> TreeSample:
    """A sample of the servers when two readings of the memory are equal, or at the deadline."""
    end = time.monotonic() + SETTLE_DEADLINE
    last = watch.sample()
    while time.monotonic() < end:
        gevent.sleep(SETTLE_INTERVAL)
        sample = watch.sample()
        if sample.rss_bytes == last.rss_bytes:
            return sample
        last = sample
    return last
