"""Options that take one of some names, for both kinds of parsers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

import click

from sioprobe.commandline.nearest import unknown

__all__ = ["OneOf", "one_of"]


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


def one_of(kind: str, names: Iterable[str]) -> Callable[[str], str]:
    """The type of an argparse option that takes one of some names."""
    valid = tuple(names)

    def convert(value: str) -> str:
        if value not in valid:
            raise argparse.ArgumentTypeError(unknown(kind, value, valid))
        return value

    return convert
