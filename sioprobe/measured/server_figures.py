"""What the server used during a run.

It is made of samples of the server's processes, and of the operations and messages counted at each sample.
`load/watching/sampling.py` takes the samples: this package does not look at other processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from sioprobe.results.loads import Neighbours, PartnerUsage, ServerFigures, ServerMoment, ServerRoot

__all__ = ["server_figures"]

_BUSY_SECOND = 0.9
"""Two samples must be this far apart, in seconds, to say something about a second."""
_FLAT = 0.01
"""Memory has settled when two samples in a row differ by less than this share, and nobody came between."""


def server_figures(
    moments: list[ServerMoment],
    *,
    connected: int | None,
    first: int,
    end: ServerMoment,
    window: str,
    how: str = "",
    roots: Sequence[ServerRoot] = (),
    notes: Sequence[str] = (),
    most: str | None = None,
) -> ServerFigures:
    """What a server used during a run.

    `moments` are the samples in order, from before the first connection to the last under load.
    `connected` is the index of the first one at which all users had started, or None if there is none.
    Figures per message and operation count from the moment `first` to `end`; `window` names that part.
    `most` names the neighbour that used most.
    """
    start, last = moments[0], moments[-1]
    begin = moments[first]
    busiest_second = _busiest_second([(moment.at, moment.cpu_seconds) for moment in moments])
    settled = _settled(moments, connected)
    # A settled sample shows what a connection keeps. If memory never settled, take the last sample.
    held = settled or (last if connected is not None else None)
    connections = held.connections if held is not None else 0
    cpu = end.cpu_seconds - begin.cpu_seconds
    return ServerFigures(
        how=how,
        roots=list(roots),
        notes=list(notes),
        window=window,
        window_seconds=end.at - begin.at,
        cpu_seconds=end.cpu_seconds,
        window_cpu_seconds=cpu,
        cpu_us_per_operation=_per(cpu * 1e6, _difference(end.operations, begin.operations)),
        cpu_us_per_message=_per(cpu * 1e6, _difference(end.messages, begin.messages)),
        busiest_second=busiest_second,
        context_switches=end.context_switches,
        processes=last.processes,
        connections=connections,
        rss_before_bytes=start.rss_bytes,
        rss_settled_bytes=settled.rss_bytes if settled is not None else None,
        rss_under_load_bytes=last.rss_bytes,
        rss_bytes_per_connection=_per(held.rss_bytes - start.rss_bytes, connections) if held else None,
        threads_before=start.threads,
        threads_under_load=last.threads,
        threads_per_connection=_per(held.threads - start.threads, connections) if held else None,
        fds_before=start.fds,
        fds_under_load=last.fds,
        fds_per_connection=_per(_difference(held.fds, start.fds), connections) if held else None,
        partners={who: _since(begin.partners.get(who), used) for who, used in end.partners.items()},
        neighbours=_neighbours([*moments[first:], end], most),
        series=moments,
    )


def _since(before: PartnerUsage | None, now: PartnerUsage) -> PartnerUsage:
    return replace(now, cpu_seconds=now.cpu_seconds - (before.cpu_seconds if before is not None else 0.0))


def _busiest_second(clock: Sequence[tuple[float, float]]) -> float | None:
    """The largest share of a core in any stretch of a second or a little more.

    `clock` holds moments, and the CPU seconds until then.
    """
    shares = []
    begin, used_before = clock[0]
    for at, used in clock[1:]:
        if at - begin >= _BUSY_SECOND:
            shares.append((used - used_before) / (at - begin))
            begin, used_before = at, used
    return max(shares, default=None)


def _neighbours(moments: Sequence[ServerMoment], most: str | None) -> Neighbours | None:
    clock = [(m.at, m.neighbours_cpu_seconds) for m in moments if m.neighbours_cpu_seconds is not None]
    if len(clock) < 2 or clock[-1][0] <= clock[0][0]:
        return None
    (begin, before), (end, taken) = clock[0], clock[-1]
    return Neighbours(
        share=(taken - before) / (end - begin), busiest_second=_busiest_second(clock), most=most
    )


def _settled(moments: list[ServerMoment], connected: int | None) -> ServerMoment | None:
    if connected is None:
        return None
    following = moments[connected:]
    # A moment before the last one was let in would say less.
    most = max(moment.connections for moment in following)
    for earlier, later in pairwise(following):
        all_there = earlier.connections >= later.connections == most > 0
        if all_there and abs(later.rss_bytes - earlier.rss_bytes) <= _FLAT * earlier.rss_bytes:
            return later
    return None


def _difference(end: int | None, begin: int | None) -> int | None:
    return None if end is None or begin is None else end - begin


def _per(total: float | None, count: int | None) -> float | None:
    return None if total is None or not count or count < 0 else total / count
