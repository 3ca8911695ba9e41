"""A name that is not valid: the end of the line that refuses it, with the nearest valid name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import click

__all__ = ["OneOf", "nearest", "one_of", "unknown"]

MOST_LISTED = 16
"""More names than these make no line that anybody reads."""


def nearest(wrong: object, valid: Iterable[str]) -> str:
    """` (the nearest is 'x'; valid are x, y, z)`. A part that there is not is left out."""
    names = list(valid)
    near = get_close_matches(str(wrong), names, n=1)
    parts = [f"the nearest is {near[0]!r}"] if near else []
    parts += [f"valid are {', '.join(names)}"] if len(names) <= MOST_LISTED else []
    return f" ({'; '.join(parts)})" if parts else ""


def unknown(kind: str, wrong: object, valid: Iterable[str]) -> str:
    """`unknown transport 'websockt' (the nearest is 'websocket'; valid are polling, websocket)`."""
    return f"unknown {kind} {wrong!r}{nearest(wrong, valid)}"


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
