"""Whole runs of `--client`: against real clients, and against programs that are none."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.__main__ import main
from conformance.finding import client as finding
from conformance.verdicts import HarnessError
from server_under_test.foreign.clients import CLIENTS
from sioprobe.results.validate import validate
from tests.in_process import run_here
from tests.servers import ROOT

PROGRAM = "sioprobe conform"
HELLO = """
import json
def see(**word):
    print(json.dumps(word), flush=True)
see(seen="hello", client="liar", version="1", features=[])
word = json.loads(input())
see(seen="connect" if word["do"] != "connect" else "unknown", do=word["do"])
input()"""


def run(*words: str) -> tuple[int, str, str]:
    done = run_here(main, PROGRAM, *words)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["js", "js-2", "python", "swarm"])
def test_a_real_client_is_judged(name: str, tmp_path: Path) -> None:
    """Each failure of theirs is a known deviation."""
    file = tmp_path / "r.json"
    page, text = tmp_path / "p.html", tmp_path / "p.md"
    command = [sys.executable, "-m", "conformance", "--client", name, "--report", str(file)]
    command += ["--html", str(page), "--markdown", str(text)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)

    result = json.loads(file.read_text("utf-8"))
    validate(result, "conformance", str(file))
    wrong = [f"{case['id']} {case['case']} {case['transport']}: {case['actual']}" for case in result["cases"]
             if case["verdict"] in ("fail", "inconclusive", "harness error", "unexpected pass")]  # fmt: skip
    assert (done.returncode, wrong) == (0, []), done.stdout
    assert result["target"]["role"] == "client"
    assert f"started by {name}" in page.read_text("utf-8")
    assert "| client | outcome |" in text.read_text("utf-8")
    assert result["counts"]["pass"] > 50


def test_url_and_client_do_not_go_together() -> None:
    code, _, err = run("--client", "js", "--url", "http://127.0.0.1:1")

    assert code == 2
    assert "--url judges a server and --client a client: give one of them" in err


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("pass", 4, "nothing connected; the process of the client ended with code 0"),
        ("raise SystemExit('no such thing')", 4, "ended with code 1: no such thing"),
        ("print('hello, world')", 4, "no Socket.IO client: nothing connected; the process"),
        ("""print('{"seen": "hello"}')""", 2, "its hello has no client or no version"),
        (HELLO.replace("[]", "['telepathy']"), 2, "its hello names the feature 'telepathy'"),
        (HELLO, 2, "answers a command that it cannot know by 'connect', not `unknown`"),
        (HELLO.replace('"connect" if', '"unknown" if'), 4, "connected; the process of the client ended"),
    ],
)
def test_what_is_no_client_gets_one_line(program: str, code: int, said: str, tmp_path: Path) -> None:
    file = tmp_path / "client.py"
    file.write_text(program, "utf-8")

    got, _, err = run("--client", shlex.join([sys.executable, str(file)]))

    assert (got, said in err) == (code, True), err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("given", "said"), [("browser", "its hello has no client"), ("", "nothing connected within 0 s")]
)
def test_an_agent_of_ours_may_say_hello_late(given: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "CONNECT_SECONDS", 0.2)
    late = """import time; time.sleep(1); print('{"seen": "hello"}', flush=True); time.sleep(60)"""
    command = [sys.executable, "-c", late]

    with pytest.raises((HarnessError, finding.NoClient), match=said):
        asyncio.run(finding.find_client(given or shlex.join(command), command, None))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nodee", "no program has that name"),
        ("'", "No closing quotation"),
        ("/nowhere/client --fast", "cannot be started: /nowhere/client: No such file or directory"),
    ],
)
def test_what_cannot_be_started_gets_one_line_and_2(given: str, said: str) -> None:
    code, _, err = run("--client", given)

    assert (code, said in err) == (2, True), err


def test_a_file_without_an_interpreter_is_told_from_a_name(tmp_path: Path) -> None:
    file = tmp_path / "client.mjs"
    file.touch()

    code, _, err = run("--client", str(file))

    assert code == 2
    assert f"{file} is not executable: write 'node {file}', or the like" in err


def test_level_1_needs_an_agent(tmp_path: Path) -> None:
    connects = (
        "import sys, urllib.request as r\nr.urlopen(sys.argv[1] + '/socket.io/?EIO=4&transport=polling')"
    )
    file = tmp_path / "client.py"
    file.write_text(connects + "\ninput()", "utf-8")

    code, _, err = run("--client", shlex.join([sys.executable, str(file)]), "--level", "1")

    assert code == 2
    assert "--level 1 needs an agent, and the program connects without a hello" in err


def test_the_names_are_listed() -> None:
    code, out, _ = run("--client", "list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(CLIENTS)


CONTRACT = (ROOT / "conformance/CLIENT_CONTRACT.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("heading", "language", "level"),
    [("Level 0", "python", 0), ("An agent in", "python", 1), ("An agent in", "js", 1)],
)
def test_the_programs_of_the_contract_are_judged(
    heading: str, language: str, level: int, tmp_path: Path
) -> None:
    section = CONTRACT.partition(f"## {heading}")[2]
    program = section.partition(f"```{language}\n")[2].partition("```")[0]
    name, command = {"python": ("a.py", sys.executable), "js": ("a.mjs", "node")}[language]
    file, report = tmp_path / name, tmp_path / "r.json"
    file.write_text(program, "utf-8")
    (tmp_path / "node_modules").symlink_to(ROOT / "conformance/agents/js/node_modules")

    words = ["--client", shlex.join([command, str(file)]), "--id", "CLI-CN-01", "--report", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *words], capture_output=True, text=True, cwd=ROOT
    )

    result = json.loads(report.read_text("utf-8"))
    assert result["target"]["contract_level"] == level
    assert done.returncode == 0, done.stdout
    assert result["counts"]["pass"] >= 1


OF_2_X = """
const options = { reconnection: false, ...JSON.parse(process.env.SIOPROBE_OPTIONS ?? "{}") };
require("socket.io-client-2")(process.env.SIOPROBE_URL, options);
"""


def test_a_program_of_engineio_3_is_judged_without_an_option(tmp_path: Path) -> None:
    file, report = tmp_path / "a.cjs", tmp_path / "r.json"
    file.write_text(OF_2_X, "utf-8")
    (tmp_path / "node_modules").symlink_to(ROOT / "conformance/agents/js/node_modules")

    words = ["--id", "CLI3-01", "--id", "CLI-UP-05", "--id", "CLI-CN-01", "--report", str(report)]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "--client", shlex.join(["node", str(file)]), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    result = json.loads(report.read_text("utf-8"))
    assert done.returncode == 0, done.stdout
    assert "Engine.IO 3 with Socket.IO 4, contract level 0" in done.stdout
    assert result["target"]["revisions"] == [3]
    verdicts = {case["case"].partition("::")[2]: case["verdict"] for case in result["cases"]}
    assert verdicts["test_begins_with_a_get_that_says_eio_3"] == "pass"
    assert verdicts["test_does_not_upgrade_where_none_is_offered"] == "pass"
    assert verdicts["test_begins_with_connect"] == "not applicable"
