"""What the deviations of a server mean to the people who use it.

A deviation is a line for those who read the protocol. A consequence is a sentence for those who choose a
server: what they notice, and whether it concerns them. Many deviations have the same consequence.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sioprobe.results.types import Case

__all__ = ["Consequence", "consequence_of", "consequences_of", "in_order"]

FILE = Path(__file__).with_name("consequences.toml")

UNLISTED = "The list of consequences does not know some of its deviations: the rows of the table tell them."


@dataclass(frozen=True, slots=True)
class Consequence:
    """One sentence, and whom it concerns. `official`: whether users of an official client can notice it."""

    id: str
    text: str
    who: str
    official: bool
    ids: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


@functools.cache
def _listed() -> tuple[Consequence, ...]:
    """All of consequences.toml, in the order of the page."""
    entries = tomllib.loads(FILE.read_text("utf-8"))["consequence"]
    return tuple(
        Consequence(
            entry["id"],
            entry["text"],
            entry["who"],
            entry["official"],
            frozenset(entry.get("ids", ())),
            tuple(entry.get("reasons", ())),
        )
        for entry in entries
    )


def consequence_of(id_: str, reason: str) -> Consequence | None:
    """What the deviation of requirement `id_` with this reason means; None if no entry says it."""
    for entry in _listed():
        if any(part in reason for part in entry.reasons):
            return entry
    return next((entry for entry in _listed() if id_ in entry.ids), None)


def consequences_of(cases: Iterable[Case]) -> dict[Consequence, list[str]]:
    """What the cases of one server mean, in the order of the page, each with the requirements behind it.

    A known deviation of a server always has a consequence. What is merely not strict has one if an entry
    names its requirement. The rows of a client speak for themselves.
    """
    found: dict[Consequence, dict[str, None]] = {}
    for case in cases:
        if case["verdict"] not in ("known deviation", "non-strict"):
            continue
        entry = consequence_of(case["id"], case.get("reason") or "")
        listed = case["verdict"] == "known deviation" and not case["id"].startswith("CLI-")
        if entry is None and listed:
            entry = Consequence("unlisted", UNLISTED, "see the rows", official=True)
        if entry is not None:
            found.setdefault(entry, {})[case["id"]] = None
    return {entry: sorted(found[entry]) for entry in in_order(found)}


def in_order(found: Iterable[Consequence]) -> list[Consequence]:
    """In the order of consequences.toml; what it does not know comes last."""
    place = {entry: n for n, entry in enumerate(_listed())}
    return sorted(found, key=lambda entry: place.get(entry, len(place)))
