"""Made-up lives: arms that were alive at the same time, with costs that one names."""

from __future__ import annotations

import random
from collections.abc import Mapping

from sioprobe.results.comparison import Life, Priority

COSTS = {"threading": 2.3, "eventlet": 1.4, "gevent": 1.0, "gevent-simple": 1.01}


def lives(
    costs: Mapping[str, float] = COSTS,
    count: int = 8,
    *,
    transport: str = "websocket",
    noise: float = 0.02,
    rounds: int = 4,
    first: int = 1,
    scale: float = 1.0,
    priority: Priority = "nice -20",
    seed: int = 1,
) -> list[Life]:
    """`count` lives. `noise` is the standard deviation of an arm's cost from life to life.

    Now and then a life is four times as noisy, and the machine's speed changes from turn to turn.
    """
    chance = random.Random(seed)
    sides = list(costs)
    made = []
    for number in range(first, first + count):
        spread = noise * (4 if chance.random() < 0.1 else 1)
        own = {arm: cost * chance.lognormvariate(0, spread) for arm, cost in costs.items()}
        slices = []
        for _ in range(rounds):
            order = chance.sample(range(len(sides)), len(sides))
            for turn in (order, order[::-1]):
                speed = scale * chance.lognormvariate(0, 0.2)
                for side in turn:
                    cpu = 4e6 * own[sides[side]] * speed
                    slices.append((side, round(cpu), round(cpu * 1.2), cpu / 4e3))
        made.append(
            Life(
                number=number,
                transport=transport,  # type: ignore[typeddict-item]
                sides=sides,
                message={"event": "message-with-ack", "answer": None},
                messages=16,
                connections=16,
                priority=priority,
                slices=slices,
            )
        )
    return made
