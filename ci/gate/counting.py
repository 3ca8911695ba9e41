"""The half that counts: exact counts of both sides in every cell, and the functions whose calls differ."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ci.gate.measuring import played
from ci.gate.settings import GateError, Settings
from ci.gate.sides import BuiltSide
from load.servers.processes import ChildError, Driver, NoAnswer
from sioprobe.results.gate import Counted, CountedFunction, CountedMetric

__all__ = ["compare_counts", "count_cells"]

COUNT_SECONDS = 240.0
START_SECONDS = 60.0
EQUAL_SHARE = 0.005
"""Counts this near are equal: threads take turns in another order each time."""
FUNCTION_SHARE, FEWEST_CALLS = 0.05, 0.1
"""A function's calls differ by more than both: how often a thread waits for a lock is a matter of luck."""
MOST_FUNCTIONS = 40
WIRE = ("packets from the server", "bytes from the server")


def count_cells(settings: Settings, sides: Sequence[BuiltSide], end: float) -> list[Counted]:
    """One entry a cell; one that could not be counted, or not before `end` (monotonic), says so in its notes.

    Raises GateError where the process that counts has ended.
    """
    found = []
    driver = Driver("load.counting")
    try:
        for cell in settings.cells:
            base, head = sides
            request = {
                "sides": [base.start("base", cell), head.start("head", cell)],
                **played(settings, cell),
                "start_seconds": START_SECONDS,
            }
            seconds = min(COUNT_SECONDS, end - time.monotonic())
            if seconds <= 0:
                found.append(_entry(cell.id, notes=["not counted: half of --budget was over"]))
                continue
            try:
                answer = driver.ask(request, seconds)
            except NoAnswer as error:
                driver.close()
                driver = Driver("load.counting")
                answer = {"error": str(error)}
            except ChildError as error:
                raise GateError(str(error)) from None
            if "error" in answer:
                found.append(_entry(cell.id, notes=[f"not counted: {answer['error']}"]))
            else:
                found.append(compare_counts(cell.id, answer))
    finally:
        driver.close()
    return found


def _entry(cell: str, **values: Any) -> Counted:
    empty: Counted = {"cell": cell, "messages": 0, "metrics": [], "functions": [], "notes": []}
    return {**empty, **values}  # type: ignore[typeddict-item]


def compare_counts(cell: str, answer: dict[str, Any]) -> Counted:
    """What `load.counting` answered, side against side."""
    base, head = answer["sides"]
    metrics: list[CountedMetric] = []
    for name in dict.fromkeys((*base["counts"], *head["counts"])):
        one, other = base["counts"].get(name), head["counts"].get(name)
        metrics.append(
            {
                "name": name,
                "base": one[0] if one else None,
                "head": other[0] if other else None,
                "equal": _equal(one, other, EQUAL_SHARE, 0.0) if one and other else None,
            }
        )
    return _entry(
        cell,
        messages=answer["messages"],
        metrics=metrics,
        functions=_functions(base["functions"], head["functions"]),
        notes=answer["notes"],
    )


def _equal(one: Sequence[float], other: Sequence[float], share: float, least: float) -> bool:
    """Whether two ranges overlap, or are as near as makes no difference."""
    apart = max(one[0], other[0]) - min(one[1], other[1])
    return apart <= max(share * max(one[0], other[0]), least)


def _in_module(name: str, file: str) -> str:
    """`json.loads` for the function `loads` of json/__init__.py; a builtin has its module already."""
    if not file.endswith(".py") or file.startswith("/"):
        return name
    return f"{file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}.{name}"


def _functions(base: list[list[Any]], head: list[list[Any]]) -> list[CountedFunction]:
    """Those whose calls differ, the greatest difference first. Lines are left out of the comparison."""
    sides: list[dict[tuple[str, str], list[float]]] = []
    places: dict[tuple[str, str], str] = {}
    for functions in (base, head):
        calls: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for name, place, low, high in functions:
            key = name, place.rpartition(":")[0]
            calls[key][0] += low
            calls[key][1] += high
            places[key] = place
        sides.append(calls)
    found: list[CountedFunction] = []
    for key in places:
        one, other = (side.get(key, [0.0, 0.0]) for side in sides)
        if not _equal(one, other, FUNCTION_SHARE, FEWEST_CALLS):
            name = _in_module(key[0], key[1])
            found.append({"name": name, "place": places[key], "base": one[0], "head": other[0]})
    # What is written in Python says more than the builtins that it calls.
    found.sort(key=lambda entry: (entry["place"] == "C", -abs(entry["head"] - entry["base"]), entry["name"]))
    return found[:MOST_FUNCTIONS]
