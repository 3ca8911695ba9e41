"""A gate's page, summary and JUnit XML, from a document."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.gate.pages import render_junit, render_page, render_summary
from reports.gate.words import how_measured, lines_of
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_gate, read_lives, write_gate
from sioprobe.results.gate import Gate


def change(estimate: float, half: float | None = 0.01) -> dict[str, Any]:
    return {
        "estimate": estimate,
        "low": None if half is None else estimate - half,
        "high": None if half is None else estimate + half,
        "sd": 0.012,
        "lives": 6,
        "smallest_visible": 0.034,
    }


def cell(name: str, verdict: str, estimate: float, **more: Any) -> dict[str, Any]:
    mode, transport = name.split(":")
    return {
        "id": name, "mode": mode, "transport": transport, "scenario": "ack", "verdict": verdict,
        "improved": False, "why": f"CPU per message {estimate:+.1%}", "help": None, "lives": 6, "looks": [6],
        "cpu": change(estimate), "cpu_again": change(0.001),
        "p50": change(estimate), "p50_again": change(0.0),
        "base_cpu_us": 209.0, "head_cpu_us": 209.0 * (1 + estimate),
        "base_p50_us": 400.0, "head_p50_us": 410.0,
        "seconds_a_life": 4.0, **more,
    }  # fmt: skip


def gate(*cells: dict[str, Any], verdict: str = "REGRESSION", **more: Any) -> Gate:
    document: dict[str, Any] = {
        "schema": 1, "kind": "gate", "sioprobe": "0.1.0", "command": "sioprobe gate --base main",
        "environment": {"cpu_model": "A processor", "cores": 2, "kernel": "Linux 6", "load_1m": 0.5},
        "started_at": "2026-01-02T03:04:05+00:00", "finished_at": None, "interrupted": False,
        "verdict": verdict,
        "improved": False, "sentence": "gevent:websocket: CPU per message +4.6 %", "fail_on": "inconclusive",
        "exit_code": 1, "problem": None, "unit": "message", "realtime": True,
        "budget_seconds": 300.0, "measured_seconds": 42.0,
        "thresholds": {
            "tolerance": 0.05, "smallest": 0.03, "floor": 0.01, "alpha": 0.0157, "p50_floor": 0.05,
            "p50_smallest": 0.25, "p50_smallest_realtime": 0.1,
        },
        "base": {"title": "v1 <script>", "versions": {"python": "3.11.7", "python-engineio": "4.12.3"}},
        "head": {"title": "v2", "versions": {"python": "3.11.7", "python-engineio": "4.11.2"}},
        "cells": list(cells), "suite": None, "conformance": [], "counters": [], **more,
    }  # fmt: skip
    return document  # type: ignore[return-value]


BROKEN = {
    "id": "SIO-AK-01", "case": "test_acks.py::test_x polling", "base": "pass", "head": "fail",
    "actual": "two acks", "reproduce": "sioprobe conform --url URL",
}  # fmt: skip
COUNTED = {
    "cell": "gevent:websocket",
    "messages": 300,
    "metrics": [{"name": "Python calls", "base": 233.0, "head": 240.0, "equal": False}],
    "functions": [{"name": "json.loads", "place": "json/__init__.py:299", "base": 1.0, "head": 2.0}],
    "notes": ["calls are counted by hooks in C"],
}
FULL = gate(
    cell("gevent:websocket", "REGRESSION", 0.046),
    cell("threading:websocket", "INCONCLUSIVE", 0.02, help="about 2 more minutes for this cell (--budget)"),
    cell("gevent:polling", "PASS", -0.04, improved=True),
    conformance=[{"mode": "gevent", "judged": 600, "broken": [BROKEN], "mended": [], "problem": None}],
    counters=[COUNTED],
    suite=change(0.01),
)


def test_the_page_says_it_all_and_fetches_nothing() -> None:
    page = render_page(FULL, {"gate.json": b"{}"})

    for text in ("REGRESSION", "SIO-AK-01", "two acks", "json.loads", "+4.6 %", "sioprobe gate --base main"):
        assert text in page
    assert "v1 &lt;script&gt;" in page
    assert re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"'> ]+|url\((?!data:)""", page) == []
    assert render_page(FULL, {"gate.json": b"{}"}) == page


def test_every_word_says_task_where_tasks_were_played() -> None:
    measured: Any = {**FULL, "unit": "task", "sentence": "it costs more"}
    measured["cells"] = [{**one, "why": "it costs more"} for one in FULL["cells"]]

    for text in (render_page(measured, {}), render_summary(measured), "\n".join(lines_of(measured))):
        assert "CPU per task" in text
        assert "calls a task" in text or "per task differ" in text
        assert "message" not in re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)


def places(page: str, group: str) -> list[tuple[float, float, float]]:
    found = re.findall(
        rf'<g class="{group}"><line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)".*?cx="([\d.]+)"', page
    )
    return [(float(low), float(x), float(high)) for low, high, x in found]


def test_the_plot_shows_each_cell_with_the_base_against_itself_below() -> None:
    page = render_page(FULL, {})

    worse, middling, better = places(page, "change")
    assert better[1] < middling[1] < worse[1]
    assert all(low < x < high for low, x, high in (worse, middling, better))
    assert len(places(page, "again")) == 3
    limit = re.search(r'class="limit" x1="([\d.]+)"', page)
    assert limit is not None
    assert middling[2] < float(limit[1]) < worse[2]


def test_a_change_without_an_interval_is_a_dot() -> None:
    few = gate(cell("gevent:websocket", "INCONCLUSIVE", 0.02, cpu=change(0.02, None)), verdict="INCONCLUSIVE")

    (low, x, high), = places(render_page(few, {}), "change")  # fmt: skip
    assert low == x == high


def test_the_summary_has_at_most_25_lines() -> None:
    many = [cell(f"gevent:websocket{number}".replace("websocket", "w"), "PASS", 0.0) for number in range(40)]

    for document in (FULL, gate(*many), gate(verdict="ERROR", problem="no pip")):
        summary = render_summary(document)
        assert len(summary.splitlines()) <= 25
        assert document["verdict"] in summary.splitlines()[0]
    assert "json.loads" in render_summary(FULL)
    assert "<script>" not in render_summary(FULL)


def test_junit_has_a_case_for_each_cell_and_each_broken_requirement() -> None:
    root = ElementTree.fromstring(render_junit(FULL))

    (suite,) = root
    cases = {case.attrib["name"]: [child.tag for child in case] for case in suite}
    assert cases == {
        "gevent:websocket": ["failure"],
        "threading:websocket": ["failure"],
        "gevent:polling": [],
        "gevent SIO-AK-01 test_acks.py::test_x polling": ["failure"],
    }
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("4", "3", "0")


def test_an_inconclusive_cell_is_skipped_where_it_may_not_fail() -> None:
    lenient = gate(
        cell("gevent:websocket", "INCONCLUSIVE", 0.02), verdict="INCONCLUSIVE", fail_on="regression"
    )

    (suite,) = ElementTree.fromstring(render_junit(lenient))
    assert suite.attrib["skipped"] == "1"


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (gate(verdict="ERROR", problem="base: pip failed \x00"), ("1", "0", "1")),
        (gate(cell("gevent:websocket", "PASS", 0.0), sentence="bytes 51 -> 60"), ("2", "1", "0")),
    ],
    ids=["nothing was built", "the wire differs"],
)
def test_junit_is_never_green_where_the_gate_is_not(document: Gate, counts: tuple[str, str, str]) -> None:
    (suite,) = ElementTree.fromstring(render_junit(document))

    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == counts


def test_the_console_names_what_would_help() -> None:
    lines = lines_of(FULL)

    assert lines[0] == "✗ REGRESSION: gevent:websocket: CPU per message +4.6 %"
    assert any("What would help: about 2 more minutes" in line for line in lines)
    assert any("json.loads (json/__init__.py:299): 1 -> 2 calls a message" in line for line in lines)
    assert any("SIO-AK-01" in line for line in lines)


def test_a_gate_without_a_life_says_nothing_of_how_it_was_measured() -> None:
    nothing = cell("gevent:websocket", "ERROR", 0.0, lives=0)

    assert how_measured(gate(nothing, verdict="ERROR")) == "no life was measured"
    assert how_measured(gate(cell("gevent:websocket", "PASS", 0.0))).startswith(
        "42 s measured under SCHED_RR"
    )


def test_sioprobe_report_writes_the_pages_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_gate(tmp_path / "gate.json", FULL)

    assert main([str(tmp_path)]) == 0

    assert {path.name for path in tmp_path.iterdir()} == {"gate.json", "gate.html", "summary.md", "junit.xml"}
    assert capsys.readouterr().out.startswith("✗ REGRESSION")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "gate.json: "),
        ("[]", "gate.json: not a JSON object"),
        ('{"kind": "gate", "schema": 2}', "gate.json: schema is 2, this sioprobe reads schema 1"),
        ('{"kind": "gate", "schema": 1}', "gate.json: "),
    ],
)
def test_a_file_that_is_no_gate_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "gate.json").write_text(text)

    with pytest.raises(ResultFileError, match=re.escape(line)):
        read_gate(tmp_path / "gate.json")


def test_a_life_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "lives.jsonl").write_text('{"number": 1}\n{"numb')
    assert read_lives(tmp_path / "lives.jsonl") == [{"number": 1}]

    (tmp_path / "lives.jsonl").write_text('{"numb\n{"number": 2}\n')
    with pytest.raises(ResultFileError, match=r"line 1 is not JSON"):
        read_lives(tmp_path / "lives.jsonl")
