"""What a user declares about a server in a TOML file, because the server cannot be asked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.requirements import CAPABILITIES, SETTINGS
from conformance.usage_error import UsageError
from sioprobe.commandline.nearest import unknown

__all__ = ["ServerProfile", "read_profile"]


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """What is declared about a server. None: the judge finds it out.

    `unlisted`: no known deviation shall apply, whatever the server is.
    `settings` are times in seconds that the server does not say on the wire.
    """

    title: str | None = None
    library: str | None = None
    version: str | None = None
    mode: str | None = None
    unlisted: bool = False
    contract_level: int | None = None
    settings: dict[str, float] = field(default_factory=dict)
    capabilities: dict[str, bool] = field(default_factory=dict)


# Whether a value is of the kind, and its name.
Kind = tuple[Callable[[Any], bool], str]


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and value > 0


TEXT: Kind = (lambda value: type(value) is str, "text")
WHOLE: Kind = (lambda value: type(value) is int, "a whole number")
SWITCH: Kind = (lambda value: type(value) is bool, "true or false")

# Which keys each section may hold, and of what kind their values are.
SECTIONS: dict[str, dict[str, Kind]] = {
    "target": dict.fromkeys(("title", "library", "version", "mode"), TEXT) | {"contract_level": WHOLE},
    "settings": dict.fromkeys(SETTINGS, (_is_seconds, "a number of seconds")),
    "capabilities": dict.fromkeys(CAPABILITIES, SWITCH),
}


def read_profile(path: Path) -> ServerProfile:
    """The profile of a TOML file. Raises UsageError naming section, key and the nearest valid one."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"profile {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"profile {path}: {error}") from None
    for section, values in data.items():
        if section not in SECTIONS or not isinstance(values, dict):
            raise UsageError(f"profile {path}: {unknown('section', section, SECTIONS)}")
        for key, value in values.items():
            if key not in SECTIONS[section]:
                raise UsageError(f"profile {path}: [{section}]: {unknown('key', key, SECTIONS[section])}")
            is_right, what = SECTIONS[section][key]
            if not is_right(value):
                raise UsageError(f"profile {path}: {key} = {value!r} in [{section}] is not {what}")
    return ServerProfile(
        **data.get("target", {}),
        settings=data.get("settings", {}),
        capabilities=data.get("capabilities", {}),
    )
