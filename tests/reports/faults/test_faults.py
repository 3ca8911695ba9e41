"""Tables, headline and pages of faults, from a document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.faults.page import render_markdown, render_page
from reports.faults.words import COLUMNS, cells_of, findings_of, groups_of, headline_of, lines_of, notes_of
from sioprobe.results.faults import PlayedFault
from sioprobe.results.files import read_faults, write_faults
from tests.reports.across import assert_stands_alone
from tests.reports.faults.documents import cell, faults, run

CUT = cell(
    "links-cut",
    run(1, well=1.0, lost=50, deaf_s=1.0),
    run(2, well=1.4, lost=54, deaf_s=1.25, doubled=1, reordered=2),
)
DEAF = cell("link-frozen", run(1, well=1.0), run(2, well=None, lost=3000, deaf_s=66.0), run(3, well=None))
KILLED = cell("worker-killed", run(1, ack=6.0, away=120), stopped_worker=2)
NOT_RUN = cell("proxy-restarted", status="not run", reason="nginx is not here")


def said(played: PlayedFault) -> dict[str, str]:
    ((_, _, (row,)),) = groups_of(faults(played))
    return dict(zip(COLUMNS, cells_of(row), strict=True))


def test_a_figure_that_differs_is_said_from_least_to_greatest() -> None:
    assert said(CUT) == {
        "fault": "links-cut",
        "lost, own clients": "0",
        "lost, others' clients": "50–54",
        "doubled": "0–1",
        "out of order": "0–2",
        "deaf for": "1.0–1.2 s",
        "emit waits up to": "0.0 s",
        "emit raises or does not return": "0",
        "all well after the mend": "1.0–1.4 s",
    }


def test_what_never_came_back_is_no_time() -> None:
    found = said(DEAF)

    assert found["deaf for"] == "no; **for ever** in 2 of 3"
    assert found["all well after the mend"] == "1.0 s; **never** in 2 of 3"


def test_a_worker_that_the_fault_stops_says_nothing_about_emit() -> None:
    found = said(KILLED)

    assert found["emit waits up to"] == "6.0 s"
    assert found["lost, others' clients"] == "0 (120 while away)"


def test_the_reason_stands_where_nothing_was_played() -> None:
    assert said(NOT_RUN)["lost, own clients"] == "not run: nginx is not here"
    failed = run(1) | {"problem": "the cluster ended", "directions": [], "senders": []}
    half = said(cell("links-cut", run(2, well=1.0), failed))  # type: ignore[arg-type]
    assert half["all well after the mend"] == "1.0 s; 1 not played to the end"
    none = cell("links-cut", failed)  # type: ignore[arg-type]
    assert said(none)["lost, own clients"] == "not played to the end: the cluster ended"
    assert notes_of(faults(none, CUT)) == [
        "1 repetition of 3 could not be played to the end; the tables say which."
    ]


def test_the_headline_names_what_was_not_well() -> None:
    assert headline_of(faults(CUT, DEAF)) == "Not well again at the limit: eventlet with redis"
    assert headline_of(faults(CUT, KILLED)) == (
        "After every fault all was well again, 1.4 s after the mend at the latest "
        "(eventlet with redis, links-cut)"
    )
    assert headline_of(faults(NOT_RUN)) == "No fault was played"


def test_the_findings_begin_with_deaf_workers() -> None:
    found = findings_of(faults(CUT, DEAF, KILLED))

    assert found == [
        "eventlet with redis: after link-frozen a worker stays deaf until the limit, in 2 of 3 repetitions",
        "eventlet with redis: emit waits in worker-killed (6.0 s)",
        "eventlet with redis: others' clients lose events in links-cut (50–54) and link-frozen (0–3000)",
        "eventlet with redis: events come twice in links-cut (0–1)",
        "eventlet with redis: events overtake each other in links-cut (0–2)",
    ]


def test_a_busy_machine_and_an_end_before_the_end_are_said() -> None:
    busy = run(2) | {"cpu_pressure": 61.0}
    unknown = run(3) | {"cpu_pressure": None}

    assert notes_of(faults(CUT)) == []
    assert notes_of(faults(cell("links-cut", run(1), busy, unknown), interrupted=True)) == [  # type: ignore[arg-type]
        "The run was stopped; this is what it had until then.",
        "The machine was busy in 1 of 3 repetitions: for half of the time or more some process waited for a "
        "core. Servers that are kept waiting lose more, and later.",
    ]


def test_a_terminal_has_one_line_for_each_fault() -> None:
    lines = lines_of(faults(CUT, DEAF, NOT_RUN, cell("links-cut", run(1), mode="gevent")))

    assert [line.split()[0] for line in lines[:5]] == [
        "eventlet,", "fault", "links-cut", "link-frozen", "proxy-restarted",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[6:9]] == ["gevent,", "fault", "links-cut"]
    assert "**" not in "".join(lines)
    # The columns stand below each other.
    place = lines[1].index("deaf")
    assert lines[2][place:].startswith("1.0–1.2 s")
    assert lines[3][place:].startswith("no; for ever in 2 of 3")


def test_the_pages_stand_alone_and_are_always_the_same() -> None:
    document = faults(CUT, DEAF, KILLED, NOT_RUN)
    source = render_page(document, {"faults.json": b"{}"})

    assert_stands_alone(source)
    assert source == render_page(document, {"faults.json": b"{}"})
    assert "<b>never</b> in 2 of 3" in source
    assert "Cannot &lt;publish&gt; | to redis" in source
    text = render_markdown(document)
    assert "; some process waited for a core for 3 % of the time</dd>" in source
    assert "| links-cut | 0 | 50–54 | 0–1 |" in text
    assert text.startswith("## Not well again at the limit")


@pytest.mark.parametrize("given", ["--out here", "--out=here"])
def test_a_reader_repeats_the_run_without_the_folder_of_who_made_it(given: str) -> None:
    document = faults(CUT, command=f"sioprobe faults {given} --mode eventlet")

    assert "Repeat: `sioprobe faults --mode eventlet`\n" in render_markdown(document)


def test_the_command_writes_the_report_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_faults(tmp_path / "faults.json", faults(CUT))

    assert main([str(tmp_path)]) == 0
    assert "links-cut" in capsys.readouterr().out
    assert (tmp_path / "faults.md").read_text("utf-8") == render_markdown(
        read_faults(tmp_path / "faults.json")
    )
    assert main([str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "faults"
    (tmp_path / "faults.json").write_text('{"kind": "faults", "schema": 1}')
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("python -m reports: error: faults.json: ")
