"""Options that take one of some names, for both kinds of parsers, and options that take several values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

import click

from sioprobe.commandline.nearest import unknown

__all__ = ["Listed", "OneOf", "one_of"]


class OneOf(click.ParamType[str]):
    """The type of a click option that takes one of some names."""

    name = "name"

    def __init__(self, kind: str, names: Iterable[str]) -> None:
        self._kind = kind
        self._names = tuple(names)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself. Raises UsageError."""
        if value not in self._names:
            raise click.UsageError(unknown(self._kind, value, self._names))
        return str(value)


class Listed(click.ParamType[tuple[Any, ...]]):
    """The type of a click option that takes several values: `a,b`."""

    name = "list"

    def __init__(self, of: click.ParamType[Any]) -> None:
        self._of = of

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """The values, each once. Raises UsageError for the first that is none, and if there is none."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not parts:
            raise click.UsageError(f"{param.opts[0] if param else 'the value'} is empty")
        return tuple(dict.fromkeys(self._of.convert(part, param, ctx) for part in parts))


def one_of(kind: str, names: Iterable[str]) -> Callable[[str], str]:
    """The type of an argparse option that takes one of some names."""
    valid = tuple(names)

    def convert(value: str) -> str:
        if value not in valid:
            raise argparse.ArgumentTypeError(unknown(kind, value, valid))
        return value

    return convert
