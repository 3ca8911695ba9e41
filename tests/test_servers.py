"""What `tests.servers` owes every test: a held port stays the test's."""

from __future__ import annotations

import errno
import socket

import pytest

from tests.servers import held_port


def test_a_held_port_is_given_to_nobody_and_can_be_listened_at() -> None:
    port = held_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE
    # As every server does; `create_server` sets SO_REUSEADDR.
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)),
    ):
        assert server.accept()
