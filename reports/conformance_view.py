"""The conformance matrix: requirement × server, and what a reader sees when a row is opened.

Cases that pass are counted only; what deviates is told once for all servers that answer alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.wording import listed
from sioprobe.results.types import Arm, Case, Conformance

TRANSCRIPT_ROOM = 800_000
"""Characters that all transcripts of a page take at most; the raw data has all of them."""

TRANSCRIPT_LINES = 60
"""Lines of one transcript on the page."""

LONGEST_TEXT = 1500
"""Characters of one text of a result (a raw packet, an answer) on the page."""

LINE_MARKUP = 150
"""Characters of markup around one line of a transcript."""

WORST_FIRST = (
    "fail",
    "harness error",
    "unexpected pass",
    "inconclusive",
    "known deviation",
    "non-strict",
    "info",
    "pass",
    "not applicable",
)
COLUMNS = ("pass", *(verdict for verdict in WORST_FIRST if verdict != "pass"))
"""The order of the verdicts in the table of counts."""

SYMBOLS = {
    "fail": "✗",
    "harness error": "⚠",
    "unexpected pass": "‼",
    "inconclusive": "?",
    "known deviation": "≠",
    "non-strict": "~",
    "info": "i",
    "pass": "✓",
    "not applicable": "–",
}
SHORT_WORDS = {
    "known deviation": "known",
    "not applicable": "n/a",
    "unexpected pass": "passes",
    "harness error": "error",
}
"""Where a word stands in a narrow column; the legend and the opened row have it in full."""

SHORT_CLOSES = {
    "not at all": "stays open",
    "Engine.IO close packet": "CLOSE packet",
    "TCP end without a close frame": "TCP end",
    "invalid WebSocket frame": "bad frame",
}
"""How a session closed, where the full words do not fit."""

MEANINGS = {
    "pass": "the requirement is kept",
    "fail": "a MUST is broken, and no list of known deviations says why",
    "known deviation": "a failure that is listed for this version and mode, with its reason",
    "unexpected pass": "a listed deviation no longer occurs: the list is stale",
    "non-strict": "a SHOULD, or what only the reference does, is not kept; "
    "or a MUST is kept in a tolerated way",
    "info": "a MAY is not used, or the specification says nothing",
    "inconclusive": "the case did not reach its question, so nothing is said about the requirement",
    "not applicable": "the case says nothing about this server",
    "harness error": "the fault is the suite's, not the server's",
}
LEVELS = {
    "MUST": "required by the specification",
    "SHOULD": "recommended by the specification",
    "MAY": "left open by the specification",
    "reference": "only the reference implementation behaves so; never a failure",
    "gap": "the specification is silent or contradicts itself; never a failure",
}
AREAS = {
    "EIO-HS": "Engine.IO: handshake",
    "EIO-EN": "Engine.IO: packets and payloads",
    "EIO-PL": "Engine.IO: polling",
    "EIO-WS": "Engine.IO: WebSocket",
    "EIO-HB": "Engine.IO: heartbeat",
    "EIO-UP": "Engine.IO: upgrade",
    "EIO-CL": "Engine.IO: close",
    "EIO-MX": "Engine.IO: limits",
    "EIO-ER": "Engine.IO: error answers",
    "EIO-CO": "Engine.IO: cross-origin requests",
    "EIO3": "Engine.IO 3",
    "SIO-CN": "Socket.IO: connect",
    "SIO-CE": "Socket.IO: refused connect",
    "SIO-DC": "Socket.IO: disconnect",
    "SIO-EN": "Socket.IO: packets",
    "SIO-EV": "Socket.IO: events",
    "SIO-AK": "Socket.IO: acks",
    "SIO-BN": "Socket.IO: binary",
    "SIO-NS": "Socket.IO: namespaces",
    "SIO-OR": "Socket.IO: order",
    "SIO-RV": "Socket.IO: reserved names",
    "SIO-ER": "Socket.IO: errors",
    "SIO-RM": "Socket.IO: rooms",
    "SIO-BC": "Socket.IO: broadcast",
    "SIO-CL": "Socket.IO: several processes",
    "SIO4": "Socket.IO 4",
    "SIO3": "Socket.IO 3",
    "FSIO": "Flask-SocketIO",
}
"""The first part of requirement ids in words, in the order of the page; others follow under their code."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One server on one requirement: the worst verdict of its cases; None when it has none."""

    arm: str
    verdict: str | None
    share: str
    closed: str

    @property
    def short_closed(self) -> str:
        words = [SHORT_CLOSES.get(how, how) for how in self.closed.split(", ")]
        return ", ".join(words).replace("WebSocket close", "WS").replace("WS without a code", "WS, no code")

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.verdict] if self.verdict else "·"

    @property
    def word(self) -> str:
        return SHORT_WORDS.get(self.verdict, self.verdict) if self.verdict else "not run"


@dataclass(frozen=True, slots=True)
class Answer:
    """Which servers have the same verdict and close, for the narrow page."""

    cell: MatrixCell
    servers: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not simply pass, once for all servers and cases that answer alike; `case` is the first.

    `shown_lines` is how many lines of its transcript stand on the page.
    """

    arms: list[str]
    case: Case
    names: list[str]
    transports: list[str]
    shown_lines: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement. `area` names its group, and is set on the first row of it only."""

    id: str
    anchor: str
    title: str
    level: str
    area: str | None
    cells: list[MatrixCell]
    answers: list[Answer]
    differs: bool
    plain: bool
    findings: list[Finding]
    passing: str
    not_applicable: str


@dataclass(frozen=True, slots=True)
class ServerCount:
    """One server in the table above the matrix; `reason` when it was not judged."""

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
    rows: list[Row]
    servers: list[ServerCount]
    levels: list[str]
    verdicts: list[str]
    suite: str
    differing: int


def conformance_matrix(arms: Sequence[Arm], conformances: dict[str, Conformance]) -> Matrix:
    """The matrix over every arm that was judged, in the order of `arms`."""
    judged = [arm["id"] for arm in arms if arm["id"] in conformances]
    cases: dict[str, dict[str, list[Case]]] = {}
    for arm in judged:
        for case in conformances[arm]["cases"]:
            cases.setdefault(case["id"], {}).setdefault(arm, []).append(case)
    rows: list[Row] = []
    area = None
    for id_ in sorted(cases, key=_id_order):
        row_area = area_of(id_)
        rows.append(_row(id_, cases[id_], judged, row_area if row_area != area else None))
        area = row_area
    rows = _with_transcripts(rows)
    verdicts = {case["verdict"] for arm in judged for case in conformances[arm]["cases"]}
    suites = {conformances[arm]["suite"]["version"] for arm in judged}
    return Matrix(
        arms=judged,
        rows=rows,
        servers=[_server(arm, conformances.get(arm["id"])) for arm in arms],
        levels=[level for level in LEVELS if any(row.level == level for row in rows)],
        verdicts=[verdict for verdict in COLUMNS if verdict in verdicts],
        suite=listed(sorted(suites)),
        differing=sum(row.differs for row in rows),
    )


def area_of(id_: str) -> str:
    """ "Engine.IO: handshake" for "EIO-HS-05"; the code itself when it has no name here."""
    code = id_.rpartition("-")[0] or id_
    return AREAS.get(code, code)


def worst(verdicts: Sequence[str]) -> str:
    """The verdict that stands for several; a pass outranks only what is not applicable."""
    return min(verdicts, key=WORST_FIRST.index)


def _with_transcripts(rows: list[Row]) -> list[Row]:
    """`rows` with as much of the transcripts as the page has room for, worst verdicts first."""
    room = TRANSCRIPT_ROOM
    shown: dict[int, int] = {}
    everything = [finding for row in rows for finding in row.findings]
    for finding in sorted(everything, key=lambda finding: WORST_FIRST.index(finding.case["verdict"])):
        lines = finding.case.get("transcript", [])[:TRANSCRIPT_LINES]
        size = sum(LINE_MARKUP + min(len(line["raw"]), LONGEST_TEXT) for line in lines)
        if size <= room:
            room -= size
            shown[id(finding)] = len(lines)
    return [
        replace(row, findings=[replace(f, shown_lines=shown.get(id(f), 0)) for f in row.findings])
        for row in rows
    ]


def _id_order(id_: str) -> tuple[int, str, int, str]:
    """Areas in the order of AREAS, numbers by value."""
    code, _, number = id_.rpartition("-")
    known = list(AREAS)
    place = known.index(code) if code in known else len(known)
    return place, code, int(number) if number.isdecimal() else 0, number


def _row(id_: str, by_arm: dict[str, list[Case]], arms: list[str], area: str | None) -> Row:
    first = next(iter(by_arm.values()))[0]
    cells = [_cell(arm, by_arm.get(arm, [])) for arm in arms]
    # A server without the case was not asked: that is no difference in behaviour.
    answers = {(cell.verdict, cell.closed) for cell in cells if cell.verdict not in (None, "not applicable")}
    return Row(
        id=id_,
        anchor="req-" + "".join(c if c.isalnum() or c == "-" else "_" for c in id_),
        title=first["requirement"],
        level=first["level"],
        area=area,
        cells=cells,
        answers=_answers(cells),
        differs=len(answers) > 1,
        plain=all(cell.verdict in (None, "pass", "not applicable") for cell in cells),
        findings=_findings(by_arm, arms),
        passing=_arms_with(by_arm, arms, "pass"),
        not_applicable=_arms_with(by_arm, arms, "not applicable"),
    )


def _cell(arm: str, cases: list[Case]) -> MatrixCell:
    if not cases:
        return MatrixCell(arm, None, "", "")
    verdict = worst([case["verdict"] for case in cases])
    judged = [case for case in cases if case["verdict"] != "not applicable"]
    same = sum(case["verdict"] == verdict for case in judged)
    share = f"{same} of {len(judged)}" if judged and same < len(judged) else ""
    closed = sorted({closed for case in cases if (closed := case.get("closed"))})
    return MatrixCell(arm, verdict, share, ", ".join(closed))


def _findings(by_arm: dict[str, list[Case]], arms: list[str]) -> list[Finding]:
    alike: dict[tuple[object, ...], dict[str, list[Case]]] = {}
    for arm in arms:
        for case in by_arm.get(arm, []):
            if case["verdict"] in ("pass", "not applicable"):
                continue
            answer = (case["verdict"], case.get("closed"), case.get("actual"), case.get("reason"))
            key = (*answer, tuple(case.get("expected", [])))
            alike.setdefault(key, {}).setdefault(arm, []).append(case)
    found: list[Finding] = []
    for group in alike.values():
        by_names: dict[tuple[str, ...], list[str]] = {}
        for arm, cases in group.items():
            by_names.setdefault(tuple(case["case"] for case in cases), []).append(arm)
        for names, alike_arms in by_names.items():
            cases = group[alike_arms[0]]
            transports = dict.fromkeys(transport for case in cases if (transport := case.get("transport")))
            found.append(Finding(alike_arms, cases[0], list(names), list(transports)))
    return sorted(found, key=lambda finding: WORST_FIRST.index(finding.case["verdict"]))


def _answers(cells: list[MatrixCell]) -> list[Answer]:
    alike: dict[tuple[str | None, str, str], list[MatrixCell]] = {}
    for cell in cells:
        alike.setdefault((cell.verdict, cell.share, cell.closed), []).append(cell)
    if len(alike) == 1 and len(cells) > 1:
        return [Answer(cells[0], f"all {len(cells)} servers")]
    groups = sorted(
        alike.values(), key=lambda group: WORST_FIRST.index(group[0].verdict) if group[0].verdict else 99
    )
    return [Answer(group[0], ", ".join(cell.arm for cell in group)) for group in groups]


def _arms_with(by_arm: dict[str, list[Case]], arms: list[str], verdict: str) -> str:
    """Who has this verdict in every case of the requirement, as "a, b and c"."""
    return listed(
        [arm for arm in arms if by_arm.get(arm) and all(c["verdict"] == verdict for c in by_arm[arm])]
    )


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
