"""One wave of a storm: who was dropped, when they were back, and what their attempts failed with."""

from __future__ import annotations

import time
from collections.abc import Sequence
from time import monotonic_ns
from typing import Any

from load.playing.observations import Observations, add_counts, count_of, duration, pack, summed, told, unpack
from sioprobe.engine.hub import SECOND
from sioprobe.results.histogram import Histogram

__all__ = ["Wave", "waves_observed"]

SHARES = (50.0, 99.0)


class Wave:
    """A wave in one process. Times are in µs from the first drop; `out` counts those who are not back."""

    def __init__(self) -> None:
        self.at = time.time()
        self.dropped = 0
        self.out = 0
        self.attempts = 0
        self.errors: dict[str, int] = {}
        self.first_us: float | None = None
        self.lasted_us: float | None = None
        self._back = Histogram()
        self._began = self._last_drop = monotonic_ns()

    def seconds(self) -> float:
        """Seconds since the first drop."""
        return (monotonic_ns() - self._began) / SECOND

    def seconds_since_drop(self) -> float:
        """Seconds since the last drop."""
        return (monotonic_ns() - self._last_drop) / SECOND

    def drop(self) -> None:
        """Count a connection that ended."""
        self._last_drop = monotonic_ns()
        self.dropped += 1
        self.out += 1

    def fail(self, kind: str) -> None:
        """Count an attempt that failed."""
        add_counts(self.errors, {kind: 1})

    def back(self) -> float | None:
        """Count a client that is back. Returns its time since the first drop, or None if the wave is over."""
        if self.lasted_us is not None:
            return None
        us = (monotonic_ns() - self._began) / 1000
        self.out -= 1
        self._back.record(us)
        self.first_us = us if self.first_us is None else self.first_us
        return us

    def leave(self) -> None:
        """Remove a client from the wave, because its user leaves."""
        if self.lasted_us is None:
            self.out -= 1
            self.dropped -= 1

    def end(self) -> None:
        """End the wave. Clients that come back later do not count."""
        if self.lasted_us is None:
            self.lasted_us = (monotonic_ns() - self._began) / 1000

    def to_json(self) -> dict[str, Any]:
        """Plain values. `waves_observed` adds up those of several processes."""
        return {
            "at": self.at,
            "dropped": self.dropped,
            "attempts": self.attempts,
            "errors": dict(self.errors),
            "first_us": self.first_us,
            "lasted_us": self.lasted_us if self.lasted_us is not None else self.seconds() * 1e6,
            "back": pack(self._back),
        }


def waves_observed(states: Sequence[dict[str, Any]]) -> Observations:
    """A line and an object for each wave. The k-th waves of all processes are one wave."""
    planned = max((state["planned"] for state in states), default=0)
    count = max((len(state["waves"]) for state in states), default=0)
    waves = [
        _merged([state["waves"][index] for state in states if index < len(state["waves"])])
        for index in range(count)
    ]
    unexpected = summed(state["unexpected"] for state in states)
    words = [_line(index + 1, wave) for index, wave in enumerate(waves)]
    if count < planned:
        words.append(
            f"{count_of(planned - count, 'wave')} of {planned} did not come before the end of the run"
        )
    if unexpected:
        words.append(f"lost outside of a wave: {told(unexpected)}")
    return Observations(words, {"waves": waves, "planned": planned, "unexpected": unexpected})


def _merged(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    back = unpack(part["back"] for part in parts)
    dropped = sum(part["dropped"] for part in parts)
    errors = summed(part["errors"] for part in parts)
    firsts = [part["first_us"] for part in parts if part["first_us"] is not None]
    at = [part["at"] for part in parts]
    return {
        "dropped": dropped,
        "back": back.count,
        "first_us": min(firsts, default=None),
        **{f"p{share:g}_us": _share_back(back, dropped, share) for share in SHARES},
        "all_us": back.max if dropped and back.count >= dropped else None,
        "lasted_us": max(part["lasted_us"] for part in parts),
        "attempts": sum(part["attempts"] for part in parts),
        "errors": errors,
        "spread_us": (max(at) - min(at)) * 1e6 if len(at) > 1 else None,
    }


def _share_back(back: Histogram, dropped: int, share: float) -> float | None:
    """When this percentage of the dropped clients was back, or None."""
    if not dropped or back.count < dropped * share / 100:
        return None
    return back.percentile(min(100.0, share * dropped / back.count))


def _line(number: int, wave: dict[str, Any]) -> str:
    failed = sum(wave["errors"].values())
    line = f"wave {number}: {wave['dropped']:,} dropped, "
    if not wave["back"]:
        line += f"none back after {duration(wave['lasted_us'])}"
    else:
        line += (
            f"back after the drop: first {duration(wave['first_us'])}, half {duration(wave['p50_us'])},"
            f" 99 % {duration(wave['p99_us'])}, all {duration(wave['all_us'])}"
        )
    if wave["back"] and wave["back"] < wave["dropped"]:
        line += f" ({wave['dropped'] - wave['back']:,} not back after {duration(wave['lasted_us'])})"
    line += f"; {count_of(wave['attempts'], 'attempt')}"
    if failed:
        line += f", {failed:,} failed ({told(wave['errors'])})"
    if wave["spread_us"] is not None:
        line += f"; the processes dropped within {duration(wave['spread_us'])}"
    return line
