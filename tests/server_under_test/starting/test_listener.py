"""The listening socket that every mode inherits."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from server_under_test.starting import listener
from server_under_test.starting.listener import backlog_limit, bind
from server_under_test.starting.problems import Problem


@pytest.mark.parametrize("nagle", [False, True])
def test_accepted_connections_have_nodelay_unless_nagle_is_asked_for(nagle: bool) -> None:
    with (
        bind("127.0.0.1", 0, nagle=nagle) as listening,
        socket.create_connection(listening.getsockname()),
    ):
        accepted, _ = listening.accept()
        with accepted:
            assert bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is not nagle


def test_a_child_process_inherits_it() -> None:
    with bind("127.0.0.1", 0, nagle=False) as listening:
        assert listening.get_inheritable()


def test_a_port_in_use_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port, nagle=False)


def test_the_backlog_is_what_the_system_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "somaxconn"
    monkeypatch.setattr(listener, "SYSTEM_LIMIT", limit)
    assert backlog_limit() == listener.BACKLOG
    limit.write_text("128\n")
    assert backlog_limit() == 128
