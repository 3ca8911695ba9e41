"""Which processes listen at a URL: found on this host, and said why not elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from functools import partial

import pytest

from load.watching import locating
from load.watching.locating import Located, locate, parse_server_pids, partners
from sioprobe.host.listening import Socket
from tests.servers import Server, start_command, start_server

# A server: its master holds the listener, and so does the worker that it forks.
PREFORKING = """
import json, os, socket
from tests.children import fork
listener = socket.create_server(("127.0.0.1", 0))
worker = fork()
if worker:
    print("READY " + json.dumps({"port": listener.getsockname()[1], "worker": worker}), flush=True)
    os.waitpid(worker, 0)
else:
    while True:
        listener.accept()
"""

# Whom a server is connected to, and the server itself.
QUEUE = """
import json, socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("READY " + json.dumps({"port": listener.getsockname()[1]}), flush=True)
served, _ = listener.accept()
served.recv(1)
"""
SERVED = """
import json, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("READY " + json.dumps({"port": listener.getsockname()[1]}), flush=True)
while True:
    listener.accept()
"""


def test_the_process_that_listens_is_found() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        found = locate([server.url])
        by_name = locate([server.url.replace("127.0.0.1", "localhost")])

    port = server.url.rpartition(":")[2]
    assert found == Located((server.process.pid,), f"listens at port {port}")
    assert by_name == found


def test_master_and_worker_are_one_tree() -> None:
    with start_command([sys.executable, "-c", PREFORKING]) as server:
        found = locate([f"http://127.0.0.1:{server.about['port']}"])

    assert found.pids == (server.process.pid,)


def test_several_servers_are_found_and_one_only_once() -> None:
    with (
        start_command([sys.executable, "-m", "load.blocks.null_server"]) as first,
        start_command([sys.executable, "-m", "load.blocks.null_server"]) as second,
    ):
        found = locate([first.url, second.url, first.url])

    assert found.pids == (first.process.pid, second.process.pid)
    ports = [server.url.rpartition(":")[2] for server in (first, second)]
    assert found.how == f"listens at port {ports[0]} and port {ports[1]}"


def test_a_listener_of_another_address_is_not_taken_for_it() -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        port = listener.getsockname()[1]

        assert locate([f"http://127.0.0.1:{port}"]).reason == (
            f"no process in this network namespace listens at port {port}"
        )


def test_the_listener_of_the_address_itself_comes_before_that_of_all() -> None:
    shared = (
        "import json, signal, socket, sys; listener = socket.create_server((sys.argv[1], int(sys.argv[2])), "
    )
    shared += (
        'reuse_port=True); print("READY " + json.dumps({"port": listener.getsockname()[1]}), flush=True)'
    )
    shared += "; signal.pause()"
    with start_command([sys.executable, "-c", shared, "127.0.0.1", "0"]) as exact:
        port = exact.about["port"]
        with start_command([sys.executable, "-c", shared, "0.0.0.0", str(port)]) as every:
            assert locate([f"http://127.0.0.1:{port}"]).pids == (exact.process.pid,)
            assert locate([f"http://127.0.0.3:{port}"]).pids == (every.process.pid,)


def test_what_only_has_connections_does_not_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
    with client, accepted:
        assert locate([f"http://127.0.0.1:{port}"]).reason.startswith("no process in this network namespace")


def test_a_listener_of_ipv6_is_found() -> None:
    program = PREFORKING.replace('("127.0.0.1", 0)', '("::1", 0), family=socket.AF_INET6')
    with start_command([sys.executable, "-c", program]) as server:
        found = locate([f"http://[::1]:{server.about['port']}"])

    assert found.pids == (server.process.pid,)


def test_the_generator_itself_is_not_sampled_as_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = locate([f"http://127.0.0.1:{listener.getsockname()[1]}"])

    assert found.pids == ()
    assert found.reason.startswith(f"process {os.getpid()} is this generator or has started it")


@pytest.mark.parametrize(
    ("at", "elsewhere"),
    [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1"), ("0.0.0.0", "")],
    ids=["its address", "another address of this host", "every address"],
)
def test_the_partners_of_a_server_are_those_that_it_is_connected_to(at: str, elsewhere: str) -> None:
    with contextlib.ExitStack() as stack:

        def start(program: str, *words: object) -> Server:
            return stack.enter_context(start_command([sys.executable, "-c", program, *map(str, words)]))

        queue = start(QUEUE, at, 0)
        if elsewhere:
            start(QUEUE, elsewhere, queue.about["port"])
        server = start(SERVED, "127.0.0.1" if at == "0.0.0.0" else at, queue.about["port"])
        client = stack.enter_context(socket.create_connection(("127.0.0.1", server.about["port"])))

        assert partners([server.process.pid]) == (queue.process.pid,)
        # A queue does not become a server's partner by serving it, nor does a client.
        assert partners([queue.process.pid]) == ()
        client.close()


def test_a_partner_on_another_host_is_not_who_listens_at_its_port_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = partial(Socket, socket.AF_INET)
    sockets = [
        row("0100000A", 40000, "0900000A", 6379, False, "1"),
        row("0" * 8, 6379, "0" * 8, 0, True, "2"),
    ]
    monkeypatch.setattr(locating, "sockets_of_host", lambda: sockets)
    monkeypatch.setattr(locating, "descriptor_targets", lambda pid: ["socket:[1]"])
    monkeypatch.setattr(locating, "holders_of", lambda inodes: ({4711}, False))

    assert partners([4710]) == ()
    sockets[0] = row("0100000A", 40000, "0100000A", 6379, False, "1")
    assert partners([4710]) == (4711,)


def test_this_process_is_nobodys_partner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with start_command([sys.executable, "-c", SERVED, "127.0.0.1", port]) as server:
            assert partners([server.process.pid]) == ()


def test_another_host_is_said_to_be_one() -> None:
    assert locate(["http://192.0.2.1:5000"]).reason == "the server is on another host (192.0.2.1)"
    assert locate(["ftp://x"]).reason.startswith("bad url")


def test_asked_for_none_or_for_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        asked = parse_server_pids([str(child.pid), str(child.pid)])

        assert asked == (child.pid,)
        assert locate(["http://192.0.2.1:5000"], asked) == Located((child.pid,), "--server-pid")
        child.communicate()
    assert parse_server_pids(["none"]) == "none"
    assert parse_server_pids([]) == parse_server_pids(["auto"]) == "auto"
    assert locate(["http://127.0.0.1:1"], "none") == Located(reason="--server-pid none")


@pytest.mark.parametrize("value", ["-1", "0", "gunicorn", "1.5", "2000000000", "99999999999"])
def test_what_is_no_process_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=f"--server-pid '?{value}'?"):
        parse_server_pids([value])


def test_another_users_server_is_believed_at_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locating, "holders_of", lambda inodes: (set(), True))
    with (
        start_server("gevent") as server,
        start_command([sys.executable, "-m", "load.blocks.null_server"]) as mute,
    ):
        assert locate([server.url]) == Located((server.process.pid,), f"as {server.url}/about says")
        assert locate([mute.url]).reason.endswith("belongs to another user")


def test_a_container_that_shows_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locating, "holders_of", lambda inodes: (set(), False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = locate([f"http://127.0.0.1:{listener.getsockname()[1]}"])

    assert found.reason.endswith("is not visible from here")
