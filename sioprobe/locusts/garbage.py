"""Python's garbage collector, set up for a process that makes many objects and few cycles.

As it comes, it walks through everything that Locust and its libraries have loaded again and again: half of
the CPU of a run that connects and leaves all the time.
"""

from __future__ import annotations

import gc

__all__ = ["spare_collector"]

YOUNG_OBJECTS = 20_000
"""New objects before the young ones are looked through; as it comes, 700."""


def spare_collector() -> None:
    """Leave alone what is there now, and look less often. What is no cycle is freed at once, as ever."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, middle, old)
