"""Engine.IO 3 and Socket.IO 4 for every input, and against the parsers of socket.io 2.

Where the two legitimately differ, a table says so: a new version that no longer differs fails here.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sioprobe.wire import EnginePacket, EnginePacketType, RemoteProtocolError, SocketPacket, SocketPacketType
from sioprobe.wire.engineio3 import (
    decode_packet,
    decode_payload,
    encode_binary_payload,
    encode_packet,
    encode_payload,
)
from sioprobe.wire.socketio4 import SocketDecoder, encode_socket_packet
from tests.wire import test_engineio3, test_socketio4
from tests.wire.javascript import ask
from tests.wire.test_oracles import (
    as_engine_reference,
    as_javascript,
    collected,
)
from tests.wire.test_properties import (
    ACK_IDS,
    ANYTHING,
    ARGUMENTS,
    BINARY_KINDS,
    ENGINE_PACKETS,
    EVENT_DATA,
    JSON,
    NAMESPACES,
    PACKET_TEXTS,
    PROFILE,
)

reference = partial(ask, "reference3.mjs", "socket.io-2")
MESSAGE = EnginePacketType.MESSAGE

WITHOUT_DATA = (SocketPacketType.CONNECT, SocketPacketType.DISCONNECT)
# Type 4 with null is type 4 without data.
ERROR_DATA = JSON | st.none()
SOCKET_PACKETS = st.one_of(
    st.builds(SocketPacket, st.sampled_from(list(WITHOUT_DATA)), NAMESPACES),
    st.builds(SocketPacket, st.just(SocketPacketType.EVENT), NAMESPACES, EVENT_DATA, st.none() | ACK_IDS),
    st.builds(SocketPacket, st.just(SocketPacketType.ACK), NAMESPACES, ARGUMENTS, ACK_IDS),
    st.builds(SocketPacket, st.just(SocketPacketType.CONNECT_ERROR), NAMESPACES, ERROR_DATA),
)

RECORDS = st.sampled_from(["1:6", "6:4hello", "2:4€", "3:4\U0001f600", "6:b4AQ==", "2:b4", "0:", "5:4", "1:"])
BODIES = st.lists(RECORDS | st.text("0123456789:b4=€\U0001f600", max_size=3)).map("".join)
BINARY_RECORDS = st.sampled_from(
    [
        b"\x00\x01\xff6",
        b"\x01\x02\xff\x04\xff",
        b"\x00\x04\xff4\xe2\x82\xac",
        b"\x00\x02\xff4",
        b"\xff",
        b"\x00",
    ]
)
BINARY_BODIES = st.lists(BINARY_RECORDS | st.binary(max_size=3)).map(b"".join)


def decode_all(messages: list[str | bytes]) -> SocketPacket:
    decoder = SocketDecoder()
    packets = [decoder.decode(message) for message in messages]
    assert packets[:-1] == [None] * (len(messages) - 1)
    assert packets[-1] is not None
    return packets[-1]


# --- What is encoded comes back; whatever comes in, nothing but RemoteProtocolError comes out.


@PROFILE
@given(ENGINE_PACKETS)
def test_engine_packet_comes_back(packet: EnginePacket) -> None:
    assert decode_packet(encode_packet(packet)) == packet


@PROFILE
@given(st.lists(ENGINE_PACKETS, min_size=1))
def test_payload_comes_back(packets: list[EnginePacket]) -> None:
    text = encode_payload(packets)

    assert list(decode_payload(text)) == packets
    assert list(decode_payload(text.encode("utf-8"))) == packets
    assert list(decode_payload(encode_binary_payload(packets), binary=True)) == packets


@PROFILE
@given(SOCKET_PACKETS)
def test_socket_packet_comes_back(packet: SocketPacket) -> None:
    text, attachments = encode_socket_packet(packet)
    kind = BINARY_KINDS[packet.type] if attachments else packet.type

    # As text, since 1, 1.0 and True are equal.
    expected = repr(SocketPacket(kind, packet.namespace, packet.data, packet.ack_id))
    assert repr(decode_all([text, *attachments])) == expected


@PROFILE
@given(ANYTHING)
def test_any_message_is_a_packet_or_refused(message: str | bytes) -> None:
    for decode in (decode_packet, SocketDecoder().decode):
        with contextlib.suppress(RemoteProtocolError):
            decode(message)


@PROFILE
@given(BODIES | PACKET_TEXTS | st.binary() | BINARY_BODIES, st.booleans())
def test_any_body_is_a_payload_or_refused(body: str | bytes, binary: bool) -> None:
    try:
        packets = list(decode_payload(body, binary=binary))
    except RemoteProtocolError:
        return
    assert packets
    again = encode_binary_payload(packets) if binary else encode_payload(packets)
    assert list(decode_payload(again, binary=binary)) == packets


@PROFILE
@given(st.lists(ENGINE_PACKETS, min_size=1, max_size=3), st.binary(max_size=8), st.booleans())
@example([EnginePacket(MESSAGE, "a")], b"2:4\xff", False)
@example([EnginePacket(MESSAGE, "a")], b"1:7", False)
@example([EnginePacket(MESSAGE, "a")], b"\x00\x01\xff7", True)
def test_packets_in_front_of_anything_are_seen(
    packets: list[EnginePacket], tail: bytes, binary: bool
) -> None:
    body = encode_binary_payload(packets) if binary else encode_payload(packets).encode("utf-8")
    seen = []

    with contextlib.suppress(RemoteProtocolError):
        for packet in decode_payload(body + tail, binary=binary):
            seen.append(packet)

    assert seen[: len(packets)] == packets


def test_a_cut_anywhere_is_refused_or_another_payload() -> None:
    packets = [EnginePacket(MESSAGE, "€\U0001f600"), EnginePacket(MESSAGE, b"\x00\xff")]
    binary = encode_binary_payload(packets)

    for end in range(len(binary)):
        try:
            assert list(decode_payload(binary[:end], binary=True)) == packets[:1]
        except RemoteProtocolError:
            continue


# --- engine.io-parser 2 and socket.io-parser 3


def test_engine_io_parser_and_ours_read_and_write_the_same() -> None:
    packets = [packet for packet, _ in test_engineio3.PACKETS] + collected(ENGINE_PACKETS)
    payloads = [packets for packets, _, _ in test_engineio3.PAYLOADS]
    payloads += collected(st.lists(ENGINE_PACKETS, min_size=1))
    as_theirs = [[as_engine_reference(packet) for packet in payload] for payload in payloads]

    answers = reference(
        packetDecode=[encode_packet(packet) for packet in packets],
        packetEncode=[as_engine_reference(packet) for packet in packets],
        payloadDecode=[
            *(encode_payload(payload) for payload in payloads),
            *(encode_binary_payload(payload) for payload in payloads),
        ],
        payloadEncode=as_theirs,
    )

    assert answers["packetDecode"] == [{"packets": [as_engine_reference(packet)]} for packet in packets]
    assert answers["packetEncode"] == [encode_packet(packet) for packet in packets]
    assert answers["payloadDecode"] == [{"packets": payload} for payload in as_theirs] * 2
    for payload, answer in zip(payloads, answers["payloadEncode"], strict=True):
        assert answer == {"text": encode_payload(payload), "binary": encode_binary_payload(payload)}


def test_ours_refuses_the_text_payloads_that_engine_io_parser_refuses() -> None:
    bodies = collected(BODIES)

    answers = reference(payloadDecode=bodies)["payloadDecode"]

    refused = 0
    for body, answer in zip(bodies, answers, strict=True):
        if "error" in answer:
            refused += 1
            with pytest.raises(RemoteProtocolError):
                list(decode_payload(body))
    assert refused > 30


# What it takes, and ours does not: lengths that Number() reads, base64 that is none, any type in binary.
LENIENT_BODIES = ["06:4hello", "6.0:4hello", "0x6:4hello", " 6:4hello", "0:", "4:b4AQ", "4:b4!!"]
LENIENT_MESSAGES: list[str | bytes] = ["b4AQ", b"\x02probe"]


def test_where_engine_io_parser_and_ours_differ() -> None:
    answers = reference(payloadDecode=LENIENT_BODIES, packetDecode=LENIENT_MESSAGES)

    assert ["error" in answer for answer in answers["payloadDecode"]] == [False] * len(LENIENT_BODIES)
    assert ["error" in answer for answer in answers["packetDecode"]] == [False] * len(LENIENT_MESSAGES)
    for body in LENIENT_BODIES:
        with pytest.raises(RemoteProtocolError):
            list(decode_payload(body))
    for message in LENIENT_MESSAGES:
        with pytest.raises(RemoteProtocolError):
            decode_packet(message)


def as_socket_reference(packet: SocketPacket) -> dict[str, Any]:
    fields = {"type": int(packet.type), "nsp": packet.namespace}
    optional = {"id": packet.ack_id, "data": packet.data}
    return fields | {key: value for key, value in optional.items() if value is not None}


def test_socket_io_parser_and_ours_read_each_other() -> None:
    # Its ERROR takes a string or an object (an array is one) and no other data.
    sent = [packet for packet, _, _ in test_socketio4.PACKETS] + collected(SOCKET_PACKETS)
    sent = [packet for packet in sent if not isinstance(packet.data, (bool, int, float))]
    encoded = [encode_socket_packet(packet) for packet in sent]
    decoded = [decode_all([text, *attachments]) for text, attachments in encoded]

    answers = reference(
        socketDecode=[[text, *attachments] for text, attachments in encoded],
        socketEncode=[as_socket_reference(packet) for packet in decoded],
    )

    for packet, answer in zip(decoded, answers["socketDecode"], strict=True):
        assert as_javascript(answer) == as_javascript(
            {"packets": [as_socket_reference(packet)], "waiting": False}
        )
    for packet, messages in zip(decoded, answers["socketEncode"], strict=True):
        ours = as_socket_reference(decode_all(messages))
        assert as_javascript(ours) == as_javascript(as_socket_reference(packet))


SOCKET_REFERENCE_IS_LENIENT = ["7", "", "2", "3[]", '29007199254740992["a"]']


def test_where_socket_io_parser_and_ours_differ() -> None:
    """An unknown type is an ERROR of its own making there, for a namespace that nobody is in."""
    answers = reference(socketDecode=[[text] for text in SOCKET_REFERENCE_IS_LENIENT])["socketDecode"]

    assert ["error" in answer for answer in answers] == [False] * len(SOCKET_REFERENCE_IS_LENIENT)
    for text in SOCKET_REFERENCE_IS_LENIENT:
        with pytest.raises(RemoteProtocolError):
            SocketDecoder().decode(text)
