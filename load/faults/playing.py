"""One fault on one cluster: a steady flow, the fault, the mend, and the wait until all is well again."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic_ns

import gevent

from load.faults.accounts import LATE_SECONDS, Course, direction_of, sender_of, well_at, well_since
from load.faults.catalogue import Fault
from load.faults.cluster import Cluster
from load.faults.traffic import Traffic
from sioprobe.results.environment import cpu_pressure
from sioprobe.results.faults import Direction, FaultRun

__all__ = ["NotSteady", "Timing", "failed_run", "play"]

SECOND = 1_000_000_000
LOOK_SECONDS = 0.1


class NotSteady(RuntimeError):
    """The flow was not well before the fault. One line."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a play waits, in seconds."""

    rate: float = 50.0
    """Events a second of each publisher."""
    calm: float = 2.0
    """All must be well so long before the fault."""
    start: float = 30.0
    """How long the calm may take to come."""
    well: float = 3.0
    """All must be well so long before it is called well again."""
    limit: float = 60.0
    """How long after the mend a cluster may take to be well again."""
    drain: float = 2.0
    """How long the last events may take after the flow has ended."""
    acks: float = 10.0
    """How long acks may still be due after all else is well."""

    def fewest(self, seconds: float) -> int:
        """So many events a publisher sends in this time, even on a busy machine."""
        return int(self.rate * seconds / 2)


def play(cluster: Cluster, traffic: Traffic, fault: Fault, repetition: int, timing: Timing) -> FaultRun:
    """Play the fault once. Raises NotSteady, ClusterError and Refused, the last before anything was done."""
    started_at = now_text()
    _calm_down(cluster, traffic, lambda: traffic.ready, "not every client was connected", timing)
    course = traffic.begin()
    try:
        _calm_down(
            cluster,
            traffic,
            lambda: well_at(course, monotonic_ns(), timing.calm, timing.fewest(timing.calm)),
            "not every event arrived in time",
            timing,
        )
        said = cluster.said
        _do(cluster, traffic, course, fault)
        recovered = _wait_until_well(cluster, course, timing)
        course.end = monotonic_ns()
    finally:
        traffic.end()
    _drain(course, timing)
    tracebacks, log = cluster.log_since(said)
    directions = [direction_of(course, *direction) for direction in course.directions]
    return {
        "repetition": repetition,
        "started_at": started_at,
        "problem": None,
        "mend_s": _seconds(course.mend - course.fault),
        "observed_s": _seconds(course.end - course.fault),
        "well_after_mend_s": _seconds(max(0, well_since(course) - course.mend)) if recovered else None,
        "deaf_workers": _deaf_workers(directions),
        "directions": directions,
        "senders": [sender_of(course, worker) for worker in course.sent],
        "lost_connections": [
            {"client": client, "after_s": _seconds(moment - course.fault), "reason": reason}
            for moment, client, reason in course.losses
        ],
        "tracebacks": tracebacks,
        "log": log,
        "cpu_pressure": cpu_pressure(),
        "pace_lag_s": round(traffic.lag, 3),
    }


def failed_run(repetition: int, problem: str) -> FaultRun:
    """A repetition that was not played to its end."""
    return {
        "repetition": repetition,
        "started_at": now_text(),
        "problem": problem,
        "mend_s": None,
        "observed_s": None,
        "well_after_mend_s": None,
        "deaf_workers": [],
        "directions": [],
        "senders": [],
        "lost_connections": [],
        "tracebacks": 0,
        "log": [],
        "cpu_pressure": None,
        "pace_lag_s": None,
    }


def now_text() -> str:
    """The time now, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _calm_down(
    cluster: Cluster, traffic: Traffic, done: Callable[[], bool], otherwise: str, timing: Timing
) -> None:
    """Wait until `done` holds. Raises NotSteady."""
    deadline = monotonic_ns() + int(timing.start * SECOND)
    while not done():
        cluster.check()
        if traffic.broken:
            raise NotSteady(f"a client is gone before the fault: {traffic.broken}")
        if monotonic_ns() > deadline:
            raise NotSteady(f"{otherwise} in the {timing.start:.0f} s before the fault")
        gevent.sleep(LOOK_SECONDS)


def _do(cluster: Cluster, traffic: Traffic, course: Course, fault: Fault) -> None:
    """Play the fault, wait, and mend it."""
    course.fault = monotonic_ns()
    cluster.play(fault.begin)
    if fault.flood:
        traffic.flood([worker for worker in course.sent if worker != 1])
    gevent.sleep(max(0.0, fault.seconds - (monotonic_ns() - course.fault) / SECOND))
    traffic.flood(())
    course.mend = course.fault if fault.mend is None else cluster.play(fault.mend)


def _wait_until_well(cluster: Cluster, course: Course, timing: Timing) -> bool:
    """Wait until all is well again. False at the limit."""
    deadline = course.mend + int(timing.limit * SECOND)
    # What was sent before the mend says nothing about the time after it.
    earliest = course.mend + int((timing.well + LATE_SECONDS) * SECOND)
    well_from = 0
    while (now := monotonic_ns()) < deadline:
        cluster.check()
        if now >= earliest and well_at(course, now, timing.well, timing.fewest(timing.well)):
            well_from = well_from or now
            if not _acks_due(course, now) or now > well_from + int(timing.acks * SECOND):
                return True
        else:
            well_from = 0
        gevent.sleep(LOOK_SECONDS)
    return bool(well_from)


def _acks_due(course: Course, now: int) -> bool:
    """Whether acks are still due that are late."""
    return any(
        moment < now - LATE_SECONDS * SECOND and number not in sent.acks and number not in sent.cut_off
        for sent in course.sent.values()
        for number, moment in enumerate(sent.moments)
    )


def _drain(course: Course, timing: Timing) -> None:
    """Let the last events arrive; what is lost by now does not come any more."""
    deadline = monotonic_ns() + int(timing.drain * SECOND)
    recent = course.end - int(LATE_SECONDS * SECOND)
    while monotonic_ns() < deadline and any(
        number not in first
        for sender, sent in course.sent.items()
        for first in [*(heard.first.get(sender, {}) for heard in course.heard.values()), sent.acks]
        for number, moment in enumerate(sent.moments)
        if moment > recent
    ):
        gevent.sleep(LOOK_SECONDS)


def _deaf_workers(directions: Sequence[Direction]) -> list[int]:
    """The workers whose clients heard nothing of the others until the end. None behind a proxy."""
    heard: dict[int, list[Direction]] = {}
    for one in directions:
        if one["own"] is False:
            heard.setdefault(one["receiver"], []).append(one)
    return [worker for worker, ones in heard.items() if all(one["deaf_for_ever"] for one in ones)]


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / SECOND, 3)
