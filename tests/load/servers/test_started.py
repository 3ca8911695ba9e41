"""A server that a command started: when it is ready, what it is given, what is left of it afterwards."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from load.servers import started
from load.servers.children import ChildError
from load.servers.command import CommandError, ServerCommand, check_ready, readiness, split_command
from load.servers.started import StartedServer
from load.servers.steps import run_step, versions_of
from sioprobe.harness import harness_environment, harness_root, harness_variables, user_environment

WEB = """
import http.server, os, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
"""


def program(text: str, **more: object) -> ServerCommand:
    return ServerCommand(command=(sys.executable, "-c", text), **more)  # type: ignore[arg-type]


def test_a_port_in_the_environment_and_a_path_that_answers() -> None:
    with StartedServer(program(WEB, environment={"PORT": "{port}"}, ready="/health")) as server:
        server.wait()

        assert server.url.startswith("http://127.0.0.1:")
        assert (server.urls, server.pids, server.about) == ([server.url], [server.pid], {})


def test_a_path_that_answers_otherwise_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(started, "START_SECONDS", 2.0)
    server = StartedServer(program(WEB, environment={"PORT": "{port}"}, ready="/up"))

    with pytest.raises(ChildError, match=r"not ready in time \(no 2xx from /up at port \d+\)"):
        server.wait()

    assert not psutil.pid_exists(server.pid)


def test_ready_line_says_where_it_listens_and_what_it_is() -> None:
    line = 'READY {"urls": ["http://127.0.0.1:1", "http://127.0.0.1:2"], "pids": [7, 8], "versions": {}}'
    text = f"print('starting'); print({line!r}, flush=True); import time; time.sleep(600)"

    with StartedServer(program(text)) as server:
        server.wait()

        assert server.urls == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
        assert (server.url, server.port, server.pids) == ("http://127.0.0.1:1", 1, [7, 8])
        assert server.about["versions"] == {}


def test_whatever_it_started_ends_with_it(tmp_path: Path) -> None:
    """Even what has a session of its own, and does not listen to SIGTERM."""
    ids = tmp_path / "id"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    text = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {deaf!r}], start_new_session=True)\n"
        f"open({str(ids)!r} + '.new', 'w').write(str(child.pid))\n"
        f"import os; os.rename({str(ids)!r} + '.new', {str(ids)!r})\n"
        "time.sleep(600)\n"
    )
    server = StartedServer(program(text))
    end = time.monotonic() + 60
    while not ids.exists():
        assert time.monotonic() < end, server.last_line()
        time.sleep(0.02)
    grandchild = psutil.Process(int(ids.read_text()))

    server.close()

    psutil.wait_procs([grandchild], timeout=30)
    assert not grandchild.is_running()


def test_a_program_of_the_user_finds_its_own_modules_and_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under `sioprobe compare`, whose own folders have general names."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name, value in harness_environment(SIOPROBE_PROG="sioprobe compare").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "beside.py").write_text("word = 'beside'")
    (tmp_path / "app.py").write_text("import beside, os; print(beside.word, os.environ.get('PYTHONPATH'))")

    said = run_step([sys.executable, "app.py"], "app", folder=tmp_path)

    assert said == "beside None\n"


def test_what_the_user_has_on_the_path_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(harness_root()), str(harness_root()), "/theirs")))
    monkeypatch.setenv("OTHER", "kept")

    found = user_environment()

    assert (found["PYTHONPATH"], found["OTHER"]) == ("/theirs", "kept")
    assert not {"PYTHONSAFEPATH", "SIOPROBE_PROG"} & set(found)


def test_a_step_that_fails_is_told_with_its_last_lines_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ChildError, match=r"^build failed \(4\): two / three / four$"):
        run_step("for word in one two three four; do echo $word >&2; done; exit 4", "build", folder=tmp_path)
    with pytest.raises(ChildError, match=r"^build took more than 0 s$"):
        run_step("sleep 600", "build", folder=tmp_path, seconds=0.2)
    with pytest.raises(ChildError, match=r"^build: /no/such: No such file or directory$"):
        run_step(["/no/such"], "build")


def test_versions_are_those_of_the_python_that_is_asked() -> None:
    found = versions_of(sys.executable, ["pytest"])

    assert found["python"] == sys.version.split()[0]
    assert found["pytest"] == pytest.__version__
    assert versions_of("/usr/bin/node") == versions_of("/no/such/python3") == {}


def test_words_of_commands_and_of_readiness() -> None:
    assert split_command("a 'b c'") == ("a", "b c")
    assert readiness(None, ["serve {port}"]) == "port"
    assert readiness(None, ["serve"]) == "READY"
    for wrong, line in (("'", '"\'" is no command: '), ("", "is empty")):
        with pytest.raises(CommandError, match=line):
            split_command(wrong)
    with pytest.raises(CommandError, match=r"^/health needs \{port\} in the command$"):
        readiness("/health", ["serve"])
    with pytest.raises(CommandError, match="is neither READY nor port nor a path"):
        check_ready("soon")


def test_a_child_whose_parent_was_killed_before_it_was_tied_to_it_ends() -> None:
    tied = (
        "import sys; from sioprobe.host.dying import die_with_parent;"
        " die_with_parent(int(sys.argv[1])); print('alive')"
    )

    def said(parent: int) -> str:
        return run_step([sys.executable, "-c", tied, str(parent)], "child", environment=harness_variables())

    assert said(os.getpid()) == "alive\n"
    with pytest.raises(ChildError, match=r"^child failed \(1\)"):
        said(1)
