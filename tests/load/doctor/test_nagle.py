"""Nagle's algorithm is told from its absence in each mode in which it has an effect.

What decides is the difference between acknowledging late and at once, whose machine stands still or not.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from load.doctor.examinations import (
    deflate,
    endings,
    handshake,
    nagle,
    polling_answers,
)
from load.doctor.examinations.nagle import Arms
from load.doctor.patient import Patient
from sioprobe.engine import Target
from tests.load.doctor.patients import finding, ids, meet
from tests.servers import Server, start_foreign, start_server
from tests.standstill import undisturbed

# The transports on which two writes of one answer wait for each other.
EFFECT = {
    "gevent": ["nagle-polling", "nagle-websocket"],
    "eventlet": ["nagle-websocket"],
    # A new connection for each poll is acknowledged at once.
    "threading": ["nagle-websocket"],
}


@pytest.mark.parametrize(("mode", "expected"), EFFECT.items())
def test_as_shipped_it_is_found(mode: str, expected: list[str]) -> None:
    with start_server(mode, nagle=True) as server:
        found = undisturbed(lambda: nagle.examine(meet(server.url, pids=False)))

    assert ids(found) == expected
    for id in expected:
        figures = finding(found, id).figures
        assert figures["held"] >= 0.6 * figures["answers"]
        assert figures["late_ack_ms"] - figures["immediate_ack_ms"] >= 20


@pytest.fixture(scope="module", params=["gevent", "eventlet", "threading", "node"])
def mended(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Servers with TCP_NODELAY."""
    start = start_foreign if request.param == "node" else start_server
    with start(request.param) as server:
        yield server


def test_with_nodelay_it_is_not_found(mended: Server) -> None:
    found = nagle.examine(meet(mended.url, pids=False))

    assert ids(found) == []
    assert set(found.figures) == {"polling", "websocket"}
    # Generous: a machine that stands still holds some answers up.
    assert all(figures["held"] < 0.6 * figures["answers"] for figures in found.figures.values())


def test_the_transports_of_real_servers_are_in_order(mended: Server) -> None:
    found = handshake.examine_transports(meet(mended.url, pids=False))

    assert ids(found) == []
    assert found.saw == "polling and WebSocket, and the upgrade works"


def test_what_leaving_clients_hold_is_that_of_the_mode(mended: Server) -> None:
    found = endings.examine(meet(mended.url, pids=False))

    assert ids(found) == (["connection-held-after-close"] if mended.about.get("mode") == "threading" else [])
    assert found.figures["websocket"]["closed"] == 8


def test_options_of_an_application_are_seen() -> None:
    with start_server("gevent") as server:
        patient = Patient(Target.from_url(server.url, "/flask-options/io/"))
        patient.meet()
        sockets_alone = Patient(Target.from_url(server.url, "/flask-websocket/socket.io/"))
        sockets_alone.meet()

        assert ids(handshake.examine_transports(patient)) == ["upgrade-not-offered"]
        assert ids(handshake.examine_heartbeat(patient)) == ["small-max-payload"]
        assert ids(handshake.examine_origins(patient)) == ["origin-refused"]
        assert polling_answers.examine_compression(patient).figures["encoding"] is None
        assert ids(handshake.examine_transports(sockets_alone)) == ["no-polling"]


def test_closing_compressing_and_deflating_are_those_of_the_mode(mended: Server) -> None:
    patient = meet(mended.url)
    mode = mended.about.get("mode")

    kept = polling_answers.examine_keeping(patient)
    packed = finding(polling_answers.examine_compression(patient), "compresses-polling")
    deflated = deflate.examine(patient)

    assert ids(kept) == (["closes-each-poll"] if mode == "threading" else [])
    assert kept.figures["closed"] == (16 if mode == "threading" else 0)
    assert packed.certainty == "measured"
    assert packed.figures["packed_cpu_us"] > 0
    assert packed.figures["plain_cpu_us"] > 0
    assert ids(deflated) == (["accepts-deflate"] if mode in ("eventlet", "threading") else [])


def test_what_comes_late_by_itself_is_no_effect_of_acknowledgements() -> None:
    assert Arms(late=[0.044] * 12, at_once=[0.001] * 12).waits
    assert Arms(late=[0.044] * 8 + [0.001] * 4, at_once=[0.001] * 12).waits
    # A server in another country, whose second part follows a round trip later.
    assert Arms(late=[0.144] * 12, at_once=[0.1] * 12).waits
    # A busy machine, and a server that is slow.
    assert not Arms(late=[0.1] * 12, at_once=[0.1] * 12).waits
    assert not Arms(late=[0.1] * 5 + [0.001] * 7, at_once=[0.001] * 12).waits
    assert not Arms(late=[0.0] * 12, at_once=[0.0] * 12).waits
