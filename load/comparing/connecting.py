"""How clients come to the servers of a comparison: keys of `[load]`, under options of the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from load.profiles.reading import ProfileError
from sioprobe.commandline.connection_options import (
    CONNECTION_KEYS,
    DEFAULT_PATH,
    ConnectionOptions,
    OptionError,
)

__all__ = ["CONNECTING_KEYS", "Connecting"]

_DEFAULTS: dict[str, Any] = {
    "path": DEFAULT_PATH,
    "auth": None,
    "header": [],
    "cookie": [],
    "query": [],
    "ca_file": "",
    "no_verify": False,
    "max_packets_per_post": 0,
}
_KINDS = {str: "text", bool: "true or false", int: "a whole number"}
CONNECTING_KEYS = tuple(_DEFAULTS)
"""Each is the option of the same name."""


@dataclass(frozen=True, slots=True)
class Connecting:
    """The options of a profile, in words of the command line. `folder` is where the names of files begin."""

    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    folder: Path = Path()
    place: str = ""

    @classmethod
    def of(cls, section: Mapping[str, Any], folder: Path, place: str) -> Connecting:
        """Those of a section. Raises ProfileError for a value of another kind."""
        options = {key: _value(key, section[key], place) for key in CONNECTING_KEYS if key in section}
        if options.get("ca_file"):
            options["ca_file"] = str(folder / options["ca_file"])
        return cls(options, folder, place)

    def under(self, given: ConnectionOptions) -> ConnectionOptions:
        """The options of the profile, with those of the command line on top. Reads files; ProfileError."""
        try:
            own = ConnectionOptions.read(SimpleNamespace(**{**_DEFAULTS, **self.options}), self.folder)
        except OptionError as error:
            raise ProfileError(f"{self.place}: {error}") from None
        told = given.to_json()
        values = {key: told.get(key, getattr(own, key)) for key in CONNECTION_KEYS}
        return ConnectionOptions(**values, given=given.given)


def _value(key: str, value: Any, place: str) -> Any:
    """The value as its option has it. Raises ProfileError, which shows none: it may be a secret."""
    default = _DEFAULTS[key]
    if key == "auth":
        return value if isinstance(value, str) else json.dumps(value, default=str)
    if isinstance(default, list):
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(isinstance(each, str) for each in values):
            return values
        raise ProfileError(f"{place}: {key} is neither text nor a list of text")
    if type(value) is not type(default):
        raise ProfileError(f"{place}: {key} is not {_KINDS[type(default)]}")
    return value
