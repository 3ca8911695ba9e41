"""The lines of the table in the documentation: one for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ci.pages import line
from ci.wide.rows import Row
from sioprobe.results.types import Conformance

HEAD = (
    "row", "server", "judged", "outcome", "passed", "MUST failures", "known deviations", "inconclusive",
    "hidden by the path", "otherwise than `node`", "seconds",
)  # fmt: skip
FEW = 6
"""So many ids stand in a cell; more are counted."""


def line_of(row: Row, versions: Mapping[str, str], result: Conformance, direct: Conformance | None) -> str:
    """The line of a judged row. One with a front is compared with `direct`, the result of the row `node`."""
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    counts = result["counts"]
    cells = (
        f"`{row.name}`",
        f"{row.title} ({said})",
        (result["started_at"] or "")[:10],
        result["outcome"],
        str(counts.get("pass", 0)),
        _ids(case["id"] for case in result["cases"] if case["verdict"] == "fail"),
        str(counts.get("known deviation", 0)),
        _ids(case["id"] for case in result["cases"] if case["verdict"] == "inconclusive"),
        str(counts.get("hidden by the path", 0)),
        _ids(differing(result, direct)) if row.front is not None and direct is not None else "",
        f"{result['seconds']:.0f}",
    )
    return line(cells)


def not_run(row: Row, reason: str) -> str:
    """The line of a row that could not run."""
    return line((f"`{row.name}`", row.title, "", f"not run: {reason}", *[""] * 7))


def differing(result: Conformance, direct: Conformance) -> list[str]:
    """The ids of cases that have another verdict than in the other result, or are in one of them alone."""
    both = [
        {(case["id"], case["case"], case["transport"] or ""): case["verdict"] for case in each["cases"]}
        for each in (result, direct)
    ]
    return [key[0] for key in sorted(both[0].keys() | both[1].keys()) if both[0].get(key) != both[1].get(key)]


def _ids(ids: Iterable[str]) -> str:
    counted = Counter(ids)
    if not counted:
        return "0"
    told = [f"{id_} ({times})" if times > 1 else id_ for id_, times in list(counted.items())[:FEW]]
    rest = len(counted) - len(told)
    return f"{counted.total()}: {', '.join(told)}" + (f" and {rest} more ids" if rest else "")
