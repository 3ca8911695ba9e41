"""The wide matrix without a network: its rows, their files, its table, and one row that really stands."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ci.pages import lines_of, part, table, with_lines
from ci.wide import delay, standing
from ci.wide.__main__ import PAGE, ask
from ci.wide.rows import FRONTS, HERE, ROOT, ROWS, SERVE, Front, Row
from ci.wide.table import HEAD, line_of, not_run
from server_under_test.foreign.servers import Tool

RECIPES = {row.recipe.folder: row.recipe for row in ROWS.values() if row.recipe is not None}


def test_a_row_is_named_so_that_a_file_and_a_command_can_hold_it() -> None:
    for name, row in ROWS.items():
        assert name == row.name
        assert re.fullmatch(r"[a-z0-9.-]+", name), name
    assert len({row.title for row in ROWS.values()}) == len(ROWS)


@pytest.mark.parametrize("folder", RECIPES, ids=lambda folder: Path(folder).name)
def test_what_a_row_fetches_is_pinned(folder: str) -> None:
    place = HERE / Path(folder).name
    pins, package = place / "requirements.txt", place / "package.json"
    if pins.exists():
        lines = pins.read_text().splitlines()
        assert lines
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), pins
    else:
        lock = json.loads((place / "package-lock.json").read_text())
        assert "resolved" not in (place / "package-lock.json").read_text()
        for name, pin in json.loads(package.read_text())["dependencies"].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == pin.rpartition("@")[2]


def test_each_folder_belongs_to_a_row() -> None:
    own = {"servers", *(path.name for path in HERE.iterdir() if path.name == "__pycache__")}
    assert {path.name for path in HERE.iterdir() if path.is_dir()} - own == {
        *(Path(folder).name for folder in RECIPES),
        *(front.name for front in FRONTS if front.config),
    }


@pytest.mark.parametrize("front", [front for front in FRONTS if front.config], ids=lambda front: front.name)
def test_a_configuration_says_where_it_listens_and_where_the_server_is(front: Front) -> None:
    text = (HERE / front.name / front.config).read_text()
    assert "127.0.0.1:{port}" in text
    assert "127.0.0.1:{server}" in text


def test_the_table_of_the_documentation_has_the_rows_that_there_are() -> None:
    assert list(lines_of(part(PAGE.read_text("utf-8"), "rows"))) == list(ROWS)


def result(**verdicts: str) -> Any:
    """A result with one case of each of these requirements (`EIO_PL_02="fail"`)."""
    cases = [
        {"id": name.replace("_", "-"), "case": f"test_a.py::{name}", "transport": None, "verdict": verdict}
        for name, verdict in verdicts.items()
    ]
    counts = {verdict: list(verdicts.values()).count(verdict) for verdict in verdicts.values()}
    return {
        "cases": cases,
        "counts": counts,
        "outcome": "failures",
        "started_at": "2026-11-29T09:00:00+00:00",
        "seconds": 12.4,
    }


def test_a_line_names_what_failed_and_what_a_front_changes() -> None:
    direct = result(EIO_HS_01="pass", EIO_PL_02="pass", EIO_CL_02="known deviation")
    behind = result(EIO_HS_01="pass", EIO_PL_02="fail", EIO_CL_02="known deviation")

    line = line_of(ROWS["nginx"], {"socket.io": "4.8.4", "nginx": "1.22.1"}, behind, direct)

    assert line == (
        "| `nginx` | socket.io 4.8 on Node, behind nginx (socket.io 4.8.4, nginx 1.22.1) | 2026-11-29"
        " | failures | 1 | 1: EIO-PL-02 | 1 | 0 | 0 | 1: EIO-PL-02 | 12 |\n"
    )
    assert line_of(ROWS["node"], {}, direct, direct).endswith("| failures | 2 | 0 | 1 | 0 | 0 |  | 12 |\n")


def test_only_the_lines_of_judged_rows_change() -> None:
    names = ("node", "nginx", "tornado")
    old = {name: not_run(ROWS[name], "it was not there") for name in names}
    page = f"before\n<!-- rows -->\n{table(HEAD, old.values())}<!-- end of rows -->\nafter\n"
    new = not_run(ROWS["nginx"], "it is not there")

    changed = with_lines(page, "rows", HEAD, {"nginx": new}, names)

    assert changed == page.replace(old["nginx"], new)
    assert lines_of(part(changed, "rows")) == {**old, "nginx": new}
    with pytest.raises(ValueError, match="has no part 'rows'"):
        with_lines("before\n", "rows", HEAD, {}, names)


def test_an_unknown_row_is_told_with_the_nearest() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ci.wide", "ngnix"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "'ngnix'" in line
    assert "nginx" in line


def test_a_row_whose_tool_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "is_built", lambda recipe: False)
    row = ROWS["socket.io-4.5"]
    absent = Row(row.name, row.title, row.words, row.recipe, (Tool("no-such-tool", "a tool: make it"),))

    with pytest.raises(standing.NotRun, match=r"^it needs a tool: make it$"):
        standing.set_up(absent)


def test_a_row_stands_behind_its_front_and_is_judged_there(tmp_path: Path) -> None:
    words = (*SERVE, "--mode", "threading", "--port", "{port}")
    way = (sys.executable, "-m", "ci.wide.delay", "{port}", "{server}", "10")
    row = Row("near", "a server nearby", words, front=Front("away", "10 ms away", way))
    standing.set_up(row)

    with standing.standing(row) as there:
        judged = ask(row, there, tmp_path / "near.json", "--id", "EIO-HS-03")

    assert there.versions["flask-socketio"]
    assert judged["counts"] == {"pass": 1}
    (case,) = judged["cases"]
    assert case["reproduce"].startswith("make matrix-wide ROWS='--serve near'; then: ")
    assert there.url not in case["reproduce"]


def test_a_long_way_keeps_every_byte_and_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    arrived: list[bytes] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    class Sink:
        def write(self, data: bytes) -> None:
            arrived.append(data)

        async def drain(self) -> None:
            pass

        def write_eof(self) -> None:
            arrived.append(b"end")

    async def travel() -> None:
        source = asyncio.StreamReader()
        source.feed_data(b"one")
        source.feed_eof()
        sink: Any = Sink()
        await delay.carry(source, sink, 1000.0, first=asyncio.get_running_loop().time() + 5000.0)

    monkeypatch.setattr("ci.wide.delay.asyncio.sleep", sleep)
    asyncio.run(travel())

    assert b"".join(arrived) == b"oneend"
    # What was there before the connection stood sets out with it, and then takes its time.
    assert all(5000.0 < seconds <= 6000.0 for seconds in waited)
