"""Applications of one's own are started, judged and loaded; what is wrong with one is said before."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from load.comparing import __main__ as command
from load.comparing import arm_servers
from load.comparing.arms import ArmPlan
from load.comparing.comparison import stop_asked
from load.servers import started
from load.watching.locating import Located
from sioprobe.results.files import read_results, read_rounds, read_run
from tests.in_process import run_here
from tests.servers import ROOT, start_command

SIOPROBE = Path(sys.executable).with_name("sioprobe")
NULL = f"{sys.executable} -m load.blocks.null_server --port {{port}}"
CHAT = ROOT / "tests" / "applications" / "chat"
ONE_LIFE = """
[side_by_side]
lives = 1
"""
SHORT = ("--users", "2", "--seconds", "0.3", "--rounds", "1", "--transport", "websocket")


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers of this process, which a comparison replaces."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    stop_asked.clear()


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it, and see that it wrote its report; on a busy machine perhaps no block can be believed."""
    done = subprocess.run(
        [SIOPROBE, "compare", "--out", folder / "out", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode in (0, 3), done.stderr[-3000:]
    return done


def python(program: str) -> str:
    return f"mine={sys.executable} -c {shlex.quote(program)} {{port}}"


def test_a_command_and_a_url_are_measured_beside_each_other(tmp_path: Path) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        own = ("--arm-command", f"mine={NULL}", "--arm-url", f"old={server.url}")
        done = compare(tmp_path, *own, *SHORT, "--no-conformance", "--json")
        assert server.process.poll() is None

    results = json.loads(done.stdout)
    arms = {arm["id"]: arm for arm in results["arms"]}
    assert [arm["status"] for arm in arms.values()] == ["measured", "measured"]
    assert arms["mine"]["versions"]["python"]
    assert arms["old"]["versions"] == {}
    (note,) = results["notes"]
    assert note.startswith(f"old: it ran at {server.url} already, so it was neither started anew")
    blocks = read_rounds(tmp_path / "out" / "rounds.jsonl").blocks
    assert {block.arm for block in blocks} == {"mine", "old"}
    for block in blocks:
        assert (block.scenario, block.connections, block.transport) == ("ack", 2, "websocket")
        assert block.server.cpu_seconds is not None, "the process that listens is found"
    assert results["command"].startswith("sioprobe compare --profile quick --arm-command 'mine=.../python ")
    assert results["command"].endswith("--users 2 --seconds 0.3 --rounds 1 --no-conformance")


def refused(folder: Path, *arguments: str) -> str:
    done = run_here(
        command.main, "sioprobe compare", *SHORT, "--no-conformance", "--out", str(folder / "out"), *arguments
    )
    assert done.returncode == 2
    return done.stderr.splitlines()[-1].removeprefix("sioprobe compare: error: ")


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--arm-command", python("raise SystemExit('no database')")),
            "arm mine: the server ended with 1: no database",
        ),
        (
            ("--arm-command", "mine=/no/such/serve {port}"),
            "arm mine: /no/such/serve: No such file or directory",
        ),
        (
            ("--arm-url", "mine=http://127.0.0.1:1"),
            "arm mine: over websocket: nothing listens at http://127.0",
        ),
        (
            ("--arm-command", python("print('READY nothing', flush=True)"), "--ready", "READY"),
            'arm mine: READY is not followed by {"urls": ["http://..."]}',
        ),
    ],
    ids=["ended", "no program", "no server", "no urls"],
)
def test_an_arm_that_does_not_run_is_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    assert refused(tmp_path, *arguments).startswith(line)


@pytest.mark.usefixtures("handlers")
def test_an_arm_that_is_never_ready_is_given_up_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started, "START_SECONDS", 3.0)

    said = refused(
        tmp_path, "--arm-command", python("print('migrating', flush=True); import time; time.sleep(600)")
    )

    assert said.startswith("arm mine: not ready in time (nothing accepts at port ")
    assert said.endswith("; its last line: migrating")


@pytest.mark.usefixtures("handlers")
def test_a_setup_that_fails_is_told_with_its_last_lines_and_leaves_earlier_results(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    setup = "echo first; echo no wheel >&2; echo of gevent >&2; exit 3"
    profile.write_text(f"[[arms]]\nid = 'mine'\nsetup = '{setup}'\ncommand = 'serve {{port}}'\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("an earlier run")

    said = refused(tmp_path, "--profile", str(profile))

    assert said == "arm mine: setup failed (3): no wheel / of gevent"
    assert (tmp_path / "out" / "run.json").read_text() == "an earlier run"


def chat(*more: str) -> tuple[str, ...]:
    return ("--arm-command", f"chat={sys.executable} {CHAT / 'app.py'} --port {{port}}", *more)


@pytest.fixture(scope="module")
def cookie() -> str:
    """Of somebody who is logged in."""
    return subprocess.check_output(
        [sys.executable, CHAT / "app.py", "--cookie", "ann"], text=True, timeout=60
    ).strip()


@pytest.mark.usefixtures("handlers")
def test_a_client_that_is_not_let_in_is_told_why(tmp_path: Path) -> None:
    said = refused(tmp_path, *chat())

    assert said.startswith("arm chat: over websocket: http://127.0.0.1:")
    assert "log in first" in said


@pytest.mark.usefixtures("handlers")
def test_a_scenario_that_the_application_does_not_answer_is_told_before_any_block(
    tmp_path: Path, cookie: str
) -> None:
    said = refused(tmp_path, *chat("--cookie", cookie))

    assert said.startswith("arm chat: over websocket: scenario ack got no answer in a short trial (")
    assert not (tmp_path / "out" / "rounds.jsonl").exists()


def test_an_application_is_judged_without_the_contract_and_as_what_it_is_made_of(
    tmp_path: Path, cookie: str
) -> None:
    compare(tmp_path, *chat("--cookie", cookie), *SHORT, "--scenario", "idle")

    (judged,) = (tmp_path / "out").glob("conformance-*.json")
    found: dict[str, Any] = json.loads(judged.read_text())
    assert found["target"]["contract_level"] == 0
    assert found["target"]["library"] == "flask-socketio"
    assert found["counts"]["pass"] > 30
    results = read_results(tmp_path / "out" / "results.json")
    broken = [case for case in found["cases"] if case["verdict"] == "fail"]
    assert broken == []
    # On a busy machine a block of 0.3 s may be INVALID, and then the results are incomplete.
    assert results["verdict"] in ("complete", "incomplete")
    assert cookie not in "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    commands = [case["reproduce"] for case in found["cases"] if case.get("reproduce")]
    assert all(
        "app.py --port 5000; then: sioprobe conform --url http://127.0.0.1:5000" in text for text in commands
    )


def test_the_profile_of_the_documentation_compares_a_chat_in_three_modes(tmp_path: Path) -> None:
    """With a login by cookie and rooms; but for an environment of its own, which takes a registry."""
    folder = tmp_path / "chat"
    shutil.copytree(CHAT, folder)
    profile = folder / "compare.toml"
    text = profile.read_text()
    assert len(text.splitlines()) <= 20
    built = r"python3 -m venv .*? \\\n  && "
    text = re.sub(built, "", text, flags=re.DOTALL).replace(".venv/bin/python", sys.executable)
    profile.write_text(text + ONE_LIFE)

    compare(tmp_path, "--profile", str(profile), "--rounds", "1", "--no-conformance")

    run = read_run(tmp_path / "out" / "run.json")
    assert [(arm["id"], arm["mode"], arm["reason"]) for arm in run["arms"]] == [
        (mode, mode, None) for mode in ("threading", "eventlet", "gevent")
    ]
    assert "failed_blocks" not in run["profile"]
    blocks = read_rounds(tmp_path / "out" / "rounds.jsonl").blocks
    assert {(block.arm, block.scenario, block.connected) for block in blocks} == {
        (mode, "call", 20) for mode in ("threading", "eventlet", "gevent")
    }
    assert sum(block.operations for block in blocks) > 0
    assert [block.error_kinds for block in blocks if block.errors] == []


def test_the_same_chat_is_compared_by_its_locustfile(tmp_path: Path) -> None:
    folder = tmp_path / "chat"
    shutil.copytree(CHAT, folder)
    profile = folder / "people.toml"
    profile.write_text(
        f"""
[load]
locustfile = "people.py"
transports = ["websocket"]
connections = 20
rounds = 1
minimum_rounds = 1

[[arms]]
command = "{sys.executable} app.py --async-mode {{mode}} --port {{port}}"
{ONE_LIFE}"""
    )

    compare(tmp_path, "--profile", str(profile), "--no-conformance")

    run = read_run(tmp_path / "out" / "run.json")
    assert [arm["reason"] for arm in run["arms"]] == [None, None, None]
    assert run["profile"]["load"]["locustfile"] == "people.py"
    blocks = read_rounds(tmp_path / "out" / "rounds.jsonl").blocks
    assert {(block.arm, block.scenario, block.connected) for block in blocks} == {
        (mode, "locustfile", 20) for mode in ("threading", "eventlet", "gevent")
    }
    for block in blocks:
        assert block.error_kinds == {}
        assert block.found is not None
        assert block.operations > 0
        # What one of them says, all of them hear.
        assert block.messages > 10 * block.operations
    results = read_results(tmp_path / "out" / "results.json")
    assert {cell["scenario"] for cell in results["cells"]} == {"locustfile"}
    assert str(tmp_path) not in "".join(
        path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix != ".html"
    )


PEOPLE = (CHAT / "people.py").read_text()
WITHOUT_LOGIN = PEOPLE.replace("self.cookies =", "self.others =")


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("text", "arguments", "line"),
    [
        ("x = 1", (), "chat.py: has no class that inherits from SocketIOUser"),
        (None, ("--scenario", "echo"), "locustfile and --scenario say two different things"),
        (None, ("--payload-bytes", "3"), "locustfile and --payload-bytes say two different things"),
        (
            None,
            ("--auth", "{}"),
            "auth goes with a scenario; users of a locustfile call self.connect(auth=...)",
        ),
        (WITHOUT_LOGIN, (), "arm chat: no connection to http://127.0.0.1:"),
    ],
    ids=["no user", "scenario", "parameter", "auth", "not let in"],
)
def test_a_locustfile_that_cannot_be_played_is_one_line(
    tmp_path: Path, text: str | None, arguments: tuple[str, ...], line: str
) -> None:
    file = tmp_path / "chat.py"
    file.write_text(PEOPLE if text is None else text)

    assert refused(tmp_path, *chat("--locustfile", str(file), *arguments)).startswith(line)


@pytest.mark.parametrize(
    ("located", "pids", "notes"),
    [
        (Located((4711,)), [4711], []),
        (Located(reason="it is elsewhere"), [], ["CPU and memory were not measured: it is elsewhere"]),
    ],
    ids=["another process listens", "nobody is seen to listen"],
)
def test_figures_are_those_of_the_process_that_listens(
    monkeypatch: pytest.MonkeyPatch, located: Located, pids: list[int], notes: list[str]
) -> None:
    """A command may be the client of a container, whose CPU says nothing about the server."""
    monkeypatch.setattr(arm_servers, "locate", lambda urls: located)
    plan = ArmPlan(id="a", title="a", command=NULL, cwd=str(ROOT))

    with arm_servers.start_arm(plan) as server:
        assert isinstance(server, arm_servers.OwnServer)
        assert (server.pids, server.notes) == (pids, notes)
