"""The page, the summary and the command of two folders side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.against.page import render_page, render_summary
from reports.against.report import write_against_report
from reports.writing.wording import signed_percent
from sioprobe.results.across import Against
from sioprobe.results.files import conformance_path, write_capacity, write_conformance, write_gate
from tests.reports import folders, synthetic
from tests.reports.across import assert_stands_alone
from tests.reports.against.test_derivation import ratio, section, side
from tests.reports.gate.test_pages import FULL
from tests.reports.html import Page
from tests.reports.test_main import refused


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Against]:
    """The new folder and what stands in against.json, with something of everything."""
    folder = tmp_path_factory.mktemp("compared")
    old = folders.write(folder / "old", started_at="2026-10-19T08:30:00+00:00")
    new = folders.write(folder / "new", 2, cpu={("gevent", "websocket"): 1.4}, command="sioprobe <b>")
    for one, verdict in ((old, "pass"), (new, "fail")):
        judged = synthetic.conformance_document("gevent")
        judged["cases"][0]["verdict"] = verdict  # type: ignore[typeddict-item]
        write_conformance(conformance_path(one, "gevent"), judged)
    return new, write_against_report(old, new, new, force=False)


def full(against: Against) -> Against:
    """With ratios and sections."""
    [found] = side(ratio("gevent", "eventlet", 0.88))["side_by_side"]
    [was] = side(ratio("gevent", "eventlet", 0.8))["side_by_side"]
    changed: Any = {
        "transport": "websocket", "figure": "cpu_us_per_message", "arm": "gevent", "over": "eventlet",
        "old": was["ratios"][0], "new": found["ratios"][0],
        "change": 0.1, "low": 0.07, "high": 0.13, "word": "worse",
    }  # fmt: skip
    [row] = section(p99_us=1.0)["sections"][0]["rows"]
    measured: Any = {
        "section": "latency", "arm": "gevent", "transport": "websocket", "at": row["at"], "figure": "p99_us",
        "unit": "µs", "old": 100.0, "new": 150.0, "change": 0.5,
    }  # fmt: skip
    return {**against, "ratios": [changed], "sections": [measured], "meaningless": ["another moon"]}


def test_three_files_are_written_beside_the_new_results(compared: tuple[Path, Against]) -> None:
    folder, against = compared
    assert {"against.html", "against.md", "against.json"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "against.json").read_text("utf-8")) == against


def test_the_page_stands_alone_and_is_always_the_same(compared: tuple[Path, Against]) -> None:
    folder, against = compared
    source = (folder / "against.html").read_text("utf-8")
    assert_stands_alone(source)
    assert render_page(against) == source
    assert "sioprobe &lt;b&gt;" in source
    assert_stands_alone(render_page(full(against)))


def test_every_change_of_the_file_stands_on_the_page(compared: tuple[Path, Against]) -> None:
    against = full(compared[1])
    source = render_page(against)
    text = assert_stands_alone(source).text
    cells = Page(source[source.index('<section id="cells"') : source.index('<section id="server-cpu')]).text
    figures = Page(
        source[source.index('<section id="server-cpu') : source.index('<section id="ratios"')]
    ).text
    shown = [figure for cell in against["cells"] for figure in cell["figures"]]
    assert len(shown) == 30
    for figure in shown:
        assert figure["low"] is not None
        assert figure["high"] is not None
        interval = f"[{figure['low'] * 100:+.1f}, {figure['high'] * 100:+.1f}]"
        assert f"{signed_percent(figure['change'])}{interval}" in cells
        assert f"{signed_percent(figure['change'])} {interval}" in figures
    for told in (
        *against["findings"],
        *against["notes"],
        "0.880",
        "+10.0 % [+7.0, +13.0]",
        "rate 100",
        "+50.0 %",
    ):
        assert told in text
    for case in against["conformance"]:
        assert case["id"] in text
    assert "Not comparable: another moon" in text


def test_the_summary_is_short_and_begins_with_the_answer(compared: tuple[Path, Against]) -> None:
    against = compared[1]
    many: Against = {
        **against,
        "cells": against["cells"] * 9,
        "findings": [f"<b> {n}" for n in range(30)],
        "meaningless": ["another moon"] * 9,
    }
    for one in (against, full(against), many):
        before, _, after = render_summary(one).partition("<details>")
        assert len(before.strip().splitlines()) <= 25
        assert "</details>" in after
        table = [line for line in before.splitlines() if line.startswith("|")]
        assert {line.count("|") for line in table} == {5}
    assert render_summary(against).startswith("## ✗ Something got worse: 1 of 30 figures got worse")
    # What changed comes first.
    rows = [line for line in render_summary(against).splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| gevent over WebSocket | ✗ +")
    assert "<b>" not in render_summary(many)


def test_the_console_has_the_answer_and_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folders.write(tmp_path / "old"), folders.write(tmp_path / "new", 2)
    assert main(["--against", str(old), str(new), "--out", str(tmp_path / "out")]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "No figure changed for sure: all 30 cannot be told apart."
    assert last == f"report: {tmp_path / 'out' / 'against.html'}"
    assert not (new / "against.html").exists()


def test_json_is_alone_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folders.write(tmp_path / "old", rounds=1), folders.write(tmp_path / "new", rounds=1)
    assert main(["--json", "--against", str(old), str(new)]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "against"


def test_what_says_nothing_is_refused_in_one_line_and_shown_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = folders.write(tmp_path / "old", rounds=1)
    new = folders.write(tmp_path / "new", rounds=1, environment=folders.environment(cores=8))
    line = refused(capsys, "--against", str(old), str(new))
    assert line == (
        f"python -m reports: error: {old} and {new} say nothing about each other: "
        "another number of cores (2, then 8) (--force shows them)"
    )
    assert not (new / "against.html").exists()

    assert main(["--against", str(old), str(new), "--force"]) == 0
    assert capsys.readouterr().out.startswith("! not comparable: another number of cores (2, then 8)\n")
    assert "The figures below are shown because --force asked for them." in (new / "against.html").read_text()
    assert (new / "against.md").read_text().startswith("## ! Not comparable: ")


def test_results_of_other_commands_name_the_command_that_compares_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = folders.write(tmp_path / "good", rounds=1)
    (tmp_path / "gate").mkdir()
    write_gate(tmp_path / "gate" / "gate.json", FULL)
    (tmp_path / "found").mkdir()
    write_capacity(tmp_path / "found" / "capacity.json", CAPACITY)
    write_conformance(tmp_path / "judged.json", synthetic.conformance_document("gevent"))
    for other, command in (
        ("gate", "`sioprobe gate`"),
        ("found", "`sioprobe capacity`"),
        ("found/capacity.json", "`sioprobe capacity`"),
        ("judged.json", "`sioprobe conform --diff OLD NEW`"),
    ):
        for pair in ((good, tmp_path / other), (tmp_path / other, good)):
            line = refused(capsys, "--against", *map(str, pair))
            assert line.startswith(f"python -m reports: error: {tmp_path / other}: ")
            assert command in line


CAPACITY: Any = {
    "schema": 1, "kind": "capacity", "url": "http://127.0.0.1:1", "transport": "websocket", "scenario": "ack",
    "connections": 1, "processes": 1, "objective": ["p99<50ms"], "probes": [], "knee": None, "confirmed": 0,
    "limit": "nothing", "statement": "nothing", "seconds": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--against", "a"], "--against takes two folders, OLD NEW, and 1 is given"),
        (["--against", "a", "b", "c"], "--against takes two folders, OLD NEW, and 3 are given"),
        (["--force", "a"], "--force goes with --against"),
        (["a", "--out", "b"], "--out: the report of one folder stands in that folder"),
        (["a", "b", "--json"], "--json prints one result: give one folder, --against or --history"),
        (["--against", "--history", "a", "b"], "argument --history: not allowed with argument --against"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err == f"python -m reports: error: {line}\n"


def test_a_folder_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = folders.write(tmp_path / "good", rounds=1)
    line = refused(capsys, "--against", str(good), str(tmp_path / "none"))
    assert line == f"python -m reports: error: {tmp_path / 'none'}: not a folder (there is none)"
    (good / "results.json").write_text("{")
    line = refused(capsys, "--against", str(good), str(folders.write(tmp_path / "other", rounds=1)))
    assert line.startswith(f"python -m reports: error: {good}: results.json: not JSON: ")
