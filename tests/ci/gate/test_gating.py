"""Whole gates: an application with a git history, sides that cannot be built, and ends of every kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from ci.gate.children import MARK
from sioprobe.results.files import read_gate, read_lives
from tests.servers import ROOT, handle_events

SIOPROBE = Path(sys.executable).with_name("sioprobe")
REFERENCE = f"{sys.executable} -m server_under_test --mode threading --port 0"
APPLICATION = """
import sys
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")


@socketio.on("chat")
def chat(text):
    for _ in range(ROUNDS):
        pass
    return len(text)


socketio.run(app, port=int(sys.argv[1]), allow_unsafe_werkzeug=True)
"""
CONFIG = f"""
[gate]
setup = "touch built"
command = "{sys.executable} app.py {{port}}"
event = "chat"
arguments = ["hello"]
cell = ["websocket"]
"""


def gate(*arguments: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SIOPROBE, "gate", *arguments], cwd=cwd, capture_output=True, text=True, timeout=400, **more
    )


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the gates of this test put their folders; other gates may run at the same time."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def left_behind(folder: Path) -> list[str]:
    """What gates left in their folder, and processes that carry the mark of one in it."""
    found = [path.name for path in folder.glob("sioprobe-*")]
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK, "").startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An application of one's own: two commits, the second of which is slow, and its configuration."""
    folder = tmp_path / "application"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "app.py").write_text(APPLICATION.replace("ROUNDS", "1"))
    (folder / "sioprobe.toml").write_text(CONFIG)
    (folder / ".gitignore").write_text("built\ngate-out\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=the application")
    (folder / "app.py").write_text(APPLICATION.replace("ROUNDS", "20000"))
    git(folder, "commit", "--quiet", "--all", "--message=more work")
    return folder


def test_a_slow_commit_of_an_application_is_a_regression(repository: Path, own_temp: Path) -> None:
    done = gate("--base", "HEAD~1", "--budget", "2m", "--json", cwd=repository)

    found = json.loads(done.stdout)
    assert found["verdict"] == "REGRESSION", done.stdout[-3000:]
    assert done.returncode == found["exit_code"] == 1
    assert found["base"]["title"].endswith("the application")
    assert found["head"]["title"].startswith("the working tree on ")
    (cell,) = found["cells"]
    assert cell["cpu"]["low"] > 0.1
    # A loop has no calls: only the bytecodes tell of it.
    (counted,) = found["counters"]
    assert counted["functions"] == []
    differing = {metric["name"] for metric in counted["metrics"] if metric["equal"] is False}
    assert "bytecodes" in differing
    assert "Python calls" not in differing
    (judged,) = found["conformance"]
    assert (judged["mode"], judged["broken"], judged["problem"]) == (None, [], None)
    out = repository / "gate-out"
    assert read_gate(out / "gate.json") == found
    assert len(read_lives(out / "lives.jsonl")) == cell["lives"]
    assert "http://" not in (out / "gate.html").read_text().replace("http://www.w3.org/2000/svg", "")
    assert len((out / "summary.md").read_text().splitlines()) <= 25
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=repository) == b""
    assert not (repository / "built").exists()
    assert left_behind(own_temp) == []


LOCUSTFILE = """
from locust import between, task
from sioprobe import SocketIOUser


class Chatter(SocketIOUser):
    wait_time = between(1, 2)

    def on_start(self):
        self.connect()

    @task
    def chat(self):
        assert self.call("chat", "hello") == 5
"""


def test_tasks_of_a_locustfile_are_gated_by_the_task(repository: Path, own_temp: Path) -> None:
    (repository / "chat.py").write_text(LOCUSTFILE)
    (repository / "sioprobe.toml").write_text(
        "\n".join(line for line in CONFIG.splitlines() if not line.startswith(("event", "arguments")))
        + '\nlocustfile = "chat.py"\n'
    )

    done = gate("--base", "HEAD~1", "--no-conformance", "--budget", "90s", "--json", cwd=repository)

    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "REGRESSION"), done.stdout[-3000:]
    assert found["unit"] == "task"
    (cell,) = found["cells"]
    assert (cell["id"], cell["scenario"]) == ("websocket", "tasks")
    assert cell["cpu"]["low"] > 0.1
    assert cell["why"].startswith("CPU per task +")
    (counted,) = found["counters"]
    counts = {metric["name"]: metric["base"] for metric in counted["metrics"]}
    assert counts["packets from the server"] == 1
    assert left_behind(own_temp) == []


def test_a_locustfile_that_cannot_be_played_stops_the_gate_before_anything_is_built(
    repository: Path, own_temp: Path
) -> None:
    (repository / "chat.py").write_text("import no_such_module")

    done = gate(
        "--base-command", "old {port}", "--head-command", "new {port}", "--locustfile", "chat.py",
        "--config", "/dev/null", cwd=repository,
    )  # fmt: skip

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == (
        "sioprobe gate: error: --locustfile chat.py: line 1: ModuleNotFoundError: "
        "No module named 'no_such_module'"
    )
    assert not (repository / "gate-out").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--base", "no-such"), "--base 'no-such' is no revision of application"),
        ((), "head is the merge base itself, so there is nothing to compare; name a --base"),
        (("--base", "HEAD", "--setup", "echo no wheel >&2; exit 3"), "--setup failed (3): no wheel"),
        (("--base", "HEAD", "--setup", "kill -9 $$"), "--setup failed (-9): it said nothing"),
        (("--base", "HEAD", "--ready", "/up", "--command", "serve"), "--ready /up needs {port} in the"),
    ],
)  # fmt: skip
def test_a_side_that_cannot_be_built_is_an_error(
    repository: Path, own_temp: Path, arguments: tuple[str, ...], line: str
) -> None:
    done = gate(*arguments, cwd=repository)

    assert done.returncode == 2
    assert line in done.stderr.splitlines()[-1]
    assert read_gate(repository / "gate-out" / "gate.json")["verdict"] == "ERROR"
    assert left_behind(own_temp) == []


def test_outside_of_a_repository_there_are_no_revisions(tmp_path: Path, own_temp: Path) -> None:
    done = gate("--base", "HEAD", "--command", "serve {port}", "--event", "chat", cwd=tmp_path)

    assert done.returncode == 2
    assert "not a git repository" in done.stderr.splitlines()[-1]


def test_a_package_that_does_not_install_is_an_error(tmp_path: Path, own_temp: Path) -> None:
    done = gate("--base-with", "sioprobe==0.0.0.1", "--cell", "gevent:websocket", cwd=tmp_path)

    assert done.returncode == 2
    assert "base: pip install sioprobe==0.0.0.1 failed" in done.stderr.splitlines()[-1]
    assert left_behind(own_temp) == []


def test_a_server_that_does_not_start_is_an_error_with_its_last_line(tmp_path: Path, own_temp: Path) -> None:
    broken = f"{sys.executable} -c 'raise SystemExit(\"no database\")'"

    done = gate(
        "--base-command", REFERENCE, "--head-command", broken, "--no-conformance", "--no-counters", "--json",
        cwd=tmp_path,
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert found["verdict"] == "ERROR"
    assert found["problem"] == "head: the server ended with 1: no database"
    assert done.stderr.splitlines() == ["sioprobe gate: error: head: the server ended with 1: no database"]


def test_a_broken_requirement_stops_the_gate_by_its_name(tmp_path: Path, own_temp: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    # Acks without their data.
    handle_events(broken, "handle(self, *arguments)")
    head = f"env PYTHONPATH={broken}{os.pathsep}{ROOT} {REFERENCE}"

    done = gate(
        "--base-command", REFERENCE, "--head-command", head, "--no-counters", "--budget", "3m",
        "--tolerance", "100%", "--json",
        cwd=tmp_path,
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "REGRESSION"), done.stderr[-2000:]
    (judged,) = found["conformance"]
    named = {case["id"] for case in judged["broken"]}
    assert named
    # No other area is touched.
    assert "SIO-AK" in {name[:6] for name in named}
    assert all(f"{name} is broken" in found["sentence"] for name in named)
    assert left_behind(own_temp) == []


def test_an_out_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = gate("--base-command", REFERENCE, "--head-command", REFERENCE, "--out", "file/out", cwd=tmp_path)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == "sioprobe gate: error: file/out: Not a directory"
