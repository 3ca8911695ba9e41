"""The command: which files it writes, what it prints, and how it ends."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from sioprobe.results.files import read_results, write_run
from tests.reports import synthetic

PROGRAM = "python -m reports"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The single line on stderr of a call that exits with 2."""
    assert main(list(arguments)) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_four_files_are_written_beside_the_input(report_folder: Path) -> None:
    names = {path.name for path in report_folder.iterdir()}
    assert {"results.json", "summary.md", "report.html", "cells.csv"} <= names
    assert not [name for name in names if name.endswith(".new")]


def test_results_are_valid_and_hold_the_statistics(report_folder: Path) -> None:
    results = read_results(report_folder / "results.json")
    assert results["verdict"] == "failures"
    assert len(results["cells"]) == 12
    assert results["cells"][1]["metrics"]["messages_per_second"]["interval"] == "range of 3 blocks"


def test_the_table_has_a_line_a_cell(report_folder: Path) -> None:
    rows = list(csv.DictReader((report_folder / "cells.csv").read_text("utf-8").splitlines()))
    results = read_results(report_folder / "results.json")
    assert len(rows) == len(results["cells"])
    for row, cell in zip(rows, results["cells"], strict=True):
        assert row["arm"] == cell["arm"]
        metric = cell["metrics"]["server_cpu_us_per_message"]
        assert float(row["server_cpu_us_per_message_low"]) == pytest.approx(metric["low"], abs=1e-6)
    assert rows[0]["invalid"] == "1"


def test_json_is_alone_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = synthetic.write_folder(tmp_path, 1, {"gevent": synthetic.ARMS["gevent"]}, conformance=False)
    assert main([str(folder), "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == read_results(folder / "results.json")


def test_a_run_that_measured_nothing_is_reported_and_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run.json", synthetic.run_document())
    assert (
        refused(capsys, str(tmp_path))
        == f"{PROGRAM}: error: {tmp_path}: nothing was measured; the report says so"
    )
    assert (tmp_path / "report.html").exists()


def test_a_folder_without_result_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, str(tmp_path))
    assert line == f"{PROGRAM}: error: {tmp_path}: no run.json, rounds.jsonl or conformance-*.json in it"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, str(tmp_path / "none")).endswith("not a folder (there is none)")
    (tmp_path / "file").touch()
    assert refused(capsys, str(tmp_path / "file")).endswith("not a folder (it is a file)")


@pytest.mark.parametrize("words", [["--against"], []])
def test_a_folder_beside_itself_is_refused(
    report_folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words, str(report_folder), f"{report_folder}/"])

    assert caught.value.code == 2
    assert capsys.readouterr().err == f"{PROGRAM}: error: the same folder is given twice\n"


def test_an_unusable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert (
        refused(capsys, str(tmp_path)) == f"{PROGRAM}: error: run.json: kind is missing, it should be 'run'"
    )


def test_the_program_name_comes_from_its_caller() -> None:
    command = [sys.executable, "-m", "reports", "--help"]
    environment = {"SIOPROBE_PROG": "sioprobe report", "PYTHONPATH": str(Path(__file__).parents[2])}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert answer.stdout.startswith("usage: sioprobe report ")
    assert "sioprobe report reports/out" in answer.stdout


def test_the_summary_is_short_before_its_details(report_folder: Path) -> None:
    summary = (report_folder / "summary.md").read_text("utf-8")
    before, _, after = summary.partition("<details>")
    assert 10 < len(before.strip().splitlines()) <= 25
    assert "✗ Failures: Over WebSocket, among servers with one process, every block of gevent" in before
    assert "uWSGI is not installed here" in before
    assert "Reproduce: `sioprobe compare --profile quick`" in before
    assert "oversubscribed" in after
    assert "- 1 of 36 blocks INVALID: 3 errors (1)" in after


def test_every_row_of_the_summary_has_the_cells_of_its_head(report_folder: Path) -> None:
    lines = (report_folder / "summary.md").read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert len(table) == 2 + len(synthetic.ARMS)


def test_the_summary_of_many_servers_stays_short(tmp_path: Path) -> None:
    arms = {f"arm-{n}": {**synthetic.ARMS["gevent_uwsgi"], "id": f"arm-{n}"} for n in range(30)}
    arms["gevent"] = synthetic.ARMS["gevent"]
    synthetic.write_folder(tmp_path, 2, arms, conformance=False)  # type: ignore[arg-type]
    assert main([str(tmp_path)]) == 0
    before = (tmp_path / "summary.md").read_text("utf-8").partition("<details>")[0]
    assert len(before.strip().splitlines()) <= 25
    assert re.search(r"\| … \d+ more in report.html \|", before)
