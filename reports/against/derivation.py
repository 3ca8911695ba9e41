"""Two result folders side by side, cell by cell: what changed, and by how much."""

from __future__ import annotations

from reports.against.ratios import ratio_changes
from reports.against.rules import COVERAGE, SMALLEST, word_of
from reports.against.sentences import findings_of, notes_of, together_of
from reports.against.verdicts import verdict_changes
from reports.statistics.kept_results import Kept, blocks_of, load_differences, load_of, machine_differences
from reports.statistics.metrics import METRICS, MetricKind
from reports.statistics.rank_sum import relative_change
from reports.statistics.result_folder import cell_key
from reports.statistics.versions import version_changes, versions_of
from reports.writing.wording import TRANSPORTS
from sioprobe.results.across import (
    Against,
    ComparedFolder,
    FigureChange,
    PairedCell,
    SectionChange,
    Word,
)
from sioprobe.results.types import CellResult, Results

__all__ = ["compare"]


def compare(old: Kept, new: Kept) -> Against:
    """The whole of against.json. `meaningless` says why it should not be shown."""
    cells, unpaired = _cells(old, new)
    judged, verdicts = verdict_changes(old, new)
    against: Against = {
        "schema": 1,
        "kind": "against",
        "old": _folder(old),
        "new": _folder(new),
        "meaningless": _meaningless(old, new, cells, judged),
        "findings": [],
        "notes": [],
        "versions": version_changes(versions_of(old.results), versions_of(new.results)),
        "coverage": COVERAGE,
        "smallest": SMALLEST,
        "cells": cells,
        "together": together_of(cells),
        "unpaired": unpaired,
        "ratios": ratio_changes(old.results, new.results),
        "sections": _sections(old.results, new.results),
        "conformance": verdicts,
        "judged": judged,
    }
    against["findings"] = findings_of(against)
    against["notes"] = notes_of(against)
    sides = old.results.get("side_by_side") and new.results.get("side_by_side")
    if sides and not against["ratios"]:
        against["notes"].append("no ratio side by side is in both: other servers, or driven in another way")
    return against


def _folder(kept: Kept) -> ComparedFolder:
    results = kept.results
    return {
        "name": kept.name,
        "started_at": results["started_at"],
        "sioprobe": results["sioprobe"],
        "command": results["command"],
        "environment": results["environment"],
        "blocks": blocks_of(results),
    }


def _meaningless(old: Kept, new: Kept, cells: list[PairedCell], judged: list[str]) -> list[str]:
    if not cells:
        return [] if judged else ["no cell and no judged server is in both"]
    found = machine_differences(old.results["environment"], new.results["environment"])
    found += load_differences(load_of(old.results), load_of(new.results))
    versions = [side.results["sioprobe"] or "unknown" for side in (old, new)]
    if versions[0] != versions[1]:
        found.append(f"another sioprobe measured ({versions[0]}, then {versions[1]})")
    return found


def _cells(old: Kept, new: Kept) -> tuple[list[PairedCell], list[str]]:
    """The cells of both, and a line for each that has no partner."""
    before = {cell_key(cell): cell for cell in old.results["cells"]}
    after = {cell_key(cell): cell for cell in new.results["cells"]}
    paired: list[PairedCell] = []
    unpaired = []
    for key in dict.fromkeys((*before, *after)):
        first, second = before.get(key), after.get(key)
        why = _why_unpaired(first, second, old, new)
        if why is None and first is not None and second is not None:
            paired.append(
                {
                    "arm": first["arm"],
                    "transport": first["transport"],
                    "scenario": first["scenario"],
                    "connections": first["connections"],
                    "figures": [_figure(METRICS[name], first, second) for name in SMALLEST],
                    "errors": [first["errors"], second["errors"]],
                }
            )
        else:
            arm, transport, scenario, connections = key
            place = f"{arm} over {TRANSPORTS[transport]}, {scenario} at {connections}"
            unpaired.append(f"{place}: {why}")
    return paired, unpaired


def _why_unpaired(first: CellResult | None, second: CellResult | None, old: Kept, new: Kept) -> str | None:
    for cell, side, other in ((first, old, new), (second, new, old)):
        if cell is None:
            return f"only in {other.name}"
        if cell["status"] != "measured":
            return f"not measured in {side.name}: {cell['reason'] or 'no reason was recorded'}"
    assert first is not None
    arms = old.arms.get(first["arm"]), new.arms.get(first["arm"])
    for key in ("mode", "workers", "queue"):
        values = [arm.get(key) if arm else None for arm in arms]
        if values[0] != values[1]:
            return f"another server ({key} {values[0]}, then {values[1]})"
    return None


def _figure(kind: MetricKind, first: CellResult, second: CellResult) -> FigureChange:
    before, after = first["metrics"][kind.name], second["metrics"][kind.name]
    found = relative_change(before["values"], after["values"], COVERAGE)
    word: Word | None = None
    if found is not None and found.low is not None and found.high is not None:
        word = word_of(
            found.low,
            found.high,
            higher_is_better=kind.better == "higher",
            smallest=SMALLEST[kind.name],
        )
    return {
        "figure": kind.name,
        "unit": kind.unit,
        "better": kind.better,
        "old": before["estimate"],
        "new": after["estimate"],
        "blocks": [len(before["values"]), len(after["values"])],
        "change": found.estimate if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "word": word,
    }


def _sections(old: Results, new: Results) -> list[SectionChange]:
    """The figures of rows that are in both folders."""
    before = {
        (section["name"], row["arm"], row["transport"], repr(sorted(row["at"].items()))): row["figures"]
        for section in old.get("sections", [])
        for row in section["rows"]
    }
    found: list[SectionChange] = []
    for section in new.get("sections", []):
        for row in section["rows"]:
            key = section["name"], row["arm"], row["transport"], repr(sorted(row["at"].items()))
            earlier = before.get(key, {})
            for figure, unit in section["units"].items():
                values = earlier.get(figure), row["figures"].get(figure)
                if values[0] is not None and values[1] is not None:
                    found.append(
                        {
                            "section": section["name"],
                            "arm": row["arm"],
                            "transport": row["transport"],
                            "at": row["at"],
                            "figure": figure,
                            "unit": unit,
                            "old": values[0],
                            "new": values[1],
                            "change": values[1] / values[0] - 1 if values[0] > 0 else None,
                        }
                    )
    return found
