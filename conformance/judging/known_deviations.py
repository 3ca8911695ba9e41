"""Known deviations: failures that are known and explained for one server version and async mode.

`deviations/*.toml` lists them, and `deviations/clients/*.toml` those of clients. One that no longer occurs in
the versions with which it was tried fails the run, until somebody removes its entry. With other versions it
is a note: the server has become better.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from conformance.judging.outcomes import Question
from conformance.subject import Subject
from conformance.verdicts import Judgement, Silent, with_deviation

__all__ = ["Deviation", "Listed", "deviations", "find_deviation", "lists", "version_of"]

FOLDER = Path(__file__).parents[1] / "deviations"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One entry. Empty `cases`, `transports` or `modes` mean all of them.

    `tried` holds the versions with which somebody saw it: of the library, and of what it is made of.
    `sometimes` marks a deviation that comes and goes: a run without it proves nothing.
    `covers` says that the session or the server may stop answering, or that the process of a client may end,
    which no other entry excuses.
    `when` names switches that the server must have; one that the server does not name is off.
    `queues` are those with which it occurs, as `/about` names them; empty means any, or none.
    """

    library: str
    versions: SpecifierSet
    id: str
    reason: str
    reference: str
    tried: dict[str, str]
    cases: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    sometimes: bool = False
    covers: tuple[Silent, ...] = ()
    when: dict[str, bool] = field(default_factory=dict)
    queues: tuple[str, ...] = ()

    def untried(self, versions: Mapping[str, str]) -> str | None:
        """`python-engineio 4.16.0 (tried: 4.15.1)` if a server is of other versions than those tried."""
        others = (
            f"{name} {versions[name]} (tried: {tried})"
            for name, tried in self.tried.items()
            if name in versions and not _equal(versions[name], tried)
        )
        return next(others, None)

    def applied(self, judgement: Judgement, versions: Mapping[str, str], *, named: bool = True) -> Judgement:
        """The judgement of a case of this entry, on a server made of these versions.

        If nobody has `named` the library, the application may be what makes the difference.
        """
        return with_deviation(
            judgement,
            self.reason,
            sometimes=self.sometimes,
            covers=self.covers,
            untried=self.untried(versions) or (None if named else "this application"),
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """One file: a library, the versions that its entries are for, its modes, and the versions tried.

    `borrowed`: its entries are those of another file, and hold in its modes alone.
    """

    library: str
    versions: SpecifierSet
    modes: tuple[str, ...]
    tried: dict[str, str]
    entries: tuple[Deviation, ...]
    borrowed: bool = False

    @property
    def version(self) -> str:
        """Of the library, the one that was tried."""
        return self.tried[self.library]


@cache
def lists() -> tuple[Listed, ...]:
    """All files. Raises ValueError that names the file and what is wrong in it."""
    found: dict[str, Listed] = {}
    files = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(FOLDER.rglob("*.toml"))}
    # A list that borrows entries comes after the list that has them.
    for name, data in sorted(files.items(), key=lambda item: "same_as" in item[1]):
        try:
            found[name] = _listed(data, found)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}.toml: {error}") from None
    return tuple(found.values())


@cache
def deviations() -> tuple[Deviation, ...]:
    """All entries."""
    return tuple(entry for listed in lists() for entry in listed.entries)


def _listed(data: dict[str, Any], others: Mapping[str, Listed]) -> Listed:
    library, versions, modes = data["library"], SpecifierSet(data["versions"]), tuple(data["modes"])
    if "same_as" not in data:
        entries = tuple(entry for row in data["deviation"] for entry in _deviations(data, row))
        return Listed(library, versions, modes, data["tried"], entries)
    entries = tuple(
        replace(
            entry,
            library=library,
            versions=versions,
            tried=data["tried"],
            modes=tuple(mode for mode in modes if not entry.modes or mode in entry.modes),
        )
        for entry in others[data["same_as"]].entries
    )
    kept = tuple(entry for entry in entries if entry.modes)
    return Listed(library, versions, modes, data["tried"], kept, borrowed=True)


def _deviations(data: dict[str, Any], row: dict[str, Any]) -> list[Deviation]:
    """One for each of the `ids` of a row, or the one of its `id`."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key != "ids"
    }
    values["covers"] = tuple(map(Silent, row.get("covers", ())))
    values["versions"] = SpecifierSet(row.get("versions", data["versions"]))
    values["tried"] = data["tried"] | row.get("tried", {})
    names = [{"id": id_} for id_ in row["ids"]] if "ids" in row else [{}]
    return [Deviation(library=data["library"], **values, **name) for name in names]


def version_of(text: str | None) -> Version | None:
    """The version that a text names; None if it names none."""
    try:
        return Version(text or "")
    except InvalidVersion:
        return None


def _equal(one: str, other: str) -> bool:
    versions = version_of(one), version_of(other)
    return one == other if None in versions else versions[0] == versions[1]


def find_deviation(question: Question, subject: Subject) -> Deviation | None:
    """The entry for this case of this server or client. An unknown library or version has none."""
    version, mode = version_of(subject.version), subject.mode
    if version is None:
        return None
    of_library = [listed for listed in lists() if listed.library == subject.library]
    borrows = any(listed.borrowed and mode in listed.modes for listed in of_library)
    for entry in (entry for listed in of_library if listed.borrowed is borrows for entry in listed.entries):
        if (
            entry.id == question.requirement.id
            and entry.versions.contains(version, prereleases=True)
            and (not entry.cases or question.name in entry.cases)
            and (not entry.transports or question.transport in entry.transports)
            and (not entry.modes or mode in entry.modes)
            and (not entry.queues or subject.queue in entry.queues)
            and all(subject.switches.get(name, False) is value for name, value in entry.when.items())
        ):
            return entry
    return None
