"""The auth payload and other secrets: every CONNECT carries it, and nothing that is written holds it."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
import pytest
from click.testing import CliRunner

from load.blocks import calibration
from load.blocks.measuring import BlockRequest, Crowd, RequestError, measure
from load.capacity.__main__ import block_of
from load.capacity.document import document
from load.capacity.search import Capacity
from load.capacity.trials import SearchPlan
from load.doctor.__main__ import main as doctors_command
from load.doctor.instruments.held_connections import HeldConnections
from load.doctor.patient import Patient
from load.profiles.run_plan import RunPlan
from load.scenarios import SCENARIOS
from sioprobe.commandline.auth_payload import AuthError, check_auth, parse_auth, read_text
from sioprobe.commandline.connection_arguments import add_connection_options
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.commandline.server_url import problem_with_url
from sioprobe.engine import SwarmError, Target
from sioprobe.results.loads import to_json
from tests.load.guarded_server import SECRETS
from tests.load.locusts import headless, load, with_workers
from tests.servers import ROOT, Server, start_command

DEADLINE = 60.0
TOKEN = json.dumps({"token": SECRETS["auth"]})
CONNECTION = ConnectionOptions.from_json(
    {
        "auth": {"token": SECRETS["auth"]},
        "headers": {"Authorization": f"Bearer {SECRETS['header']}"},
        "cookies": {"session": SECRETS["cookie"]},
        "query": {"key": SECRETS["query"]},
    }
)
SHOWN = (
    *("--header", f"Authorization: Bearer {SECRETS['header']}"),
    *("--cookie", f"session={SECRETS['cookie']}", "--query", f"key={SECRETS['query']}"),
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "tests.load.guarded_server"]) as server:
        yield server


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "tests.strict_server"]) as server:
        yield server


def program(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL
    )


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return program(sys.executable, "-m", "load.doctor", *arguments)


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "load" / "swarm.py")]
    return program(*command, "--headless", "--loglevel", "ERROR", *arguments)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_connection_options(parser.add_argument)
    return parser.parse_args(words)


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert [secret for secret in SECRETS.values() if secret in text] == []


# A connection after the first is a further life, or follows an outage.
LATER: dict[str, dict[str, Any]] = {
    "churn": {"acks": 1},
    "upgrade": {},
    "storm": {"waves": 1, "backoff": "none"},
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_connect_of_every_scenario_carries_it(strict: Server, scenario: str) -> None:
    request = {
        "url": strict.url,
        "scenario": scenario,
        "transport": SCENARIOS[scenario].transports[-1],
        "connections": 2,
        "namespace": "/auth",
        **({"namespaces": "/auth,/custom"} if scenario == "namespaces" else {}),
        **({"event": "message-with-ack"} if scenario == "call" else {}),
        **LATER.get(scenario, {}),
    }
    wrong = Crowd(BlockRequest.from_json({**request, "auth": {"token": "wrong"}}))
    wrong.engine.start()
    try:
        assert wrong.connect() == []
        assert {str(player.failure) for player in wrong.players} == {
            "connect refused: {'message': 'bad token'}"
        }
    finally:
        wrong.close()
    crowd = Crowd(BlockRequest.from_json({**request, "auth": {"token": "good"}}))
    crowd.engine.start()
    try:
        players = crowd.connect()
        assert len(players) == 2
        for player in players:
            player.begin()
        connects = crowd.engine.recorder.series("SIO connect", request["transport"])
        wanted = 4 if scenario in LATER else 2
        with gevent.Timeout(DEADLINE, AssertionError("not connected again")):
            while connects.total.timed + connects.recent.timed < wanted:
                gevent.sleep(0.01)
        crowd.drain()
        assert "connect refused" not in crowd.engine.recorder.errors()
    finally:
        crowd.close()


@pytest.mark.parametrize("namespace", ["/", "/chat"])
def test_the_null_server_takes_it(namespace: str) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        request = {"url": server.url, "namespace": namespace, "auth": {"token": "a,/b{"}, "connections": 2}
        block = measure(BlockRequest.from_json({**request, "warmup_seconds": 0.0, "seconds": 0.1}))

    assert (block.connected, block.errors) == (2, 0)
    assert block.operations > 0


def test_results_and_what_is_printed_hold_no_secret(guarded: Server, tmp_path: Path) -> None:
    """By files, to workers as well: the master reads them, and they are Locust's own processes."""
    token, header = tmp_path / "token.json", tmp_path / "header"
    token.write_text(TOKEN)
    header.write_text(f"Authorization: Bearer {SECRETS['header']}\n\n")
    out = tmp_path / "out"
    out.mkdir()
    done = headless(
        *("--host", guarded.url, "-u", "2", "-r", "2", "-t", "60s", *with_workers(2)),
        *("--auth", f"@{token}", "--header", f"@{header}", *SHOWN[2:]),
        *("--summary-json", str(out / "summary.json"), "--html", str(out / "report.html")),
        *("--csv", str(out / "figures"), "--json", "--loglevel", "DEBUG", "--logfile", str(out / "log")),
        until={"SIO ack": 1},
    )

    summary = json.loads((out / "summary.json").read_text())
    assert summary["errors"] == {}, done.stderr
    assert summary["operations"] > 0
    files = [path.read_text() for path in out.iterdir()]
    assert len(files) >= 6
    assert "<html" in (out / "report.html").read_text()
    assert_no_secret(done.stdout, done.stderr, *files)


def test_the_front_hands_everything_on(guarded: Server) -> None:
    done = load(
        *("--url", guarded.url, "--users", "2", "--json", "--auth", TOKEN, *SHOWN), until={"SIO ack": 1}
    )

    summary = json.loads(done.stdout)
    assert summary["errors"] == {}
    assert summary["operations"] > 0
    # The calibration plays against a server that asks for nothing.
    assert summary["floor"] is not None, summary["calibration"]
    assert_no_secret(done.stdout, done.stderr)


@pytest.mark.parametrize("command", [load, locust])
def test_a_refusal_that_repeats_them_is_told_without(guarded: Server, command: Any) -> None:
    address = ["--url", guarded.url] if command is load else ["--host", guarded.url]
    more = [] if command is load else ["-u", "1", "-t", "1s"]
    done = command(*address, *more, "--auth", '{"token": "wrong-one"}', *SHOWN)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"error: {guarded.url} refuses the namespace: " in line
    assert '"auth": "***", "header": "***"' in line
    assert_no_secret(done.stderr)
    assert "wrong-one" not in done.stderr


def test_a_search_shows_them_and_its_result_does_not(guarded: Server) -> None:
    plan = RunPlan(connection=CONNECTION, users=2)
    found = SearchPlan(block_of(plan, [guarded.url], "none"), connections=2, seconds=0.5)

    block = measure(BlockRequest.from_json({**found.request(20.0), "warmup_seconds": 0.0}))

    assert block.errors == 0
    assert block.operations > 0
    result = document(Capacity(None, 0, "budget", ()), found, None, 1.0, {})
    assert_no_secret(json.dumps(to_json(block)), json.dumps(result), repr(plan))
    with pytest.raises(RequestError) as caught:
        measure(BlockRequest.from_json({**found.request(20.0), "auth": {"token": "wrong-one"}}))
    assert str(caught.value).startswith(f"no connection to {guarded.url}: connect refused: ")
    assert_no_secret(str(caught.value))
    assert "wrong-one" not in str(caught.value)


@pytest.mark.parametrize("auth", [{"token": SECRETS["auth"]}, None])
def test_the_doctor_is_let_in(auth: dict[str, Any] | None) -> None:
    with start_command([sys.executable, "-m", "tests.load.guarded_server", "auth", "header"]) as server:
        patient = Patient(Target.from_url(server.url, headers=CONNECTION.headers), auth=auth)
        patient.meet()
        poller, socket = patient.poller(), patient.socket()
        answered = []
        for client in (poller, socket):
            with contextlib.suppress(SwarmError):
                client.call(patient.calls.next(), timeout=5.0 if auth else 0.5)
                answered.append(client)
            client.close()
        held = HeldConnections(patient.target, "websocket", patient.auth)
        held.fill(1, lambda: 0)
        joined = [bool(each.connection.namespaces) for each in held.all]
        held.end()

    assert answered == ([poller, socket] if auth else [])
    assert joined == [auth is not None]


def test_the_doctor_shows_all_of_them(guarded: Server) -> None:
    done = doctor(guarded.url, "--only", "roundtrips", "--json", "--auth", TOKEN, *SHOWN)

    result = json.loads(done.stdout)
    assert [each["id"] for each in result["examined"]] == ["roundtrips"]
    assert result["findings"] == []
    assert_no_secret(done.stdout, done.stderr)


def test_the_doctor_repeats_none(guarded: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"findings": [], "saw": list(SECRETS.values())}
    monkeypatch.setattr("load.doctor.__main__.examine", lambda *_: said)

    done = CliRunner().invoke(doctors_command, [guarded.url, "--json", "--auth", TOKEN, *SHOWN])

    assert json.loads(done.stdout) == {"findings": [], "saw": ["***"] * len(SECRETS)}


def test_no_secret_is_an_argument_of_another_process(tmp_path: Path, monkeypatch: Any) -> None:
    given = replace(CONNECTION, path="/chat/", ca_file=__file__, verify=False)
    arguments = given.arguments(tmp_path)

    assert_no_secret(*arguments)
    assert ConnectionOptions.read(parsed(*arguments)) == given
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}

    seen: list[str] = []

    def module_command(*words: str) -> list[str]:
        seen.extend(words)
        return [sys.executable, "-c", 'print(\'{"error": "seen"}\')']

    monkeypatch.setattr(calibration, "module_command", module_command)
    with pytest.raises(calibration.NoFloor, match="seen"):
        calibration.calibrate({"connections": 3, **CONNECTION.to_json()})
    assert json.loads(seen[1]) == {"connections": 3}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 'is not JSON (Expecting value at character 1); such as {"token": "..."}'),
        ("{token: x}", "is not JSON (Expecting property name enclosed in double quotes at character 2)"),
        ('"token"', "is text, not a JSON object"),
        ("[1]", "is an array, not a JSON object"),
        ("null", "is null, not a JSON object"),
        ('{"a": 1, "a": 2}', "has a name twice in one object"),
        ('{"a": NaN}', "holds NaN, which JSON does not have"),
        ('{"a": ' + "9" * 5000 + "}", "holds a number with too many digits"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_wrong_payload_is_named_but_not_repeated(text: str, line: str) -> None:
    with pytest.raises(AuthError) as caught:
        parse_auth(text)

    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_payload_of_toml_that_is_no_json_is_refused() -> None:
    with pytest.raises(AuthError, match=r"^holds a value that JSON does not have$"):
        check_auth({"since": datetime.now(UTC)})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf{}")

    for given, line in {
        "@": "@ lacks the name of a file",
        "@nowhere.json": "@nowhere.json: No such file or directory",
        "@.": "@.: Is a directory",
        "@latin": "@latin: is not UTF-8",
        "@a\0b": "@a\0b: is not a file",
    }.items():
        with pytest.raises(AuthError) as caught:
            read_text(given, tmp_path)
        assert str(caught.value) == line
    assert read_text("@bom.json", tmp_path) == "{}"


@pytest.mark.parametrize(
    ("command", "address", "given", "line"),
    [
        (load, "--url", "@nowhere.json", "--auth @nowhere.json: No such file or directory"),
        (locust, "--host", "{nonsense}", "--auth is not JSON (Expecting property name enclosed in double"),
        (doctor, "", "{nonsense}", "--auth is not JSON (Expecting property name enclosed in double"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(command: Any, address: str, given: str, line: str) -> None:
    done = command(*([address] if address else []), "http://127.0.0.1:1", "--auth", given)

    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert f"error: {line}" in said
    assert "nonsense" not in said


@pytest.mark.parametrize(
    ("url", "line"),
    [
        (
            "http://a:pw@127.0.0.1:1",
            "http://127.0.0.1:1 has a user name in front of it; give it with --header",
        ),
        ("http://127.0.0.1:1?key=pw", "http://127.0.0.1:1 has a query; give it with --query NAME=VALUE"),
        ("http://127.0.0.1:1/pa/", "http://127.0.0.1:1/pa/ has a path; give that of the Socket.IO endpoint"),
        ("http://a:pw@[::1?key=pw", "'[::1' is not http://host:port or https://host:port"),
    ],
)
def test_a_url_with_secrets_is_refused_without_them(url: str, line: str) -> None:
    problem = problem_with_url(url)

    assert problem is not None
    assert problem.startswith(line)
    assert "pw" not in problem


def test_a_url_with_secrets_is_refused_by_the_locustfile() -> None:
    done = locust("--host", "http://127.0.0.1:1?key=pw", "-u", "1", "-t", "1s")

    assert done.returncode == 2
    assert done.stderr == "locust: error: http://127.0.0.1:1 has a query; give it with --query NAME=VALUE\n"


def test_what_is_cut_out() -> None:
    given = ConnectionOptions(
        headers={"Authorization": "Basic dXNlcg=="},
        query={"key": "a b&c"},
        auth={"token": "abcdef", "deep": [{"pin": 123456}], "short": "ab", "on": True, "quoted": 'x"y"z'},
        ca_file="/some/file",
    )

    assert given.redact_data({"abcdef": ["abcdef", 123456, None]}) == {"abcdef": ["***", 123456, None]}
    assert given.redact("abcdef 123456 ab dXNlcg== True /some/file") == "*** *** ab *** True /some/file"
    assert given.redact('a b&c a%20b%26c a+b%26c x"y"z x\\"y\\"z') == "*** *** *** *** ***"
    # Where one holds another, no rest of the longer one is left.
    nested = ConnectionOptions(auth={"user": "name", "token": "name-and-more"})
    assert nested.redact("name-and-more of name") == "*** of ***"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--header=secret"], "--header is not NAME:VALUE"),
        (["--query=a=1", "--query=secret"], "--query number 2 is not NAME=VALUE"),
        (["--cookie=a=1\nsecret"], "--cookie 'a' has a line break in its value"),
        (["--header=Upgrade:secret"], "--header 'Upgrade' cannot be set"),
        (["--cookie=a=secret;b"], "--cookie 'a' is no cookie"),
    ],
)
def test_a_pair_that_is_none_is_not_repeated(words: list[str], line: str) -> None:
    with pytest.raises(OptionError) as caught:
        ConnectionOptions.read(parsed(*words))

    assert str(caught.value) == line


def test_what_may_be_shown_of_a_command_holds_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"X-Token: {SECRETS['header']}\n")
    words = ["--path", "/chat/", "--auth", TOKEN, *SHOWN, "--header", f"@{file}", "--no-verify"]

    given = ConnectionOptions.read(parsed(*words)).given

    assert shlex.join(given) == (
        "--path /chat/ --auth ... --header Authorization:... --header "
        f"@{file} --cookie session=... --query key=... --no-verify"
    )
    assert_no_secret(*given, repr(ConnectionOptions.read(parsed(*words))))
