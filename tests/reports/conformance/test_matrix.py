"""The conformance matrix: which verdict stands for a requirement, what differs, who is told together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reports.conformance.matrix import Matrix, area_of, conformance_matrix
from reports.conformance.words import AREAS, MEANINGS, worst
from tests.reports import synthetic


def case(id_: str = "EIO-HS-01", verdict: str = "pass", **changes: Any) -> Any:
    return {
        "id": id_,
        "requirement": "a thing holds",
        "level": "MUST",
        "case": "test_x.py::test_y",
        "verdict": verdict,
        "transport": None,
    } | changes


def matrix(**cases: list[Any]) -> Matrix:
    """The matrix of servers `cases`, each with its list of cases."""
    base = synthetic.conformance_document("gevent")
    arms: list[Any] = [{"id": arm, "title": arm, "status": "measured", "reason": None} for arm in cases]
    return conformance_matrix(arms, {arm: base | {"cases": own} for arm, own in cases.items()})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("verdicts", "stands"),
    [
        (["pass", "fail"], "fail"),
        (["pass", "not applicable"], "pass"),
        (["not applicable", "not applicable"], "not applicable"),
        (["known deviation", "non-strict", "pass"], "known deviation"),
        (["inconclusive", "known deviation"], "inconclusive"),
        (["harness error", "unexpected pass"], "harness error"),
        (["info", "pass"], "info"),
    ],
)
def test_the_worst_verdict_stands_for_a_requirement(verdicts: list[str], stands: str) -> None:
    assert worst(verdicts) == stands
    [row] = matrix(a=[case(verdict=verdict) for verdict in verdicts]).rows
    assert row.cells[0].verdict == stands


def test_a_share_says_how_many_cases_have_the_verdict() -> None:
    [row] = matrix(a=[case(), case(verdict="fail"), case(verdict="not applicable")]).rows
    assert row.cells[0].share == "1 of 2"


@pytest.mark.parametrize(
    ("left", "right", "differs"),
    [
        ({}, {}, False),
        ({"verdict": "fail"}, {}, True),
        ({"closed": "websocket 1000"}, {"closed": "websocket 1011"}, True),
        ({"closed": "websocket 1000"}, {"closed": "websocket 1000"}, False),
        ({"verdict": "not applicable"}, {}, False),
    ],
)
def test_servers_differ_by_verdict_or_by_how_they_close(
    left: dict[str, str], right: dict[str, str], differs: bool
) -> None:
    result = matrix(a=[case(**left)], b=[case(**right)])  # type: ignore[arg-type]
    assert result.rows[0].differs is differs
    assert result.differing == differs


def test_a_server_that_was_not_asked_does_not_differ() -> None:
    rows = matrix(a=[case(), case("EIO-HS-02")], b=[case()]).rows
    assert [row.differs for row in rows] == [False, False]
    assert rows[1].cells[1].word == "not run"


def test_what_several_servers_answer_alike_is_told_once() -> None:
    known = case(verdict="known deviation", actual="200")
    other = case(verdict="known deviation", actual="404")
    [row] = matrix(a=[known], b=[other], c=[known]).rows
    assert [(alike.arms, alike.case["actual"]) for alike in row.notable] == [
        (["a", "c"], "200"),
        (["b"], "404"),
    ]


def test_cases_over_several_transports_are_told_once() -> None:
    fails = [
        case(verdict="fail", transport=t, case=f"test_x.py::test_y[{t}]") for t in ("polling", "websocket")
    ]
    [row] = matrix(a=fails).rows
    [alike] = row.notable
    assert alike.transports == ["polling", "websocket"]
    assert alike.names == ["test_x.py::test_y[polling]", "test_x.py::test_y[websocket]"]


def test_the_worst_finding_comes_first() -> None:
    [row] = matrix(a=[case(verdict="info")], b=[case(verdict="fail")]).rows
    assert [alike.case["verdict"] for alike in row.notable] == ["fail", "info"]


def test_passing_servers_are_counted_and_not_told() -> None:
    [row] = matrix(a=[case()], b=[case(), case(verdict="fail")]).rows
    assert row.passing == "a"
    assert [alike.arms for alike in row.notable] == [["b"]]


def test_on_a_narrow_page_servers_are_grouped_by_answer() -> None:
    [row] = matrix(a=[case()], b=[case(verdict="fail")], c=[case()]).rows
    assert [(answer.cell.verdict, answer.servers) for answer in row.answers] == [
        ("fail", "b"),
        ("pass", "a, c"),
    ]
    [row] = matrix(a=[case()], b=[case()]).rows
    assert [answer.servers for answer in row.answers] == ["all 2 servers"]


def test_requirements_are_ordered_by_area_and_by_number() -> None:
    ids = ["SIO-EV-1", "ZZ-1", "EIO-HS-10", "EIO-HS-9", "EIO-PL-1"]
    rows = matrix(a=[case(id_) for id_ in ids]).rows
    assert [row.id for row in rows] == ["EIO-HS-9", "EIO-HS-10", "EIO-PL-1", "SIO-EV-1", "ZZ-1"]
    assert [row.area for row in rows] == [
        "Engine.IO: handshake",
        None,
        "Engine.IO: polling",
        "Socket.IO: events",
        "ZZ",
    ]


def test_an_area_is_named_in_words_once() -> None:
    assert area_of("EIO-HS-05") == "Engine.IO: handshake"
    assert area_of("NEW-01") == "NEW"
    assert len(set(AREAS.values())) == len(AREAS)


def test_a_server_that_was_not_run_is_listed_with_its_reason() -> None:
    arms = [synthetic.ARMS["gevent"], synthetic.ARMS["gevent_uwsgi"]]
    result = conformance_matrix(arms, {"gevent": synthetic.conformance_document("gevent")})
    assert result.arms == ["gevent"]
    assert [(server.arm, server.reason) for server in result.servers] == [
        ("gevent", None),
        ("gevent_uwsgi", synthetic.ARMS["gevent_uwsgi"]["reason"]),
    ]


def test_a_close_is_shortened_for_a_narrow_column() -> None:
    closes = (
        "Engine.IO close packet",
        "WebSocket close 1000",
        "WebSocket close without a code",
        "not at all",
    )
    [row] = matrix(a=[case(closed=closed) for closed in closes]).rows
    assert row.cells[0].short_closed == "CLOSE packet, WS 1000, WS, no code, stays open"


def test_the_legend_says_what_the_documentation_says() -> None:
    text = (Path(__file__).parents[3] / "docs/judge/verdicts.md").read_text("utf-8")
    table = dict(re.findall(r"^\| ([a-z -]+) \| ([^|]+?) \|", text, re.MULTILINE))
    told_alike = set(MEANINGS) - {"known deviation", "info"}
    assert told_alike < set(table)
    for verdict in told_alike:
        assert table[verdict] in MEANINGS[verdict], verdict
