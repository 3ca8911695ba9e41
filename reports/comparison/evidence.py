"""How the modes stand on one figure, from the best source that a run has.

Ratios of servers that were alive at the same time come first, then blocks, then single measurements. Only the
first are sure: the blocks of two servers never ran at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reports.statistics.crowding import claims_nothing
from reports.writing.quoting import Quotes, Saying, pointer
from sioprobe.results.answers import Said, Standing
from sioprobe.results.comparison import SectionName, SectionRow
from sioprobe.results.primitives import Transport
from sioprobe.results.types import Arm, CellResult, Results

__all__ = [
    "CPU",
    "DELIVERIES",
    "MEMORY",
    "Evidence",
    "Kind",
    "blocks",
    "modes_of",
    "paired",
    "rows_of",
    "single",
]

FEWEST_RANKED = 3
"""As in the statistics of blocks: with fewer, the order is chance too often."""
ALIKE_BLOCKS = 1.1
"""Within this factor of the best, blocks say nothing about the order."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure, and the words about it. `verbs` are for one mode and for several.

    One measurement says nothing about the order within `near` of the best, which `near_words` say.
    """

    label: str
    unit: str
    factor: float
    better: Literal["lower", "higher"]
    verbs: tuple[str, str]
    most: str
    times: str
    each: str = ""
    near: float = 1.2
    near_words: str = "a fifth"


CPU = Kind(
    label="server CPU for a message",
    unit="µs",
    factor=1.0,
    better="lower",
    verbs=("needs", "need"),
    most="the least server CPU for a message",
    times="times as much",
    each=" a message",
)
MEMORY = Kind(
    label="memory for a connection",
    unit="KiB",
    factor=1 / 1024,
    better="lower",
    verbs=("needs", "need"),
    most="the least memory for a connection",
    times="times as much",
    each=" a connection",
    near=1.1,
    near_words="a tenth",
)
DELIVERIES = Kind(
    label="deliveries",
    unit="a second",
    factor=1.0,
    better="higher",
    verbs=("delivers", "deliver"),
    most="the most messages",
    times="times as many",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The modes on one figure, the best first."""

    kind: Kind
    transport: Transport
    standings: list[Standing]
    basis: Said
    source: Literal["paired", "blocks", "single"]

    @property
    def best(self) -> list[Standing]:
        """The best one and those that cannot be told apart from it."""
        return [one for one in self.standings if one["standing"] in ("best", "alike")]

    @property
    def behind(self) -> list[Standing]:
        """Those that are worse than the best one."""
        return [one for one in self.standings if one["standing"] == "behind"]

    def of(self, arm: str) -> Standing | None:
        """Where this arm stands."""
        return next((one for one in self.standings if one["arm"] == arm), None)


def modes_of(results: Results, only: Collection[str] = ()) -> list[str]:
    """The arms that an answer may name: those with the fewest processes, on Flask-SocketIO where any is.

    None of several processes that shared too few cores is among them.
    An arm that does not say its versions, such as an application by its address, counts as one of these.
    `only` limits them further.
    """
    arms = [arm for arm in results["arms"] if arm["status"] == "measured"]
    cores = results["environment"].get("cores")
    arms = [arm for arm in arms if not claims_nothing(arm, cores)]
    own = [arm for arm in arms if "flask-socketio" in (arm.get("versions") or ["flask-socketio"])] or arms
    fewest = min(map(_processes, own), default=1)
    return [arm["id"] for arm in own if _processes(arm) == fewest and (not only or arm["id"] in only)]


def _processes(arm: Arm) -> int:
    return arm.get("workers", 1) + bool(arm.get("queue"))


def paired(results: Results, transport: Transport, only: Collection[str] = ()) -> Evidence | None:
    """CPU per message of servers that were alive at the same time."""
    names = modes_of(results, only)
    for n, part in enumerate(results.get("side_by_side", [])):
        arms = [arm for arm in part["medians"] if arm in names]
        if (part["figure"], part["transport"]) != ("cpu_us_per_message", transport) or len(arms) < 2:
            continue
        place = pointer("side_by_side", n)
        ratios = {(one["arm"], one["over"]): m for m, one in enumerate(part["ratios"])}
        # The arm of a ratio is above the one that it is divided by.
        best = next((arm for arm in arms if not any((arm, over) in ratios for over in arms)), arms[0])
        standings = []
        for arm in arms:
            m = ratios.get((arm, best))
            standing: Literal["best", "alike", "behind", "unranked"] = "best" if arm == best else "unranked"
            times = {"ratio": None, "low": None, "high": None}
            if m is not None:
                times = dict(part["ratios"][m])  # type: ignore[arg-type]
                if times["low"] is not None:
                    standing = "behind" if part["ratios"][m]["claimed"] == "more" else "alike"
            standings.append(_paired_standing(part["medians"][arm], place, arm, m, times, standing))
        said = Saying(Quotes(results))
        covered = said.number(f"{place}/coverage", factor=100) if part["coverage"] else None
        basis = said.said(
            f"ratios inside {said.number(f'{place}/lives')} lives, in which these servers ran at the same "
            "time and took turns"
            + (f"; each interval holds the true ratio with {covered} %." if covered else ".")
        )
        return Evidence(CPU, transport, standings, basis, "paired")
    return None


def _paired_standing(
    median: float, place: str, arm: str, m: int | None, times: Mapping[str, Any], standing: Any
) -> Standing:
    return {
        "arm": arm,
        "value": median,
        "low": None,
        "high": None,
        "source": place + pointer("medians", arm),
        "times": times["ratio"],
        "times_low": times["low"],
        "times_high": times["high"],
        "times_source": None if m is None else place + pointer("ratios", m),
        "standing": standing,
    }


def blocks(
    results: Results,
    transport: Transport,
    metric: str,
    kind: Kind,
    scenarios: Collection[str] = (),
    only: Collection[str] = (),
) -> Evidence | None:
    """A figure of the blocks, in the first workload of these scenarios, or of any if none is named."""
    names = modes_of(results, only)
    cells = [
        (n, cell)
        for n, cell in enumerate(results["cells"])
        if cell["arm"] in names
        and cell["transport"] == transport
        and cell["metrics"][metric]["estimate"]
        and (not scenarios or cell["scenario"] in scenarios)
    ]
    if not cells:
        return None
    n, first = cells[0]
    cells = [one for one in cells if _workload(one[1]) == _workload(first)]
    cells.sort(key=lambda one: one[1]["metrics"][metric]["estimate"] or 0.0, reverse=kind.better == "higher")
    standings = [_block_standing(n, cell, cells[0], metric) for n, cell in cells]
    said = Saying(Quotes(results))
    interval = said.string(pointer("cells", cells[0][0], "metrics", metric, "interval"))
    differ = any(cell["metrics"][metric]["interval"] != interval for _, cell in cells)
    fewer = ", or what another number of blocks allows" if differ else ""
    suspect = sum(cell["blocks"]["SUSPECT"] > sum(cell["blocks"].values()) / 2 for _, cell in cells)
    basis = said.said(
        f"blocks of scenario {first['scenario']} with {said.number(pointer('cells', n, 'connections'))} "
        f"connections; the brackets hold the {interval}{fewer}. "
        "No two of these blocks ran at the same time.",
        "Other work disturbed most of these blocks." if suspect > len(cells) / 2 else None,
    )
    return Evidence(kind, transport, standings, basis, "blocks")


def _workload(cell: CellResult) -> tuple[str, int]:
    return cell["scenario"], cell["connections"]


def _block_standing(n: int, cell: CellResult, leader: tuple[int, CellResult], metric: str) -> Standing:
    own, best = cell["metrics"][metric], leader[1]["metrics"][metric]
    estimate, lead = own["estimate"] or 0.0, best["estimate"] or 1.0
    ends = (own["low"], own["high"], best["low"], best["high"])
    overlap = None in ends or (ends[0] <= ends[3] and ends[2] <= ends[1])  # type: ignore[operator]
    alike = overlap or max(estimate / lead, lead / estimate) < ALIKE_BLOCKS
    few = min(len(own["values"]), len(best["values"])) < FEWEST_RANKED
    return {
        "arm": cell["arm"],
        "value": estimate,
        "low": own["low"],
        "high": own["high"],
        "source": pointer("cells", n, "metrics", metric, "estimate"),
        "times": None if own is best else estimate / lead,
        "times_low": None,
        "times_high": None,
        "times_source": None,
        "standing": "best" if own is best else "unranked" if few else "alike" if alike else "behind",
    }


def rows_of(
    results: Results, section: SectionName, transport: Transport | None, at: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, SectionRow]]:
    """The rows of a section over `transport` in the situation `at`, each with its place in results.json."""
    for n, part in enumerate(results.get("sections", [])):
        for m, row in enumerate(part["rows"] if part["name"] == section else ()):
            if row["transport"] == transport and (at or {}).items() <= row["at"].items():
                yield pointer("sections", n, "rows", m), row


def single(
    results: Results,
    section: SectionName,
    figure: str,
    transport: Transport | None,
    at: Mapping[str, Any],
    kind: Kind,
) -> Evidence | None:
    """A figure of a section's rows in the situation `at`: one measurement for each mode."""
    names = modes_of(results)
    found = [
        (row["arm"], value, f"{place}{pointer('figures', figure)}")
        for place, row in rows_of(results, section, transport, at)
        if row["arm"] in names and (value := row["figures"].get(figure))
    ]
    if not found:
        return None
    found.sort(key=lambda one: one[1], reverse=kind.better == "higher")
    lead = found[0][1]
    standings: list[Standing] = [
        {
            "arm": arm,
            "value": value,
            "low": None,
            "high": None,
            "source": source,
            "times": None if n == 0 else value / lead,
            "times_low": None,
            "times_high": None,
            "times_source": None,
            "standing": "best"
            if n == 0
            else "alike"
            if max(value / lead, lead / value) < kind.near
            else "behind",
        }
        for n, (arm, value, source) in enumerate(found)
    ]
    said = Saying(Quotes(results))
    row = found[0][2].rpartition("/figures/")[0]
    situation = [
        f"{name.replace('_', ' ')} "
        f"{(said.string if isinstance(value, str) else said.number)(row + pointer('at', name))}"
        for name, value in at.items()
    ]
    where = f" at {', '.join(situation)}" if situation else ""
    basis = said.said(
        f"one measurement of each mode{where}. Modes within {kind.near_words} of the best count as alike."
    )
    return Evidence(kind, transport or "websocket", standings, basis, "single")
