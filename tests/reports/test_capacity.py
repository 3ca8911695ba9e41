"""The figure of a search for the highest rate."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from reports.capacity import draw, main


def probe(rate: float, p99_ms: float, *, met: bool) -> dict[str, Any]:
    return {
        "rate": rate,
        "achieved": rate,
        "p50_us": p99_ms * 300,
        "p99_us": p99_ms * 1000,
        "reach": None,
        "errors": 0,
        "messages_per_second": 2 * rate,
        "server_cpu_share": min(1.0, rate / 1000),
        "generator_cpu_share": 0.1,
        "verdict": "VALID",
        "reasons": [],
        "met": met,
        "blame": "" if met else "server",
        "why": "",
        "phase": "doubling",
    }


RESULT: dict[str, Any] = {
    "schema": 1,
    "kind": "capacity",
    "url": "http://127.0.0.1:5000",
    "transport": "websocket",
    "scenario": "ack",
    "connections": 50,
    "processes": 1,
    "objective": ["p99<50ms", "reach>=100%", "errors<=0"],
    "latency_limits_us": {"p99<50ms": 50_000.0},
    "probes": [probe(500, 4, met=True), probe(1000, 9, met=True), probe(2000, 300, met=False)],
    "knee": {
        "rate": 1000.0,
        "messages_per_second": 2000.0,
        "messages_per_second_and_core": 2000.0,
        "server_cpu_share": 1.0,
        "saturated": True,
        "p50_us": 2700.0,
        "p99_us": 9000.0,
    },
    "confirmed": 3,
    "limit": "server",
    "statement": "capacity 1000/s with p99<50ms and errors<=0: the server used 100% of a core",
    "seconds": 60.0,
}


def written(folder: Path, result: dict[str, Any]) -> Path:
    path = folder / "capacity.json"
    path.write_text(json.dumps(result))
    return path


def test_probes_the_objective_and_the_knee_are_drawn() -> None:
    above, below = draw(RESULT).axes

    texts = [text.get_text().strip() for text in above.texts]
    assert "1,000/s" in texts
    assert "p99<50ms" in texts
    assert [50.0, 50.0] in [list(line.get_ydata()) for line in above.lines]
    drawn = {tuple(point) for scatter in above.collections for point in scatter.get_offsets().tolist()}
    assert {(500.0, 4.0), (1000.0, 9.0), (2000.0, 300.0)} <= drawn
    assert below.get_ylabel() == "CPU, % of a core"


def test_large_rates_are_written_out() -> None:
    result = copy.deepcopy(RESULT)
    result["probes"][2]["rate"] = 120_000.0

    figure = draw(result)
    figure.canvas.draw()

    ticks = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert "100,000" in ticks


def test_probes_without_answers_and_a_search_without_knee_are_drawn_too() -> None:
    result = copy.deepcopy(RESULT)
    result["knee"] = None
    result["probes"][2] |= {"p50_us": None, "p99_us": None, "server_cpu_share": None}

    draw(result)


@pytest.mark.parametrize(("name", "head"), [("knee.png", b"\x89PNG"), ("knee.svg", b"<?xml")])
def test_the_figure_is_written(tmp_path: Path, name: str, head: bytes) -> None:
    assert main([str(written(tmp_path, RESULT)), str(tmp_path / name)]) == 0

    assert (tmp_path / name).read_bytes().startswith(head)


def test_what_is_no_such_result_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {**RESULT, "limit": "nobody"})

    assert main([str(path), str(tmp_path / "knee.png")]) == 2
    assert capsys.readouterr().err.startswith("python -m reports.capacity: error: capacity.json: ")
