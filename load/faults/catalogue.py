"""The faults: what each does to a cluster, and what mends it.

`begin` and `mend` are commands of `sioprobe serve --play`. Between them lie `seconds`. A fault without a mend
is over at once: only what it broke has to come back.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAULTS", "FLOOD_BYTES", "Fault"]

FLOOD_BYTES = 200_000
"""Of each event during a flood. At 50 events a second for 6 s that is 60 MB: more than the 32 MB that Redis
keeps for a subscriber, and more than the buffers of the connections hold."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. During a `flood` the other workers' publishers send large events."""

    name: str
    title: str
    begin: str
    seconds: float = 0.0
    mend: str | None = None
    stops: int | None = None
    """The worker that the fault stops. What waits there says nothing about the queue."""
    flood: bool = False
    proxy: bool = False
    """Whether the clients come through a proxy."""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("links-cut", "the connections of all workers to the queue are closed", "cut link"),
        Fault(
            "link-frozen",
            "nothing passes between worker 1 and the queue for 6 s, and no connection is closed",
            "freeze link 1",
            6.0,
            "thaw link 1",
        ),
        # Between them lie the 5 s after which redis-py gives up a call.
        Fault("queue-paused-3", "the queue is stopped for 3 s (SIGSTOP)", "pause queue", 3.0, "resume queue"),
        Fault("queue-paused-8", "the queue is stopped for 8 s (SIGSTOP)", "pause queue", 8.0, "resume queue"),
        Fault(
            "worker-paused",
            "worker 1 is stopped for 6 s (SIGSTOP) while the other one emits up to 60 MB",
            "pause worker 1",
            6.0,
            "resume worker 1",
            stops=1,
            flood=True,
        ),
        Fault(
            "worker-killed",
            "worker 1 is killed (SIGKILL), and started again after 3 s",
            "kill worker 1",
            3.0,
            "start worker 1",
            stops=1,
        ),
        Fault(
            "queue-killed-3",
            "the queue is killed (SIGKILL), and started again after 3 s",
            "kill queue",
            3.0,
            "start queue",
        ),
        Fault(
            "queue-killed-20",
            "the queue is killed (SIGKILL), and started again after 20 s",
            "kill queue",
            20.0,
            "start queue",
        ),
        Fault(
            "proxy-restarted",
            "the proxy is killed (SIGKILL), and started again after 3 s",
            "kill proxy",
            3.0,
            "start proxy",
            proxy=True,
        ),
    )
}
"""By name, from mild to hard: a cluster that is well again plays the next one."""
