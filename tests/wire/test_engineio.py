"""Engine.IO packets and payloads: one table a codec, read in both directions, and one of refusals."""

from __future__ import annotations

import re

import pytest

from sioprobe.wire import (
    EnginePacket,
    EnginePacketType,
    LocalProtocolError,
    OpenData,
    RemoteProtocolError,
    decode_open,
    decode_packet,
    decode_payload,
    encode_open,
    encode_packet,
    encode_payload,
)

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = EnginePacketType

PACKETS: list[tuple[EnginePacket, str | bytes]] = [
    (EnginePacket(OPEN, '{"sid":"a"}'), '0{"sid":"a"}'),
    (EnginePacket(CLOSE), "1"),
    (EnginePacket(PING), "2"),
    (EnginePacket(PING, "probe"), "2probe"),
    (EnginePacket(PONG, "probe"), "3probe"),
    (EnginePacket(MESSAGE), "4"),
    (EnginePacket(MESSAGE, "hello"), "4hello"),
    (EnginePacket(MESSAGE, "4"), "44"),
    (EnginePacket(MESSAGE, "true"), "4true"),  # text stays text, whatever it looks like
    (EnginePacket(MESSAGE, '{"a": 1}'), '4{"a": 1}'),
    (EnginePacket(MESSAGE, "b"), "4b"),
    (EnginePacket(MESSAGE, "€ \U0001f600 \u2028"), "4€ \U0001f600 \u2028"),
    (EnginePacket(MESSAGE, "a\x1eb"), "4a\x1eb"),
    (EnginePacket(MESSAGE, "line\nbreak\0"), "4line\nbreak\0"),
    (EnginePacket(UPGRADE), "5"),
    (EnginePacket(NOOP), "6"),
    (EnginePacket(MESSAGE, b"\x01\x02"), b"\x01\x02"),
    (EnginePacket(MESSAGE, b""), b""),
    (EnginePacket(MESSAGE, b"4"), b"4"),
]

PAYLOADS: list[tuple[list[EnginePacket], str]] = [
    ([EnginePacket(NOOP)], "6"),
    ([EnginePacket(MESSAGE, "hello"), EnginePacket(PING), EnginePacket(MESSAGE)], "4hello\x1e2\x1e4"),
    ([EnginePacket(MESSAGE, b"")], "b"),
    ([EnginePacket(MESSAGE, b"\x01\x02\x03\x04")], "bAQIDBA=="),
    ([EnginePacket(MESSAGE, b"\xfb\xff")], "b+/8="),
    (
        [EnginePacket(MESSAGE, b"\x01"), EnginePacket(MESSAGE, "€"), EnginePacket(MESSAGE, b"\x02")],
        "bAQ==\x1e4€\x1ebAg==",
    ),
    ([EnginePacket(MESSAGE, str(number)) for number in range(40)], "\x1e".join(f"4{n}" for n in range(40))),
]

OPENS: list[tuple[OpenData, str]] = [
    (
        OpenData("s1", ("websocket",), 25000, 20000, 1000000),
        '0{"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
    ),
    (
        OpenData("s2", (), 0.5, 0, 1),
        '0{"sid":"s2","upgrades":[],"pingInterval":0.5,"pingTimeout":0,"maxPayload":1}',
    ),
    (
        OpenData("é", ("websocket", "webtransport"), 1, 2, 3),
        '0{"sid":"\\u00e9","upgrades":["websocket","webtransport"],'
        '"pingInterval":1,"pingTimeout":2,"maxPayload":3}',
    ),
]


def exactly(message: str) -> str:
    """A pattern for `pytest.raises` that takes this message and no other."""
    return f"^{re.escape(message)}$"


@pytest.mark.parametrize(("packet", "message"), PACKETS)
def test_packet_both_ways(packet: EnginePacket, message: str | bytes) -> None:
    assert encode_packet(packet) == message
    assert decode_packet(message) == packet


@pytest.mark.parametrize(("packets", "body"), PAYLOADS)
def test_payload_both_ways(packets: list[EnginePacket], body: str) -> None:
    assert encode_payload(packets) == body
    assert list(decode_payload(body)) == packets
    assert list(decode_payload(body.encode("utf-8"))) == packets


@pytest.mark.parametrize(("opened", "message"), OPENS)
def test_open_both_ways(opened: OpenData, message: str) -> None:
    assert encode_packet(encode_open(opened)) == message
    assert decode_open(decode_packet(message)) == opened


def test_open_reports_the_keys_that_the_protocol_does_not_name() -> None:
    packet = decode_packet(
        '0{"z":1,"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1,"b":{}}'
    )

    assert decode_open(packet).extra == ("z", "b")


@pytest.mark.parametrize("buffer", [bytearray(b"\x01"), memoryview(b"\x01")])
def test_every_kind_of_buffer_is_binary(buffer: bytes) -> None:
    assert encode_packet(EnginePacket(MESSAGE, buffer)) == b"\x01"
    assert encode_payload([EnginePacket(MESSAGE, buffer)]) == "bAQ=="
    assert decode_packet(buffer) == EnginePacket(MESSAGE, b"\x01")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("", "empty packet"),
        ("7", "unknown packet type '7'"),
        ("9abc", "unknown packet type '9'"),
        ("x", "unknown packet type 'x'"),
        (" 2", "unknown packet type ' '"),
        ("-1", "unknown packet type '-'"),
        ("bAQ==", "unknown packet type 'b'"),  # base64 belongs into payloads
        ("４hello", "unknown packet type '４'"),  # a full-width digit
        ("٤hello", "unknown packet type '٤'"),  # an Arabic-Indic digit
        ("\x1e", "unknown packet type '\\x1e'"),
    ],
)
def test_packet_is_refused(message: str, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        decode_packet(message)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "empty packet"),
        (b"", "empty packet"),
        ("4a\x1e", "empty packet"),
        ("\x1e4a", "empty packet"),
        ("4a\x1e\x1e4b", "empty packet"),
        ("4a\x1e7", "unknown packet type '7'"),
        ("d=4a", "unknown packet type 'd'"),  # JSONP is Engine.IO 3's
        (b"4a\xff", "payload is not UTF-8 at byte 2"),
        (b"4\xed\xa0\x80", "payload is not UTF-8 at byte 1"),  # an encoded surrogate
    ],
)
def test_payload_is_refused(body: str | bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        list(decode_payload(body))


# What follows "not base64:" is worded by Python's own decoder, differently in each version.
@pytest.mark.parametrize(
    "body", ["b!!!!", "bAQ", "bAQ=", "bAQ===", "bAQ==AQ==", "bAQ ==", "bA", "b=", "b-_8=", "bAQ==\n", "bé"]
)
def test_base64_is_strict(body: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^binary packet is not base64: [^\n]+$"):
        list(decode_payload(body))


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (EnginePacket(PING, b"probe"), "binary data in a PING packet"),
        (EnginePacket(OPEN, b""), "binary data in a OPEN packet"),
        (EnginePacket(MESSAGE, "\ud800"), "lone surrogate in the data of a text packet"),
        (EnginePacket(MESSAGE, None), "data of type NoneType in a MESSAGE packet"),  # type: ignore[arg-type]
        (EnginePacket(MESSAGE, {"a": 1}), "data of type dict in a MESSAGE packet"),  # type: ignore[arg-type]
    ],
)
def test_packet_that_cannot_be_sent(packet: EnginePacket, error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_packet(packet)
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_payload([packet])


@pytest.mark.parametrize(
    ("packets", "error"),
    [
        ([], "a payload without packets"),
        ([EnginePacket(MESSAGE, "a\x1eb")], "record separator in the data of a text packet"),
    ],
)
def test_payload_that_cannot_be_sent(packets: list[EnginePacket], error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_payload(packets)


def handshake(**changed: str) -> str:
    """An OPEN packet whose values are the JSON given here; an empty one drops the key."""
    values = {"sid": '"a"', "upgrades": "[]", "pingInterval": "1", "pingTimeout": "1", "maxPayload": "1"}
    members = [f'"{key}":{value}' for key, value in (values | changed).items() if value]
    return "0{" + ",".join(members) + "}"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("4{}", "MESSAGE packet where OPEN is due"),
        (b"{}", "MESSAGE packet where OPEN is due"),
        ("0", "invalid json: Expecting value: line 1 column 1 (char 0)"),
        ("0[]", "data of the OPEN packet is not an object"),
        ('0"a"', "data of the OPEN packet is not an object"),
        ("0{} {}", "invalid json: Extra data: line 1 column 4 (char 3)"),
        (handshake(sid=""), "sid of the OPEN packet is not a non-empty string"),
        (handshake(sid='""'), "sid of the OPEN packet is not a non-empty string"),
        (handshake(sid="7"), "sid of the OPEN packet is not a non-empty string"),
        (handshake(upgrades=""), "upgrades of the OPEN packet is not an array of strings"),
        (handshake(upgrades='"websocket"'), "upgrades of the OPEN packet is not an array of strings"),
        (handshake(upgrades='["websocket",1]'), "upgrades of the OPEN packet is not an array of strings"),
        (handshake(pingInterval=""), "pingInterval of the OPEN packet is not a finite number of 0 or more"),
        (
            handshake(pingInterval='"1"'),
            "pingInterval of the OPEN packet is not a finite number of 0 or more",
        ),
        (handshake(pingTimeout="-1"), "pingTimeout of the OPEN packet is not a finite number of 0 or more"),
        (handshake(pingTimeout="true"), "pingTimeout of the OPEN packet is not a finite number of 0 or more"),
        (handshake(maxPayload="null"), "maxPayload of the OPEN packet is not a finite number of 0 or more"),
        (handshake(maxPayload="1e999"), "maxPayload of the OPEN packet is not a finite number of 0 or more"),
        (
            handshake(maxPayload="9" * 400),
            "maxPayload of the OPEN packet is not a finite number of 0 or more",
        ),
        (handshake(pingInterval="NaN"), "invalid json: NaN"),
        (handshake(pingInterval="-Infinity"), "invalid json: -Infinity"),
    ],
)
def test_open_is_refused(message: str | bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        decode_open(decode_packet(message))


def test_open_nested_without_end_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=exactly("json is nested too deeply")):
        decode_open(EnginePacket(OPEN, '{"sid":' + "[" * 500_000))


@pytest.mark.parametrize(
    ("opened", "error"),
    [
        (
            OpenData("a", (), 1, 1, 1, extra=("cookie",)),
            "an OPEN packet with keys that the protocol does not name",
        ),
        (OpenData("", (), 1, 1, 1), "sid of the OPEN packet is not a non-empty string"),
        (OpenData("a", (), -1, 1, 1), "pingInterval of the OPEN packet is not a finite number of 0 or more"),
        (OpenData("a", (), 1, float("nan"), 1), "invalid json: NaN"),
        (OpenData("a", (), 1, 1, float("inf")), "invalid json: Infinity"),
    ],
)
def test_open_that_cannot_be_sent(opened: OpenData, error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_open(opened)
