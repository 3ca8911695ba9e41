"""Sentences about how modes stand on one figure."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.evidence import Evidence
from reports.writing.quoting import Saying
from reports.writing.wording import TRANSPORT_WORDS, listed
from sioprobe.results.answers import Standing

__all__ = ["MOST_NAMES", "WATCHED", "figure_of", "lead", "names_of", "rest", "times_of"]

MOST_NAMES = 4
WATCHED = ("gevent", "eventlet", "threading")
"""The modes that the guide of Flask-SocketIO is about: a sentence names these before others."""


def lead(found: Evidence, said: Saying) -> str:
    """Which modes are best on the figure, and what it is. One sentence."""
    kind, over = found.kind, f"Over {TRANSPORT_WORDS[found.transport]}"
    first, *others = found.standings
    if not others:
        return f"{over} only {first['arm']} was measured: {kind.label} {figure_of(found, first, said)}."
    near = (
        f"are within {kind.near_words} of each other" if found.source == "single" else "cannot be told apart"
    )
    if not found.behind:
        figures = [f"{one['arm']} {figure_of(found, one, said)}" for one in found.standings[:MOST_NAMES]]
        return f"{over} the modes {near} by their {kind.label}: {listed(figures)}."
    alike = len(found.best) > 1
    told = f"{over} {names_of(found.best)} {kind.verbs[alike]} {kind.most}"
    named = f" with {first['arm']}; they {near}" if alike else ""
    return f"{told}: {figure_of(found, first, said)}{named}."


def rest(found: Evidence, said: Saying) -> str | None:
    """How far the others are behind, and who has no place. None if there is nothing to say."""
    unranked = [one for one in found.standings if one["standing"] == "unranked"]
    what = "lives" if found.source == "paired" else "blocks"
    few = f"There are too few {what} of {names_of(unranked)} to say where they stand."
    if not found.behind:
        return few if unranked else None
    told = [one for one in found.behind if one["arm"] in WATCHED] or found.behind[:2]
    others = [one for one in found.behind if one not in told]
    parts = []
    for n, one in enumerate(told):
        times, between = times_of(found, one, said)
        parts.append(
            f"{one['arm']} {times} times{between}"
            if n
            else f"{one['arm']} {found.kind.verbs[0]} {times} {found.kind.times}{between}"
        )
    if others:
        ends = dict.fromkeys(times_of(found, one, said)[0] for one in (others[0], others[-1]))
        who = others[0]["arm"] if len(others) == 1 else f"{len(others)} others"
        parts.append(f"{who} {' to '.join(ends)} times")
    return f"{listed(parts)}.{f' {few}' if unranked else ''}"


def figure_of(found: Evidence, one: Standing, said: Saying, each: bool = False) -> str:
    """The figure with its unit (and for what, if `each`), and its interval in brackets."""
    unit = found.kind.unit + (found.kind.each if each else "")
    text = f"{said.number(one['source'], factor=found.kind.factor)} {unit}"
    if one["low"] is None or one["high"] is None:
        return text
    return text + said.between(one["source"].rpartition("/")[0], found.kind.factor)


def times_of(found: Evidence, one: Standing, said: Saying) -> tuple[str, str]:
    """The figure divided by that of the best, and the interval in brackets, if there is one."""
    if one["times_source"] is not None:
        return said.number(one["times_source"] + "/ratio"), said.bounds(one["times_source"])
    return said.number(one["source"], over=found.standings[0]["source"]), ""


def names_of(standings: Sequence[Standing]) -> str:
    """The arms by name if they are few."""
    names = [one["arm"] for one in standings]
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} others"]
    return listed(names)
