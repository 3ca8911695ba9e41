"""The tables and figures of a comparison: one workload is one scenario at one number of connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.charts.drawing import draw_figures
from reports.charts.panels import DrawnFigure, arm_styles
from reports.charts.svg import ARM_COLOURS
from reports.statistics import sentences
from reports.statistics.derivation import merged_histogram, usable
from reports.statistics.metrics import IN_MATRIX, PARTNERS
from reports.statistics.result_folder import Inputs
from reports.writing import wording
from reports.writing.quoting import Quotes
from sioprobe.results.loads import Partner
from sioprobe.results.types import Arm, CellResult, Flag, Results

COMMON_FLAGS: dict[Flag, str] = {
    "oversubscribed": "every row is oversubscribed: there are more processes than cores",
    "generator-bound": "every row is generator-bound: the generator uses 90 % of a core or more",
    "server not saturated": "no server was at its maximum: each process uses less than 90 % of a core "
    "(the table under CPU has the shares)",
    "few samples": "every p99 is the median over blocks of fewer than 1000 samples, fewer than 10 beyond it",
    "queue not counted": "the queue's process is in neither server CPU nor RSS",
}
"""The text for a flag that every row has, by the kind of flag. It replaces the flag in the rows."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One scenario at one number of connections.

    `usual_interval` says what most intervals are, and `ranges` that these are mere ranges.
    `common_flags` are those that every server has.
    """

    scenario: str
    connections: int
    transports: list[str]
    rows: list[WorkloadRow]
    figures: list[DrawnFigure]
    usual_interval: str
    ranges: bool
    common_flags: list[str]


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One arm in the summary table. `cells` go by transport, None when there is no cell.

    `places` are their JSON pointers in results.json.
    """

    arm: Arm
    colour: int
    cells: dict[str, CellResult | None]
    places: dict[str, str]
    flags: list[str]
    reason: str | None
    partners: list[Partner]
    """Those whose share of the CPU is known."""


def workloads(inputs: Inputs, results: Results, quotes: Quotes, drawn: bool) -> list[Workload]:
    """One workload for each scenario and number of connections, with figures when `drawn`."""
    keys = list(dict.fromkeys((cell["scenario"], cell["connections"]) for cell in results["cells"]))
    return [
        _workload(inputs, results, quotes, scenario, connections, f"fig{n}", drawn)
        for n, (scenario, connections) in enumerate(keys, start=1)
    ]


def _workload(
    inputs: Inputs,
    results: Results,
    quotes: Quotes,
    scenario: str,
    connections: int,
    prefix: str,
    drawn: bool,
) -> Workload:
    cells = [c for c in results["cells"] if (c["scenario"], c["connections"]) == (scenario, connections)]
    styles = arm_styles(results["arms"])
    transports = sentences.transports_of(cells)
    common = _common_flags(cells)
    rows = []
    for arm in results["arms"]:
        own: dict[str, CellResult] = {c["transport"]: c for c in cells if c["arm"] == arm["id"]}
        reason = None
        if not own:
            reason = (
                (arm["reason"] or "no reason was recorded")
                if arm["status"] == "not run"
                else "no load was planned"
            )
        elif arm["status"] == "not run":
            reason = arm["reason"] or "no reason was recorded"
        rows.append(
            WorkloadRow(
                arm=arm,
                colour=ARM_COLOURS.index(styles[arm["id"]].colour),
                cells={transport: own.get(transport) for transport in transports},
                places={transport: quotes.cell(cell) for transport, cell in own.items()},
                flags=_flags_of(own, transports, leave_out=common),
                reason=reason,
                partners=[
                    role
                    for role in PARTNERS
                    if any(cell["metrics"][f"{role}_cpu_us_per_message"]["values"] for cell in own.values())
                ],
            )
        )
    metrics = [cell["metrics"][name] for cell in cells if cell["status"] == "measured" for name in IN_MATRIX]
    intervals = Counter((one["interval"], one["coverage"] is None) for one in metrics if one["values"])
    usual_interval, ranges = max(intervals, key=lambda pair: intervals[pair], default=("interval", False))
    shown = [row.arm for row in rows if row.reason != "no load was planned"]
    return Workload(
        scenario=scenario,
        connections=connections,
        transports=transports,
        rows=rows,
        figures=draw_figures(shown, cells, _histograms(inputs, scenario, connections), quotes, prefix)
        if drawn
        else [],
        common_flags=[COMMON_FLAGS[kind] for kind in common],
        usual_interval=usual_interval,
        ranges=ranges,
    )


def _common_flags(cells: Sequence[CellResult]) -> list[Flag]:
    """The kinds of flag that all measured cells have, when there are at least two cells."""
    kinds = [set(cell["flags"]) for cell in cells if cell["status"] == "measured"]
    return sorted(set.intersection(*kinds)) if len(kinds) > 1 else []


def _flags_of(
    cells: Mapping[str, CellResult], transports: Sequence[str], leave_out: Sequence[Flag]
) -> list[str]:
    """The flags of an arm, one of each kind. It names the transports unless all cells say the same."""
    by_kind: dict[Flag, dict[str, list[str]]] = {}
    for transport in transports:
        cell = cells.get(transport)
        for kind, detail in cell["flags"].items() if cell else ():
            if kind not in leave_out:
                by_kind.setdefault(kind, {}).setdefault(detail, []).append(wording.TRANSPORTS[transport])
    flags = []
    for kind, details in by_kind.items():
        everywhere = len(details) == 1 and sum(map(len, details.values())) == len(cells)
        said = [
            detail if everywhere else f"{wording.listed(where)} {detail}" for detail, where in details.items()
        ]
        flags.append(f"{kind}: {', '.join(said)}")
    return flags


def _histograms(inputs: Inputs, scenario: str, connections: int) -> dict[tuple[str, str], Any]:
    grouped: dict[tuple[str, str], list[Any]] = {}
    for block in usable(inputs.blocks):
        if (block.scenario, block.connections) == (scenario, connections):
            grouped.setdefault((block.arm, block.transport), []).append(block)
    return {key: merged_histogram(blocks) for key, blocks in grouped.items()}
