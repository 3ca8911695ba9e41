"""Results over time: which runs stand together, which points they give, and what is said of steps."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reports.history.derivation import derive_history
from reports.history.reading import read_runs
from reports.statistics.derivation import derive
from reports.statistics.result_folder import read_folder
from sioprobe.results.across import History, HistorySeries
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_gate, write_results
from sioprobe.results.types import Results
from tests.reports import folders
from tests.reports.gate.test_pages import cell, gate

DAY = datetime(2026, 8, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of one run."""
    return derive(read_folder(folders.write(tmp_path_factory.mktemp("measured") / "one")))


def night(measured: Results, place: int, cpu: float = 1.0, **changes: Any) -> Results:
    """The same results some nights later; `cpu` multiplies the CPU of gevent over WebSocket."""
    results = copy.deepcopy(measured)
    results.update({"started_at": (DAY + timedelta(days=place)).isoformat(), **changes})  # type: ignore[typeddict-item]
    for one in results["cells"]:
        # A little apart from night to night, and never twice the same.
        factor = 1 + 0.001 * ((place * 7) % 13)
        for name, metric in one["metrics"].items():
            stepped = (one["arm"], one["transport"], name) == (
                "gevent",
                "websocket",
                "server_cpu_us_per_message",
            )
            for key in ("estimate", "low", "high") if metric["values"] else ():
                metric[key] *= factor * (cpu if stepped else 1.0)  # type: ignore[literal-required]
    return results


def written(folder: Path, *nights: Results) -> Path:
    for place, results in enumerate(nights):
        (folder / f"night-{place:03}").mkdir(parents=True)
        write_results(folder / f"night-{place:03}" / "results.json", results)
    return folder


def history(*given: Path) -> History:
    return derive_history(*read_runs(given))


def stepped(found: History) -> list[tuple[str, HistorySeries]]:
    return [(group["machine"], one) for group in found["groups"] for one in group["series"] if one["steps"]]


def test_a_step_is_marked_with_its_days_its_size_and_its_versions(tmp_path: Path, measured: Results) -> None:
    later = copy.deepcopy(measured["arms"])
    for arm in later:
        if "gevent" in arm["versions"]:
            arm["versions"]["gevent"] = "26.10.0"
    before = [night(measured, place) for place in range(20)]
    after = [night(measured, place, 1.12, arms=later) for place in range(20, 40)]

    found = history(written(tmp_path, *before, *after))

    [(_, one)] = stepped(found)
    assert (one["name"], one["transport"], one["figure"]) == (
        "gevent",
        "websocket",
        "server_cpu_us_per_message",
    )
    [step] = one["steps"]
    assert (step["before"], step["after"], step["word"]) == (19, 20, "worse")
    assert step["change"] == pytest.approx(0.12, abs=0.005)
    assert step["versions"] == [
        {"name": "gevent", "old": "26.9.0", "new": "26.10.0", "arms": ["gevent", "gevent-simple"]}
    ]
    assert found["findings"][0] == "1 step in 18 figures over 40 runs."
    assert found["findings"][1].startswith(
        "2026-08-20 to 2026-08-21: Server CPU of gevent over WebSocket: +12.1 % ["
    )
    assert found["findings"][1].endswith("worse. Changed near it: gevent 26.9.0 → 26.10.0.")


def test_fewer_than_thirty_runs_are_drawn_without_steps(tmp_path: Path, measured: Results) -> None:
    nights = [night(measured, place, 1.0 if place < 15 else 2.0) for place in range(29)]
    found = history(written(tmp_path, *nights))
    assert found["findings"] == ["29 runs, at most 29 of one load: steps are looked for from 30 on."]
    [group] = found["groups"]
    assert all(
        len(one["points"]) == 29 and not one["searched"] and not one["steps"] for one in group["series"]
    )


def test_a_point_is_the_median_of_its_cell_with_its_interval(tmp_path: Path, measured: Results) -> None:
    [group] = history(written(tmp_path, night(measured, 0)))["groups"]
    [one] = [
        one
        for one in group["series"]
        if (one["name"], one["transport"], one["figure"]) == ("gevent", "websocket", "latency_p99_us")
    ]
    [cell_] = [c for c in measured["cells"] if (c["arm"], c["transport"]) == ("gevent", "websocket")]
    metric = cell_["metrics"]["latency_p99_us"]
    [point] = one["points"]
    assert one["unit"] == "ms"
    assert metric["estimate"] is not None
    assert point["value"] == pytest.approx(metric["estimate"] / 1000)
    assert point["low"] == pytest.approx(metric["low"] / 1000)  # type: ignore[operator]
    assert point["suspect"] is False


def test_other_machines_and_loads_stand_apart(tmp_path: Path, measured: Results) -> None:
    profile = {"load": {**folders.PROFILE["load"], "seconds": 0.8}}  # type: ignore[dict-item]
    found = history(
        written(
            tmp_path,
            night(measured, 0),
            night(measured, 1, environment=folders.environment(cores=8)),
            night(measured, 2),
            night(measured, 3, profile=profile),
        )
    )
    assert [(group["machine"], len(group["runs"])) for group in found["groups"]] == [
        ("AMD EPYC 7B13, 2 cores, 7.7 GiB", 2),
        ("AMD EPYC 7B13, 8 cores, 7.7 GiB", 1),
        ("AMD EPYC 7B13, 2 cores, 7.7 GiB", 1),
    ]
    assert found["groups"][0]["load"] == "ack at 50 connections, blocks of 1.5 s, 0.5 s of warm-up"


def test_runs_are_in_the_order_of_time_and_count_once(tmp_path: Path, measured: Results) -> None:
    written(tmp_path / "a", night(measured, 5), night(measured, 2))
    written(tmp_path / "b", night(measured, 5))
    found = history(tmp_path / "a", tmp_path / "b", tmp_path / "a")
    [group] = found["groups"]
    assert [run["started_at"][:10] for run in group["runs"]] == ["2026-08-03", "2026-08-06"]
    assert found["notes"] == ["1 of the files hold a run that another one holds, too"]


def test_a_server_that_was_not_measured_leaves_a_gap(tmp_path: Path, measured: Results) -> None:
    hole = night(measured, 1)
    hole["cells"] = [one for one in hole["cells"] if one["arm"] != "gevent"]
    [group] = history(written(tmp_path, night(measured, 0), hole, night(measured, 2)))["groups"]
    runs = {one["name"]: [point["run"] for point in one["points"]] for one in group["series"]}
    assert runs["gevent"] == [0, 2]
    assert runs["eventlet"] == [0, 1, 2]


def test_a_file_that_cannot_be_used_is_said_and_left_out(tmp_path: Path, measured: Results) -> None:
    written(tmp_path, night(measured, 0), night(measured, 1, started_at=None))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "results.json").write_text("{")
    folders.write(tmp_path / "raw", rounds=0)
    found = history(tmp_path)
    assert len(found["groups"][0]["runs"]) == 1
    raw, broken, undated = found["notes"]
    assert raw == "raw: left out: no results.json, which `sioprobe report` writes"
    assert broken.startswith("broken: left out: results.json: not JSON: ")
    assert undated == "night-001: left out: results.json does not say when it was measured"


def test_a_file_may_be_given_under_any_name(tmp_path: Path, measured: Results) -> None:
    write_results(tmp_path / "2026-08-01.json", night(measured, 0))
    [group] = history(tmp_path / "2026-08-01.json")["groups"]
    assert group["runs"][0]["name"] == "2026-08-01.json"


def test_where_there_is_nothing_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match=r"no results.json or gate.json in it$"):
        read_runs([tmp_path])
    with pytest.raises(ResultFileError, match=r"none: not a folder \(there is none\)$"):
        read_runs([tmp_path / "none"])
    (tmp_path / "results.json").write_text(json.dumps({"schema": 1, "kind": "load"}))
    with pytest.raises(ResultFileError, match=r"left out: results.json: kind is 'load'"):
        read_runs([tmp_path])


def gates(folder: Path, count: int, base: Any = "v1", estimate: Any = 0.04) -> Path:
    for place in range(count):
        title = base if isinstance(base, str) else base(place)
        one = cell("gevent:websocket", "PASS", estimate if isinstance(estimate, float) else estimate(place))
        document = gate(
            one,
            base={"title": title, "versions": {}},
            head={"title": "main", "versions": {"gevent": "1" if place < 20 else "2"}},
            started_at=(DAY + timedelta(days=place)).isoformat(),
        )
        (folder / f"gate-{place:03}").mkdir(parents=True)
        write_gate(folder / f"gate-{place:03}" / "gate.json", document)
    return folder


def test_gates_against_one_base_show_head_over_base(tmp_path: Path) -> None:
    found = history(gates(tmp_path, 40, estimate=lambda place: (0.01 if place < 20 else 0.08) + place * 1e-4))
    [group] = found["groups"]
    assert (group["of"], group["load"]) == ("gate", "gates under SCHED_RR")
    [ratio] = [one for one in group["series"] if one["figure"] == "head_over_base"]
    assert ratio["points"][0] == {"run": 0, "value": 1.01, "low": 1.0, "high": 1.02, "suspect": False}
    [step] = ratio["steps"]
    assert (step["after"], step["word"]) == (20, "worse")
    assert [(one["name"], one["new"]) for one in step["versions"]] == [("gevent", "2")]
    assert {one["figure"] for one in group["series"]} == {"head_cpu_us", "head_p50_us", "head_over_base"}


def test_gates_against_moving_bases_show_what_head_costs(tmp_path: Path) -> None:
    [group] = history(gates(tmp_path, 3, base=lambda place: f"v{place}"))["groups"]
    assert {one["figure"] for one in group["series"]} == {"head_cpu_us", "head_p50_us"}


def test_most_blocks_suspect_makes_the_point_so(tmp_path: Path, measured: Results) -> None:
    busy = night(measured, 0)
    for one in busy["cells"]:
        one["blocks"] = {"VALID": 2, "SUSPECT": 4, "INVALID": 0, "FAILED": 0}
    [group] = history(written(tmp_path, busy))["groups"]
    assert all(point["suspect"] for one in group["series"] for point in one["points"])
    assert group["runs"][0]["blocks"]["SUSPECT"] == 4 * 6
