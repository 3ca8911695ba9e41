"""Whether the memory of a server grows life after life."""

from __future__ import annotations

from dataclasses import dataclass, field

from load.watching.growth import Growth, growth_of
from load.watching.server_state import Look, Watched

__all__ = ["LEAKING_SHARE", "Memory", "memory_of"]

LEAKING_SHARE = 0.1
"""So many threads or open files for each life are a leak. Fewer may be garbage that is collected later."""
STEP_BYTES = 2**20
"""Allocators ask the system for memory in steps of up to this size, so less is no growth."""
SETTLED_BYTES = 2048
"""Memory has settled if it grows by less than this with each life, and not by a step in all."""

_SIZES = ("rss_bytes", "threads", "fds")
_PLURALS = {"threads": "threads", "fds": "open files"}


@dataclass(frozen=True, slots=True)
class Memory:
    """`verdict` is grows, settled, given back, too few lives, or unknown.

    `growth` holds the growth for each life of memory, threads and open files, as far as the looks show it.
    """

    verdict: str
    words: str
    growth: dict[str, Growth] = field(default_factory=dict)
    per_life: float | None = None
    """Bytes that each life leaves: the median of the windows, or what is left of what was given back."""


def memory_of(server: Watched) -> Memory:
    """What the looks of one run say about its memory."""
    growth = {name: found for name in _SIZES if (found := _growth(server.looks, name)) is not None}
    grown = growth.get("rss_bytes")
    if grown is None:
        if all(look is None or look.rss_bytes is None for look in (server.before, *server.looks)):
            return Memory("unknown", "its memory is not known", growth)
        return Memory("too few lives", "too few lives to tell whether memory grows", growth)
    verdict, words = _judged(server, growth, grown)
    per_life = grown.per_life
    if verdict == "given back":
        per_life = max(0.0, (_left(server, "rss_bytes") or 0.0) / grown.lives)
    return Memory(verdict, words, growth, per_life)


def _judged(server: Watched, growth: dict[str, Growth], grown: Growth) -> tuple[str, str]:
    """The verdict and its words, of a server whose memory was seen often enough."""
    each = f"{_kib(grown.per_life)} KiB a life [{_kib(grown.low)}, {_kib(grown.high)}]"
    over = f"over {grown.lives:,} lives"
    if grown.low > 0 and grown.total >= STEP_BYTES and not grown.slowing:
        left = _left(server, "rss_bytes")
        if left is not None and left < grown.total / 2:
            return "given back", f"memory grew {each} {over}, and the server gave it back"
        gone = [_PLURALS[name] for name in _PLURALS if name in growth and _lingered(server, growth, name)]
        if gone:
            words = f"memory grew {each}, but so did its {' and '.join(gone)}, which are gone now"
            return "too few lives", f"{words}: too few lives to tell whether it keeps growing"
        return "grows", f"memory grew {each} {over}: it keeps something of each"
    if grown.high < SETTLED_BYTES:
        return "settled", f"memory settled: {each} {over}"
    return "too few lives", f"too few lives to tell whether memory grows: {each} {over}"


def _growth(looks: list[Look], name: str) -> Growth | None:
    known = [(look.lives, getattr(look, name)) for look in looks]
    return growth_of([(lives, size) for lives, size in known if lives is not None and size is not None])


def _left(server: Watched, name: str) -> float | None:
    """How much more there is after the cool-down than before the first client; None if nobody looked."""
    looks = (server.before, server.cooled.look if server.cooled is not None else None)
    sizes = [getattr(look, name) for look in looks if look is not None]
    return sizes[1] - sizes[0] if len(sizes) == 2 and None not in sizes else None


def _lingered(server: Watched, growth: dict[str, Growth], name: str) -> bool:
    """Whether each life left such things for a while, and in the end they were gone.

    A server with threads keeps those of a client that left until its heartbeat is over.
    """
    left = _left(server, name)
    return left is not None and growth[name].low >= LEAKING_SHARE and left < growth[name].total / 2


def _kib(size: float) -> str:
    """54 or 0.5; never a negative zero."""
    kib = size / 1024
    return f"{kib:,.0f}" if abs(kib) >= 9.95 else f"{kib:.1f}".replace("-0.0", "0.0")
