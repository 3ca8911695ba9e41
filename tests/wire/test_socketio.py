"""Socket.IO packets with their attachments: one table read in both directions, and one of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from sioprobe.wire import (
    LocalProtocolError,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    encode_socket_packet,
)
from tests.wire.test_engineio import exactly

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = SocketPacketType

PLACEHOLDER = {"_placeholder": True, "num": 0}

# A packet, its text, its attachments.
PACKETS: list[tuple[SocketPacket, str, list[bytes]]] = [
    (SocketPacket(CONNECT), "0", []),
    (SocketPacket(CONNECT, data={"token": "t"}), '0{"token":"t"}', []),
    (SocketPacket(CONNECT, data={}), "0{}", []),
    (SocketPacket(CONNECT, "/admin"), "0/admin,", []),
    (SocketPacket(CONNECT, "/admin", {"sid": "x"}), '0/admin,{"sid":"x"}', []),
    (SocketPacket(DISCONNECT), "1", []),
    (SocketPacket(DISCONNECT, "/admin"), "1/admin,", []),
    (SocketPacket(EVENT, data=["hello"]), '2["hello"]', []),
    (SocketPacket(EVENT, data=[""]), '2[""]', []),
    (SocketPacket(EVENT, data=[7, None, True]), "2[7,null,true]", []),
    (SocketPacket(EVENT, data=["a", 1.5, -1, [], {}]), '2["a",1.5,-1,[],{}]', []),
    (SocketPacket(EVENT, "/admin", ["a"], 12), '2/admin,12["a"]', []),
    (SocketPacket(EVENT, "/1", ["a"], 0), '2/1,0["a"]', []),
    (SocketPacket(EVENT, "/a-b/c?d=e", ["a"]), '2/a-b/c?d=e,["a"]', []),
    (SocketPacket(EVENT, "/é", ["a"]), '2/é,["a"]', []),
    (SocketPacket(EVENT, data=["a"], ack_id=2**53 - 1), '29007199254740991["a"]', []),
    (
        SocketPacket(EVENT, data=["€\U0001f600\u2028", "\x1e\n\0"]),
        '2["€\U0001f600\u2028","\\u001e\\n\\u0000"]',
        [],
    ),
    (SocketPacket(EVENT, data=["€\ud800"]), '2["\\u20ac\\ud800"]', []),  # UTF-8 cannot carry it as it is
    (SocketPacket(EVENT, data=["a", PLACEHOLDER]), '2["a",{"_placeholder":true,"num":0}]', []),
    (SocketPacket(ACK, data=[], ack_id=3), "33[]", []),
    (SocketPacket(ACK, "/admin", ["x"], 13), '3/admin,13["x"]', []),
    (SocketPacket(CONNECT_ERROR, data={"message": "no"}), '4{"message":"no"}', []),
    (SocketPacket(CONNECT_ERROR, "/admin", "no"), '4/admin,"no"', []),
    (SocketPacket(BINARY_EVENT, data=["a", b"\x01"]), '51-["a",{"_placeholder":true,"num":0}]', [b"\x01"]),
    (SocketPacket(BINARY_EVENT, data=["a", b""]), '51-["a",{"_placeholder":true,"num":0}]', [b""]),
    (
        SocketPacket(BINARY_EVENT, "/admin", ["a", {"b": [b"1", {"c": b"2"}]}, b"3"], 7),
        '53-/admin,7["a",{"b":[{"_placeholder":true,"num":0},{"c":{"_placeholder":true,"num":1}}]},'
        '{"_placeholder":true,"num":2}]',
        [b"1", b"2", b"3"],
    ),
    (
        SocketPacket(BINARY_ACK, "/admin", [b"\x00"], 456),
        '61-/admin,456[{"_placeholder":true,"num":0}]',
        [b"\x00"],
    ),
]

# Texts that mean the same as the encoder's own.
ALTERNATIVES: list[tuple[SocketPacket, str, list[bytes]]] = [
    (SocketPacket(CONNECT, "/admin"), "0/admin", []),
    (SocketPacket(DISCONNECT, "/admin"), "1/admin", []),
    (SocketPacket(EVENT, data=["a"]), '2/,["a"]', []),
    (SocketPacket(EVENT, data=["a"], ack_id=7), '2007["a"]', []),
    (SocketPacket(EVENT, data=["a", 100.0]), '2[ "a" , 1E2 ] ', []),
    (SocketPacket(EVENT, data=["\U0001f600"]), '2["\\ud83d\\ude00"]', []),
    (SocketPacket(EVENT, data=["a"]), '2[\n"a"\r\n]\n', []),
    (
        SocketPacket(BINARY_EVENT, data=["a", b"0", b"0"]),
        '51-["a",{"num":0,"_placeholder":true},{"num":0,"_placeholder":true}]',
        [b"0"],
    ),
    (
        SocketPacket(BINARY_EVENT, data=["a", b"2", b"1"]),
        '52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]',
        [b"1", b"2"],
    ),
    (SocketPacket(BINARY_EVENT, data=["a"]), '51-["a"]', [b"never named"]),
    (
        SocketPacket(BINARY_EVENT, data=["a", {"_placeholder": 1, "num": 0}]),
        '51-["a",{"_placeholder":1,"num":0}]',
        [b""],
    ),
]

MANY = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(12))


def decode(text: str, attachments: list[bytes]) -> SocketPacket:
    """The packet; nothing may be complete before the last attachment."""
    decoder = SocketDecoder()
    messages: list[str | bytes] = [text, *attachments]
    for position, data in enumerate(messages):
        packet = decoder.decode(data)
        assert decoder.missing_attachments == len(attachments) - position
        assert (packet is None) == (position < len(attachments))
    assert packet is not None
    return packet


@pytest.mark.parametrize(("packet", "text", "attachments"), PACKETS)
def test_packet_both_ways(packet: SocketPacket, text: str, attachments: list[bytes]) -> None:
    assert encode_socket_packet(packet) == (text, attachments)
    assert decode(text, attachments) == packet


@pytest.mark.parametrize(("packet", "text", "attachments"), ALTERNATIVES)
def test_other_text_for_the_same_packet(packet: SocketPacket, text: str, attachments: list[bytes]) -> None:
    assert decode(text, attachments) == packet


def test_more_attachments_than_the_reference_takes_by_default() -> None:
    attachments = [bytes([number]) for number in range(12)]

    packet = decode(f'512-["a",{MANY}]', attachments)

    assert packet.data == ["a", *attachments]


@pytest.mark.parametrize(
    ("kind", "binary", "ack_id"),
    [(EVENT, BINARY_EVENT, None), (EVENT, BINARY_EVENT, 1), (ACK, BINARY_ACK, 1)],
)
def test_bytes_make_the_packet_binary(kind: SocketPacketType, binary: SocketPacketType, ack_id: int) -> None:
    data = ["a", b"\x01"]

    plain = encode_socket_packet(SocketPacket(kind, data=data, ack_id=ack_id))

    assert plain == encode_socket_packet(SocketPacket(binary, data=data, ack_id=ack_id))
    assert plain[0][0] == str(int(binary))


def test_tuples_and_buffers_are_arrays_and_bytes() -> None:
    data = ("a", (1, bytearray(b"1")), memoryview(b"2"))

    text, attachments = encode_socket_packet(SocketPacket(EVENT, data=data))

    assert decode(text, attachments).data == ["a", [1, b"1"], b"2"]


def test_encoding_leaves_the_data_as_it_was() -> None:
    data = ["a", {"b": b"1"}]

    encode_socket_packet(SocketPacket(EVENT, data=data))

    assert data == ["a", {"b": b"1"}]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty packet"),
        ("7", "unknown packet type '7'"),
        ("9[]", "unknown packet type '9'"),
        ("a", "unknown packet type 'a'"),
        ("-1", "unknown packet type '-'"),
        ('２["a"]', "unknown packet type '２'"),
        ("0[]", "data of CONNECT is not an object"),
        ('0"a"', "data of CONNECT is not an object"),
        ("0null", "data of CONNECT is null"),
        ("01{}", "ack id on CONNECT"),
        ("1{}", "DISCONNECT with data"),
        ("1[]", "DISCONNECT with data"),
        ("11", "ack id on DISCONNECT"),
        ("2", "data of EVENT is not an array"),
        ("2null", "data of EVENT is null"),
        ("2{}", "data of EVENT is not an array"),
        ('2"xyz"', "data of EVENT is not an array"),
        ("27", "data of EVENT is not an array"),
        ('2/["a"]', "data of EVENT is not an array"),  # all of it is the namespace
        ("2[]", "data of EVENT is an empty array"),
        ("2[null]", "event name is neither a string nor a number"),
        ("2[true]", "event name is neither a string nor a number"),
        ("2[{}]", "event name is neither a string nor a number"),
        ("2[[]]", "event name is neither a string nor a number"),
        ('2["connect"]', "event with the reserved name 'connect'"),
        ('2["connect_error"]', "event with the reserved name 'connect_error'"),
        ('2["disconnect"]', "event with the reserved name 'disconnect'"),
        ('2["disconnecting"]', "event with the reserved name 'disconnecting'"),
        ('2["newListener"]', "event with the reserved name 'newListener'"),
        ('2["removeListener"]', "event with the reserved name 'removeListener'"),
        ('21-["a"]', "number of attachments on EVENT"),
        ('2-1["a"]', "invalid json: Extra data: line 1 column 3 (char 2)"),
        ('29007199254740992["a"]', "ack id beyond 2^53"),
        ('2１["a"]', "invalid json: Expecting value: line 1 column 1 (char 0)"),
        ('2["a"', "invalid json: Expecting ',' delimiter: line 1 column 5 (char 4)"),
        ('2["a"]x', "invalid json: Extra data: line 1 column 6 (char 5)"),
        ('2["a",NaN]', "invalid json: NaN"),
        ('2["a",Infinity]', "invalid json: Infinity"),
        ('2["a",-Infinity]', "invalid json: -Infinity"),
        ("3[]", "ACK without an ack id"),
        ("31", "data of ACK is not an array"),
        ("31{}", "data of ACK is not an array"),
        ("4", "data of CONNECT_ERROR is neither an object nor a string"),
        ("4[]", "data of CONNECT_ERROR is neither an object nor a string"),
        ("41{}", "ack id on CONNECT_ERROR"),
        ("5", "BINARY_EVENT without a number of attachments"),
        ('5["a"]', "BINARY_EVENT without a number of attachments"),
        ('51["a"]', "BINARY_EVENT without a number of attachments"),
        ('5-1["a"]', "BINARY_EVENT without a number of attachments"),
        ('5１-["a"]', "BINARY_EVENT without a number of attachments"),
        ('5-["a"]', "BINARY_EVENT without a number of attachments"),
        ('51.0-["a"]', "BINARY_EVENT without a number of attachments"),
        ('50-["a"]', "BINARY_EVENT without attachments"),
        ("60-1[]", "BINARY_ACK without attachments"),
        ("51-", "data of BINARY_EVENT is not an array"),
        ("51-[]", "data of BINARY_EVENT is an empty array"),
        ("51-{}", "data of BINARY_EVENT is not an array"),
        ('51-[{"_placeholder":true,"num":0}]', "event name is neither a string nor a number"),
        ("61-[]", "BINARY_ACK without an ack id"),
    ],
)
def test_text_is_refused(text: str, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        SocketDecoder().decode(text)


def test_ack_id_that_python_does_not_read_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=exactly("ack id beyond 2^53")):
        SocketDecoder().decode(f'2{"9" * 5000}["a"]')


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=exactly("json is nested too deeply")):
        SocketDecoder().decode("2" + "[" * 500_000)


def test_integer_that_python_does_not_read_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^invalid json: Exceeds the limit [^\n]+$"):
        SocketDecoder().decode(f'2["a",{"9" * 5000}]')


@pytest.mark.parametrize("number", ["1", "-1", "true", "null", '"0"', "0.0", "0.5", "[0]", "1e0"])
def test_placeholder_must_number_an_attachment(number: str) -> None:
    decoder = SocketDecoder()
    decoder.decode(f'51-["a",[{{"_placeholder":true,"num":{number}}}]]')

    with pytest.raises(RemoteProtocolError, match=r"^placeholder [^\n]+ of 1 attachments$"):
        decoder.decode(b"")


def test_placeholder_without_a_number_is_refused() -> None:
    decoder = SocketDecoder()
    decoder.decode('51-["a",{"_placeholder":true}]')

    with pytest.raises(RemoteProtocolError, match=exactly("placeholder None of 1 attachments")):
        decoder.decode(b"")


def test_attachments_belong_to_their_own_packet() -> None:
    decoder = SocketDecoder()
    text = '51-["a",{"_placeholder":true,"num":0}]'

    received = [decoder.decode(message) for message in (text, b"1", text, b"2", '2["b"]')]

    assert [packet and packet.data for packet in received] == [None, ["a", b"1"], None, ["a", b"2"], ["b"]]
    with pytest.raises(RemoteProtocolError, match=exactly("binary data where no attachment is due")):
        decoder.decode(b"3")


def test_binary_without_a_packet_that_waits_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=exactly("binary data where no attachment is due")):
        SocketDecoder().decode(b"\x01")


@pytest.mark.parametrize("intruder", ['2["b"]', "0/other,", "1", ""])
def test_text_between_attachments_is_refused(intruder: str) -> None:
    decoder = SocketDecoder()
    decoder.decode('52-["a",{"_placeholder":true,"num":0}]')
    decoder.decode(b"1")

    with pytest.raises(
        RemoteProtocolError, match=exactly(f"text where 1 more attachments are due: {intruder!r}")
    ):
        decoder.decode(intruder)


@pytest.mark.parametrize("wrong", ["7", '2["a"]', b"1", b"2"])
def test_decoder_is_as_new_after_an_error(wrong: str | bytes) -> None:
    """Whichever data ends a waiting packet wrongly, the next packet is not affected by it."""
    decoder = SocketDecoder()
    decoder.decode('51-["a",{"_placeholder":true,"num":9}]')
    with pytest.raises(RemoteProtocolError):
        decoder.decode(wrong)

    assert decoder.missing_attachments == 0
    assert decoder.decode('51-["b",{"_placeholder":true,"num":0}]') is None
    assert decoder.decode(b"own") == SocketPacket(BINARY_EVENT, data=["b", b"own"])


HOLDS_ITSELF: list[Any] = ["a"]
HOLDS_ITSELF.append(HOLDS_ITSELF)


def nested(depth: int, inside: Any) -> Any:
    for _ in range(depth):
        inside = [inside]
    return inside


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (SocketPacket(CONNECT, data=["a"]), "data of CONNECT is not an object"),
        (SocketPacket(CONNECT, data={"a": b"1"}), "binary data in a CONNECT packet"),
        (SocketPacket(CONNECT_ERROR, data={"a": b"1"}), "binary data in a CONNECT_ERROR packet"),
        (SocketPacket(CONNECT, ack_id=1), "ack id on CONNECT"),
        (SocketPacket(CONNECT_ERROR), "data of CONNECT_ERROR is neither an object nor a string"),
        (SocketPacket(DISCONNECT, data={}), "DISCONNECT with data"),
        (SocketPacket(EVENT), "data of EVENT is not an array"),
        (SocketPacket(EVENT, data={}), "data of EVENT is not an array"),
        (SocketPacket(EVENT, data="ab"), "data of EVENT is not an array"),
        (SocketPacket(EVENT, data=[]), "data of EVENT is an empty array"),
        (SocketPacket(EVENT, data=[b"a"]), "event name is neither a string nor a number"),
        (SocketPacket(EVENT, data=[True]), "event name is neither a string nor a number"),
        (SocketPacket(EVENT, data=["connect"]), "event with the reserved name 'connect'"),
        (SocketPacket(EVENT, data=["a"], ack_id=-1), "ack id is not an integer from 0 to 2^53 - 1"),
        (SocketPacket(EVENT, data=["a"], ack_id=2**53), "ack id is not an integer from 0 to 2^53 - 1"),
        (SocketPacket(EVENT, data=["a"], ack_id=10**5000), "ack id is not an integer from 0 to 2^53 - 1"),
        (SocketPacket(EVENT, data=["a"], ack_id=True), "ack id is not an integer from 0 to 2^53 - 1"),
        (SocketPacket(ACK, data=[]), "ACK without an ack id"),
        (SocketPacket(ACK, ack_id=1), "data of ACK is not an array"),
        (SocketPacket(BINARY_EVENT, data=["a"]), "BINARY_EVENT without attachments"),
        (SocketPacket(BINARY_ACK, data=[], ack_id=1), "BINARY_ACK without attachments"),
        (
            SocketPacket(EVENT, data=["a", b"1", [PLACEHOLDER]]),
            "data holds a literal placeholder beside binary",
        ),
        (
            SocketPacket(EVENT, data=["a", b"1", {"k": PLACEHOLDER}]),
            "data holds a literal placeholder beside binary",
        ),
        (
            SocketPacket(EVENT, data=["a", {"b": b"1", "_placeholder": True}]),
            "data holds a literal placeholder beside binary",
        ),
        (SocketPacket(EVENT, "admin", ["a"]), "namespace 'admin' cannot be written"),
        (SocketPacket(EVENT, "", ["a"]), "namespace '' cannot be written"),
        (SocketPacket(EVENT, "/a,b", ["a"]), "namespace '/a,b' cannot be written"),
        (SocketPacket(EVENT, "/\ud800", ["a"]), "namespace '/\\ud800' cannot be written"),
        (SocketPacket(EVENT, data=["a", {1: "b"}]), "object key of type int, not str"),
        (SocketPacket(EVENT, data=["a", {"b": {None: 1}}]), "object key of type NoneType, not str"),
        (SocketPacket(CONNECT, data={True: 1}), "object key of type bool, not str"),
        (SocketPacket(EVENT, data=["a", {10**5000: 1}]), "object key of type int, not str"),
        (SocketPacket(EVENT, data=["a", {b"b": 1}]), "object key of type bytes, not str"),
        (
            SocketPacket(EVENT, data=["a", {"b"}]),
            "data is not JSON: Object of type set is not JSON serializable",
        ),
        (SocketPacket(EVENT, data=["a", "\ud83d\ude00"]), "surrogate pair written as two characters"),
        (SocketPacket(EVENT, data=["a", {"\ud83d\ude00": 1}]), "surrogate pair written as two characters"),
        (SocketPacket(EVENT, data=HOLDS_ITSELF), "data is nested too deeply, or holds itself"),
        (SocketPacket(EVENT, data=["a", nested(5000, b"1")]), "data is nested too deeply, or holds itself"),
    ],
)
def test_packet_that_cannot_be_sent(packet: SocketPacket, error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_socket_packet(packet)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), pytest.param(10**5000, id="huge")]
)
def test_number_that_json_does_not_carry_cannot_be_sent(value: float) -> None:
    with pytest.raises(LocalProtocolError, match=r"^data is not JSON: [^\n]+$"):
        encode_socket_packet(SocketPacket(EVENT, data=["a", value]))


DEPTHS = [10, 100, 300, 450, 600, 900, 990, 2000, 20_000, 200_000]


# Wherever Python's stack ends, no other error comes out of any of the steps.
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("inside", ['"x"', '{"_placeholder":true,"num":0}'])
def test_depth_ends_decoding_in_its_own_error(depth: int, inside: str) -> None:
    decoder = SocketDecoder()
    messages: list[str | bytes] = [f'51-["a",{"[" * depth}{inside}{"]" * depth}]', b"1"]

    outcome = "decoded"
    try:
        assert [decoder.decode(message) is None for message in messages] == [True, False]
    except RemoteProtocolError as error:
        outcome = str(error)

    assert outcome == "decoded" if depth <= 100 else outcome in ("decoded", "json is nested too deeply")
    assert decoder.missing_attachments == 0
    assert decoder.decode('51-["b",{"_placeholder":true,"num":0}]') is None
    assert decoder.decode(b"own") == SocketPacket(BINARY_EVENT, data=["b", b"own"])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("inside", ["x", b"1", {"k": b"1"}])
def test_depth_ends_encoding_in_its_own_error(depth: int, inside: Any) -> None:
    packet = SocketPacket(EVENT, data=["a", nested(depth, inside)])

    outcome = "encoded"
    try:
        text, _ = encode_socket_packet(packet)
        assert text.count("[") == depth + 1
    except LocalProtocolError as error:
        outcome = str(error)

    too_deep = "data is nested too deeply, or holds itself"
    assert outcome == "encoded" if depth <= 100 else outcome in ("encoded", too_deep)


def test_ordinary_depth_is_carried() -> None:
    text, attachments = encode_socket_packet(SocketPacket(EVENT, data=["a", nested(100, b"1")]))

    assert decode(text, attachments).data == ["a", nested(100, b"1")]
