"""Whole runs, from an empty directory outside the project, against servers that the suite did not start."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance.__main__ import main
from sioprobe.results.validate import schema_of, validate
from tests.in_process import run_here
from tests.servers import ROOT, start_command

CASE_KEYS = {
    "id", "requirement", "level", "spec", "case", "transport", "verdict", "closed",
    "expected", "actual", "reason", "transcript", "reproduce",
}  # fmt: skip
VERDICTS = {
    "pass", "non-strict", "fail", "info", "not applicable", "inconclusive",
    "harness error", "known deviation", "unexpected pass", "not judged", "hidden by the path",
}  # fmt: skip


SCHEMA = schema_of("conformance")


def undescribed(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    """Where `value` has a key that its schema does not name."""
    for choice in schema.get("anyOf", [])[:1]:
        schema = choice
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for item in value[:1]:
            yield from undescribed(item, schema.get("items", {}), f"{place}[0]")
    if isinstance(value, dict) and "additionalProperties" not in schema:
        for key, item in value.items():
            if key in schema.get("properties", {}):
                yield from undescribed(item, schema["properties"][key], f"{place}.{key}")
            else:
                yield f"{place}.{key}"


def strict_server(*options: str) -> Any:
    command = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1", "--ping-timeout", "3"]
    return start_command([*command, *options])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with strict_server() as server:
        yield server.url


@pytest.fixture(scope="module")
def faulty_url() -> Iterator[str]:
    with strict_server("--fault", "push-is-answered-in-capitals") as server:
        yield server.url


Done = subprocess.CompletedProcess[str]


def run_pytest(folder: Path, *arguments: str) -> Done:
    """`pytest /path/to/conformance …` in an empty folder."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def run_command(folder: Path, *arguments: str, program: str = "") -> Done:
    """`python -m conformance …` in an empty folder."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "SIOPROBE_PROG": program}
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


CONFORMANCE = str(ROOT / "conformance")


@pytest.mark.parametrize("url_first", [True, False])
def test_the_url_may_stand_before_or_behind_the_folder(url_first: bool, url: str, tmp_path: Path) -> None:
    words = ["--url", url, CONFORMANCE] if url_first else [CONFORMANCE, "--url", url]
    done = run_pytest(tmp_path, *words, "--id", "EIO-HS-05", "--id", "EIO-PL-01")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_one_file_can_be_named(url: str, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, f"{CONFORMANCE}/cases/test_handshake.py", "--url", url, "-k", "EIO-HS-11")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_default_import_mode_of_pytest_will_do(url: str, tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path, "-c", "/dev/null", "--rootdir", str(tmp_path), "-p", "no:cacheprovider",
        CONFORMANCE, "--url", url, "--id", "EIO-HS-05",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_markers_select_levels_and_transports(url: str, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CONFORMANCE, "--url", url, "-m", "should and polling", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_closes_a_client_that_does_not_answer[polling] PASS" in done.stdout
    assert "websocket]" not in done.stdout


def test_a_failure_explains_itself(faulty_url: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--url", faulty_url, "--id", "EIO-PL-01", program="sioprobe conform")
    assert done.returncode == 1, done.stdout + done.stderr
    for line in (
        "EIO-PL-01 (MUST)  A push is answered by HTTP 200 and the body `ok`",
        "  expected  body 'ok'",
        "  actual    body 'OK'",
        f"reproduce: sioprobe conform --url {faulty_url} -- -k test_answers_a_push_with_ok",
    ):
        assert line in done.stdout
    assert "C→S polling   CONNECT   '40'" in done.stdout
    assert '"sid":"<session id>"' in done.stdout.replace(": ", ":")
    assert "Traceback" not in done.stdout


def test_a_session_id_that_no_case_holds_is_redacted_as_well(url: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--url", url, "--id", "EIO-HS-15", "--id", "EIO-HS-17", "--json")
    found = re.findall(r'[\'\\"]+sid[\'\\"]+: ?[\'\\"]+(.)', done.stdout)
    assert len(found) > 10
    assert set(found) == {"<"}


def test_json_is_clean_and_of_the_agreed_shape(faulty_url: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--url", faulty_url, "--id", "EIO-PL-01", "--id", "EIO-HS-11", "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    validate(result, "conformance", "stdout")
    assert list(undescribed(result, SCHEMA, "result")) == []
    assert result["schema"] == 1
    assert result["kind"] == "conformance"
    assert result["suite"].keys() == {"version", "protocols", "requirements", "cases", "without_cases"}
    assert result["target"].keys() == {
        "url",
        "library",
        "version",
        "mode",
        "title",
        "contract_level",
        "revisions",
        "round_trip",
        "handshake",
    }
    assert result["target"]["round_trip"] > 0
    assert result["target"]["handshake"].keys() == {"pingInterval", "pingTimeout", "maxPayload", "upgrades"}
    assert result["conformant"] is False
    assert result["outcome"] == "failures"
    assert result["target"]["contract_level"] == 2
    assert result["counts"] == {"pass": 2, "fail": 1}
    assert len(result["cases"]) == result["suite"]["cases"] == 3
    for case in result["cases"]:
        assert case.keys() == CASE_KEYS
        assert case["verdict"] in VERDICTS
        for entry in case["transcript"]:
            assert entry.keys() == {"time", "direction", "layer", "meaning", "raw"}
            assert entry["direction"] in ("C→S", "S→C")


def test_the_report_is_written(url: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    done = run_pytest(tmp_path, CONFORMANCE, "--url", url, "--id", "EIO-HS-10", "--report", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(file.read_text())
    # Of one requirement alone: that says nothing of the others.
    assert result["conformant"] is False
    assert result["outcome"] == "nothing broken"
    assert "a part of the cases was asked" in done.stdout


def test_a_result_file_that_cannot_be_written_gets_one_line_and_2(url: str, tmp_path: Path) -> None:
    file = tmp_path / "no" / "result.json"
    done = run_pytest(tmp_path, CONFORMANCE, "--url", url, "--id", "EIO-HS-05", "--report", str(file))
    assert done.returncode == 2
    assert f"Error: {file}: cannot be written: No such file or directory\n" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_junit_holds_ids_and_the_transcript(faulty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    run_command(tmp_path, "--url", faulty_url, "--id", "EIO-PL-01", "--", "--junit-xml", str(file))
    case = ElementTree.parse(file).getroot().find(".//testcase")
    assert case is not None
    properties = {item.get("name"): item.get("value") for item in case.findall(".//property")}
    assert properties == {"requirement": "EIO-PL-01", "level": "MUST", "verdict": "fail", "closed": ""}
    assert "answer to GET: 200" in case.findtext("system-out", "")
    assert case.find("failure") is not None


def test_a_stale_deviation_fails_the_run(url: str, tmp_path: Path) -> None:
    library = ("--target-library", "flask-socketio", "--target-version", "5.7.0", "--target-mode", "gevent")
    done = run_command(tmp_path, "--url", url, "--id", "EIO-HS-05", *library)
    assert done.returncode == 1
    assert "unexpected pass" in done.stdout
    assert "listed as a known deviation" in done.stdout


# What somebody has who tried Flask-SocketIO, and a line that lets the test wait for it.
PLAIN = """
import json, socket
from flask import Flask
from flask_socketio import SocketIO
from werkzeug.serving import make_server
app = Flask(__name__)
SocketIO(app, async_mode="threading", ping_interval=1, ping_timeout=3)
server = make_server("127.0.0.1", 0, app, threaded=True)
print("READY " + json.dumps({"urls": [f"http://127.0.0.1:{server.port}"], "pids": []}), flush=True)
server.serve_forever()
"""


@pytest.fixture
def plain_url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "chat.py").write_text(PLAIN)
    with start_command([sys.executable, "chat.py"], cwd=folder) as server:
        yield server.url


ONE = ("--id", "EIO-PL-01")


@pytest.mark.parametrize("under_pytest", [True, False])
def test_a_plain_application_of_this_host_is_known_without_an_option(
    under_pytest: bool, plain_url: str, tmp_path: Path
) -> None:
    start = (CONFORMANCE,) if under_pytest else ()
    done = (run_pytest if under_pytest else run_command)(tmp_path, *start, "--url", plain_url, *ONE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "imports flask_socketio (chat.py) and has flask-socketio" in done.stdout
    assert "its known deviations apply, unless you give --target-library none" in done.stdout
    assert "1 known deviation" in done.stdout


def test_the_deviations_can_be_left_out_or_be_of_another_version(plain_url: str, tmp_path: Path) -> None:
    none = run_command(tmp_path, "--url", plain_url, *ONE, "--target-library", "none")
    assert none.returncode == 1
    assert "its known deviations apply" not in none.stdout
    assert "--target-version" not in none.stdout
    words = ("--target-library", "Flask_SocketIO", "--target-version", "5.4.1")
    old = run_command(tmp_path, "--url", plain_url, *ONE, *words)
    assert old.returncode == 1
    shown = "the failure is a known deviation of flask-socketio 5.7.0: as its process shows, give"
    assert shown in old.stdout
    alone = run_command(tmp_path, "--url", plain_url, *ONE, "--target-library", "Flask-SocketIO")
    assert alone.returncode == 0, alone.stdout


def test_races_of_threads_are_seen_and_known(tmp_path: Path) -> None:
    words = ("--level", "2", "--id", "SIO-BN-13", "--", "-k", "in_a_crowd")
    with start_command([sys.executable, "-m", "tests.bare_servers.racing"]) as server:
        known = run_command(tmp_path, "--url", server.url, *words)
        bare = run_command(tmp_path, "--url", server.url, "--target-library", "none", *words)
    assert known.returncode == 0, known.stdout
    assert "threads that emit to the same client at once" in known.stdout
    assert bare.returncode == 1
    assert "more attachments are due" in bare.stdout


def test_a_known_deviation_is_listed_with_its_reason(faulty_url: str, tmp_path: Path) -> None:
    library = ("--target-library", "flask-socketio", "--target-version", "5.7.0", "--target-mode", "gevent")
    done = run_command(tmp_path, "--url", faulty_url, "--id", "EIO-PL-01", *library)
    assert done.returncode == 0, done.stdout
    assert "EIO-PL-01  a push is answered by `OK` in capitals" in done.stdout
    assert "contract level 2: known deviations: 1 known deviation" in done.stdout


def test_a_known_deviation_has_a_reason_and_no_traceback(faulty_url: str, tmp_path: Path) -> None:
    """A traceback is slow to write, and every case waits meanwhile."""
    (tmp_path / "look.py").write_text(
        "def pytest_runtest_logreport(report):\n"
        "    if hasattr(report, 'wasxfail'):\n"
        "        print('seen:', str(report.longrepr))\n"
    )
    words = ["--target-library", "flask-socketio", "--target-version", "5.7.0", "--target-mode", "gevent"]
    done = run_pytest(
        tmp_path, "-p", "look", "-s", CONFORMANCE, "--url", faulty_url, *words, "--id", "EIO-PL-01"
    )
    assert "seen: a push is answered by `OK` in capitals; the official clients do not look\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert "pytest.xfail" not in done.stdout


def test_a_ping_that_comes_at_once_spoils_no_other_case(tmp_path: Path) -> None:
    """Cases that need a poll that waits take it for what it is."""
    with strict_server("--fault", "pings-at-once") as server:
        cases = "(ends_the_pending_poll or pings_every_interval) and not eio3"
        done = run_command(tmp_path, "--url", server.url, "--json", "--", "-k", cases)

    verdicts = {(case["case"].split("::")[1], case["verdict"]) for case in json.loads(done.stdout)["cases"]}
    assert verdicts == {
        ("test_pings_every_interval", "fail"),
        ("test_the_probe_ends_the_pending_poll", "pass"),
        ("test_a_close_packet_ends_the_pending_poll", "pass"),
        ("test_a_close_packet_ends_the_pending_poll_with_a_noop", "pass"),
    }


def test_a_process_that_hears_no_other_is_named(url: str, faulty_url: str, tmp_path: Path) -> None:
    """Three processes that share no queue."""
    with strict_server() as third:
        cluster = ["--url", url, "--url", faulty_url, "--url", third.url]
        done = run_command(tmp_path, *cluster, "--id", "SIO-CL-12")

    assert done.returncode == 1
    assert f"at {url}/socket.io/ and {faulty_url} and {third.url}: " in done.stdout
    assert f"{url} hears nothing of {faulty_url}, and serves its own clients" in done.stdout
    assert f" {' '.join(cluster)} -- -k " in done.stdout


def test_each_process_of_a_cluster_has_a_url_of_its_own(url: str) -> None:
    done = run_here(main, "sioprobe conform", "--url", url, "--url", f"{url}/")

    assert done.returncode == 2
    assert done.stderr.endswith(f"--url {url} is given twice: each process of a cluster has one of its own\n")


def test_a_failure_is_reproduced_with_the_options_that_it_depends_on(faulty_url: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[target]\ntitle = 'mine'\n")
    asked = ["--id", "EIO-PL-01", "--level", "MUST", "--jobs", "2"]
    options = ["--profile", "p.toml", "--target-library", "none", "--level", "1", "--strict"]
    done = run_command(tmp_path, "--url", faulty_url, *asked, *options)

    assert done.returncode == 1
    assert f" --url {faulty_url} {' '.join(options)} -- -k " in done.stdout


def test_a_run_in_which_nothing_applies_is_no_success(url: str, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    done = run_command(tmp_path, "--url", url, "--id", "SIO-CL-01", "--report", str(file))
    assert done.returncode == 2
    assert "nothing was judged: no case applies to this server" in done.stdout
    result = json.loads(file.read_text())
    assert (result["conformant"], result["outcome"]) == (False, "harness error")
    assert {case["verdict"] for case in result["cases"]} == {"not applicable"}


@pytest.fixture
def slow_url() -> Iterator[str]:
    """A server whose heartbeat is so slow that its cases take many seconds."""
    with strict_server("--ping-interval", "5", "--ping-timeout", "5") as server:
        yield server.url


def test_an_interrupted_run_is_not_conformant(slow_url: str, tmp_path: Path) -> None:
    """Interrupted once the first verdict stands there; the cases of the heartbeat are still waiting."""
    file = tmp_path / "result.json"
    command = [sys.executable, "-m", "conformance", "--url", slow_url, "--report", str(file)]
    command += ["--id", "EIO-HS-05", "--id", "EIO-HB-01", "--id", "EIO-HB-02", "--", "-vv"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while " PASS" not in (line := process.stdout.readline()):
            assert line, "the run ended before its first verdict"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "the run was cut short after" in rest
    result = json.loads(file.read_text())
    assert result["counts"].keys() == {"pass"}
    assert (result["conformant"], result["outcome"]) == (False, "harness error")


def test_pytests_own_line_calls_only_a_failure_failed(tmp_path: Path) -> None:
    """The probe gets a wrong answer: one requirement is about that, and another cannot be asked."""
    asked = ["--id", "EIO-UP-02", "--id", "EIO-WS-05", "--id", "EIO-HS-01"]
    with strict_server("--fault", "probe-answer-has-no-data") as server:
        done = run_command(tmp_path, "--url", server.url, "--level", "2", *asked)
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert " failed" in last
    assert " inconclusive" in last


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--id", "EIO-HS-055"], "unknown requirement 'EIO-HS-055' (the nearest is 'EIO-HS-05')"),
        (["--id", "EIO-WS-01"], "'EIO-WS-01' has no case: the same as EIO-HS-07"),
        (["--area", "EIO-HSS"], "unknown area 'EIO-HSS' (the nearest is 'EIO-HS')"),
        (
            ["--id", "SIO-EV-01", "--area", "EIO-UP", "--area", "EIO-WS"],
            "no case asks for a requirement of EIO-UP, EIO-WS that is SIO-EV-01",
        ),
        (["--without-cases"], "--without-cases goes with --list"),
        (["--level", "3"], "level 3 is about two processes of a cluster: give --url twice"),
        (["--level", "MUTS"], "unknown level 'MUTS' (the nearest is 'MUST'; valid are MUST, SHOULD"),
        (["--profile", "nowhere.toml"], "profile nowhere.toml: No such file or directory"),
        (["--report", "no/such/folder.json"], "folder no/such does not exist"),
        (["--jobs", "0"], "--jobs: 0 is less than 1"),
        (["--target-library", "flask-socketoi"], "unknown library 'flask-socketoi' (the nearest is 'flask-"),
        (["--target-mode", "geevnt"], "unknown mode 'geevnt' (the nearest is 'gevent'"),
        (["--target-version", "latest"], "'latest' is no version like 5.7.0"),
        ([], "give --url URL"),
    ],
)
def test_wrong_usage_gets_one_line_and_2(
    words: list[str], message: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_here(main, "sioprobe conform", *(["--url", url] if words else []), *words)
    assert done.returncode == 2
    assert done.stderr.startswith("sioprobe conform: error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_an_unknown_option_of_pytest_gets_2(url: str, tmp_path: Path) -> None:
    assert run_command(tmp_path, "--url", url, "--", "--no-such-option").returncode == 2


def test_nothing_selected_is_no_success(url: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--url", url, "--", "-k", "no_such_case")

    assert done.returncode == 2
    assert "Error: these options choose no case; 'sioprobe conform --list' has all of them" in done.stdout


def test_the_catalogue_is_listed_without_a_server() -> None:
    done = run_here(main, "sioprobe conform", "--list", "--json", "--level", "SHOULD")
    rows = json.loads(done.stdout)["requirements"]
    assert {row["level"] for row in rows} == {"SHOULD"}
    assert all((row["cases"] > 0) == (row["reason"] is None) for row in rows)


def test_the_list_can_be_filtered_and_ends_with_the_coverage() -> None:
    list_ = partial(run_here, main, "sioprobe conform", "--list")
    lines = list_("--area", "EIO-WT", "--without-cases").stdout.splitlines()
    assert len(lines) == 7
    assert "(no case: needs HTTP/3 over QUIC" in lines[0]
    total = json.loads(list_("--json").stdout)["coverage"]
    assert total["with_cases"] + total["without_cases"] == total["statements"]
    assert lines[-1] == (
        f"6 of {total['statements']} statements shown; coverage: {total['with_cases']} have cases "
        f"({total['cases']}, {total['cases_with_transports']} with their transports), "
        f"{total['without_cases']} have none and a reason"
    )


def test_an_area_selects_its_requirements(url: str, tmp_path: Path) -> None:
    done = run_command(tmp_path, "--url", url, "--area", "EIO-HS", "--level", "reference", "--json")
    ids = {case["id"] for case in json.loads(done.stdout)["cases"]}
    assert {"EIO-HS-02", "EIO-HS-19"} <= ids
    assert {id_[:6] for id_ in ids} == {"EIO-HS"}


def test_one_at_a_time_has_the_same_verdicts(url: str, tmp_path: Path) -> None:
    words = ("--url", url, "--json", "--", "-k", "test_acks or test_upgrade")
    together = json.loads(run_command(tmp_path, *words).stdout)
    serial = json.loads(run_command(tmp_path, "--jobs", "1", *words).stdout)
    assert together["counts"] == serial["counts"]


def test_no_socketio_engineio_gevent_or_locust_is_imported() -> None:
    code = (
        "import sys, conformance.__main__; from conformance.judging.collecting import all_questions; "
        "all_questions(); "
        "print([name for name in ('socketio', 'engineio', 'gevent', 'locust') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
