"""The page and the command of a history."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.history.page import render_page
from reports.statistics.derivation import derive
from reports.statistics.result_folder import read_folder
from reports.writing.wording import number
from sioprobe.results.across import History
from tests.reports import folders
from tests.reports.across import assert_stands_alone
from tests.reports.history.test_derivation import gates, history, night, written
from tests.reports.test_main import refused


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty nights with a step of the CPU of gevent over WebSocket, and three gates."""
    folder = tmp_path_factory.mktemp("nights")
    measured = derive(read_folder(folders.write(folder / "one")))
    written(folder / "nightly", *(night(measured, n, 1.0 if n < 20 else 1.12) for n in range(40)))
    gates(folder / "nightly", 3)
    return folder / "nightly"


@pytest.fixture(scope="module")
def found(nights: Path) -> History:
    return history(nights)


def test_the_page_stands_alone_and_is_always_the_same(found: History) -> None:
    source = render_page(found)
    assert_stands_alone(source)
    assert render_page(found) == source
    assert len(source) < 500_000


def test_there_is_a_drawing_for_each_series_with_a_dot_for_each_point(found: History) -> None:
    source = render_page(found)
    dots = re.findall(r'<path class="dots" d="([^"]*)"', source)
    series = [one for group in found["groups"] for one in group["series"]]
    assert len(dots) == len(series)
    for drawn, one in zip(dots, series, strict=True):
        places = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", drawn)]
        assert len(places) == len(one["points"])
        assert [x for x, _ in places] == sorted(x for x, _ in places)
        # What is higher stands higher.
        highest = max(range(len(places)), key=lambda n: one["points"][n]["value"])
        assert places[highest][1] == min(y for _, y in places)


def test_only_series_with_steps_have_a_mark_and_it_says_what(found: History) -> None:
    source = render_page(found)
    assert re.findall(r'<text class="worse [a-z]+" [^>]*>([^<]*)</text>', source) == ["+12 % worse"]
    assert source.count('class="step ') == 1
    text = assert_stands_alone(source).text
    assert "2026-08-20 to 2026-08-21" in text
    assert "Steps are looked for from 30 runs on." in text
    assert "too few runs for steps" in text


def test_every_point_stands_in_a_table(found: History) -> None:
    text = assert_stands_alone(render_page(found)).text
    for group in found["groups"]:
        for one in group["series"]:
            assert all(number(point["value"]) in text for point in one["points"])


def test_the_command_writes_here_and_never_fails(
    nights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--history", str(nights)]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "1 step in 18 figures over 43 runs."
    assert last == "report: history.html"
    assert {path.name for path in tmp_path.iterdir()} == {"history.html", "history.json"}

    assert main(["--history", "--json", str(nights)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "history.json").read_text("utf-8"))


def test_a_folder_with_nothing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "--history", str(tmp_path))
    assert line == f"python -m reports: error: {tmp_path}: no results.json or gate.json in it"
