"""Engine.IO 3 packets and payloads: one table a codec, read in both directions, and one of refusals."""

from __future__ import annotations

import re

import pytest

from sioprobe.wire import EnginePacket, EnginePacketType, LocalProtocolError, OpenData, RemoteProtocolError
from sioprobe.wire.engineio3 import (
    decode_open,
    decode_packet,
    decode_payload,
    encode_binary_payload,
    encode_packet,
    encode_payload,
    utf16_length,
)

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = EnginePacketType

PACKETS: list[tuple[EnginePacket, str | bytes]] = [
    (EnginePacket(OPEN, '{"sid":"a"}'), '0{"sid":"a"}'),
    (EnginePacket(CLOSE), "1"),
    (EnginePacket(PING, "probe"), "2probe"),
    (EnginePacket(PONG), "3"),
    (EnginePacket(MESSAGE), "4"),
    (EnginePacket(MESSAGE, "hello"), "4hello"),
    (EnginePacket(MESSAGE, "€ \U0001f600"), "4€ \U0001f600"),
    (EnginePacket(UPGRADE), "5"),
    (EnginePacket(NOOP), "6"),
    (EnginePacket(MESSAGE, b"\x01\x02"), b"\x04\x01\x02"),
    (EnginePacket(MESSAGE, b""), b"\x04"),
]

# Packets, their text payload, their binary payload.
PAYLOADS: list[tuple[list[EnginePacket], str, bytes]] = [
    ([EnginePacket(NOOP)], "1:6", b"\x00\x01\xff6"),
    ([EnginePacket(MESSAGE, "hello")], "6:4hello", b"\x00\x06\xff4hello"),
    (
        [EnginePacket(MESSAGE, "hello"), EnginePacket(MESSAGE, "world")],
        "6:4hello6:4world",
        b"\x00\x06\xff4hello\x00\x06\xff4world",
    ),
    # One UTF-16 code unit of three bytes; two units, a pair, of four.
    ([EnginePacket(MESSAGE, "€")], "2:4€", b"\x00\x04\xff4\xe2\x82\xac"),
    ([EnginePacket(MESSAGE, "\U0001f600")], "3:4\U0001f600", b"\x00\x05\xff4\xf0\x9f\x98\x80"),
    ([EnginePacket(MESSAGE, "2:4a")], "5:42:4a", b"\x00\x05\xff42:4a"),
    ([EnginePacket(MESSAGE, b"\x01\x02\x03\x04")], "10:b4AQIDBA==", b"\x01\x05\xff\x04\x01\x02\x03\x04"),
    ([EnginePacket(MESSAGE, b"\xff")], "6:b4/w==", b"\x01\x02\xff\x04\xff"),
    ([EnginePacket(MESSAGE, b"")], "2:b4", b"\x01\x01\xff\x04"),
    (
        [EnginePacket(MESSAGE, "x" * 120), EnginePacket(PONG)],
        "121:4" + "x" * 120 + "1:3",
        b"\x00\x01\x02\x01\xff4" + b"x" * 120 + b"\x00\x01\xff3",
    ),
]


@pytest.mark.parametrize(("packet", "message"), PACKETS)
def test_packet_and_message(packet: EnginePacket, message: str | bytes) -> None:
    assert encode_packet(packet) == message
    assert decode_packet(message) == packet


@pytest.mark.parametrize(("packets", "text", "binary"), PAYLOADS)
def test_packets_and_payload(packets: list[EnginePacket], text: str, binary: bytes) -> None:
    assert encode_payload(packets) == text
    assert list(decode_payload(text)) == packets
    assert list(decode_payload(text.encode("utf-8"))) == packets
    assert encode_binary_payload(packets) == binary
    assert list(decode_payload(binary, binary=True)) == packets


def test_base64_is_a_packet_outside_of_a_payload_too() -> None:
    assert decode_packet("b4AQ==") == EnginePacket(MESSAGE, b"\x01")


def test_a_text_packet_may_lie_in_a_binary_payload_as_base64() -> None:
    assert list(decode_payload(b"\x00\x06\xffb4AQ==", binary=True)) == [EnginePacket(MESSAGE, b"\x01")]


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("a€", 2), ("\U0001f600", 2), ("\uffff\U00010000", 3), ("é", 1)]
)
def test_length_in_utf_16(text: str, length: int) -> None:
    assert utf16_length(text) == length == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("", "empty packet"),
        ("7", "unknown packet type '7'"),
        ("４a", "unknown packet type '４'"),
        ("b", "binary packet of type '', only MESSAGE is binary"),
        ("bAQ==", "binary packet of type 'A', only MESSAGE is binary"),
        ("b2AQ==", "binary packet of type '2', only MESSAGE is binary"),
        ("b4AQ", "binary packet is not base64"),
        ("b4é", "binary packet is not base64"),
        (b"", "empty packet"),
        (b"\x01\x02", "binary packet of type 0x01, only MESSAGE is binary"),
        (b"4a", "binary packet of type 0x34, only MESSAGE is binary"),
    ],
)
def test_message_that_is_no_packet(message: str | bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match="^" + re.escape(error)):
        decode_packet(message)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "empty payload"),
        ("6", "no length in front of a packet: '6'"),
        ("4hello\x1e4world", "no length in front of a packet: '4hello\\x1e4world'"),
        ("0:", "length '0' is no number of 1 or more"),
        (":4a", "length '' is no number of 1 or more"),
        ("02:4a", "length '02' is no number of 1 or more"),
        ("-2:4a", "length '-2' is no number of 1 or more"),
        ("２:4a", "length '２' is no number of 1 or more"),
        ("1e1:4aaaaaaaaa", "length '1e1' is no number of 1 or more"),
        ("1" * 400 + ":4a", "no length in front of a packet"),
        ("3:4a", "packet of length 3 in a payload that holds 2"),
        ("2:4ab", "no length in front of a packet: 'b'"),
        ("4:4€", "packet of length 4 in a payload that holds 2"),  # the length of its bytes
        ("2:4\U0001f600", "length 2 ends inside of a character"),  # the length of its characters
        ("1:7", "unknown packet type '7'"),
        (b"2:4\xff", "payload is not UTF-8 at byte 3"),
        ("2:4\ud800", "length 2 ends inside of a character"),
    ],
)
def test_body_that_is_no_text_payload(body: str | bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match="^" + re.escape(error)):
        list(decode_payload(body))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "empty payload"),
        (b"6:4hello", "packet that starts with byte 0x36, neither text nor binary"),
        (b"\x02\x01\xff6", "packet that starts with byte 0x02, neither text nor binary"),
        (b"\x00", "length of a packet without its end"),
        (b"\x00\x016", "length of a packet without its end"),
        (b"\x00\xff6", "length '' is no number of 1 or more"),
        (b"\x00\x00\xff", "length '0' is no number of 1 or more"),
        (b"\x00\x0a\xff4aaaaaaaaa", "length '?' is no number of 1 or more"),
        (b"\x00" + b"\x01" * 400 + b"\xff6", "length of a packet without its end"),
        (b"\x00\x03\xff4a", "packet of length 3 in a payload that holds 2"),
        (b"\x00\x02\xff4\xff", "text packet is not UTF-8 at byte 1"),
        (b"\x00\x01\xff7", "unknown packet type '7'"),
        (b"\x01\x01\xff6", "binary packet of type 0x36, only MESSAGE is binary"),
        ("\x00\x01\xff6", "text where a binary payload is due"),
    ],
)
def test_body_that_is_no_binary_payload(body: str | bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match="^" + re.escape(error)):
        list(decode_payload(body, binary=True))


def test_what_cannot_be_encoded_is_refused() -> None:
    for encode in (encode_payload, encode_binary_payload):
        with pytest.raises(LocalProtocolError, match="a payload without packets"):
            encode([])
        with pytest.raises(LocalProtocolError, match="lone surrogate"):
            encode([EnginePacket(MESSAGE, "\ud800")])
    with pytest.raises(LocalProtocolError, match="binary data in a PING packet"):
        encode_packet(EnginePacket(PING, b"x"))


def test_an_open_packet_needs_no_max_payload() -> None:
    data = '{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}'
    named = data.replace("}", ',"maxPayload":7}')

    assert decode_open(EnginePacket(OPEN, data)) == OpenData("s", ("websocket",), 25000, 5000, 0)
    assert decode_open(EnginePacket(OPEN, named)) == OpenData("s", ("websocket",), 25000, 5000, 7)
    with pytest.raises(RemoteProtocolError, match="maxPayload of the OPEN packet"):
        decode_open(EnginePacket(OPEN, data.replace("}", ',"maxPayload":"7"}')))
    with pytest.raises(RemoteProtocolError, match="pingTimeout of the OPEN packet"):
        decode_open(EnginePacket(OPEN, data.replace(',"pingTimeout":5000', "")))
