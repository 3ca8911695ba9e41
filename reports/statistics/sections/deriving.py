"""All sections of a comparison, from its measurements."""

from __future__ import annotations

from collections.abc import Sequence

from reports.statistics.sections.capacity import CAPACITY
from reports.statistics.sections.connections import CONNECTIONS
from reports.statistics.sections.fanout import FANOUT
from reports.statistics.sections.kind import Kind, row
from reports.statistics.sections.latency import LATENCY
from reports.statistics.sections.life import LIFE
from reports.statistics.sections.payload import PAYLOAD
from reports.statistics.sections.processes import PROCESSES, with_speedup
from reports.statistics.sections.settings import SETTINGS
from reports.writing.wording import TRANSPORT_ORDER, counted
from sioprobe.results.comparison import SECTIONS, Measurement, Section, SectionName, SectionRow
from sioprobe.results.types import Run

__all__ = ["KINDS", "sections_of"]

KINDS: dict[SectionName, Kind] = {
    kind.name: kind for kind in (CAPACITY, LATENCY, FANOUT, CONNECTIONS, LIFE, PAYLOAD, PROCESSES, SETTINGS)
}


def sections_of(run: Run | None, measurements: Sequence[Measurement]) -> list[Section]:
    """Every section, also those that were not measured; none for a folder that compares no load."""
    if not measurements and (run is None or (not run["cells"] and not _planned(run))):
        return []
    return [
        _section(KINDS[name], run, [m for m in measurements if m["section"] == name]) for name in SECTIONS
    ]


def _planned(run: Run | None) -> dict[str, int]:
    """How many measurements of each section the run has, as far as it came to plan them."""
    profile = run.get("profile", {}) if run else {}
    planned: dict[str, int] = profile.get("planned", {})
    return dict.fromkeys(profile.get("sections", {}), 0) | planned


def _section(kind: Kind, run: Run | None, measurements: list[Measurement]) -> Section:
    rows = _rows(kind, run, measurements)
    missing = _missing(kind.name, run, measurements, rows)
    sound = any(not each.get("problem") for each in rows)
    return {
        "name": kind.name,
        "title": kind.title,
        "status": "not measured" if not sound else "partly" if missing else "measured",
        "reason": missing,
        "units": dict(kind.units),
        "rows": rows,
        "findings": list(kind.findings(rows)) if sound else [],
    }


def _rows(kind: Kind, run: Run | None, measurements: list[Measurement]) -> list[SectionRow]:
    """Sorted by transport and arm; the situations in the order in which they were measured."""
    order = [arm["id"] for arm in run["arms"]] if run else []
    rows: list[SectionRow] = []
    for each in sorted(measurements, key=lambda each: _place(each, order)):
        if each["result"] is None:
            at = kind.at(each["parameters"])
            rows.append(
                row(each, at, dict.fromkeys(kind.units), (), each["problem"] or "no reason was recorded")
            )
        else:
            rows += kind.rows(each)
    if kind is PROCESSES:
        with_speedup(rows, run["environment"].get("cores") if run else None)
    return rows


def _place(measurement: Measurement, order: list[str]) -> tuple[int, int]:
    transport, arm = measurement["transport"], measurement["arm"]
    return (
        TRANSPORT_ORDER.index(transport) if transport else -1,
        order.index(arm) if arm in order else len(order),
    )


def _missing(
    name: SectionName, run: Run | None, measurements: list[Measurement], rows: list[SectionRow]
) -> str | None:
    """Why the section is not whole, and what fills it. None if it is."""
    planned = _planned(run)
    if name not in planned and not measurements:
        return f"this comparison does not measure it; sioprobe compare --profile full --section {name} does"
    reasons = []
    left = planned.get(name, 0) - len(measurements)
    if not measurements and run is not None and (run["interrupted"] or run["finished_at"] is None):
        reasons.append("the run was stopped before; the same command goes on with it")
    elif left > 0:
        reasons.append(
            f"{counted(left, 'measurement')} of {planned[name]} not made; the same command goes on"
        )
    elif not measurements:
        reasons.append("none of the servers that it measures runs here")
    if failed := sum(bool(each.get("problem")) for each in rows):
        reasons.append(f"{counted(failed, 'row')} without figures, with the reason")
    return "; ".join(reasons) or None
