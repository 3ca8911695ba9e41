"""Random numbers that belong to a greenlet, so that what others draw meanwhile changes nothing."""

from __future__ import annotations

import random
from typing import Any

from gevent import getcurrent

__all__ = ["give_random"]

_shared = random.Random()


def give_random(greenlet: Any, seed: str) -> random.Random:
    """From now on the functions of `random` draw from these numbers when this greenlet calls them."""
    for name in random.__all__:
        if hasattr(random.Random, name) and not hasattr(getattr(random, name), "of_greenlet"):
            setattr(random, name, _of_greenlet(name))
    greenlet.own_random = own = random.Random(seed)
    return own


def _of_greenlet(name: str) -> Any:
    def draw(*arguments: Any, **keywords: Any) -> Any:
        return getattr(getattr(getcurrent(), "own_random", _shared), name)(*arguments, **keywords)

    draw.of_greenlet = True  # type: ignore[attr-defined]
    return draw
