"""Known deviations: failures that are known and explained for one server version and async mode.

`deviations/*.toml` lists them. One that no longer occurs fails the run until somebody removes its entry.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from conformance.verdicts import Silent

__all__ = ["Deviation", "deviations", "find_deviation"]

FOLDER = Path(__file__).parents[1] / "deviations"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One entry. Empty `cases`, `transports` or `modes` mean all of them.

    `sometimes` marks a deviation that comes and goes: a run without it proves nothing.
    `covers` says that the session or the server may stop answering, which no other entry excuses.
    `when` names switches that the server must have; one that the server does not name is off.
    """

    library: str
    versions: SpecifierSet
    id: str
    reason: str
    reference: str
    cases: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    sometimes: bool = False
    covers: tuple[Silent, ...] = ()
    when: dict[str, bool] = field(default_factory=dict)


@cache
def deviations() -> tuple[Deviation, ...]:
    """All entries. Raises ValueError that names the file and what is wrong in it."""
    found: list[Deviation] = []
    for path in sorted(FOLDER.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        try:
            found += [_deviation(data, row) for row in data["deviation"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name}: {error}") from None
    return tuple(found)


def _deviation(data: dict[str, Any], row: dict[str, Any]) -> Deviation:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    values["covers"] = tuple(map(Silent, row.get("covers", ())))
    values["versions"] = SpecifierSet(row.get("versions", data["versions"]))
    return Deviation(library=data["library"], **values)


def find_deviation(
    requirement_id: str,
    case: str,
    transport: str | None,
    *,
    library: str | None,
    version: str | None,
    mode: str | None,
    switches: dict[str, bool],
) -> Deviation | None:
    """The entry for this case on this server. An unknown library or version has none."""
    try:
        parsed = Version(version or "")
    except InvalidVersion:
        return None
    for entry in deviations():
        if (
            entry.library == library
            and entry.id == requirement_id
            and entry.versions.contains(parsed, prereleases=True)
            and (not entry.cases or case in entry.cases)
            and (not entry.transports or transport in entry.transports)
            and (not entry.modes or mode in entry.modes)
            and all(switches.get(name, False) is value for name, value in entry.when.items())
        ):
            return entry
    return None
