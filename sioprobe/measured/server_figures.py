"""What the server used during a run, as figures of a summary and as lines of text.

Fed with samples of its process tree beside the operations and messages counted until then; who samples is
the harness (`load/watching/sampling.py`), because this package asks the system about nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Moment", "render_server", "server_figures"]

_BUSY_SECOND = 0.9
"""Samples nearer than this, in seconds, say nothing about a second."""
_FLAT = 0.01
"""Memory has settled where two samples in turn differ by less than this share."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample: `at` in seconds from the start; CPU, switches, operations and messages since the start.

    What could not be read, and what is not counted, is None.
    """

    at: float
    cpu_seconds: float
    rss_bytes: int
    threads: int
    fds: int | None
    processes: int
    context_switches: int | None
    connections: int
    operations: int | None
    messages: int | None

    def to_json(self) -> dict[str, Any]:
        """As it stands in the time series."""
        return {name: getattr(self, name) for name in self.__slots__}


def server_figures(
    moments: list[Moment], *, connected: int | None, first: int, end: Moment, window: str
) -> dict[str, Any]:
    """The object `server` of a summary.

    `moments` are the samples in order, from before the first connection to the last under load;
    `connected` is the index of the one at which all connections were there, None where that never was.
    Figures per message and operation are those between the moments `first` and `end`; `window` says which
    part of the run that is.
    """
    start, last = moments[0], moments[-1]
    begin = moments[first]
    shares = [share for _, share in _seconds(moments)]
    settled = _settled(moments, connected)
    # What a connection keeps is seen where memory had settled; where it never did, in the last sample.
    held = settled or (last if connected is not None else None)
    connections = held.connections if held is not None else 0
    cpu = end.cpu_seconds - begin.cpu_seconds
    return {
        "sampled": True,
        "window": window,
        "window_seconds": end.at - begin.at,
        "cpu_seconds": end.cpu_seconds,
        "window_cpu_seconds": cpu,
        "cpu_us_per_operation": _per(cpu * 1e6, _difference(end.operations, begin.operations)),
        "cpu_us_per_message": _per(cpu * 1e6, _difference(end.messages, begin.messages)),
        "busiest_second": max(shares, default=None),
        "context_switches": end.context_switches,
        "processes": last.processes,
        "connections": connections,
        "rss_before_bytes": start.rss_bytes,
        "rss_settled_bytes": settled.rss_bytes if settled is not None else None,
        "rss_under_load_bytes": last.rss_bytes,
        "rss_bytes_per_connection": _per(held.rss_bytes - start.rss_bytes, connections) if held else None,
        "threads_before": start.threads,
        "threads_under_load": last.threads,
        "threads_per_connection": _per(held.threads - start.threads, connections) if held else None,
        "fds_before": start.fds,
        "fds_under_load": last.fds,
        "fds_per_connection": _per(_difference(held.fds, start.fds), connections) if held else None,
        "series": [moment.to_json() for moment in moments],
    }


def _seconds(moments: list[Moment]) -> list[tuple[float, float]]:
    """The share of a core in each stretch of a second or a little more: its end, and the share."""
    found: list[tuple[float, float]] = []
    begin = moments[0]
    for moment in moments[1:]:
        if moment.at - begin.at >= _BUSY_SECOND:
            found.append((moment.at, (moment.cpu_seconds - begin.cpu_seconds) / (moment.at - begin.at)))
            begin = moment
    return found


def _settled(moments: list[Moment], connected: int | None) -> Moment | None:
    if connected is None:
        return None
    following = moments[connected:]
    for earlier, later in pairwise(following):
        if abs(later.rss_bytes - earlier.rss_bytes) <= _FLAT * earlier.rss_bytes:
            return later
    return None


def _difference(end: int | None, begin: int | None) -> int | None:
    return None if end is None or begin is None else end - begin


def _per(total: float | None, count: int | None) -> float | None:
    return None if total is None or not count or count < 0 else total / count


def render_server(server: dict[str, Any] | None) -> list[str]:
    """Lines of the summary for a terminal of 100 columns; none where nobody asked for them."""
    if server is None:
        return []
    if not server["sampled"]:
        return [f"  server: not sampled ({server['reason']})"]
    who = ", ".join(f"{each['pid']} {each['name']}".strip() for each in server["roots"])
    parts = [f"{server['cpu_seconds']:.2f} s CPU"]
    for name, unit in (("cpu_us_per_message", "a message"), ("cpu_us_per_operation", "an operation")):
        if server[name] is not None:
            parts.append(f"{server[name]:.0f} µs {unit}")
    if server["busiest_second"] is not None:
        parts.append(f"busiest second {server['busiest_second']:.0%} of a core")
    lines = [
        f"  server: process {who} ({server['how']}; {server['processes']} in all)",
        f"    {', '.join(parts)}",
    ]
    memory = [f"before {_mebibytes(server['rss_before_bytes'])}"]
    if server["rss_settled_bytes"] is not None:
        memory.append(f"settled {_mebibytes(server['rss_settled_bytes'])}")
    memory.append(f"under load {_mebibytes(server['rss_under_load_bytes'])} MiB")
    fds = "" if server["fds_under_load"] is None else f", fds {server['fds_under_load']}"
    lines.append(f"    memory {', '.join(memory)}; threads {server['threads_under_load']}{fds}")
    if server["context_switches"] is not None:
        lines[-1] += f"; context switches {server['context_switches']}"
    if server["rss_bytes_per_connection"] is not None:
        grown = server["rss_bytes_per_connection"]
        each = [f"{grown / 1024:.1f} KiB" if grown >= 0 else "memory has not grown"]
        each.append(f"{server['threads_per_connection']:.2f} threads")
        if server["fds_per_connection"] is not None:
            each.append(f"{server['fds_per_connection']:.2f} fds")
        lines.append(f"    per connection: {', '.join(each)} ({server['connections']} connections)")
    return lines + [f"    {note}" for note in server["notes"]]


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:.1f}"
