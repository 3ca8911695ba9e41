"""The table of the documentation: one line for each row, and only the lines of judged rows change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ci.wide.rows import Row
from sioprobe.results.types import Conformance

BEGIN, END = "<!-- rows -->\n", "<!-- end of rows -->\n"
HEAD = (
    "| row | server | judged | outcome | passed | MUST failures | known deviations | inconclusive"
    " | hidden by the path | otherwise than `node` | seconds |\n" + "|---" * 11 + "|\n"
)
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


def updated(page: str, lines: Mapping[str, str], names: Iterable[str], head: str = HEAD) -> str:
    """The page with these lines in its table, in the order of `names`. Raises ValueError without a table."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no table between {BEGIN.strip()} and {END.strip()}")
    known = {**lines_of(page), **lines}
    return before + begin + head + "".join(known[name] for name in names if name in known) + end + after


def lines_of(page: str) -> dict[str, str]:
    """The lines of the table in the page, by the names of their rows."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    return {match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)` \|.*\n", table, re.MULTILINE)}


def line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _ids(ids: Iterable[str]) -> str:
    counted = Counter(ids)
    if not counted:
        return "0"
    told = [f"{id_} ({times})" if times > 1 else id_ for id_, times in list(counted.items())[:FEW]]
    rest = len(counted) - len(told)
    return f"{counted.total()}: {', '.join(told)}" + (f" and {rest} more ids" if rest else "")
