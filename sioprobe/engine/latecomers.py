"""The end of a run for those who are still connecting: a little more time, and then they have failed."""

from __future__ import annotations

from time import monotonic_ns

import gevent

from sioprobe.engine.errors import Kind
from sioprobe.engine.hub import SECOND, Checked, Engine
from sioprobe.measured.arrivals import GRACE_SECONDS

__all__ = ["give_up_latecomers"]

GRACE = int(GRACE_SECONDS * SECOND)
LOOK_SECONDS = 0.02


def give_up_latecomers(engine: Engine) -> None:
    """Count as failed what is connecting now and has not succeeded GRACE_SECONDS after it began.

    Blocks for so long at most, and not at all if nobody is connecting. It leaves out connections that begin
    meanwhile.
    """
    over = monotonic_ns()
    while any(monotonic_ns() - since < GRACE for since in _moments(engine, over)):
        gevent.sleep(LOOK_SECONDS)
    for since, attempt in engine.arrivals.waiting():
        if since > over or attempt is None or attempt not in engine.connections:
            continue  # what has ended was counted when it ended
        if attempt.namespaces and not attempt.connecting_since:
            attempt.count_error(Kind.NOT_READY)
    for connection in _connecting(engine, over):
        connection.give_up_connecting()
    engine.arrivals.close(over)


def _connecting(engine: Engine, over: int) -> list[Checked]:
    return [each for each in engine.connections if 0 < each.connecting_since <= over]


def _moments(engine: Engine, over: int) -> list[int]:
    """Since when whoever had begun before the end is on the way."""
    users = [since for since, _ in engine.arrivals.waiting() if since <= over]
    return [*users, *(each.connecting_since for each in _connecting(engine, over))]
