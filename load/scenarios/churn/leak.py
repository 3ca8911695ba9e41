"""Whether a server keeps something of clients that have left."""

from __future__ import annotations

from typing import Any

from load.playing.observations import Observations, count_of
from load.playing.parameters import Parameter
from load.scenarios.churn.memory import LEAKING_SHARE, memory_of
from load.watching.server_state import Watched, left_behind

__all__ = ["COOL_DOWN", "leak_observed"]

COOL_DOWN = Parameter(
    "cool_down",
    120.0,
    "wait at most so long for the server to release what clients left; the wait ends as soon as nothing is"
    " left, and after ping interval and ping timeout; 0: do not wait",
    unit="s",
    least=0,
    most=86_400,
)

_NAMES = {"sessions": "session", "threads": "thread", "fds": "open file"}


def leak_observed(server: Watched, lives: int) -> Observations:
    """`verdict` is clean, leaks, inconclusive or unknown (nothing was seen); `memory` is that of `Memory`."""
    memory = memory_of(server)
    figures: dict[str, Any] = {
        "verdict": "leaks" if memory.verdict == "grows" else "unknown",
        "kept": {},
        "memory": memory.verdict,
        "rss_bytes_per_life": memory.per_life,
        "growth_per_life": {name: growth.to_json() for name, growth in memory.growth.items()},
    }
    grows = f"the server leaks: {memory.words}; " if memory.verdict == "grows" else ""
    before, cooled = server.before, server.cooled
    if before is None or cooled is None:
        return Observations([f"{grows}nobody looked whether the server kept anything"], figures)
    kept = left_behind(before, cooled.look)
    looks = (before, cooled.look)
    seen = [name for name in _NAMES if all(getattr(look, name) is not None for look in looks)]
    figures |= {
        "kept": kept,
        "cool_down_seconds": cooled.seconds,
        "before": before.to_json(),
        "after": cooled.look.to_json(),
    }
    if not seen:
        why = server.unseen
        if before.rss_bytes is not None and cooled.look.rss_bytes is None:
            why = why or "they ended during the run"
        words = f"{grows}it is not known whether the server kept anything: it has no /metrics"
        words += ", and its processes are not seen" + (f": {why}" if why else "")
        return Observations([words], figures)
    if not kept:
        sums = ", ".join(
            f"{_NAMES[name]}s {getattr(cooled.look, name)} ({getattr(before, name)} before)" for name in seen
        )
        sums += f" {cooled.seconds:.1f} s later"
        sums += "" if "sessions" in seen else "; its sessions are not known"
        if grows:
            return Observations([grows + sums], figures)
        figures["verdict"] = "clean"
        told = memory.verdict in ("settled", "given back")
        *others, last = (_NAMES[name] for name in seen)
        nothing = "nothing" if told else f"no {', '.join(others)} or {last}" if others else f"no {last}"
        return Observations([f"the server kept {nothing}: {sums}; {memory.words}"], figures)
    what = ", ".join(count_of(count, _NAMES[name]) for name, count in kept.items())
    what += f" more than before, {cooled.seconds:.0f} s after the last client left"
    leaks = "sessions" in kept or max(kept.values()) >= lives * LEAKING_SHARE
    if cooled.enough and leaks:
        figures["verdict"] = "leaks"
    elif not grows:
        figures["verdict"] = "inconclusive"
        why = (
            "the server may need ping interval and ping timeout to notice"
            if not cooled.enough
            else f"so few for {count_of(lives, 'life', 'lives')} may be a pool that has grown,"
            " or garbage that is not collected yet; try a longer run"
        )
        words = f"it is inconclusive whether the server leaks: {what}; {why}; {memory.words}"
        return Observations([words], figures)
    return Observations([f"the server leaks: {what}; {memory.words}"], figures)
