"""Numbers on a page that know where they stand in results.json.

A number is always looked up and written here, so its text cannot differ from its source. In HTML it names
the source (`data-from`, a JSON pointer), and a test looks every one of them up again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any

from reports.writing.wording import number, printable
from sioprobe.results.answers import Quotation, Said
from sioprobe.results.types import CellResult, Results

__all__ = ["Quote", "Quoted", "Quotes", "Saying", "look_up", "pointer"]


ALL = 15
"""Digits, of a whole number."""


def pointer(*steps: str | int) -> str:
    """The JSON pointer of these steps: `pointer("cells", 3)` is "/cells/3"."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def look_up(document: Any, place: str) -> Any:
    """The value at a JSON pointer. Raises KeyError or IndexError if there is none."""
    found = document
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


@dataclass(frozen=True, slots=True)
class Quote:
    """`factor` × the value at `source` ÷ the value at `over`, as text."""

    text: str
    source: str | None
    over: str | None = None
    factor: float = 1.0

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        shown = {"from": self.source, "over": self.over}
        shown |= {"factor": f"{self.factor!r}" if self.factor != 1 else None}
        data = "".join(
            f' data-{name}="{escape(value)}"' for name, value in shown.items() if value is not None
        )
        return f"<span{data}>{escape(self.text)}</span>"


@dataclass(frozen=True, slots=True)
class Quoted:
    """Several quotes with text between them."""

    parts: tuple[Quote | str, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))

    def __html__(self) -> str:
        return "".join(escape(part) if isinstance(part, str) else part.__html__() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Quotes:
    """Quotes the numbers of one results.json."""

    results: Results

    def value(self, source: str | None, over: str | None = None, factor: float = 1.0) -> float | None:
        """The number that a quote would show; None where a part of it is missing or `over` is 0."""
        above = 1.0 if source is None else look_up(self.results, source)
        below = 1.0 if over is None else look_up(self.results, over)
        return None if above is None or not below else factor * above / below

    def number(self, source: str | None, *, over: str | None = None, factor: float = 1.0) -> Quote:
        """One number; a dash where it is missing. A whole number of the results stays as it is."""
        value = self.value(source, over, factor)
        exact = (factor, over) == (1, None) and source and look_up(self.results, source)
        return Quote(number(exact, ALL) if type(exact) is int else number(value), source, over, factor)

    def whole(self, source: str, factor: float = 1.0) -> Quote:
        """A number of things, rounded down."""
        value = self.value(source, None, factor)
        return Quote("–" if value is None else number(math.floor(value), ALL), source, None, factor)

    def cell(self, cell: CellResult) -> str:
        """The place of a cell of these results."""
        return pointer("cells", next(n for n, one in enumerate(self.results["cells"]) if one is cell))

    def shown(self, place: str) -> Quote:
        """A value as it is, number or text."""
        value = look_up(self.results, place)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.number(place)
        return Quote("–" if value is None else printable(str(value)), place)

    def joined(self, place: str) -> Quoted:
        """The texts of a list."""
        parts: list[Quote | str] = []
        for n in range(len(look_up(self.results, place))):
            parts += ["; ", self.shown(f"{place}/{n}")]
        return Quoted(tuple(parts[1:]))

    def between(self, place: str, factor: float = 1.0) -> Quoted | str:
        """`117–118`, from `low` to `high` of the object at `place`; a dash where there is no interval."""
        low, high = self._ends(place, factor)
        if "–" in (low.text, high.text):
            return "–"
        return Quoted((low,) if low.text == high.text else (low, "–", high))

    def bounds(self, place: str) -> Quoted | str:
        """`[1.12, 1.20]`, the interval of a ratio; nothing where there is none."""
        low, high = self._ends(place, 1.0)
        return "" if "–" in (low.text, high.text) else Quoted(("[", low, ", ", high, "]"))

    def _ends(self, place: str, factor: float) -> tuple[Quote, Quote]:
        return self.number(f"{place}/low", factor=factor), self.number(f"{place}/high", factor=factor)


@dataclass(slots=True)
class Saying:
    """Writes sentences about one results.json, and remembers where their numbers came from."""

    quotes: Quotes
    taken: list[Quote] = field(default_factory=list)

    def number(self, source: str | None, *, over: str | None = None, factor: float = 1.0) -> str:
        """The text of one number."""
        quote = self.quotes.number(source, over=over, factor=factor)
        self.taken.append(quote)
        return quote.text

    def whole(self, source: str, factor: float = 1.0) -> str:
        """The text of a number of things, rounded down."""
        quote = self.quotes.whole(source, factor)
        self.taken.append(quote)
        return quote.text

    def string(self, source: str) -> str:
        """A text of the results, as it is."""
        text = str(look_up(self.quotes.results, source))
        self.taken.append(Quote(text, source))
        return text

    def between(self, place: str, factor: float = 1.0) -> str:
        """The interval in brackets behind a space; nothing where there is none."""
        interval = self.quotes.between(place, factor)
        return "" if interval == "–" else f" ({self._taken(interval)})"

    def bounds(self, place: str) -> str:
        """The interval of a ratio behind a space; nothing where there is none."""
        interval = self.quotes.bounds(place)
        return f" {self._taken(interval)}" if interval else ""

    def _taken(self, interval: Quoted | str) -> Quoted | str:
        if isinstance(interval, Quoted):
            self.taken += [part for part in interval.parts if isinstance(part, Quote)]
        return interval

    def said(self, *sentences: str | None) -> Said:
        """The sentences that there are, with the numbers that stand in them."""
        text = " ".join(filter(None, sentences))
        found = [quote for quote in dict.fromkeys(self.taken) if quote.text in text]
        return {"text": text, "quotations": [_quotation(quote) for quote in found]}


def _quotation(quote: Quote) -> Quotation:
    return {"text": quote.text, "source": quote.source, "over": quote.over, "factor": quote.factor}
