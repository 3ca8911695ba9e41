"""`sioprobe compare`: measures what it says, names what does not run, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from load.comparing import judging
from load.comparing.__main__ import main
from load.comparing.comparison import Comparison
from load.comparing.plan import read_profile
from load.comparing.progress import Progress
from sioprobe.results.loads import Block
from tests.in_process import run_here
from tests.load.results import block
from tests.servers import hide

SIOPROBE = Path(sys.executable).with_name("sioprobe")

LOAD = """
[load]
connections = 4
warmup_seconds = 0.1
seconds = 0.3
rounds = {rounds}
minimum_rounds = 1
budget_seconds = 1000

[side_by_side]
lives = 2
"""

ARM = """
[[arms]]
id = "{id}"
title = "{id}"
mode = "{mode}"
"""


def write_profile(folder: Path, rounds: int, *modes: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(LOAD.format(rounds=rounds) + "".join(ARM.format(id=mode, mode=mode) for mode in modes))
    return path


def read_blocks(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("compared")
    profile = write_profile(folder, 2, "threading", "eventlet", "gunicorn-gthread")
    out = folder / "out"
    out.mkdir()
    (out / "mine.txt").write_text("a file of the user's")
    (out / "rounds.jsonl").write_text("left by an earlier run\n")
    (out / "against.html").write_text("about an earlier run")
    (out / "run.json").write_text("{}")
    done = subprocess.run(
        [SIOPROBE, "compare", "--profile", profile, "--out", out, "--no-conformance", "--json"],
        env={**os.environ, **hide(folder, "gunicorn")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    # On a machine that is busy with something else no block may be believed, which is said and is not 0.
    assert done.returncode in (0, 3), done.stderr[-3000:]
    return done, out


def test_queue_and_proxy_are_counted_and_a_queue_that_lacks_is_not_run(tmp_path: Path) -> None:
    """Over polling: behind the proxy a session stays at its process only by the cookie."""
    cluster = 'workers = 2\nqueue = "{queue}"\n'
    arms = ARM.format(id="front", mode="gevent") + cluster.format(queue="redis")
    arms += 'proxy = "nginx"\nsticky = "cookie"\n'
    arms += ARM.format(id="lacking", mode="threading") + cluster.format(queue="rabbitmq")
    profile = tmp_path / "mine.toml"
    profile.write_text(LOAD.format(rounds=1).replace("[load]", '[load]\ntransports = ["polling"]') + arms)

    done = subprocess.run(
        [SIOPROBE, "compare", "--profile", profile, "--out", tmp_path / "out", "--no-conformance", "--json"],
        env={**os.environ, **hide(tmp_path, "kombu")},
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert done.returncode in (0, 3), done.stderr[-3000:]
    [block] = read_blocks(tmp_path / "out")
    assert (block["arm"], block["error_kinds"]) == ("front", {})
    # An ack concerns no other process, so Redis may have slept.
    assert block["partners"]["proxy"]["cpu_seconds"] > 0
    assert min(used["rss_bytes"] for used in block["partners"].values()) > 1_000_000
    results = json.loads(done.stdout)
    front, lacking = results["arms"]
    assert (front["status"], front["proxy"]) == ("measured", "nginx")
    assert lacking["status"] == "not run"
    assert "pip install" in lacking["reason"]


def test_every_arm_has_a_block_of_each_transport_in_each_round(
    compared: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    blocks = read_blocks(compared[1])

    measured = sorted((block["round"], block["arm"], block["transport"]) for block in blocks)
    assert measured == sorted(
        (number, arm, transport)
        for number in (1, 2)
        for arm in ("threading", "eventlet")
        for transport in ("polling", "websocket")
    )
    assert all(block["operations"] > 0 and block["errors"] == 0 for block in blocks)
    assert all(block["server"]["cpu_seconds"] > 0 for block in blocks)


def test_rounds_are_interleaved(compared: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    blocks = sorted(read_blocks(compared[1]), key=lambda block: block["order"])

    assert [block["round"] for block in blocks] == [1] * 4 + [2] * 4


def test_arms_that_run_are_measured_side_by_side_over_each_transport(
    compared: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = compared
    lives = [json.loads(line) for line in (out / "lives.jsonl").read_text().splitlines()]

    assert sorted((life["number"], life["transport"], *life["sides"]) for life in lives) == [
        (number, transport, "threading", "eventlet")
        for number in (1, 2)
        for transport in ("polling", "websocket")
    ]
    parts = json.loads(done.stdout)["side_by_side"]
    assert [(part["transport"], part["figure"]) for part in parts] == [
        (transport, figure)
        for transport in ("polling", "websocket")
        for figure in ("cpu_us_per_message", "p50_us")
    ]
    assert all(median > 0 for part in parts for median in part["medians"].values())
    # Two lives carry no interval, and so no order.
    assert all(one["low"] is None and one["claimed"] is None for part in parts for one in part["ratios"])
    assert "2 lives only, and an interval needs 7" in (out / "report.html").read_text()
    assert len((out / "side_by_side.csv").read_text().splitlines()) == 1 + 4


def test_a_server_that_does_not_start_is_not_run_with_its_reason(
    compared: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    arms = {arm["id"]: arm for arm in json.loads((compared[1] / "run.json").read_text())["arms"]}

    assert arms["gunicorn-gthread"]["status"] == "not run"
    assert "needs the gunicorn package" in arms["gunicorn-gthread"]["reason"]
    assert "needs the gunicorn package" in (compared[1] / "report.html").read_text()


def test_json_alone_is_on_standard_output(compared: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    assert json.loads(compared[0].stdout)["kind"] == "results"


def test_the_command_to_repeat_it_holds_no_path(
    compared: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    run = json.loads((compared[1] / "run.json").read_text())

    assert run["command"] == "sioprobe compare --profile mine.toml --no-conformance"


def test_an_earlier_run_is_replaced_and_other_files_stay(
    compared: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    assert (compared[1] / "mine.txt").exists()
    assert "earlier" not in (compared[1] / "rounds.jsonl").read_text()
    assert not (compared[1] / "against.html").exists()


def test_a_folder_with_results_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("mine")

    done = run_here(main, "sioprobe compare", "--out", str(tmp_path))

    assert done.returncode == 2
    assert done.stderr == (
        f"sioprobe compare: error: --out {tmp_path}: holds results.json,"
        " but no run.json of an earlier comparison\n"
    )
    assert (tmp_path / "results.json").read_text() == "mine"


def test_a_case_is_repeated_by_a_command_that_starts_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases of two areas: `test_green.py` asks a server for all."""
    profile = write_profile(tmp_path, 1, "threading")
    profile.write_text(profile.read_text() + "load = false\n")
    areas = ("--area", "EIO-PL", "--area", "EIO-HS")
    whole = judging.run_child
    monkeypatch.setattr(judging, "run_child", lambda *words, **more: whole(*words, *areas, **more))
    comparison = Comparison(read_profile(str(profile)), tmp_path, "command", True, Progress())

    comparison.measure()

    cases = json.loads((tmp_path / "conformance-threading.json").read_text())["cases"]
    commands = [case["reproduce"] for case in cases if case["verdict"] == "known deviation"]
    assert commands
    assert all(
        command.startswith(
            "sioprobe serve --mode threading --ping-interval 1 --ping-timeout 3; "
            "then: sioprobe conform --url http://127.0.0.1:5000 --level 2 -- -k "
        )
        for command in commands
    ), commands[0]


def test_a_stop_whose_exception_was_lost_is_noticed_before_the_next_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = read_profile(str(write_profile(tmp_path, 50, "gevent")))
    comparison = Comparison(profile, tmp_path, "command", False, Progress())
    asked = threading.Event()
    asked.set()
    monkeypatch.setattr("load.comparing.comparison.stop_asked", asked)

    with pytest.raises(KeyboardInterrupt):
        comparison.measure()

    assert json.loads((tmp_path / "run.json").read_text())["interrupted"] is True
    assert not (tmp_path / "rounds.jsonl").exists()


def test_a_server_that_could_not_be_judged_is_loaded_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = read_profile(str(write_profile(tmp_path, 1, "gevent")))
    comparison = Comparison(profile, tmp_path, "command", True, Progress())
    monkeypatch.setattr("load.comparing.judging.CONFORMANCE_DEADLINE", 1.0)

    comparison.measure()

    line = "not judged: conformance took more than 1 s"
    [arm] = json.loads((tmp_path / "run.json").read_text())["arms"]
    assert (arm["status"], arm["notes"]) == ("measured", [line])
    assert f": {line}\n" in capsys.readouterr().err
    assert lines_of(tmp_path / "rounds.jsonl")


@pytest.mark.parametrize("connected", [3, 4])
def test_a_block_without_all_connections_is_told_when_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], connected: int
) -> None:
    class Narrow:
        urls, pids = ("http://127.0.0.1:1",), (1,)
        partners: ClassVar[dict[str, list[int]]] = {}

        def close(self) -> None:
            pass

    class Generator:
        def measure(self, request: dict[str, Any], deadline: float) -> Block:
            return block(connections=request["connections"], connected=connected)

    monkeypatch.setattr("load.comparing.comparison.start_arm", lambda *_, **more: Narrow())
    profile = read_profile(str(write_profile(tmp_path, 1, "gevent")))
    comparison = Comparison(profile, tmp_path, "command", False, Progress())
    [plan] = profile.arms

    comparison._block(plan, None, Generator(), "websocket", 1, 1)  # type: ignore[arg-type]

    told = "round 1: gevent, websocket: 3 of 4 connections were opened"
    assert (told in capsys.readouterr().err) == (connected == 3)
    assert lines_of(tmp_path / "rounds.jsonl") == 1


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


AMID_BLOCKS = (("gevent",), "rounds.jsonl")
AMID_LIVES = (("gevent", "threading"), "lives.jsonl")


@pytest.mark.parametrize(
    ("number", "modes", "written"),
    [
        (signal.SIGINT, *AMID_BLOCKS),
        (signal.SIGTERM, *AMID_LIVES),
        (signal.SIGKILL, *AMID_BLOCKS),
        (signal.SIGKILL, *AMID_LIVES),
    ],
)
def test_no_process_is_left_behind(
    number: signal.Signals, modes: tuple[str, ...], written: str, tmp_path: Path
) -> None:
    profile = write_profile(tmp_path, 50, *modes)
    profile.write_text(profile.read_text().replace("lives = 2", "lives = 50"))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [SIOPROBE, "compare", "--profile", profile, "--out", out, "--no-conformance"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 150
    while not lines_of(out / written):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"no line of {written} within 150 s"
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children

    os.kill(process.pid, number)
    _, complaint = process.communicate(timeout=120)

    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    if number is not signal.SIGKILL:
        assert process.returncode == 130, complaint
        run = json.loads((out / "run.json").read_text())
        assert run["interrupted"] is True
        assert (out / "report.html").exists()
        results = json.loads((out / "results.json").read_text())
        assert ("side_by_side" in results) is (written == "lives.jsonl")
    assert lines_of(out / written)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--profile", "quik"],
            "sioprobe compare: error: no profile or file 'quik' (the nearest is 'quick'; valid are full,",
        ),
        (
            ["--arm", "gevnt"],
            "sioprobe compare: error: profile quick has no arm 'gevnt' (the nearest is 'gevent'",
        ),
        (["--out", "/proc/nowhere"], "sioprobe compare: error: --out /proc/nowhere: "),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], complaint: str) -> None:
    done = run_here(main, "sioprobe compare", *arguments)

    assert done.returncode == 2
    assert done.stderr.startswith(complaint)
    assert len(done.stderr.splitlines()) == 1
