"""The parameters of scenarios. Each scenario declares its own.

From a `Parameter` come an option of `locust -f load/swarm.py` (and a field of Locust's web page), an option
of `sioprobe load`, a key of a request to `load.blocks` and a key of `[load]` in a profile. `Options` are the
values for one scenario. If two scenarios have a parameter of the same name, it has the same type, limits and
unit; only the defaults may differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sioprobe.commandline.nearest import nearest, unknown

__all__ = [
    "NAMESPACE",
    "PAYLOAD_BYTES",
    "RATE",
    "TIMEOUT",
    "Options",
    "Parameter",
    "ParameterError",
    "json_text",
]

Value = int | float | str | bool


class ParameterError(ValueError):
    """A name or value cannot be used. `problem` is one line that does not repeat `name`."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


def json_text(value: object, name: str) -> str:
    """The value as compact JSON. Raises ParameterError with this name."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise ParameterError(name, "holds a value that JSON does not have") from None


def _sound(value: Any) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. Its type is the type of `default`: int, float, str or bool.

    `least` and `most` limit a number, `choices` a text. `complaint` says what else is wrong with a value, or
    returns None. `help` is one line without a full stop; `unit` is the unit of a number.
    If it is `json`, its text is that of a JSON array, and an array itself stands for its text. If it is
    `repeatable`, an option may be given several times: the texts make an array.
    """

    name: str
    default: Value
    help: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    complaint: Callable[[Any], str | None] = _sound
    json: bool = False
    repeatable: bool = False

    @property
    def option(self) -> str:
        """`--payload-bytes` for `payload_bytes`."""
        return "--" + self.name.replace("_", "-")

    @property
    def kind(self) -> str:
        """`whole number`, `number`, `true or false`, `text`, `JSON array`, or the choices."""
        if self.choices:
            return "|".join(self.choices)
        if self.json:
            return "JSON array"
        kinds = {bool: "true or false", int: "whole number", float: "number"}
        return kinds.get(type(self.default), "text")

    @property
    def _a_kind(self) -> str:
        return ("a " if self.json or type(self.default) in (int, float) else "") + self.kind

    def parse(self, text: str) -> Value:
        """The value of a text from the command line. Raises ParameterError."""
        kind = type(self.default)
        try:
            if kind is bool:
                return self.accept({"true": True, "false": False}[text.lower()])
            return self.accept(kind(text))
        except ParameterError:
            raise
        except (ValueError, KeyError):
            raise ParameterError(self.name, f"{text!r} is not {self._a_kind}") from None

    def accept(self, value: object) -> Value:
        """Check a value from JSON or TOML; a whole number may stand for a float. Raises ParameterError."""
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if self.json and isinstance(value, (list, tuple)):
            value = json_text(value, self.name)
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise ParameterError(self.name, f"{value!r} is not {self._a_kind}")
        if self.choices and value not in self.choices:
            raise ParameterError(self.name, unknown(self.name, value, self.choices))
        if isinstance(value, (int, float)):
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            if self.least is not None and value < self.least:
                raise ParameterError(self.name, f"{shown} is less than {self.least:g}")
            if self.most is not None and value > self.most:
                raise ParameterError(self.name, f"{shown} is more than {self.most:g}")
        complaint = self.complaint(value)
        if complaint is not None:
            raise ParameterError(self.name, complaint)
        return value


class Options(Mapping[str, Value]):
    """The values of a scenario's parameters, as `options["rate"]` or `options.rate`.

    Parameters that are not given have their defaults. Raises ParameterError if a value cannot be used or a
    name is unknown.
    """

    __slots__ = ("_values",)

    def __init__(self, parameters: Iterable[Parameter], given: Mapping[str, object]) -> None:
        known = {parameter.name: parameter for parameter in parameters}
        for name in given:
            if name not in known:
                raise ParameterError(name, f"unknown{nearest(name, known)}")
        self._values = {
            name: parameter.accept(given[name]) if name in given else parameter.default
            for name, parameter in known.items()
        }

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the scenario declares no parameter {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _namespace_complaint(value: str) -> str | None:
    if not value.startswith("/"):
        return f"{value!r} does not start with '/' (the nearest is '/{value}')"
    return f"{value!r} holds a comma, which ends a namespace" if "," in value else None


NAMESPACE = Parameter(
    "namespace", "/", "Socket.IO namespace, / for the main one", complaint=_namespace_complaint
)
PAYLOAD_BYTES = Parameter(
    "payload_bytes",
    32,
    "length of the text that each message carries",
    unit="bytes",
    least=0,
    most=100_000_000,
)
TIMEOUT = Parameter(
    "timeout", 10.0, "how long to wait for an answer or a delivery", unit="s", least=0.001, most=86_400
)
RATE = Parameter(
    "rate",
    0.0,
    "operations of each connection, or of each room; 0: each follows the one before",
    unit="a second",
    least=0,
    most=1_000_000,
)
