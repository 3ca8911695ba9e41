"""The conformance matrix: requirement × server, and the text that a reader sees in an opened row.

Servers that deviate in the same way share one text. With a single server each passing case has a text of
its own; with several servers the row names those on which every case passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.conformance.transcripts import Transcript, packed
from reports.conformance.words import (
    AREAS,
    COLUMNS,
    LEVELS,
    SHORT_WORDS,
    SYMBOLS,
    WORST_FIRST,
    short_close,
    worst,
)
from reports.writing.wording import listed, slug
from sioprobe.results.types import Arm, Case, Conformance


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One server on one requirement. `verdict` is the worst of its cases, None when no case ran."""

    arm: str
    verdict: str | None
    share: str
    closes: tuple[str, ...]
    """The different ways in which the server closed the session."""

    @property
    def closed(self) -> str:
        return ", ".join(self.closes)

    @property
    def short_closed(self) -> str:
        return ", ".join(map(short_close, self.closes))

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.verdict] if self.verdict else "·"

    @property
    def word(self) -> str:
        return SHORT_WORDS.get(self.verdict, self.verdict) if self.verdict else "not run"


@dataclass(frozen=True, slots=True)
class AlikeServers:
    """Servers with the same verdict and the same close. The narrow page shows these."""

    cell: MatrixCell
    servers: str


@dataclass(frozen=True, slots=True)
class AlikeCases:
    """Cases, of one server or more, that gave the same answer. `case` is the first of them.

    `transcript` is the place of its transcript among those of the matrix, None if there was no room.
    """

    arms: list[str]
    case: Case
    names: list[str]
    transports: list[str]
    transcript: int | None = None


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """Why cases of a requirement do not apply, and to which servers."""

    reason: str
    servers: str


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement. `area` names its group; only the first row of the group has it.

    The filters of the page read `area_slug` and `verdicts`. `notable` holds everything but plain passes;
    `passes` is empty when there are several servers.
    """

    id: str
    anchor: str
    title: str
    level: str
    spec: str
    area: str | None
    area_slug: str
    verdicts: str
    cells: list[MatrixCell]
    answers: list[AlikeServers]
    differs: bool
    plain: bool
    notable: list[AlikeCases]
    passing: str
    passes: list[AlikeCases]
    not_applicable: list[Inapplicable]


@dataclass(frozen=True, slots=True)
class ServerCount:
    """One server in the table above the matrix. `reason` says why it was not judged."""

    arm: str
    title: str
    software: str
    outcome: str
    counts: dict[str, int]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole conformance part of the page."""

    arms: list[str]
    rows: list[RequirementRow]
    servers: list[ServerCount]
    levels: list[str]
    areas: list[tuple[str, str]]
    verdicts: list[str]
    suite: str
    differing: int
    transcripts: list[Transcript]


def conformance_matrix(arms: Sequence[Arm], conformances: dict[str, Conformance]) -> Matrix:
    """The matrix of all judged arms, in the order of `arms`."""
    judged = [arm["id"] for arm in arms if arm["id"] in conformances]
    cases: dict[str, dict[str, list[Case]]] = {}
    for arm in judged:
        for case in conformances[arm]["cases"]:
            cases.setdefault(case["id"], {}).setdefault(arm, []).append(case)
    rows: list[RequirementRow] = []
    area = None
    for id_ in sorted(cases, key=_id_order):
        row_area = area_of(id_)
        rows.append(_row(id_, cases[id_], judged, row_area if row_area != area else None))
        area = row_area
    rows, transcripts = _with_transcripts(rows)
    verdicts = {case["verdict"] for arm in judged for case in conformances[arm]["cases"]}
    suites = {conformances[arm]["suite"]["version"] for arm in judged}
    return Matrix(
        arms=judged,
        rows=rows,
        servers=[_server(arm, conformances.get(arm["id"])) for arm in arms],
        levels=[level for level in LEVELS if any(row.level == level for row in rows)],
        areas=list({row.area_slug: (row.area_slug, area_of(row.id)) for row in rows}.values()),
        verdicts=[verdict for verdict in COLUMNS if verdict in verdicts],
        suite=listed(sorted(suites)),
        differing=sum(row.differs for row in rows),
        transcripts=transcripts,
    )


def area_of(id_: str) -> str:
    """ "Engine.IO: handshake" for "EIO-HS-05"; the code itself when it has no name here."""
    code = id_.rpartition("-")[0] or id_
    return AREAS.get(code, code)


def _with_transcripts(rows: list[RequirementRow]) -> tuple[list[RequirementRow], list[Transcript]]:
    """`rows` with the places of their transcripts among those for which the page has room."""
    alikes = [alike for row in rows for alike in [*row.notable, *row.passes]]
    places, transcripts = packed([alike.case for alike in alikes])
    place_of = {id(alike): place for alike, place in zip(alikes, places, strict=True)}

    def told(notable: list[AlikeCases]) -> list[AlikeCases]:
        return [replace(alike, transcript=place_of[id(alike)]) for alike in notable]

    found = [replace(row, notable=told(row.notable), passes=told(row.passes)) for row in rows]
    return found, transcripts


def _id_order(id_: str) -> tuple[int, str, int, str]:
    """Areas in the order of AREAS, numbers by value."""
    code, _, number = id_.rpartition("-")
    known = list(AREAS)
    place = known.index(code) if code in known else len(known)
    return place, code, int(number) if number.isdecimal() else 0, number


def _row(id_: str, by_arm: dict[str, list[Case]], arms: list[str], area: str | None) -> RequirementRow:
    first = next(iter(by_arm.values()))[0]
    cells = [_cell(arm, by_arm.get(arm, [])) for arm in arms]
    # Nobody asked a server that has no case: that is no difference in behaviour.
    answers = {(cell.verdict, cell.closed) for cell in cells if cell.verdict not in (None, "not applicable")}
    return RequirementRow(
        id=id_,
        anchor="req-" + "".join(c if c.isalnum() or c == "-" else "_" for c in id_),
        title=first["requirement"],
        level=first["level"],
        spec=first.get("spec") or "",
        area=area,
        area_slug="area-" + slug(id_.rpartition("-")[0] or id_),
        verdicts=" ".join(dict.fromkeys(slug(cell.verdict) for cell in cells if cell.verdict)),
        cells=cells,
        answers=_answers(cells),
        differs=len(answers) > 1,
        plain=all(cell.verdict in (None, "pass", "not applicable") for cell in cells),
        notable=_alike_cases(by_arm, arms, [v for v in WORST_FIRST if v not in ("pass", "not applicable")]),
        passing=listed([arm for arm in arms if _all_pass(by_arm.get(arm, []))]),
        passes=_alike_cases(by_arm, arms, ["pass"]) if len(arms) == 1 else [],
        not_applicable=_inapplicable(by_arm),
    )


def _cell(arm: str, cases: list[Case]) -> MatrixCell:
    if not cases:
        return MatrixCell(arm, None, "", ())
    verdict = worst([case["verdict"] for case in cases])
    judged = [case for case in cases if case["verdict"] != "not applicable"]
    same = sum(case["verdict"] == verdict for case in judged)
    share = f"{same} of {len(judged)}" if judged and same < len(judged) else ""
    closes = sorted({closed for case in cases if (closed := case.get("closed"))})
    return MatrixCell(arm, verdict, share, tuple(closes))


def _alike_cases(by_arm: dict[str, list[Case]], arms: list[str], verdicts: Sequence[str]) -> list[AlikeCases]:
    alike: dict[tuple[object, ...], dict[str, list[Case]]] = {}
    for arm in arms:
        for case in by_arm.get(arm, []):
            if case["verdict"] not in verdicts:
                continue
            answer = (case["verdict"], case.get("closed"), case.get("actual"), case.get("reason"))
            key = (*answer, tuple(case.get("expected", [])))
            alike.setdefault(key, {}).setdefault(arm, []).append(case)
    found: list[AlikeCases] = []
    for group in alike.values():
        by_names: dict[tuple[str, ...], list[str]] = {}
        for arm, cases in group.items():
            by_names.setdefault(tuple(case["case"] for case in cases), []).append(arm)
        for names, alike_arms in by_names.items():
            cases = group[alike_arms[0]]
            transports = dict.fromkeys(transport for case in cases if (transport := case.get("transport")))
            found.append(AlikeCases(alike_arms, cases[0], list(names), list(transports)))
    return sorted(found, key=lambda alike: WORST_FIRST.index(alike.case["verdict"]))


def _answers(cells: list[MatrixCell]) -> list[AlikeServers]:
    alike: dict[tuple[str | None, str, str], list[MatrixCell]] = {}
    for cell in cells:
        alike.setdefault((cell.verdict, cell.share, cell.closed), []).append(cell)
    if len(alike) == 1 and len(cells) > 1:
        return [AlikeServers(cells[0], f"all {len(cells)} servers")]
    groups = sorted(
        alike.values(), key=lambda group: WORST_FIRST.index(group[0].verdict) if group[0].verdict else 99
    )
    return [AlikeServers(group[0], ", ".join(cell.arm for cell in group)) for group in groups]


def _all_pass(cases: list[Case]) -> bool:
    return bool(cases) and all(case["verdict"] == "pass" for case in cases)


def _inapplicable(by_arm: dict[str, list[Case]]) -> list[Inapplicable]:
    """Each reason once, with the servers that have it."""
    found: dict[str, dict[str, None]] = {}
    for arm, cases in by_arm.items():
        for case in cases:
            if case["verdict"] == "not applicable":
                found.setdefault(case.get("reason") or "no reason was recorded", {})[arm] = None
    return [Inapplicable(reason, listed(list(arms))) for reason, arms in found.items()]


def _server(arm: Arm, found: Conformance | None) -> ServerCount:
    if found is None:
        reason = arm["reason"] if arm["status"] == "not run" else "no conformance result in the folder"
        return ServerCount(arm["id"], arm["title"], "", "not run", {}, reason or "no reason was recorded")
    counts: dict[str, int] = {}
    for case in found["cases"]:
        counts[case["verdict"]] = counts.get(case["verdict"], 0) + 1
    target = found["target"]
    software = " ".join(filter(None, [target.get("library"), target.get("version")]))
    return ServerCount(arm["id"], arm["title"], software, found["outcome"], counts, None)
