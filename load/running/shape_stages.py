"""Load over time: steps, ramp, spike and soak, as stages.

`--shape NAME` chooses one. `--shape-users` and `--shape-rate` give the levels, and `--shape-seconds` says how
long each part takes. A shape is a list of stages. Each stage has its own figures in the result
(`sioprobe.measured.stages`). `load/running/shapes.py` hands them to Locust.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from load.scenarios import scenarios_with
from sioprobe.commandline.nearest import unknown

__all__ = ["SHAPE_NAMES", "ShapeError", "Stage", "at", "check_name", "check_rate", "levels", "plan"]

RAMP_STAGES = 10
SOAK_STAGES = 10
"""A shape without steps is divided into this many parts, and each has its figures."""
LEAST_PART_SECONDS = 2.0
"""No part is shorter than this."""

MOST_USERS = 1_000_000
Levels = tuple[float, ...]


class ShapeError(ValueError):
    """Parameters that make no shape. One line says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Users and total rate go in a straight line from their first value to their second, in `seconds`.

    The rate is in operations a second of all users, or None if the shape does not change it.
    """

    name: str
    seconds: float
    users: tuple[float, float]
    rate: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was asked for. One level of users or rate stays; of several, one follows the other."""

    users: Levels
    rate: Levels = ()
    seconds: Levels = ()


def _each(values: Levels, count: int, what: str) -> Levels:
    """This many values: one for each was given, or one for all."""
    if len(values) not in (1, count):
        needed = f"one or {count} are" if count > 1 else "one is"
        raise ShapeError(f"{what} has {len(values)} values, where {needed} needed")
    return values * count if len(values) == 1 else values


def _line(ends: Levels, part: int, parts: int) -> tuple[float, float]:
    """One of the equal parts of a straight line."""
    step = (ends[1] - ends[0]) / parts
    return ends[0] + part * step, ends[0] + (part + 1) * step


def _parts(seconds: float, most: int) -> int:
    """How many parts a stage has. Locust asks a shape once a second, and would miss shorter parts."""
    return max(1, min(most, int(seconds / LEAST_PART_SECONDS)))


def _steps(given: Parameters) -> list[Stage]:
    """Each level in turn."""
    count = max(len(given.users), len(given.rate))
    if count < 2:
        raise ShapeError(
            "steps needs several levels, such as --shape-users 10,20,40 or --shape-rate 500,1000"
        )
    users, rate = _each(given.users, count, "--shape-users"), given.rate
    rate = _each(rate, count, "--shape-rate") if rate else ()
    seconds = _each(given.seconds or (30.0,), count, "--shape-seconds")
    return [
        Stage(
            _name(users[index], rate[index] if rate else None),
            seconds[index],
            (users[index], users[index]),
            (rate[index], rate[index]) if rate else None,
        )
        for index in range(count)
    ]


def _name(users: float, rate: float | None) -> str:
    return f"{users:.0f} users" if rate is None else f"{users:.0f} users, {rate:.0f}/s"


def _ramp(given: Parameters) -> list[Stage]:
    """A straight line from the first level to the second, in ten parts at most."""
    if len(given.users) < 2 and len(given.rate) < 2:
        raise ShapeError("ramp needs two levels, such as --shape-users 1,100 or --shape-rate 100,2000")
    users, rate = _each(given.users, 2, "--shape-users"), given.rate
    rate = _each(rate, 2, "--shape-rate") if rate else ()
    (seconds,) = _each(given.seconds or (60.0,), 1, "--shape-seconds")
    parts = _parts(seconds, RAMP_STAGES)
    return [
        Stage(
            f"{part * 100 // parts}-{(part + 1) * 100 // parts} %",
            seconds / parts,
            _line(users, part, parts),
            _line(rate, part, parts) if rate else None,
        )
        for part in range(parts)
    ]


def _spike(given: Parameters) -> list[Stage]:
    """The first level, the second, and the first again."""
    if len(given.users) < 2 and len(given.rate) < 2:
        raise ShapeError("spike needs two levels, such as --shape-users 50,500 or --shape-rate 100,2000")
    low, high = _each(given.users, 2, "--shape-users")
    rates = _each(given.rate, 2, "--shape-rate") if given.rate else None
    seconds = _each(given.seconds or (20.0, 10.0, 20.0), 3, "--shape-seconds")
    parts = (("before", low, 0), ("spike", high, 1), ("after", low, 0))
    return [
        Stage(name, length, (users, users), (rates[index], rates[index]) if rates else None)
        for (name, users, index), length in zip(parts, seconds, strict=True)
    ]


def _soak(given: Parameters) -> list[Stage]:
    """Up, a long time at one level in ten parts at most, and down again."""
    (users,) = _each(given.users, 1, "--shape-users")
    rate = _each(given.rate, 1, "--shape-rate")[0] if given.rate else None
    up, hold, down = _each(given.seconds or (60.0, 3600.0, 60.0), 3, "--shape-seconds")
    level = (rate, rate) if rate is not None else None
    count = _parts(hold, SOAK_STAGES)
    parts = [
        Stage(f"part {part + 1} of {count}", hold / count, (users, users), level) for part in range(count)
    ]
    return [Stage("up", up, (1.0, users), level), *parts, Stage("down", down, (users, 1.0), level)]


_MAKERS: dict[str, Callable[[Parameters], list[Stage]]] = {
    "steps": _steps,
    "ramp": _ramp,
    "spike": _spike,
    "soak": _soak,
}


SHAPE_NAMES = tuple(_MAKERS)


def check_rate(rate: str, scenario: str) -> None:
    """Raise ShapeError if the shape has rates and the scenario has no total rate."""
    able = scenarios_with("total_rate")
    if rate and scenario not in able:
        raise ShapeError(
            f"--shape-rate: {scenario} has no total rate; scenarios that have are {', '.join(able)}"
        )


def check_name(name: str) -> None:
    """Raise ShapeError, with the nearest valid name, if no shape has this name."""
    if name not in SHAPE_NAMES:
        raise ShapeError(unknown("shape", name, SHAPE_NAMES))


def levels(option: str, text: str, least: float) -> Levels:
    """The numbers of a list with commas. ShapeError names the wrong one."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            value = float(part)
        except ValueError:
            raise ShapeError(f"{option}: {part!r} is not a number") from None
        if not least <= value <= MOST_USERS:
            raise ShapeError(f"{option}: {part} is not between {least:g} and {MOST_USERS}")
        found.append(value)
    return tuple(found)


def plan(name: str, users: str, rate: str, seconds: str, num_users: int) -> list[Stage]:
    """The stages of the shape with this name. Levels are lists with commas.

    `num_users` stands in if no users are given. ShapeError says which parameter does not fit. Without a name
    there are no stages, and no parameters.
    """
    if not name:
        for option, text in (("users", users), ("rate", rate), ("seconds", seconds)):
            if text:
                raise ShapeError(f"--shape-{option} needs --shape")
        return []
    check_name(name)
    given = Parameters(
        levels("--shape-users", users, 1) or (float(num_users),),
        levels("--shape-rate", rate, 0.001),
        levels("--shape-seconds", seconds, 0.1),
    )
    return _MAKERS[name](given)


def at(stages: Sequence[Stage], seconds: float) -> tuple[int, int, float | None] | None:
    """The stage, users and total rate after this many seconds. None if the last stage is over."""
    for index, stage in enumerate(stages):
        if seconds < stage.seconds:
            share = seconds / stage.seconds
            users = stage.users[0] + share * (stage.users[1] - stage.users[0])
            rate = stage.rate[0] + share * (stage.rate[1] - stage.rate[0]) if stage.rate else None
            return index, max(1, round(users)), rate
        seconds -= stage.seconds
    return None
