"""A limit of the generator's own machine is told as what it is, never as a fault of the server."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conformance.client.address import parse_url
from conformance.client.http import open_stream
from conformance.verdicts import HarnessError
from load.servers.children import ChildError
from load.servers.started import accepts
from load.watching.locating import Located
from load.watching.process_trees import SamplingError, TreeWatch
from load.watching.sampling import Counts, ServerSampler
from load.watching.server_state import ServerWatch
from sioprobe.commandline.own_limits import advice_on, lacking_now, own_limit
from sioprobe.engine.errors import Kind, failure_of_os_error
from sioprobe.engine.first_visit import problem_with
from sioprobe.measured import Recorder
from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.summary import summarise
from sioprobe.measured.validity import GENERATOR_CAUSES
from tests.load.lame_servers import LameServer
from tests.load.locusts import LOCUST
from tests.servers import ROOT, start_command

FILES = 64


@contextmanager
def no_file_left() -> Iterator[None]:
    """This process may open no further file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = os.open(os.devnull, os.O_RDONLY)
    os.close(opened)
    # The number of a new file would be the lowest that is free, and must be below the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("EMFILE", "too many open files"),
        ("ENFILE", "too many open files on this machine"),
        ("EADDRNOTAVAIL", "no local port left"),
        ("EADDRINUSE", "no local port left"),
        ("ENOMEM", "no memory left on this machine"),
        ("ENOBUFS", "no memory left on this machine"),
        ("EACCES", "forbidden by this machine"),
        ("EPERM", "forbidden by this machine"),
    ],
)
def test_what_this_machine_lacks_has_a_kind_and_an_advice(number: str, kind: str) -> None:
    error = OSError(getattr(errno, number), os.strerror(getattr(errno, number)))

    assert own_limit(error) == failure_of_os_error(error).kind == kind
    assert advice_on(kind)


def test_a_machine_without_ipv6_is_not_out_of_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says the same of both, so the line says both."""

    class NoIpv6(socket.socket):
        def bind(self, address: Any) -> None:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(socket, "socket", NoIpv6)
    kind = own_limit(OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"))
    monkeypatch.undo()

    assert kind == "no local address or port"
    assert (advice_on(kind) or "").startswith("this machine has no IPv6 address")


def test_what_a_server_does_is_no_limit_of_ours() -> None:
    for error in (ConnectionRefusedError(111, ""), ConnectionResetError(104, ""), TimeoutError(110, "")):
        assert own_limit(error) is None
    assert advice_on(Kind.CONNECTION_REFUSED) is None
    assert lacking_now() is None


def test_a_process_that_cannot_be_read_has_not_ended() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        watch = TreeWatch([server.process.pid])
        before = watch.sample()
        with no_file_left(), pytest.raises(SamplingError, match="too many open files; this process may"):
            watch.sample()
        after = watch.sample()

        assert watch.alive
        assert (before.processes, after.processes) == (1, 1)
        # It is the same process as before: nothing that it used counts again.
        assert 0 <= after.cpu_ns - before.cpu_ns < 500_000_000
        server.process.kill()
        server.process.wait()
        assert watch.sample().processes == 0


def test_looks_that_failed_are_told_and_the_others_count() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        watch = ServerWatch([], Located((server.process.pid,), "named"))
        sampler = ServerSampler(watch, counts=Counts)
        sampler.start()
        blind = ServerSampler(watch, counts=Counts)
        blind.start()
        with no_file_left():
            sampler.all_connected()
            look = watch.look()
            blind.finish()
        sampler.finish()

    assert (look.rss_bytes, look.threads, look.fds) == (None, None, None)
    assert watch.unseen.startswith("too many open files; this process may open ")
    assert sampler.figures is not None
    (note,) = sampler.figures.notes
    assert note.startswith("one look at the server failed: too many open files; this process may open ")
    assert sampler.figures.rss_under_load_bytes > 0
    assert blind.figures is None
    assert (blind.unseen or "").startswith("too many open files; this process may open ")


def test_such_errors_make_a_run_invalid_for_the_generator() -> None:
    recorder = Recorder()
    for _ in range(900):
        recorder.series("SIO ack", "x").record(1000.0)
    recorder.series("SIO connect", "websocket").error(Kind.TOO_MANY_OPEN_FILES)
    recorder.take()

    validity = summarise(recorder, [ProcessState("a")], 1.0, ("SIO ack", "x")).validity

    # It is the only finding: the server made no error.
    (first,) = validity.findings
    assert (first.verdict, first.cause) == ("INVALID", "limit")
    assert first.reason.startswith("a limit of the generator, not of the server: too many open files, once;")
    assert "limit" in GENERATOR_CAUSES


def test_nothing_is_said_of_a_server_that_was_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    # The engine would raise the soft limit.
    monkeypatch.setattr("sioprobe.engine.hub.raise_open_files_limit", lambda: None)
    with LameServer() as server:
        host, port = server.address
        with no_file_left():
            problem = problem_with(server.url)
            with pytest.raises(ChildError, match="too many open files; "):
                accepts((host, port))

    assert problem is not None
    assert problem.startswith(f"{server.url} was not reached, and that is not its fault: too many open ")


def test_the_judge_does_not_blame_the_server() -> None:
    async def ask() -> None:
        with no_file_left():
            await open_stream(parse_url("http://127.0.0.1:1"), 1.0)

    with pytest.raises(HarnessError, match="too many open files; this process may open "):
        asyncio.run(ask())


@pytest.mark.parametrize("watched", [True, False])
def test_a_block_under_a_hard_limit_blames_nobody_else(watched: bool) -> None:
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (FILES, FILES))
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        request = {"url": server.url, "connections": 80, "seconds": 0.3, "scenario": "idle"}
        request |= {"server_pids": server.about["pids"]} if watched else {}
        done = subprocess.run(
            [sys.executable, "-m", "load.blocks"],
            cwd=ROOT,
            input=json.dumps(request) + "\n",
            capture_output=True,
            text=True,
            timeout=120,
            preexec_fn=limit,
        )

    answer = json.loads(done.stdout)
    if watched:
        assert answer["error"].startswith(f"too many open files; this process may open {FILES} files")
    else:
        assert 0 < answer["connected"] < 80
        assert answer["found"]["words"][0].endswith("generator not known")
        findings = answer["validity"]["findings"]
        invalid = {finding["cause"] for finding in findings if finding["verdict"] == "INVALID"}
        assert "limit" in invalid
        assert invalid <= set(GENERATOR_CAUSES)


def test_a_whole_run_under_a_hard_limit_says_whose_limit_it_is(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (FILES, FILES))
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = subprocess.run(
            [
                *LOCUST,
                *("--headless", "--only-summary", "--host", server.url, "-u", "80", "-r", "80", "-t", "10s"),
                *("--scenario", "idle", "--summary-json", str(summary)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            preexec_fn=limit,
        )

    assert "ended during the run" not in done.stderr
    assert f"this process may open {FILES} files, and this raises the limit" in done.stderr
    result = json.loads(summary.read_text())
    assert result["errors"]["too many open files"] > 0
    assert result["validity"]["verdict"] == "INVALID"
    assert result["validity"]["findings"][0]["cause"] == "limit"


def test_a_result_that_cannot_be_written_ends_the_run_with_2(tmp_path: Path) -> None:
    """No file may grow: as on a full disk."""
    file = tmp_path / "summary.json"
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        words = ["--headless", "--host", server.url, "-u", "1", "-t", "1s", "--summary-json", str(file)]
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *LOCUST, *words],
            cwd=ROOT, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    assert f"locust: error: --summary-json {file}: cannot be written: File too large" in done.stderr
    assert done.returncode == 2
