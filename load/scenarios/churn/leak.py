"""Whether a server keeps something of clients that have left."""

from __future__ import annotations

from typing import Any

from load.playing.observations import Observations, count_of
from load.playing.parameters import Parameter
from load.watching.server_state import Look, Watched, left_behind

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

LEAKING_SHARE = 0.1
"""So many threads or open files for each life are a leak. Fewer may be garbage that is collected later."""

_NAMES = {"sessions": "session", "threads": "thread", "fds": "open file"}


def leak_observed(server: Watched, lives: int) -> Observations:
    """`verdict` is clean, leaks, inconclusive or unknown (nothing was seen)."""
    before, cooled = server.before, server.cooled
    if before is None or cooled is None:
        return Observations(["nobody looked whether the server kept anything"], {"verdict": "unknown"})
    kept = left_behind(before, cooled.look)
    looks = (before, cooled.look)
    seen = [name for name in _NAMES if all(getattr(look, name) is not None for look in looks)]
    figures: dict[str, Any] = {
        "verdict": "unknown",
        "kept": kept,
        "cool_down_seconds": cooled.seconds,
        "before": before.to_json(),
        "after": cooled.look.to_json(),
        "rss_bytes_per_life": None,
    }
    if not seen:
        why = server.unseen
        if before.rss_bytes is not None and cooled.look.rss_bytes is None:
            why = "they ended during the run"
        words = "it is not known whether the server kept anything: it has no /metrics"
        words += ", and its processes are not seen" + (f": {why}" if why else "")
        return Observations([words], figures)
    memory = _memory(before, cooled.look, lives, figures)
    if not kept:
        figures["verdict"] = "clean"
        sums = ", ".join(
            f"{_NAMES[name]}s {getattr(cooled.look, name)} ({getattr(before, name)} before)" for name in seen
        )
        words = f"the server kept nothing: {sums} {cooled.seconds:.1f} s later"
        words += "" if "sessions" in seen else "; its sessions are not known"
        return Observations([words + memory], figures)
    what = ", ".join(count_of(count, _NAMES[name]) for name, count in kept.items())
    what += f" more than before, {cooled.seconds:.0f} s after the last client left"
    leaks = "sessions" in kept or max(kept.values()) >= lives * LEAKING_SHARE
    if not cooled.enough:
        why = "the server may need ping interval and ping timeout to notice"
    elif not leaks:
        why = (
            f"so few for {count_of(lives, 'life', 'lives')} may be a pool that has grown,"
            " or garbage that is not collected yet; try a longer run"
        )
    else:
        figures["verdict"] = "leaks"
        return Observations([f"the server leaks: {what}{memory}"], figures)
    figures["verdict"] = "inconclusive"
    return Observations([f"it is inconclusive whether the server leaks: {what}; {why}{memory}"], figures)


def _memory(before: Look, after: Look, lives: int, figures: dict[str, Any]) -> str:
    """The growth of memory as text. It is not judged, because allocators seldom give memory back."""
    if before.rss_bytes is None or after.rss_bytes is None:
        return ""
    grown = after.rss_bytes - before.rss_bytes
    each = ""
    if lives:
        figures["rss_bytes_per_life"] = grown / lives
        each = f", {grown / lives / 1024:.1f} KiB a life"
    return f"; memory {grown / 2**20:+.1f} MiB{each}"
