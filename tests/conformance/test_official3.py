"""Each of the 24 official tests of Engine.IO 3 has its cases here."""

from __future__ import annotations

import pytest

from conformance.collect import all_questions

# The official test, by its group and title, and the cases that ask the same.
OFFICIAL = {
    "handshake, polling: opens a session": ["test_eio3_opens_a_session[polling]"],
    "handshake, polling: invalid transport": ["test_eio3_refuses_a_wrong_transport[polling]"],
    "handshake, polling: invalid request method": ["test_eio3_refuses_a_handshake_by_post"],
    "handshake, websocket: opens a session": [
        "test_eio3_opens_a_session[websocket]",
        "test_eio3_offers_the_upgrades_that_there_are[websocket]",
    ],
    "handshake, websocket: invalid EIO": ["test_eio3_refuses_a_websocket_with_an_unknown_eio"],
    "handshake, websocket: invalid transport": ["test_eio3_refuses_a_wrong_transport[websocket]"],
    "message, polling: one plain text packet": ["test_eio3_text_goes_both_ways[polling]"],
    "message, polling: several plain text packets": ["test_eio3_takes_several_packets_of_one_payload"],
    "message, polling: text and base64": ["test_eio3_takes_base64", "test_eio3_sends_base64"],
    "message, polling: text and binary": [
        "test_eio3_takes_a_binary_payload",
        "test_eio3_sends_a_binary_payload",
    ],
    "message, polling: invalid packet format": [
        "test_eio3_closes_on_a_packet_that_is_none[polling]",
        "test_eio3_closes_on_an_unknown_packet_type[polling]",
    ],
    "message, polling: duplicate poll requests": ["test_eio3_closes_on_overlapping_polls"],
    "message, websocket: plain text": ["test_eio3_text_goes_both_ways[websocket]"],
    "message, websocket: binary": ["test_eio3_a_binary_frame_starts_with_its_type[websocket]"],
    "message, websocket: invalid packet format": [
        "test_eio3_closes_on_a_packet_that_is_none[websocket]",
        "test_eio3_closes_on_an_unknown_packet_type[websocket]",
    ],
    "heartbeat, polling: ping/pong packets": [
        "test_eio3_answers_a_ping[polling]",
        "test_eio3_keeps_a_client_that_pings[polling]",
    ],
    "heartbeat, polling: ping timeout": ["test_eio3_closes_a_client_that_sends_nothing[polling]"],
    "heartbeat, websocket: ping/pong packets": [
        "test_eio3_answers_a_ping[websocket]",
        "test_eio3_keeps_a_client_that_pings[websocket]",
    ],
    "heartbeat, websocket: ping timeout": ["test_eio3_closes_a_client_that_sends_nothing[websocket]"],
    "close, polling: forcefully closes the session": [
        "test_eio3_a_close_packet_ends_the_poll",
        "test_eio3_a_close_packet_ends_the_session[polling]",
    ],
    "close, websocket: forcefully closes the session": [
        "test_eio3_a_close_packet_ends_the_session[websocket]"
    ],
    "upgrade: from polling to websocket": [
        "test_eio3_answers_the_probe",
        "test_eio3_the_probe_ends_the_pending_poll",
    ],
    "upgrade: HTTP requests with the same sid": ["test_eio3_refuses_polls_and_pushes_after_the_upgrade"],
    "upgrade: WebSocket with the same sid": ["test_eio3_refuses_a_second_websocket_after_the_upgrade"],
}


@pytest.mark.parametrize("title", OFFICIAL)
def test_an_official_test_has_its_cases(title: str) -> None:
    labels = {question.label for question in all_questions()}

    assert OFFICIAL[title]
    assert [label for label in OFFICIAL[title] if label not in labels] == []


def test_all_24_are_there() -> None:
    assert len(OFFICIAL) == 24
