"""Where the ratios of arms side by side stand: page, summary, CSV, downloads."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from reports.comparison.report import write_report
from reports.statistics.result_folder import read_folder
from reports.writing.wording import number
from sioprobe.results.files import append_life, read_results
from sioprobe.results.types import Results
from tests.reports import synthetic
from tests.reports.html import Page
from tests.reports.lives import COSTS, lives

ARMS = {arm: synthetic.ARMS[arm] for arm in COSTS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = synthetic.write_folder(tmp_path_factory.mktemp("lives"), 3, ARMS, conformance=False)
    for life in [*lives(), *lives(transport="polling", seed=2)]:
        append_life(folder / "lives.jsonl", life)
    append_life(folder / "lives.jsonl", {"number": 9, "arm": None, "problem": "no answer within 300 s"})
    write_report(folder, read_folder(folder))
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return read_results(folder / "results.json")


def test_the_headline_is_what_the_ratios_say(folder: Path, results: Results) -> None:
    assert results["findings"][0].startswith(
        "Over WebSocket, gevent and gevent-simple need the least server CPU for a message, and cannot be "
        "told apart; eventlet needs "
    )
    text = " ".join(Page((folder / "report.html").read_text("utf-8")).text.split())
    for sentence in results["findings"][:4]:
        assert sentence in text


def test_the_page_shows_every_ratio_with_its_interval(folder: Path, results: Results) -> None:
    text = Page((folder / "report.html").read_text("utf-8")).text

    assert text.index("Side by side") < text.index("Scenario ack")
    assert "life 9: no answer within 300 s" in text
    for part in results.get("side_by_side", []):
        for one in part["ratios"]:
            assert number(one["ratio"]) in text
            assert f"[{number(one['low'])}, {number(one['high'])}]" in text


def test_the_csv_has_the_figures_of_the_results(folder: Path, results: Results) -> None:
    rows = list(csv.DictReader((folder / "side_by_side.csv").read_text().splitlines()))
    pairs = [(part, one) for part in results.get("side_by_side", []) for one in part["ratios"]]

    assert len(rows) == len(pairs) == 4 * 6
    for row, (part, one) in zip(rows, pairs, strict=True):
        assert (row["transport"], row["figure"]) == (part["transport"], part["figure"])
        assert (row["arm"], row["over"], row["claimed"]) == (one["arm"], one["over"], one["claimed"] or "")
        assert float(row["ratio"]) == pytest.approx(one["ratio"], abs=1e-6)
        assert float(row["low"]) == pytest.approx(one["low"], abs=1e-6)
        assert float(row["arm_median_us"]) == pytest.approx(part["medians"][one["arm"]], abs=1e-6)
    assert 'data-name="side_by_side.csv"' in (folder / "report.html").read_text("utf-8")


def test_the_summary_says_it_within_its_lines(folder: Path, results: Results) -> None:
    summary = (folder / "summary.md").read_text("utf-8")

    assert len(summary.partition("<details>")[0].splitlines()) <= 25
    lowest = next(iter(results["side_by_side"][2]["medians"]))
    told = f"CPU per message over WebSocket, side by side in 8 lives (nice -20): {lowest} 1 ("
    assert told in summary
    assert "⚠ life 9: no answer within 300 s" in summary


def test_a_folder_without_lives_says_nothing_of_them(tmp_path: Path) -> None:
    folder = synthetic.write_folder(tmp_path, 3, ARMS, conformance=False)
    write_report(folder, read_folder(folder))

    assert not (folder / "side_by_side.csv").exists()
    assert "side-by-side" not in (folder / "report.html").read_text("utf-8")
    assert "side by side" not in (folder / "summary.md").read_text("utf-8")
