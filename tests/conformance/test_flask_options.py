"""What the cases about options of Flask-SocketIO read out of an answer."""

from __future__ import annotations

import pytest

from conformance.cases.test_flask_options import opened_by
from conformance.client.http import Answer
from conformance.verdicts import Violation


def test_an_open_packet_without_max_payload_is_read() -> None:
    """Flask-SocketIO 5.3 sends such a packet. EIO-HS-11 alone is about it."""
    body = b'0{"sid":"a","upgrades":[],"pingTimeout":3000,"pingInterval":1000}'

    assert opened_by(Answer(200, (), body)).session_id == "a"


def test_what_is_no_open_packet_is_told() -> None:
    with pytest.raises(Violation, match="an OPEN packet"):
        opened_by(Answer(200, (), b"2"))
