"""Set up Python's garbage collector for a process that makes many objects and few cycles.

By default it looks again and again at everything that Locust and its libraries have loaded. That costs half
of the CPU of a run that connects and leaves all the time.
"""

from __future__ import annotations

import gc

__all__ = ["spare_collector"]

YOUNG_OBJECTS = 20_000
"""After so many new objects the collector looks at the young ones; by default after 700."""


def spare_collector() -> None:
    """Leave alone what is there now, and look less often. Python still frees at once what is no cycle."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, middle, old)
