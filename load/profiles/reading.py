"""The files of `load/profiles/`. There are two kinds.

A profile with `[[arms]]` is for `sioprobe compare` (`load.comparing.plan`), one without is for
`sioprobe load` and `sioprobe capacity` (`load.profiles.run_plan`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from sioprobe.commandline.nearest import nearest, unknown
from sioprobe.results.explain import first_fault

__all__ = ["PROFILES", "ProfileError", "built_in_profiles", "check_keys", "read_document", "read_table"]

PROFILES = Path(__file__).resolve().parent
ARMS = "arms"
COMMANDS = {True: "`sioprobe compare`", False: "`sioprobe load`"}


class ProfileError(ValueError):
    """A profile that cannot be used. The line names the place."""


def check_keys(section: dict[str, Any], known: Any, place: str) -> None:
    """Raises ProfileError for an unknown key."""
    for key in section:
        if key not in known:
            raise ProfileError(f"{place}: {unknown('key', key, known)}")


def read_table(table: Any, kind: Any, place: str, also: Iterable[str] = ()) -> Any:
    """The dataclass or Struct that a table describes. Raises ProfileError, which names the key.

    `also` are keys that somebody else has taken out of the table.
    """
    if not isinstance(table, dict):
        raise ProfileError(f"{place}: is not a table")
    wanted: Any = msgspec.inspect.type_info(kind)
    # Parameters of a scenario are keys of the table itself.
    own = [field.name for field in wanted.fields if field.name != "parameters"]
    check_keys(table, (*own, *also), place)
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ProfileError(f"{place}: {first_fault(table, wanted) or error}") from None


def built_in_profiles(*, compares: bool) -> list[str]:
    """The names of the built-in profiles of one kind."""
    return [
        path.stem
        for path in sorted(PROFILES.glob("*.toml"))
        if (ARMS in tomllib.loads(path.read_text(encoding="utf-8"))) is compares
    ]


def read_document(name: str, *, compares: bool) -> tuple[dict[str, Any], str]:
    """The profile of that name or path, and its name for error lines. Raises ProfileError."""
    names = built_in_profiles(compares=compares)
    if name in built_in_profiles(compares=not compares):
        raise ProfileError(
            f"profile {name!r} is one of {COMMANDS[not compares]}, not of {COMMANDS[compares]},"
            f" which has {', '.join(names)}"
        )
    path = PROFILES / f"{name}.toml" if name in names else Path(name)
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except FileNotFoundError:
        raise ProfileError(f"no profile or file {name!r}{nearest(name, names)}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path.name}: cannot be read: {error}") from None
    if ARMS in document and not compares:
        raise ProfileError(
            f"{path.name}: has [[arms]], so it is a profile of {COMMANDS[True]}, not of {COMMANDS[False]}"
        )
    return document, path.name
