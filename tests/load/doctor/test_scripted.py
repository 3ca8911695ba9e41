"""Each fault of a small polling server is found, and none where it has none."""

from __future__ import annotations

from typing import Any

import pytest

from load.doctor.examinations import (
    endings,
    handshake,
    packets,
    polling_answers,
    roundtrips,
    sticky_sessions,
)
from load.doctor.findings import NotExamined
from load.doctor.mend import COMPRESSION, NAGLE, mend_for
from load.doctor.patient import Patient
from load.doctor.registry import EXAMINATIONS
from sioprobe.diagnosis import Cause, Diagnosis
from sioprobe.engine import SwarmError
from tests.load.doctor.patients import finding, ids, meet, polling_server

FAULTS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "websocket refused": ({}, handshake.examine_transports, "no-websocket"),
    "upgrade fails": ({"upgrades": ["websocket"]}, handshake.examine_transports, "upgrade-fails"),
    "long pings": ({"ping_interval": 90_000}, handshake.examine_heartbeat, "long-ping-interval"),
    "short pings": ({"ping_interval": 1000}, handshake.examine_heartbeat, "short-ping-interval"),
    "short timeout": ({"ping_timeout": 1000}, handshake.examine_heartbeat, "short-ping-timeout"),
    "small payload": ({"max_payload": 5000}, handshake.examine_heartbeat, "small-max-payload"),
    "origin refused": ({"refuses_origin": True}, handshake.examine_origins, "origin-refused"),
    "origin not named": ({"allows_origin": ""}, handshake.examine_origins, "origin-refused"),
    "closes": ({"closes": True}, polling_answers.examine_keeping, "closes-each-poll"),
    "packs": ({"packs": True}, polling_answers.examine_compression, "compresses-polling"),
    "cookie": ({"cookie": "lb=1"}, sticky_sessions.examine, "sticky-by-cookie"),
    "calls unanswered": ({"deaf": True}, roundtrips.examine, "calls-fail"),
    "few packets": ({"most_packets": 16}, packets.examine, "few-packets-per-post"),
    "few refused": ({"most_packets": 3, "refuses_packets": True}, packets.examine, "few-packets-per-post"),
    "held poll": ({"holds_polls": True}, endings.examine, "poll-held-after-close"),
}


def test_words_and_figures_agree_where_a_proxy_drops_the_upgrade() -> None:
    """Then the OPEN packet offers what nobody gets."""
    with polling_server(upgrades=["websocket"]) as url:
        found = handshake.examine_transports(meet(url, pids=False))

    assert found.figures["websocket"] is False
    assert found.figures["upgrade_offered"] is True
    assert found.saw == "polling only: the upgrade is offered, and each WebSocket fails"


@pytest.mark.parametrize(("cause", "told"), [(Cause.PROCESSES, True), (Cause.NAMESPACE_REFUSED, False)])
def test_an_upgrade_that_fails_is_not_explained_by_what_has_nothing_to_do_with_it(
    cause: Cause, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patient, "diagnosis", lambda *_: Diagnosis(cause, "so it is"))
    with polling_server(upgrades=["websocket"]) as url:
        found = finding(handshake.examine_transports(meet(url, pids=False)), "upgrade-fails")

    assert (found.means == "so it is.") is told


@pytest.mark.parametrize(("behaviour", "examine", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found(behaviour: dict[str, Any], examine: Any, expected: str) -> None:
    with polling_server(**behaviour) as url:
        found = examine(meet(url, pids=False))

    assert ids(found) == [expected]
    assert found.findings[0].seen
    assert found.findings[0].means


def test_a_server_without_faults_has_none() -> None:
    with polling_server() as url:
        patient = meet(url, pids=False)
        found = [
            examination.examine(patient)
            for id, examination in EXAMINATIONS.items()
            if id not in ("transports", "roundtrips", "deflate", "log", "connections")
        ]

    assert [ids(each) for each in found] == [[]] * 8


def test_figures_are_those_of_what_was_seen() -> None:
    with polling_server(closes=True, packs=True) as url:
        patient = meet(url, pids=False)
        kept = finding(polling_answers.examine_keeping(patient), "closes-each-poll")
        packed = polling_answers.examine_compression(patient)

    assert (kept.figures["closed"], kept.figures["answers"]) == (16, 16)
    assert kept.figures["connect_p50_ms"] > 0
    figures = finding(packed, "compresses-polling").figures
    assert figures["bytes"] > 3000 > figures["packed_bytes"] > 0
    # Without processes its price was not measured, and that is said.
    assert finding(packed, "compresses-polling").certainty == "inferred"
    assert packed.left_out == ["its CPU: the server's processes are not seen: "]


def test_how_many_packets_are_taken_is_measured() -> None:
    with polling_server(most_packets=40) as url:
        dropped = packets.examine(meet(url, pids=False))
    with polling_server(most_packets=3, refuses_packets=True) as url:
        refused = packets.examine(meet(url, pids=False))
    with polling_server() as url:
        taken = packets.examine(meet(url, pids=False))

    assert dropped.figures == {"taken": 40, "refused": 41, "answer": "http 200"}
    assert refused.figures == {"taken": 3, "refused": 4, "answer": "http 400: too many"}
    assert taken.figures == {"taken": 256, "refused": None, "answer": None}
    found = finding(dropped, "few-packets-per-post")
    assert found.seen.endswith("of one with 41, it answered 200 and dropped them")
    assert "After 42 emits in a row over polling, 41 of them are lost, and nobody is told." in found.means
    assert any("Payload.max_decode_packets" in setting for _, setting in found.mend)
    assert taken.saw == "256 or more are taken"


def test_a_server_that_names_no_max_payload_is_examined() -> None:
    with polling_server(max_payload=0) as url:
        patient = meet(url, pids=False)
        heartbeat = handshake.examine_heartbeat(patient)
        taken = packets.examine(patient)

    assert heartbeat.saw == "ping interval 25 s, ping timeout 20 s, no maxPayload named"
    assert heartbeat.figures["max_payload_bytes"] is None
    assert (ids(heartbeat), taken.figures["taken"]) == ([], 256)


def test_a_call_above_max_payload_says_so() -> None:
    with polling_server(max_payload=2000) as url, pytest.raises(SwarmError) as caught:
        polling_answers.examine_compression(meet(url, pids=False))

    assert str(caught.value).startswith("message above maxPayload (2,000 bytes): the message has 3,0")
    assert str(caught.value).endswith("then: http 413: too large")


def test_what_needs_processes_or_websocket_is_not_examined_without() -> None:
    with polling_server() as url:
        patient = meet(url, pids=False)
        for id, reason in (
            ("log", "the server's processes are not seen"),
            ("deflate", "no WebSocket"),
            ("connections", "not asked"),
        ):
            with pytest.raises(NotExamined, match=reason):
                EXAMINATIONS[id].examine(patient)


def test_the_setting_named_is_that_of_the_server_that_says_what_it_is() -> None:
    assert [who for who, _ in mend_for(NAGLE, "gevent gevent flask-socketio")] == [
        "Flask-SocketIO with gevent"
    ]
    assert [who for who, _ in mend_for(NAGLE, "werkzeug/3.1.9 python/3.11")] == [
        "Flask-SocketIO with threading"
    ]
    assert [who for who, _ in mend_for(COMPRESSION, "node  socket.io")] == ["socket.io on Node"]
    assert mend_for(NAGLE, "cowboy") == NAGLE
