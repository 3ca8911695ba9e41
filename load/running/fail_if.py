"""Conditions on a run's figures: `p99>50ms`, `reach<100%`, `errors>0`, `memory_per_life>10KB`.

`--fail-if` fails a run if one of them holds. In the objective of `sioprobe capacity` all of them must hold.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from load.scenarios import SCENARIOS
from sioprobe.commandline.nearest import unknown
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Block, Latency, LedgerFigures, RunResult

__all__ = ["MEMORY_PER_LIFE", "Condition", "ConditionError", "Figures"]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TIMES = {"us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6}
_SHARES = {"%": 0.01}
_COUNTS = {"": 1.0}
_SIZES = {"B": 1.0, "KB": 1e3, "MB": 1e6, "KiB": 1024.0, "MiB": 1024.0**2}
MEMORY_PER_LIFE = "memory_per_life"

# The units of each figure. A latency needs a unit, because 50 could be anything.
_UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("p50", "p90", "p99", "p99.9", "max", "mean"), _TIMES),
    "reach": _SHARES,
    **dict.fromkeys(("lost", "duplicated", "reordered", "late"), _COUNTS),
    "errors": {**_COUNTS, **_SHARES},
    "unsent": {**_COUNTS, **_SHARES},
    "rate": {"": 1.0, "/s": 1.0},
    MEMORY_PER_LIFE: _SIZES,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?)")
_EXPRESSION = re.compile(r"\s*([^\s<>=!]+)\s*([<>=!]+)\s*([0-9.eE+_]*)\s*(\S*)\s*")


class ConditionError(ValueError):
    """A condition that cannot be read. One line says why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures that conditions compare. `values` holds mean, reach, rate, and the counts."""

    operations: int = 0
    latency: Histogram = field(default_factory=Histogram)
    values: Mapping[str, float | None] = field(default_factory=dict)

    @classmethod
    def of_run(cls, result: RunResult) -> Figures:
        """The figures of a run under Locust."""
        measured = next(
            (
                series
                for series in result.series
                if (series.type, series.name) == result.operation and series.latency is not None
            ),
            None,
        )
        return cls(
            result.operations,
            _histogram(measured.latency if measured is not None else None),
            {
                "mean": measured.mean_us if measured is not None else None,
                **_deliveries(result.ledger),
                "errors": sum(result.errors.values()),
                "unsent": result.unsent,
                "rate": result.operations_per_second,
                MEMORY_PER_LIFE: _memory_per_life(result.found),
            },
        )

    @classmethod
    def of_block(cls, block: Block) -> Figures:
        """The figures of a block, which has no mean."""
        return cls(
            block.operations,
            _histogram(block.latency),
            {
                **_deliveries(block.ledger),
                "errors": block.errors,
                "unsent": block.unsent,
                "rate": block.operations / block.seconds,
                MEMORY_PER_LIFE: _memory_per_life(block.found),
            },
        )


def _histogram(latency: Latency | None) -> Histogram:
    return Histogram() if latency is None else Histogram.from_latency(latency)


def _memory_per_life(found: dict[str, Any] | None) -> float | None:
    """Bytes, if the scenario looks for them and the lives were enough to tell."""
    size: float | None = (found or {}).get("leak", {}).get("rss_bytes_per_life")
    return size


def _deliveries(ledger: LedgerFigures | None) -> dict[str, float | None]:
    names = ("reach", "lost", "duplicated", "reordered", "late")
    return {name: getattr(ledger, name, None) for name in names}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `value` is in µs for a latency, in bytes for a size, and a share of 1 if `is_share`."""

    text: str
    figure: str
    comparison: str
    value: float
    is_share: bool = False

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition in `text`. ConditionError names what is wrong, and the nearest valid name."""
        match = _EXPRESSION.fullmatch(text)
        if match is None:
            raise ConditionError(f"{text!r} is no condition such as 'p99>50ms' or 'errors>0'")
        figure, comparison, number, unit = match.groups()
        if comparison not in _OPERATORS:
            raise ConditionError(f"{text!r}: {comparison!r} is none of {', '.join(_OPERATORS)}")
        units = _UNITS.get(figure) or (_TIMES if _PERCENTILE.fullmatch(figure) else None)
        if units is None:
            raise ConditionError(f"{text!r}: {unknown('figure', figure, _UNITS)}")
        try:
            value = float(number)
            if math.isinf(value):
                raise ValueError
        except ValueError:
            raise ConditionError(f"{text!r}: {number + unit!r} is not a number with its unit") from None
        if unit not in units:
            valid = ", ".join(repr(each) if each else "none" for each in units if each != "µs")
            said = repr(unit) if unit else "none"
            raise ConditionError(f"{text!r}: {figure} has the unit {valid}, not {said}")
        return cls(text.strip(), figure, comparison, value * units[unit], unit == "%" and figure != "reach")

    def problem_with(self, scenario: str) -> str | None:
        """One line if runs of this scenario never have the figure, or None."""
        if self.figure != MEMORY_PER_LIFE or SCENARIOS[scenario].cools_down:
            return None
        able = ", ".join(name for name, kind in SCENARIOS.items() if kind.cools_down)
        return f"{self.text!r}: scenario {scenario} does not measure it ({able} does)"

    @property
    def is_latency(self) -> bool:
        """Whether it compares a time."""
        return _UNITS.get(self.figure, _TIMES) is _TIMES

    @property
    def must_be_measured(self) -> bool:
        """Whether an objective is not met without its figure. Only some scenarios have deliveries."""
        return self.is_latency or self.figure == MEMORY_PER_LIFE

    def measured(self, figures: Figures) -> float | None:
        """The figure that it compares; None if that was not measured."""
        match = _PERCENTILE.fullmatch(self.figure)
        if match is not None:
            return figures.latency.percentile(float(match[1]))
        if self.figure == "max":
            return figures.latency.max if figures.latency.count else None
        value = figures.values.get(self.figure)
        if self.is_share and value is not None:
            intended = figures.operations + (figures.values["errors"] or 0) + (figures.values["unsent"] or 0)
            return value / intended if intended else None
        return value

    def holds(self, figures: Figures) -> bool | None:
        """Whether it holds; None if its figure was not measured."""
        measured = self.measured(figures)
        return None if measured is None else _OPERATORS[self.comparison](measured, self.value)

    def show(self, measured: float | None) -> str:
        """A measured value in the unit of the condition."""
        if measured is None:
            return "not measured"
        if self.is_share or self.figure == "reach":
            return f"{measured:.4%}"
        if self.is_latency:
            return f"{measured / 1000:.3f} ms"
        if self.figure == MEMORY_PER_LIFE:
            return f"{measured / 1000:.1f} KB"
        return f"{measured:.0f}" + ("/s" if self.figure == "rate" else "")
