"""Options that take a number: what is wrong with a text, in the words of their users."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["Number", "WholeNumber"]


class Number(click.ParamType[float]):
    """The type of a click option that takes a finite number from `least` to `most`."""

    name = "number"
    kind: type[int] | type[float] = float
    in_words = "a number"

    def __init__(self, least: float = -math.inf, most: float = math.inf) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises UsageError."""
        flag = param.opts[0] if param is not None else "the value"
        try:
            number = self.kind(value)
        except (ValueError, OverflowError):
            raise click.UsageError(f"{flag}: {value!r} is not {self.in_words}") from None
        if not math.isfinite(number):
            raise click.UsageError(f"{flag}: {value!r} is not {self.in_words}")
        if number < self._least:
            raise click.UsageError(f"{flag}: {value} is less than {self._least:g}")
        if number > self._most:
            raise click.UsageError(f"{flag}: {value} is more than {self._most:g}")
        return number


class WholeNumber(Number):
    """The same for a whole number."""

    kind = int
    in_words = "a whole number"
