"""`sioprobe doctor`: exit codes, the result as JSON and as text, and whom it is asked about."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from load.doctor.__main__ import main
from tests.engine.tls_front import TlsFront, make_authority
from tests.in_process import run_here
from tests.load.doctor.patients import polling_server
from tests.servers import ROOT, start_command


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "load.doctor", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "SIOPROBE_PROG": "sioprobe doctor"},
    )


def test_a_whole_examination_as_json() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = doctor(server.url, "--json", "--max-connections", "60")
        pid = server.process.pid

    result = json.loads(done.stdout)
    assert (result["schema"], result["kind"], result["url"]) == (1, "doctor", server.url)
    assert [each["pid"] for each in result["server"]["processes"]] == [pid]
    # Nothing but what the machine gives its processes, and what the null server does of itself.
    costs = [each["id"] for each in result["findings"] if each["severity"] != "note"]
    assert set(costs) <= {"few-open-files"}, result["findings"]
    assert done.returncode == (1 if costs else 0)
    assert {each["id"] for each in result["examined"]} == {
        *("transports", "heartbeat", "origins", "roundtrips", "nagle", "keeping", "compression", "packets"),
        *("deflate", "log", "sessions", "closing", "connections"),
    }
    for each in result["examined"]:
        assert set(each) == {"id", "title", "saw", "figures"}
        assert each["saw"]
    assert result["seconds"] < 170


def test_findings_end_with_1_and_are_told_in_words() -> None:
    with polling_server(closes=True) as url:
        done = doctor(url, "--only", "keeping", "--server-pid", "none")

    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{url} (BaseHTTP")
    assert "closes-each-poll: costs CPU (measured)" in lines
    assert "  16 of 16 polling answers closed their connection; opening one took" in done.stdout
    assert any(line.startswith("  -> Werkzeug (threading): ") for line in lines)
    assert (
        "  not asked for: transports, heartbeat, origins, roundtrips, nagle, compression, packets,"
        in done.stdout
    )
    assert max(map(len, lines)) <= 100


def test_json_of_a_finding() -> None:
    with polling_server(closes=True) as url:
        done = doctor(url, "--only", "keeping", "--json")

    result = json.loads(done.stdout)
    (finding,) = result["findings"]
    assert set(finding) == {"id", "severity", "seen", "means", "mend", "certainty", "figures"}
    assert set(finding["mend"][0]) == {"server", "setting"}
    assert {each["id"]: each["reason"] for each in result["not_examined"]}["nagle"] == "not asked for"


def test_notes_end_with_0_and_so_does_nothing() -> None:
    with polling_server(ping_interval=90_000) as url:
        noted = doctor(url, "--only", "heartbeat", "--server-pid", "none")
        nothing = doctor(url, "--only", "sessions", "--server-pid", "none")

    assert noted.returncode == nothing.returncode == 0
    assert "long-ping-interval: note (inferred)" in noted.stdout
    assert "Nothing was found in what was examined." in nothing.stdout.splitlines()


@contextmanager
def echoing() -> Iterator[str]:
    """Says what it hears."""

    def serve(client: socket.socket) -> None:
        # Who comes with TLS breaks off.
        with client, suppress(ConnectionResetError):
            while data := client.recv(65536):
                client.sendall(data)

    with _accepting(serve) as url:
        yield url


@contextmanager
def silent() -> Iterator[str]:
    """Says nothing."""
    with _accepting(lambda client: None) as url:
        yield url


@contextmanager
def _accepting(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    clients = []

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in clients:
            client.close()


@contextmanager
def plain_http() -> Iterator[str]:
    """An HTTP server that has no Socket.IO."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("serving", "line"),
    [
        (plain_http, "{url} is no Socket.IO server at /socket.io/: HTTP 404 "),
        (echoing, "{url} does not speak HTTP: it says 'GET /socket.io/?EIO=4"),
        (silent, "{url} accepts connections and does not answer"),
    ],
    ids=["plain http", "echo", "silent"],
)
def test_no_socketio_server_is_one_line_and_exit_code_4(serving: Callable[..., object], line: str) -> None:
    with serving() as url:  # type: ignore[attr-defined]
        done = doctor(url, "--server-pid", "none")

    assert done.returncode == 4, done.stdout
    assert done.stderr.startswith(f"sioprobe doctor: error: {line.format(url=url)}")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_nothing_that_listens_is_exit_code_4() -> None:
    done = doctor("http://127.0.0.1:1")

    assert done.returncode == 4
    assert done.stderr.splitlines() == ["sioprobe doctor: error: nothing listens at http://127.0.0.1:1"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "URL is missing"),
        (["--url", "http://x"], "--url: the URL stands alone here: 'sioprobe doctor URL'"),
        (["ftp://x"], "'ftp://x' is not http://host:port or https://host:port"),
        (["http://x/chat"], "http://x/chat has a path; give that of the Socket.IO endpoint with --path"),
        (
            ["http://127.0.0.1:1", "--only", "nagel"],
            "unknown examination 'nagel' (the nearest is 'nagle'; valid are transports, heartbeat, origins,"
            " roundtrips, nagle, keeping, compression, packets, deflate, log, sessions, closing,"
            " connections)",
        ),
        (["http://127.0.0.1:1", "--header", "token"], "--header is not NAME:VALUE"),
        (
            ["http://127.0.0.1:1", "--server-pid", "x"],
            "--server-pid 'x' is no process id (valid are a number, auto and none)",
        ),
        (
            ["http://127.0.0.1:1", "--max-connections", "-1"],
            "--max-connections: -1 is less than 0",
        ),
    ],
    ids=["no url", "as an option", "scheme", "path", "only", "header", "pid", "connections"],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], line: str) -> None:
    done = run_here(main, "sioprobe doctor", *arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"sioprobe doctor: error: {line}"]


def test_a_server_elsewhere_is_not_filled_unless_told() -> None:
    from load.doctor.__main__ import _limit_connections
    from load.doctor.patient import Patient
    from sioprobe.engine import Target

    elsewhere = Patient(Target.from_url("http://192.0.2.1:5000"))
    _limit_connections(elsewhere, None)
    assert elsewhere.max_connections == 0
    assert elsewhere.why_no_connections.startswith("the server is not on loopback")
    _limit_connections(elsewhere, 70)
    assert elsewhere.max_connections == 70
    here = Patient(Target.from_url("http://localhost:5000"))
    _limit_connections(here, None)
    assert here.max_connections == 1200


def test_a_server_behind_tls_is_examined_by_those_who_trust_it(tmp_path: Path) -> None:
    context, ca_file = make_authority(tmp_path)
    with (
        start_command([sys.executable, "-m", "tests.strict_server"]) as server,
        TlsFront(context, server.url) as front,
    ):
        words = ("--only", "heartbeat", "--server-pid", "none")
        trusted = doctor(front.url, *words, "--ca-file", ca_file)
        untrusted = doctor(front.url, *words)
        plain = doctor(front.url.replace("https", "http"), *words)

    assert "heartbeat and payload: ping interval" in trusted.stdout, trusted.stderr
    assert untrusted.returncode == plain.returncode == 4
    assert "CERTIFICATE_VERIFY_FAILED (" in untrusted.stderr
    assert untrusted.stderr.endswith("; --ca-file trusts its authority, --no-verify takes any certificate\n")
    assert plain.stderr.endswith(f" speaks TLS; write {front.url}\n")
