"""What the process at a server's address shows: library, versions, mode, or nothing."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from conformance.client.about import About
from conformance.finding.process import Process
from conformance.finding.process_software import find_software, software_of
from conformance.finding.profile import ServerProfile
from conformance.finding.python_sources import read_sources
from conformance.finding.software import Software, merged
from tests.server_under_test.conftest import require_foreign
from tests.servers import ROOT, Server, start_command, start_foreign

FLASK, PYTHON = version("flask-socketio"), version("python-socketio")

# An application as somebody writes it, and a line that lets the test wait for it.
READY = """
import json, socket
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
print("READY " + json.dumps({"urls": [f"http://127.0.0.1:{port}"], "pids": []}), flush=True)
"""
CHAT = """
from flask import Flask
from flask_socketio import SocketIO
io = SocketIO(Flask(__name__), async_mode=%r, ping_interval=1, ping_timeout=3)
"""
SERVED = READY + "import time; time.sleep(1000)\n"


def at(server: Server) -> Software:
    host, port = server.url.removeprefix("http://").split(":")
    return find_software(host, int(port))


def application(folder: Path, text: str) -> Server:
    (folder / "chat.py").write_text(text)
    return start_command([sys.executable, "chat.py"], cwd=folder)


@pytest.mark.parametrize(
    ("before", "mode"),
    [
        (CHAT % "threading", "threading"),
        (CHAT % "gevent", "gevent"),
        (CHAT % "eventlet", "eventlet"),
        ("import gevent.monkey; gevent.monkey.patch_all()\n" + CHAT % "gevent", "gevent"),
    ],
)
def test_a_plain_flask_application_shows_what_it_is(before: str, mode: str, tmp_path: Path) -> None:
    with application(tmp_path, before + SERVED) as server:
        found = at(server)
    assert (found.library, found.version, found.mode) == ("flask-socketio", FLASK, mode)
    assert found.versions["python-socketio"] == PYTHON
    assert found.versions["python-engineio"] == version("python-engineio")
    assert found.how.startswith(f"process {server.process.pid} (python3")
    assert f"imports flask_socketio (chat.py) and has flask-socketio {FLASK}" in found.how
    assert f"; mode {mode}, because " in found.how


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("import socketio, uvicorn; socketio.AsyncServer(async_mode='asgi')", "uvicorn"),
        ("import socketio, aiohttp; socketio.AsyncServer(async_mode='aiohttp')", "aiohttp"),
        ("import socketio; socketio.Server(async_mode='threading')", "threading"),
    ],
)
def test_python_socketio_without_flask(text: str, mode: str, tmp_path: Path) -> None:
    with application(tmp_path, f"{text}\n{SERVED}") as server:
        found = at(server)
    assert (found.library, found.version, found.mode) == ("python-socketio", PYTHON, mode)
    assert "flask-socketio" not in found.versions


def test_a_server_that_does_not_show_what_it_uses_is_not_taken_for_anything() -> None:
    with start_command([sys.executable, "-m", "tests.strict_server", "--port", "0"]) as server:
        found = at(server)
    assert (found.library, found.version) == (None, None)
    assert (found.mode, found.versions["flask-socketio"]) == ("threading", FLASK)
    installed = f"has flask-socketio {FLASK} installed, and does not show whether it uses it"
    assert found.how.endswith(installed)


@pytest.mark.parametrize(
    ("worker", "mode"),
    [
        ("gthread", "gunicorn-gthread"),
        ("gevent", "gunicorn-gevent"),
        ("geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "gunicorn-geventwebsocket"),
    ],
)
def test_gunicorn_shows_its_worker(worker: str, mode: str, tmp_path: Path) -> None:
    said = "\nimport json; print('READY ' + json.dumps({'urls': [], 'pids': []}), flush=True)\n"
    app = (CHAT % "gevent").replace("Flask(__name__)", "app").replace("io =", "app = Flask(__name__)\nio =")
    (tmp_path / "chat.py").write_text(
        (app if "gevent" in worker else app.replace("gevent", "threading")) + said
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ["-k", worker, "--bind", f"fd://{listener.fileno()}", "chat:app"]
        command = [sys.executable, "-m", "gunicorn", *words]
        with start_command(command, cwd=tmp_path, pass_fds=[listener.fileno()]):
            found = find_software("127.0.0.1", listener.getsockname()[1])
    assert (found.library, found.version, found.mode) == ("flask-socketio", FLASK, mode)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("node", "socket.io"),
        ("bun-engine", "@socket.io/bun-engine"),
        ("zishang520", "zishang520/socket.io"),
        ("socketioxide", "socketioxide"),
        ("netty-socketio", "netty-socketio"),
    ],
)
def test_servers_in_other_languages(name: str, library: str) -> None:
    require_foreign(name)
    with start_foreign(name) as server:
        found = at(server)
    assert (found.library, found.mode) == (library, None)
    assert found.version == server.about["versions"][library]
    assert library in found.how


def test_this_process_and_other_hosts_are_not_looked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert find_software("127.0.0.1", listener.getsockname()[1]) == Software()
    assert find_software("192.0.2.1", 80) == Software()
    assert find_software("no-such-host.invalid", 80) == Software()
    assert software_of(Process(2**22 + 1)) == Software()


Sourced = Callable[..., list[str]]


@pytest.fixture
def imported(tmp_path: Path) -> Sourced:
    """The files that import flask_socketio, for a command and the files of an application."""

    def look(command: list[str], files: dict[str, str], **environment: str) -> list[str]:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        process = Process(os.getpid(), tuple(command), sys.executable, str(tmp_path), environment)
        return [found] if (found := read_sources(process).importer("flask_socketio")) else []

    return look


USES = "from flask_socketio import SocketIO"


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["python", "run.py"], {"run.py": "from chat import app", "chat.py": USES}),
        (["python", "src/run.py"], {"src/run.py": "import chat", "src/chat.py": USES}),
        (["python", "-m", "chat"], {"chat/__main__.py": "from . import io", "chat/io.py": USES}),
        (["python", "-m", "chat.web"], {"chat/web.py": "from .io import io", "chat/io.py": USES}),
        (["python", "gunicorn", "-k", "gevent", "chat:app"], {"chat.py": USES}),
        (["python", "gunicorn", "chat:create_app('x')"], {"chat.py": USES}),
        (["python", "gunicorn", "--chdir=src", "chat:app"], {"src/chat.py": USES}),
        (["uwsgi", "--wsgi-file", "chat.py"], {"chat.py": USES}),
        (["uwsgi", "--module=web.chat:app"], {"web/chat.py": USES}),
        (["python", "/venv/bin/flask", "run"], {"app.py": USES}),
        (["python", "-c", USES], {}),
        (["python", "run.py"], {"run.py": "def make():\n    import flask_socketio\n"}),
    ],
)  # fmt: skip
def test_the_imports_of_an_application_are_followed(
    command: list[str], files: dict[str, str], imported: Sourced
) -> None:
    assert imported(command, files) != []


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["python", "run.py"], {"run.py": "import json", "other.py": USES}),
        (["python", "run.py"], {"run.py": "'" + USES + "'"}),
        (["python", "run.py"], {"run.py": "from flask_socketio import ("}),
        (["python", "missing.py"], {}),
        ([], {}),
    ],
)
def test_what_the_application_does_not_import_is_not_found(
    command: list[str], files: dict[str, str], imported: Sourced
) -> None:
    assert imported(command, files) == []


def test_flask_app_names_the_application(imported: Sourced) -> None:
    assert imported(["flask", "run"], {"web/chat.py": USES}, FLASK_APP="web.chat:app") == ["chat.py"]


PROCESS = Software(
    "flask-socketio", "5.7.0", "gevent", {"flask-socketio": "5.7.0", "python-engineio": "4.15.1"}, "process 1"
)


@pytest.mark.parametrize(
    ("profile", "about", "expected"),
    [
        (ServerProfile(), About(), ("flask-socketio", "5.7.0", "gevent", "process 1")),
        (
            ServerProfile(library="flask-socketio"),
            About(),
            ("flask-socketio", "5.7.0", "gevent", "process 1"),
        ),
        (
            ServerProfile(library="flask-socketio", version="5.3.6"),
            About(),
            ("flask-socketio", "5.3.6", "gevent", "process 1; 5.3.6 was given"),
        ),
        (
            ServerProfile(library="flask-socketio", version="5.3.6", mode="threading"),
            About(),
            ("flask-socketio", "5.3.6", "threading", "process 1; 5.3.6 was given"),
        ),
        (
            ServerProfile(library="socket.io"),
            About(),
            ("socket.io", None, None, "process 1; socket.io was given"),
        ),
        (ServerProfile(library="python-engineio"), About(), ("python-engineio", "4.15.1", None, "process 1")),
        (ServerProfile(), About("socket.io", "4.8.4"), ("socket.io", "4.8.4", None, "")),
        (
            ServerProfile(),
            About("flask-socketio", "5.7.0", "threading", {"flask-socketio": "5.7.0"}),
            ("flask-socketio", "5.7.0", "threading", ""),
        ),
    ],
)
def test_the_user_goes_before_the_server_and_the_server_before_its_process(
    profile: ServerProfile, about: About, expected: tuple[str | None, ...]
) -> None:
    found = merged(profile, about, PROCESS)
    assert (found.library, found.version, found.mode, found.how) == expected
    assert found.named == bool(profile.library or about.library)
    assert found.versions.get("python-engineio") == (None if found.library == "socket.io" else "4.15.1")


def test_the_nearest_node_modules_counts(tmp_path: Path) -> None:
    package = tmp_path / "node_modules/socket.io/package.json"
    package.parent.mkdir(parents=True)
    package.write_text(json.dumps({"version": "4.7.5"}))
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/server.js").write_text("")
    process = Process(
        os.getpid(), ("node", "--trace-warnings", "dist/server.js"), "/usr/bin/node", str(tmp_path)
    )

    found = software_of(process)

    assert (found.library, found.version, found.mode) == ("socket.io", "4.7.5", None)
    package.write_text("[]")
    assert software_of(process).library is None


def test_a_script_far_from_its_packages_shows_nothing() -> None:
    """It loads them from a folder that is not above it."""
    require_foreign("node")
    with start_command(["node", str(ROOT / "tests/bare_servers/node.mjs")]) as server:
        assert at(server) == Software()
