"""Cases of the judge that have another verdict in another folder."""

from __future__ import annotations

from typing import Literal

from reports.conformance.difference import differences
from reports.statistics.kept_results import Kept
from sioprobe.results.across import VerdictChange
from sioprobe.results.files import conformance_paths, read_conformance

__all__ = ["verdict_changes"]

BROKEN = ("fail", "unexpected pass")
UNKNOWN = ("inconclusive", "hidden by the path", "harness error", "not judged")


def verdict_changes(old: Kept, new: Kept) -> tuple[list[str], list[VerdictChange]]:
    """The arms that both judged, and the cases with another verdict."""
    before, after = conformance_paths(old.folder), conformance_paths(new.folder)
    judged = [arm for arm in before if arm in after]
    found: list[VerdictChange] = []
    for arm in judged:
        for one in differences(read_conformance(before[arm]), read_conformance(after[arm])):
            first, second = (case["verdict"] if case else None for case in (one.first, one.second))
            if first != second:
                found.append(
                    {
                        "arm": arm,
                        "id": one.case["id"],
                        "requirement": one.case["requirement"],
                        "case": one.case["case"].rpartition("::")[2],
                        "transport": one.case.get("transport"),
                        "old": first,
                        "new": second,
                        "kind": _kind(first, second),
                    }
                )
    return judged, found


def _kind(old: str | None, new: str | None) -> Literal["broken", "mended", "other", "asked once"]:
    if old is None or new is None:
        return "asked once"
    if new in BROKEN and old not in (*BROKEN, *UNKNOWN):
        return "broken"
    if old in BROKEN and new not in (*BROKEN, *UNKNOWN):
        return "mended"
    return "other"
