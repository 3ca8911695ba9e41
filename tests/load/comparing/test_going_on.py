"""A comparison that was stopped goes on: nothing is measured twice or lost, and it is still the same one."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from load.comparing.__main__ import _begin, main
from load.comparing.comparison import Comparison
from load.comparing.going_on import difference, unfinished
from load.comparing.plan import read_profile
from load.comparing.progress import Progress
from load.comparing.sections.registry import read_sections
from sioprobe.results.comparison import Measurement
from sioprobe.results.files import (
    append_measurement,
    read_measurements,
    read_run,
    write_run,
)
from tests.in_process import run_here

SIOPROBE = Path(sys.executable).with_name("sioprobe")

PROFILE = """
title = "tiny"

[load]
transports = ["websocket"]
connections = 4
warmup_seconds = 0.1
seconds = 0.3
rounds = 2
minimum_rounds = 2

[side_by_side]
lives = 1

[fanout]
room_sizes = [2, 4]
seconds = 0.3

[payload]
arms = ["gevent"]
payload_bytes = [32]
seconds = 0.3

[[arms]]
id = "eventlet"
title = "eventlet"
mode = "eventlet"

[[arms]]
id = "gevent"
title = "gevent"
mode = "gevent"
"""
BLOCKS = 2 * 2
MEASUREMENTS = 2 * 2 + 2


def command(folder: Path, *more: str) -> list[str]:
    out, profile = folder / "out", folder / "tiny.toml"
    profile.write_text(PROFILE)
    return [str(SIOPROBE), "compare", "--profile", str(profile), "--out", str(out), "--no-conformance", *more]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def stop_after(folder: Path, file: str, count: int) -> subprocess.CompletedProcess[str]:
    """Start a comparison, and stop it with Ctrl-C when the file has so many lines."""
    process = subprocess.Popen(
        command(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while len(lines(folder / "out" / file)) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"not {count} lines within 300 s"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def test_a_stopped_comparison_goes_on_and_measures_nothing_twice(tmp_path: Path) -> None:
    out = tmp_path / "out"
    in_blocks = stop_after(tmp_path, "rounds.jsonl", 1)
    made = len(lines(out / "rounds.jsonl"))
    in_sections = stop_after(tmp_path, "measurements.jsonl", 3)
    measured = read_measurements(out / "measurements.jsonl")
    half = json.loads((out / "results.json").read_text())

    whole = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=600)

    assert (in_blocks.returncode, in_sections.returncode) == (130, 130), in_sections.stderr
    assert 1 <= made < BLOCKS
    assert 3 <= len(measured) < MEASUREMENTS
    # The page of the stopped run says what is missing, and how to go on.
    assert half["interrupted"] is True
    fanout, payload = (half["sections"][n] for n in (2, 5))
    assert "the same command goes on" in (payload["reason"] or fanout["reason"])
    assert whole.returncode in (0, 3), whole.stderr
    assert "going on with the comparison" in whole.stderr
    blocks = Counter(
        (block["round"], block["arm"], block["transport"]) for block in lines(out / "rounds.jsonl")
    )
    assert len(blocks) == BLOCKS
    assert set(blocks.values()) == {1}
    keys = [each["key"] for each in read_measurements(out / "measurements.jsonl")]
    assert len(keys) == len(set(keys)) == MEASUREMENTS
    assert keys[: len(measured)] == [each["key"] for each in measured]
    run = read_run(out / "run.json")
    assert run["interrupted"] is False
    assert len(run["continued_at"]) == 2
    results = json.loads((out / "results.json").read_text())
    assert {section["name"]: section["status"] for section in results["sections"]}[
        "settings"
    ] == "not measured"
    assert any("the run was stopped, and went on at" in note for note in results["notes"])
    table = list(csv.DictReader((out / "sections.csv").read_text().splitlines()))
    assert {row["situation"] for row in table if row["section"] == "fanout"} == {"room_size=2", "room_size=4"}


def comparison_of(folder: Path) -> Comparison:
    command(folder)
    profile = read_profile(str(folder / "tiny.toml"))
    out = folder / "out"
    plans = read_sections(profile, [arm.id for arm in profile.arms])
    return Comparison(profile, out, "sioprobe compare", False, Progress(), sections=plans)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The folder of a comparison that was stopped after one measurement."""
    out = tmp_path / "out"
    out.mkdir()
    run = comparison_of(tmp_path).run
    for arm in run["arms"]:
        arm["status"], arm["reason"], arm["versions"] = "measured", None, {"flask-socketio": "5.7.0"}
    run["interrupted"], run["finished_at"] = True, run["started_at"]
    write_run(out / "run.json", run)
    append_measurement(out / "measurements.jsonl", measurement())
    return out


def measurement() -> Measurement:
    return {
        "schema": 1,
        "kind": "measurement",
        "key": "fanout/gevent/websocket/room_size=2",
        "section": "fanout",
        "arm": "gevent",
        "transport": "websocket",
        "parameters": {"room_size": 2},
        "result_kind": "block",
        "result": None,
        "problem": "none was made",
        "seconds": 1.0,
    }


def contents(folder: Path) -> list[tuple[str, bytes]]:
    return sorted((path.name, path.read_bytes()) for path in folder.iterdir())


def test_another_machine_is_refused_in_one_line(tmp_path: Path, stopped: Path) -> None:
    run = read_run(stopped / "run.json")
    cores = run["environment"]["cores"]
    run["environment"] = {**run["environment"], "cores": 64}
    write_run(stopped / "run.json", run)
    before = contents(stopped)

    done = run_here(main, "sioprobe compare", *command(tmp_path)[2:])

    assert done.returncode == 2
    assert done.stderr == (
        f"sioprobe compare: error: --out {stopped}: a comparison was stopped there, and this one cannot go on"
        f" with it: cores was 64, it is {cores}; --fresh starts anew\n"
    )
    assert contents(stopped) == before


Change = Callable[[Any], None]


def set_library(run: Any) -> None:
    run["environment"]["libraries"]["gevent"] = "1.0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: run.update(sioprobe="0.0.1"), "sioprobe was 0.0.1, it is "),
        (lambda run: run["environment"].update(python="2.7.18"), "python was 2.7.18, it is "),
        (set_library, "libraries.gevent was 1.0, it is "),
        (
            lambda run: run["environment"].update(memory_bytes=2**30),
            "this machine had 1.0 GiB of memory, it has",
        ),
        (lambda run: run["profile"]["load"].update(rounds=7), "load.rounds was 7, it is 2"),
        (lambda run: run["profile"]["arms"].pop(), "arms was "),
        (
            lambda run: run["profile"]["connecting"].update(path="/chat/"),
            "connecting.path was /chat/, it is /socket.io/",
        ),
        (lambda run: run["profile"]["arms"][0].update(mode="x"), "arms[0].mode was x, it is eventlet"),
        (
            lambda run: run["profile"]["sections"].pop("payload"),
            'sections.payload was not there, it is {"arms"',
        ),
    ],
)
def test_what_differs_is_named(change: Change, words: str, tmp_path: Path, stopped: Path) -> None:
    before: Any = read_run(stopped / "run.json")
    now = comparison_of(tmp_path).run

    assert difference(before, now) is None
    change(before)

    assert (difference(before, now) or "").startswith(words)


def test_what_a_run_adds_to_its_plan_is_no_difference(tmp_path: Path, stopped: Path) -> None:
    before: Any = read_run(stopped / "run.json")
    before["profile"].update(pinned=True, rounds_done=2, planned={"fanout": 4})
    before["environment"]["load_1m"] = 17.0

    assert difference(before, comparison_of(tmp_path).run) is None


def test_only_an_unfinished_comparison_goes_on(stopped: Path) -> None:
    assert unfinished(stopped) is not None
    run = read_run(stopped / "run.json")

    run["interrupted"] = False
    write_run(stopped / "run.json", run)
    assert unfinished(stopped) is None  # it has an end

    run["finished_at"] = None
    write_run(stopped / "run.json", run)
    assert unfinished(stopped) is not None  # it was killed

    (stopped / "measurements.jsonl").unlink()
    assert unfinished(stopped) is None  # nothing would be lost


def test_verdicts_alone_do_not_keep_another_comparison_away(tmp_path: Path, stopped: Path) -> None:
    (stopped / "measurements.jsonl").unlink()
    (stopped / "conformance-gevent.json").write_text("{}")
    run = read_run(stopped / "run.json")
    run["environment"] = {**run["environment"], "cores": 64}
    write_run(stopped / "run.json", run)

    _begin(comparison_of(tmp_path), stopped, fresh=False)

    assert contents(stopped) == []


def test_fresh_starts_anew(tmp_path: Path, stopped: Path) -> None:
    comparison = comparison_of(tmp_path)

    _begin(comparison, stopped, fresh=False)
    assert len(comparison.run.get("continued_at", [])) == 1
    assert (stopped / "measurements.jsonl").exists()

    fresh = comparison_of(tmp_path)
    _begin(fresh, stopped, fresh=True)
    assert "continued_at" not in fresh.run
    assert contents(stopped) == []


def test_a_folder_in_which_a_comparison_runs_is_left_to_it(tmp_path: Path, stopped: Path) -> None:
    running = os.open(stopped, os.O_RDONLY)
    fcntl.flock(running, fcntl.LOCK_EX)
    before = contents(stopped)

    done = run_here(main, "sioprobe compare", *command(tmp_path, "--fresh")[2:])

    os.close(running)
    assert done.returncode == 2
    assert done.stderr == f"sioprobe compare: error: --out {stopped}: another comparison is running there\n"
    assert contents(stopped) == before


def test_an_arm_with_other_libraries_is_refused(
    tmp_path: Path, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherServer:
        about: ClassVar = {"versions": {"flask-socketio": "5.8.0"}}

        def __init__(self, *options: str, **more: Any) -> None: ...

        def __enter__(self) -> OtherServer:
            return self

        def __exit__(self, *error: object) -> None: ...

    monkeypatch.setattr("load.comparing.comparison.start_arm", OtherServer)

    done = run_here(main, "sioprobe compare", *command(tmp_path)[2:])

    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if "error" in line]
    assert line.endswith(
        "cannot go on with it: arm eventlet: flask-socketio was 5.7.0, it is 5.8.0; --fresh starts anew"
    )
    # It can still go on where the old libraries are.
    assert unfinished(stopped) is not None
