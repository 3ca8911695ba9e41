"""How much of the catalogue a result covers: judged, not applicable, not asked for, and without a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reports.conformance.words import worst
from sioprobe.results.types import Conformance, WithoutCases


@dataclass(frozen=True, slots=True)
class Reason:
    """Why requirements do not apply, and to which servers."""

    text: str
    ids: list[str]
    servers: list[str]


@dataclass(frozen=True, slots=True)
class ServerCoverage:
    """The requirements of one server. `verdicts` counts those that apply by their worst case.

    `levels` counts all that the run asked for, by level and verdict.
    `not_asked` is None when the result does not say how many requirements exist.
    """

    server: str
    judged: int
    not_judged: int
    not_applicable: int
    not_asked: int | None
    verdicts: dict[str, int]
    levels: dict[str, dict[str, int]]

    @property
    def must_kept(self) -> int:
        return self.levels.get("MUST", {}).get("pass", 0)

    @property
    def must_judged(self) -> int:
        counts = self.levels.get("MUST", {})
        return sum(counts.values()) - counts.get("not applicable", 0) - counts.get("not judged", 0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """`requirements` counts those with cases, None when no result says it. `without` lists those without."""

    requirements: int | None
    without: list[WithoutCases]
    servers: list[ServerCoverage]
    reasons: list[Reason]


def coverage_of(results: Mapping[str, Conformance]) -> Coverage:
    """The coverage of each result. The result that knows most of the catalogue describes it for all."""
    known = [number for result in results.values() if (number := result["suite"].get("requirements"))]
    without = max((result["suite"].get("without_cases", []) for result in results.values()), key=len)
    return Coverage(
        requirements=max(known, default=None),
        without=without,
        servers=[_server(name, result) for name, result in results.items()],
        reasons=_reasons(results),
    )


def _reasons(results: Mapping[str, Conformance]) -> list[Reason]:
    """Each reason with its requirements and servers, the reason with the most requirements first."""
    by_server: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, result in results.items():
        idle = {id_ for id_, verdict in _standing(result).items() if verdict == "not applicable"}
        texts: dict[str, dict[str, None]] = {}
        for case in result["cases"]:
            if case["id"] in idle:
                texts.setdefault(case.get("reason") or "no reason was recorded", {})[case["id"]] = None
        for text, ids in texts.items():
            by_server.setdefault((text, tuple(ids)), []).append(name)
    found = [Reason(text, list(ids), servers) for (text, ids), servers in by_server.items()]
    return sorted(found, key=lambda reason: -len(reason.ids))


def _standing(result: Conformance) -> dict[str, str]:
    """The worst verdict of each requirement."""
    by_id: dict[str, list[str]] = {}
    for case in result["cases"]:
        by_id.setdefault(case["id"], []).append(case["verdict"])
    return {id_: worst(verdicts) for id_, verdicts in by_id.items()}


def _server(name: str, result: Conformance) -> ServerCoverage:
    standing = _standing(result)
    level_of = {case["id"]: case["level"] for case in result["cases"]}
    counts: Counter[str] = Counter(standing.values())
    levels: dict[str, dict[str, int]] = {}
    for id_, verdict in standing.items():
        by_verdict = levels.setdefault(level_of[id_], {})
        by_verdict[verdict] = by_verdict.get(verdict, 0) + 1
    exist = result["suite"].get("requirements")
    idle = counts.pop("not applicable", 0)
    return ServerCoverage(
        server=name,
        judged=len(standing) - idle - counts["not judged"],
        not_judged=counts["not judged"],
        not_applicable=idle,
        not_asked=None if exist is None else max(exist - len(standing), 0),
        verdicts=dict(counts),
        levels=levels,
    )
