"""What holds for every input: values come back as they went in, and only the codec's own errors come out.

Examples are the same in every run; a failing one belongs into the table of its module.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sioprobe.wire import (
    EnginePacket,
    EnginePacketType,
    Frame,
    FrameDecoder,
    LocalProtocolError,
    MessageDecoder,
    Opcode,
    OpenData,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    check_upgrade_response,
    decode_close,
    decode_open,
    decode_packet,
    decode_payload,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_open,
    encode_packet,
    encode_payload,
    encode_socket_packet,
    encode_upgrade_request,
)

# How long an example takes says nothing on a busy machine.
PROFILE = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
BINARY_KINDS = {
    SocketPacketType.EVENT: SocketPacketType.BINARY_EVENT,
    SocketPacketType.ACK: SocketPacketType.BINARY_ACK,
}

# Every code point; those that have gone wrong in some JSON or JavaScript decoder come up often.
NOTORIOUS = st.sampled_from('\r\n\0\x1e\x7f\x85\u2028\u2029\ufeff\ufffe\U0001f600"\\/b')
ANY_TEXT = st.text(st.one_of(st.characters(), NOTORIOUS, st.sampled_from("\ud800\udfff")))
UTF8_TEXT = st.text(st.one_of(st.characters(codec="utf-8"), NOTORIOUS))
# JSON cannot tell a pair of escaped surrogates from the character that they make.
JSON_TEXT = ANY_TEXT.filter(lambda text: not SPLIT_PAIR.search(text))
KEYS = st.one_of(JSON_TEXT, st.sampled_from(["num", "_placeholders", "", "0"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**90), 10**90),
    st.floats(allow_nan=False, allow_infinity=False),
    JSON_TEXT,
)


def trees(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[Any] = KEYS) -> st.SearchStrategy[Any]:
    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)

    return st.recursive(leaves, grow, max_leaves=12)


JSON = trees(SCALARS)
JSON_WITH_BINARY = trees(SCALARS | st.binary(max_size=20))
NAMESPACES = st.one_of(
    st.just("/"), UTF8_TEXT.filter(lambda text: "," not in text).map(lambda text: "/" + text)
)
ACK_IDS = st.integers(0, 2**53 - 1)
RESERVED = ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
EVENT_NAMES = st.one_of(
    JSON_TEXT.filter(lambda name: name not in RESERVED),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
ARGUMENTS = st.lists(JSON_WITH_BINARY, max_size=4)
EVENT_DATA = st.builds(lambda name, rest: [name, *rest], EVENT_NAMES, ARGUMENTS)

SOCKET_PACKETS = st.one_of(
    st.builds(
        SocketPacket,
        st.just(SocketPacketType.CONNECT),
        NAMESPACES,
        st.none() | st.dictionaries(KEYS, JSON, max_size=3),
    ),
    st.builds(SocketPacket, st.just(SocketPacketType.DISCONNECT), NAMESPACES),
    st.builds(SocketPacket, st.just(SocketPacketType.EVENT), NAMESPACES, EVENT_DATA, st.none() | ACK_IDS),
    st.builds(
        SocketPacket,
        st.just(SocketPacketType.ACK),
        NAMESPACES,
        ARGUMENTS,
        ACK_IDS,
    ),
    st.builds(
        SocketPacket,
        st.just(SocketPacketType.CONNECT_ERROR),
        NAMESPACES,
        JSON_TEXT | st.dictionaries(KEYS, JSON, max_size=3),
    ),
)

ENGINE_PACKETS = st.one_of(
    st.builds(EnginePacket, st.sampled_from(EnginePacketType), UTF8_TEXT),
    st.builds(EnginePacket, st.just(EnginePacketType.MESSAGE), st.binary()),
)


def decode_all(text: str, attachments: list[bytes]) -> SocketPacket:
    decoder = SocketDecoder()
    messages: list[str | bytes] = [text, *attachments]
    packets = [decoder.decode(message) for message in messages]
    assert packets[:-1] == [None] * len(attachments)
    assert packets[-1] is not None
    return packets[-1]


def chunks_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(bounds)]


# --- What is encoded comes back.


@PROFILE
@given(ENGINE_PACKETS)
def test_engine_packet_comes_back(packet: EnginePacket) -> None:
    assert decode_packet(encode_packet(packet)) == packet


@PROFILE
@given(st.lists(ENGINE_PACKETS.filter(lambda packet: "\x1e" not in str(packet.data)), min_size=1))
def test_payload_comes_back(packets: list[EnginePacket]) -> None:
    body = encode_payload(packets)

    assert list(decode_payload(body)) == packets
    assert list(decode_payload(body.encode("utf-8"))) == packets


@PROFILE
@given(
    st.builds(
        OpenData,
        JSON_TEXT.filter(bool),
        st.lists(JSON_TEXT, max_size=3).map(tuple),
        *[st.integers(0, 2**60) | st.floats(0, allow_nan=False, allow_infinity=False)] * 3,
    )
)
def test_open_comes_back(opened: OpenData) -> None:
    assert repr(decode_open(encode_open(opened))) == repr(opened)


@PROFILE
@given(SOCKET_PACKETS)
def test_socket_packet_comes_back(packet: SocketPacket) -> None:
    text, attachments = encode_socket_packet(packet)
    kind = BINARY_KINDS[packet.type] if attachments else packet.type

    text.encode("utf-8")
    assert "\x1e" not in text.replace(packet.namespace, "", 1)
    # As text, since 1, 1.0 and True are equal.
    assert repr(decode_all(text, attachments)) == repr(
        SocketPacket(kind, packet.namespace, packet.data, packet.ack_id)
    )


@PROFILE
@given(SOCKET_PACKETS.filter(lambda packet: packet.namespace == "/"))
def test_socket_packet_comes_back_through_a_payload(packet: SocketPacket) -> None:
    text, attachments = encode_socket_packet(packet)
    messages: list[str | bytes] = [text, *attachments]
    body = encode_payload(EnginePacket(EnginePacketType.MESSAGE, message) for message in messages)

    assert [received.data for received in decode_payload(body.encode("utf-8"))] == messages


@PROFILE
@given(
    st.sampled_from(Opcode),
    st.binary(max_size=400) | st.sampled_from([bytes(65535), bytes(65536), b"\xff" * 65537]),
    st.booleans(),
    st.none() | st.binary(min_size=4, max_size=4),
)
def test_frame_comes_back(opcode: Opcode, payload: bytes, fin: bool, mask: bytes | None) -> None:
    if opcode.is_control:
        payload, fin = payload[:125], True

    stream = encode_frame(opcode, payload, fin=fin, mask=mask)

    assert list(FrameDecoder(masked=True).decode(stream)) == [Frame(opcode, payload, fin)]


CONTROL_FRAMES = st.builds(
    Frame, st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125)
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[str | bytes | Frame]]:
    """A server's bytes and their messages: fragmented anywhere, with control frames between fragments."""
    stream = b""
    messages: list[str | bytes | Frame] = []
    for message in draw(st.lists(UTF8_TEXT | st.binary(max_size=300), max_size=4)):
        data = message.encode("utf-8") if isinstance(message, str) else message
        parts = chunks_of(data, draw(st.lists(st.integers(0, 20), max_size=3)))
        opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
        for number, part in enumerate(parts):
            for frame in draw(st.lists(CONTROL_FRAMES, max_size=1)):
                stream += encode_frame(frame.opcode, frame.payload, masked=False)
                messages.append(frame)
            fin = number == len(parts) - 1
            stream += encode_frame(Opcode.CONTINUATION if number else opcode, part, fin=fin, masked=False)
        messages.append(message)
    return stream, messages


@PROFILE
@given(conversations(), st.lists(st.integers(0, 600), max_size=12))
def test_messages_come_back_under_any_chunking(
    conversation: tuple[bytes, list[str | bytes | Frame]], cuts: list[int]
) -> None:
    stream, messages = conversation
    decoder = MessageDecoder()

    received = [message for chunk in chunks_of(stream, cuts) for message in decoder.decode(chunk)]

    assert received == messages
    assert [type(message) for message in received] == [type(message) for message in messages]


@PROFILE
@given(st.none() | st.sampled_from([1000, 1001, 1011, 1014]) | st.integers(3000, 4999), UTF8_TEXT)
def test_close_comes_back(code: int | None, reason: str) -> None:
    reason = reason[:30] if code else ""

    assert decode_close(encode_close(code, reason)) == (code, reason)


HEADERS = st.tuples(
    st.from_regex(r"[a-z0-9-]{1,10}", fullmatch=True), st.from_regex(r"[!-~é]{0,10}", fullmatch=True)
)


@PROFILE
@given(st.integers(100, 999), st.lists(HEADERS))
def test_response_head_comes_back(status: int, headers: list[tuple[str, str]]) -> None:
    lines = [f"HTTP/1.1 {status} A reason", *(f"{name}: {value}" for name, value in headers)]

    response = decode_response_head("\r\n".join(lines).encode("latin-1"))

    assert (response.status, response.reason) == (status, "A reason")
    assert response.headers == tuple(headers)


# --- Whatever comes in, nothing but RemoteProtocolError comes out.

# Packets in pieces, so that a good part of them is nearly right.
LETTERS = st.sampled_from("012345679-/,[]{}:4４ \x1e\ud800\\")
WORDS = st.sampled_from(
    ["12", "00", "-1", "-0", "0.5", "1e999", "NaN", "null", "true", '"a"', '"connect"', "[1]", "{}", "[]"]
)
PARTS = st.sampled_from(
    [
        "/a",
        "/a?b",
        "51-",
        "52-",
        "60-",
        '["a"]',
        '["a",{"_placeholder":true,"num":0}]',
        '{"_placeholder":true}',
    ]
)
PIECES = LETTERS | WORDS | PARTS
# Whole packets, right and wrong, so that sequences get past their first.
WHOLE = st.sampled_from(
    [
        *("0", "1", '2["a"]', '2["connect"]', "2[null]", "31[]", '4{"message":"no"}', '50-["a"]', '51-["a"]'),
        *(f'52-["a",{{"_placeholder":true,"num":{number}}}]' for number in (0, 1, 2, -1, "true")),
    ]
)
PACKET_TEXTS = WHOLE | st.lists(PIECES, max_size=6).map("".join) | ANY_TEXT
ANYTHING = PACKET_TEXTS | st.binary(max_size=20)


@PROFILE
@given(ANYTHING)
def test_any_message_is_a_packet_or_refused(message: str | bytes) -> None:
    try:
        packet = decode_packet(message)
    except RemoteProtocolError:
        return
    try:
        assert encode_packet(packet) == message
    except LocalProtocolError:  # a lone surrogate, which no transport delivers
        assert re.search("[\ud800-\udfff]", str(message))


BODY_TEXTS = st.lists(PIECES | st.sampled_from(["b", "bAQ==", "bAQ", "b=", "\x1e"])).map("".join)


@PROFILE
@given(PACKET_TEXTS | BODY_TEXTS | st.binary())
def test_any_body_is_a_payload_or_refused(body: str | bytes) -> None:
    try:
        packets = list(decode_payload(body))
    except RemoteProtocolError:
        return
    assert packets


OPEN_KEYS = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]
OPEN_VALUES = st.one_of(
    JSON,
    st.floats(),
    st.integers(0, 30000),
    st.just(["websocket"]),
    st.just("abc"),
)


@PROFILE
@given(st.fixed_dictionaries(dict.fromkeys(OPEN_KEYS, OPEN_VALUES), optional={"other": JSON}))
@example({"sid": "a", "upgrades": [], "pingInterval": 10**400, "pingTimeout": 1, "maxPayload": 1})
def test_any_open_packet_holds_numbers_or_is_refused(values: dict[str, Any]) -> None:

    try:
        opened = decode_open(EnginePacket(EnginePacketType.OPEN, json.dumps(values)))
    except RemoteProtocolError:
        return
    for number in (opened.ping_interval, opened.ping_timeout, opened.max_payload):
        assert 0 <= float(number) < float("inf")


@PROFILE
@given(ANYTHING)
def test_any_open_text_is_taken_or_refused(data: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):  # nothing here has all five keys
        decode_open(EnginePacket(EnginePacketType.OPEN, data))


@settings(PROFILE, max_examples=600)
@given(st.lists(ANYTHING, max_size=5))
@example(['52-["a",{"_placeholder":true,"num":1}]', b"1", b"2"])
def test_any_sequence_is_packets_or_refused(sequence: list[str | bytes]) -> None:
    decoder = SocketDecoder()
    for data in sequence:
        try:
            packet = decoder.decode(data)
        except RemoteProtocolError:
            assert decoder.missing_attachments == 0
            continue
        assert (packet is None) == (decoder.missing_attachments > 0)
        if packet is not None:
            comes_back_or_is_refused(packet)


def comes_back_or_is_refused(packet: SocketPacket) -> None:
    try:
        text, attachments = encode_socket_packet(packet)
    except LocalProtocolError:
        return
    binary = BINARY_KINDS[packet.type] if attachments and packet.type in BINARY_KINDS else packet.type
    again = SocketPacket(binary, packet.namespace, packet.data, packet.ack_id)
    assert repr(decode_all(text, attachments)) == repr(again)


FIRST_BYTES = st.sampled_from([0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A])
WHOLE_FRAMES = st.builds(
    lambda first, payload: bytes([first, len(payload)]) + payload, FIRST_BYTES, st.binary(max_size=10)
)
BROKEN_FRAMES = st.builds(
    lambda first, length, payload: bytes([first, length]) + payload,
    FIRST_BYTES | st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=10),
)
FRAME_BYTES = st.one_of(WHOLE_FRAMES, WHOLE_FRAMES, WHOLE_FRAMES, BROKEN_FRAMES)
STREAMS = st.lists(FRAME_BYTES, max_size=6).map(b"".join) | st.binary()
CUTS = st.lists(st.integers(0, 60), max_size=5)


def came(items: Iterator[object]) -> list[str]:
    """What came, in order, and in its place the error behind which nothing comes."""
    seen = []
    try:
        for item in items:
            seen.append(repr(item))
    except RemoteProtocolError as error:
        seen.append(f"error: {error}")
    return seen


@PROFILE
@given(STREAMS, CUTS)
@example(b"\x81\x01a\x83\x00", [])
@example(b"\x01\x01a\x89\x01p\x81\x01b", [])
@example(b"\x81\x01a\x81\x01\xff", [])
def test_any_bytes_are_the_same_under_any_chunking(stream: bytes, cuts: list[int]) -> None:
    """Frames and messages, and then the same error."""
    frames, messages = [], []
    for chunks in ([stream], chunks_of(stream, cuts), [bytes([byte]) for byte in stream]):
        of_frames, of_messages = FrameDecoder(), MessageDecoder()
        frames.append(came(frame for chunk in chunks for frame in of_frames.decode(chunk)))
        messages.append(came(message for chunk in chunks for message in of_messages.decode(chunk)))
        if not frames[-1][-1:] or not frames[-1][-1].startswith("error"):
            frames[-1].append(f"{of_frames.pending} bytes pending")

    assert frames[0] == frames[1] == frames[2]
    assert messages[0] == messages[1] == messages[2]


RECORDS = PACKET_TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=6)


@PROFILE
@given(st.lists(RECORDS, min_size=1, max_size=5))
@example([b"4a", b"7"])
@example([b"4a", b"4\xff"])
def test_any_payload_is_its_packets_up_to_the_first_wrong_one(records: list[bytes]) -> None:
    expected: list[str] = []
    for record in b"\x1e".join(records).split(b"\x1e"):
        expected += came(decode_payload(record))
        if expected[-1].startswith("error"):
            break

    def without_place(seen: list[str]) -> list[str]:
        return [re.sub("at byte .*", "", text) for text in seen]

    assert without_place(came(decode_payload(b"\x1e".join(records)))) == without_place(expected)


@PROFILE
@given(st.binary(max_size=140) | st.integers(0, 65535).map(lambda code: code.to_bytes(2, "big")))
def test_any_close_payload_comes_back_or_is_refused(payload: bytes) -> None:
    try:
        code, reason = decode_close(payload)
    except RemoteProtocolError:
        return
    if len(payload) <= 125:
        assert encode_close(code, reason) == payload


HEAD_PIECES = st.sampled_from(
    [b"HTTP/1.1", b" ", b"101", b"\r\n", b"\n", b"a", b":", b"\0", b"\xb2", b"\xff", b"\t"]
)


@PROFILE
@given(st.binary(max_size=60) | st.lists(HEAD_PIECES).map(b"".join))
def test_any_head_is_a_response_or_refused(head: bytes) -> None:
    try:
        response = decode_response_head(head)
        check_upgrade_response(response, "dGhlIHNhbXBsZSBub25jZQ==")
    except RemoteProtocolError:
        return
    raise AssertionError("no head made here answers the key")


# --- Whatever is to be sent, nothing but LocalProtocolError comes out, and nothing is altered in silence.

# More digits than int() prints; computed, since Hypothesis prints what `just` holds.
HUGE = st.builds(pow, st.just(10), st.just(5000))
ODD_SCALARS = st.one_of(
    SCALARS,
    st.binary(max_size=5),
    ANY_TEXT,
    st.floats(),
    HUGE,
    st.sampled_from([{1}, object, ..., 1j, range(3), b"", EnginePacketType.PING]),
)
ODD_KEYS = st.one_of(
    KEYS,
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.binary(max_size=2),
    HUGE,
    st.just("_placeholder"),
)
ODD = trees(ODD_SCALARS, ODD_KEYS)
ODD_TEXT = ANY_TEXT | st.sampled_from(["/", "/a", "/a,b", "a"])


@settings(PROFILE, max_examples=500)
@given(
    st.sampled_from(SocketPacketType),
    st.sampled_from(["/", "/a"]) | ODD_TEXT,
    ODD | st.lists(ODD, max_size=3).map(lambda rest: ["a", *rest]),
    st.none() | st.integers() | st.booleans() | HUGE,
)
def test_any_socket_packet_comes_back_or_is_refused(
    kind: SocketPacketType, namespace: str, data: Any, ack_id: int | None
) -> None:
    try:
        text, attachments = encode_socket_packet(SocketPacket(kind, namespace, data, ack_id))
    except LocalProtocolError:
        return
    text.encode("utf-8")
    back = decode_all(text, attachments)
    assert (back.type, back.namespace, back.ack_id) == (
        BINARY_KINDS.get(kind, kind) if attachments else kind,
        namespace,
        ack_id,
    )
    assert back.data == data


@PROFILE
@given(st.lists(st.builds(EnginePacket, st.sampled_from(EnginePacketType), ANY_TEXT | st.binary() | ODD)))
def test_any_engine_packet_comes_back_or_is_refused(packets: list[EnginePacket]) -> None:
    try:
        body = encode_payload(packets)
        messages = [encode_packet(packet) for packet in packets]
    except LocalProtocolError:
        return
    assert list(decode_payload(body.encode("utf-8"))) == packets
    assert [decode_packet(message) for message in messages] == packets


TEXTS = st.lists(ANY_TEXT, max_size=2).map(tuple)


@PROFILE
@given(st.builds(OpenData, ANY_TEXT, TEXTS, ODD, st.floats(), st.integers()))
def test_any_open_data_comes_back_or_is_refused(opened: OpenData) -> None:
    try:
        packet = encode_open(opened)
    except LocalProtocolError:
        return
    assert decode_open(packet) == opened


@PROFILE
@given(
    st.sampled_from(Opcode),
    st.binary(max_size=200),
    st.booleans(),
    st.none() | st.binary(max_size=5),
    st.none() | st.integers() | HUGE,
    ANY_TEXT,
)
def test_any_frame_and_close_are_encoded_or_refused(
    opcode: Opcode, payload: bytes, fin: bool, mask: bytes | None, code: int | None, reason: str
) -> None:
    sound = (mask is None or len(mask) == 4) and (not opcode.is_control or (len(payload) <= 125 and fin))
    try:
        frame = encode_frame(opcode, payload, fin=fin, mask=mask)
    except LocalProtocolError:
        assert not sound
    else:
        assert sound
        assert list(FrameDecoder(masked=True).decode(frame)) == [Frame(opcode, payload, fin)]
    try:
        closing = encode_close(code, reason)
    except LocalProtocolError:
        return
    assert decode_close(closing) == (code, reason)


LATIN_1 = st.characters(max_codepoint=0xFF)
LINE = st.text(LATIN_1 | st.sampled_from("\r\n"), max_size=5) | st.text(LATIN_1, max_size=5) | ANY_TEXT


@PROFILE
@given(LINE, LINE, LINE, st.lists(st.tuples(LINE, LINE), max_size=2))
def test_any_upgrade_request_has_its_lines_or_is_refused(
    host: str, target: str, key: str, headers: list[tuple[str, str]]
) -> None:
    try:
        request = encode_upgrade_request(host, target, key, headers)
    except LocalProtocolError:
        return
    assert request.count(b"\r\n") == 7 + len(headers)
    assert request.count(b"\n") == request.count(b"\r") == 7 + len(headers)
