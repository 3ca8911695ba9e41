"""The codec against others': python-socketio and python-engineio, websockets, and socket.io's own parsers.

Where the two legitimately differ, a table says so: a new version that no longer differs fails here.
Left out: what the oracles do with a session; only packets, payloads and frames are compared.
"""

from __future__ import annotations

import json
import math
from functools import cache, partial
from typing import Any

import engineio.packet
import engineio.payload
import pytest
import socketio.packet
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import OPEN, Protocol, Side
from websockets.server import ServerProtocol

from sioprobe.wire import (
    EnginePacket,
    EnginePacketType,
    Frame,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    check_upgrade_response,
    decode_packet,
    decode_payload,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_packet,
    encode_payload,
    encode_socket_packet,
    encode_upgrade_request,
    new_key,
)
from tests.wire import test_engineio, test_properties, test_socketio
from tests.wire.javascript import ask
from tests.wire.test_properties import ENGINE_PACKETS, PROFILE, SOCKET_PACKETS, UTF8_TEXT, decode_all

Messages = list[str | bytes]

reference = partial(ask, "reference.mjs", "socket.io-parser")


def outcome(messages: Messages) -> str:
    """What our decoder makes of a sequence: the error, or the last packet's data."""
    decoder = SocketDecoder()
    packet = None
    try:
        for message in messages:
            packet = decoder.decode(message)
    except RemoteProtocolError as error:
        return f"refused: {error}"
    return "waiting" if packet is None else "accepted"


# --- python-socketio and python-engineio


def python_decode(messages: Messages) -> Any:
    """python-socketio's packet for a text and its attachments."""
    packet = socketio.packet.Packet(encoded_packet=messages[0])
    for attachment in messages[1:]:
        packet.add_attachment(attachment)
    return packet


def python_encode(packet: SocketPacket) -> Messages:
    encoded = socketio.packet.Packet(
        int(packet.type), data=packet.data, namespace=packet.namespace, id=packet.ack_id
    ).encode()
    return encoded if isinstance(encoded, list) else [encoded]


def test_ours_accepts_an_integer_of_101_digits_and_python_socketio_refuses() -> None:
    text = f'2["a",{10**100}]'

    assert decode_all(text, []).data == ["a", 10**100]
    with pytest.raises(ValueError, match="Integer is too large"):
        python_decode([text])


def without_query(namespace: str) -> str:
    """python-socketio cuts a namespace at its question mark; ours leaves it whole."""
    return namespace.split("?")[0]


@PROFILE
@given(SOCKET_PACKETS)
def test_python_socketio_reads_what_we_write(packet: SocketPacket) -> None:
    text, attachments = encode_socket_packet(packet)

    theirs = python_decode([text, *attachments])

    assert (theirs.namespace or "/", theirs.id) == (without_query(packet.namespace), packet.ack_id)
    assert repr(theirs.data) == repr(packet.data)
    assert theirs.packet_type == int(decode_all(text, attachments).type)


@PROFILE
@given(SOCKET_PACKETS)
def test_we_read_what_python_socketio_writes(packet: SocketPacket) -> None:
    text, *attachments = python_encode(packet)
    assert isinstance(text, str)

    ours = decode_all(text, [bytes(data) for data in attachments])  # type: ignore[arg-type]

    assert (ours.namespace, ours.ack_id) == (packet.namespace, packet.ack_id)
    assert repr(ours.data) == repr(packet.data)


@pytest.mark.parametrize(("packet", "text", "attachments"), test_socketio.PACKETS)
def test_python_socketio_reads_our_table(packet: SocketPacket, text: str, attachments: list[bytes]) -> None:
    theirs = python_decode([text, *attachments])

    assert (theirs.packet_type, theirs.id, theirs.data) == (int(packet.type), packet.ack_id, packet.data)
    assert (theirs.namespace or "/") == without_query(packet.namespace)


PLACEHOLDER = '{"_placeholder":true,"num":%s}'

# Ours refuses, python-socketio accepts: what it makes of it.
PYTHON_IS_LENIENT: list[tuple[Messages, Any]] = [
    (['２["a"]'], ["a"]),  # digits of every script
    (['2１["a"]'], ["a"]),
    (["9"], None),
    (['21-["a"]'], ["a"]),
    (['2"xyz"'], "xyz"),  # its server then takes x for the name, and y and z for arguments
    (["2"], None),
    (["2{}"], {}),
    (["2[]"], []),
    (["2[null]"], [None]),
    (['2["connect"]'], ["connect"]),
    (['2["a",Infinity]'], ["a", math.inf]),
    (['29007199254740992["a"]'], ["a"]),
    (['31{"a":1}'], {"a": 1}),
    (["3[]"], []),
    (["4"], None),
    (["5"], None),
    (['50-["a"]'], ["a"]),
    (['51-["a",' + PLACEHOLDER % -1 + "]", b"x"], ["a", b"x"]),
    (['52-["a",' + PLACEHOLDER % "true" + "]", b"x", b"y"], ["a", b"y"]),
    (["1{}"], {}),
]


@pytest.mark.parametrize(("messages", "data"), PYTHON_IS_LENIENT)
def test_ours_refuses_and_python_socketio_accepts(messages: Messages, data: Any) -> None:
    assert outcome(messages).startswith("refused: ")
    assert python_decode(messages).data == data


def test_only_true_makes_a_placeholder() -> None:
    """python-socketio takes any truthy value, the reference and ours do not."""
    messages: Messages = ['51-["a",{"_placeholder":1,"num":0}]', b"x"]

    assert python_decode(messages).data == ["a", b"x"]
    assert test_socketio.decode(str(messages[0]), [b"x"]).data == ["a", {"_placeholder": 1, "num": 0}]


def same_data(theirs: Any, ours: str | bytes) -> bool:
    """python-engineio parses data that looks like JSON; ours leaves the text as it is."""
    return bool(theirs == ours) or (isinstance(ours, str) and repr(theirs) == repr(json.loads(ours)))


@PROFILE
@given(ENGINE_PACKETS.filter(lambda packet: "\x1e" not in str(packet.data)))
def test_python_engineio_and_ours_agree_on_packets(packet: EnginePacket) -> None:
    encoded = encode_packet(packet)
    theirs = engineio.packet.Packet(encoded_packet=encoded)

    assert theirs.packet_type == int(packet.type)
    assert same_data(theirs.data, packet.data)
    assert engineio.packet.Packet(int(packet.type), data=packet.data).encode() == encoded


@PROFILE
@given(
    st.lists(ENGINE_PACKETS.filter(lambda packet: "\x1e" not in str(packet.data)), min_size=1, max_size=16)
)
def test_python_engineio_and_ours_agree_on_payloads(packets: list[EnginePacket]) -> None:
    body = encode_payload(packets)
    theirs = engineio.payload.Payload(encoded_payload=body).packets

    assert [packet.packet_type for packet in theirs] == [int(packet.type) for packet in packets]
    assert all(same_data(their.data, our.data) for their, our in zip(theirs, packets, strict=True))
    packet_class = engineio.packet.Packet
    again = [packet_class(int(packet.type), data=packet.data) for packet in packets]
    assert engineio.payload.Payload(packets=again).encode() == body


# Ours refuses, python-engineio accepts: type and data that it takes.
ENGINEIO_IS_LENIENT: list[tuple[str, list[tuple[int, Any]]]] = [
    ("４a", [(4, "a")]),
    ("٤a", [(4, "a")]),
    ("7", [(7, "")]),
    ("b!!!", [(4, b"")]),
    ("bAQ==\n", [(4, b"\x01")]),
    ("", []),
    ("d=4a", [(4, "a")]),  # JSONP of Engine.IO 3
]


@pytest.mark.parametrize(("body", "packets"), ENGINEIO_IS_LENIENT)
def test_ours_refuses_and_python_engineio_accepts(body: str, packets: list[tuple[int, Any]]) -> None:
    theirs = engineio.payload.Payload(encoded_payload=body).packets

    with pytest.raises(RemoteProtocolError):
        list(decode_payload(body))
    assert [(packet.packet_type, packet.data) for packet in theirs] == packets


def test_ours_accepts_a_payload_of_17_packets_and_python_engineio_refuses() -> None:
    body = "\x1e".join(["6"] * 17)

    assert len(list(decode_payload(body))) == 17
    with pytest.raises(ValueError, match="Too many packets in payload"):
        engineio.payload.Payload(encoded_payload=body)


# --- websockets

LENGTHS = [0, 1, 2, 3, 4, 125, 126, 127, 65535, 65536, 100_000]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
def test_websockets_reads_our_frames(length: int, opcode: Opcode) -> None:
    payload = bytes(at % 128 for at in range(length))
    server = Protocol(Side.SERVER, state=OPEN, max_size=None)

    server.receive_data(encode_frame(opcode, payload))

    (frame,) = server.events_received()
    assert (frame.opcode.name, bytes(frame.data), frame.fin) == (opcode.name, payload, True)  # type: ignore[union-attr]


def test_websockets_reads_our_fragments_and_control_frames() -> None:
    server = Protocol(Side.SERVER, state=OPEN)
    stream = (
        encode_frame(Opcode.TEXT, b"a", fin=False)
        + encode_frame(Opcode.PING, b"p")
        + encode_frame(Opcode.CONTINUATION, b"", fin=False)
        + encode_frame(Opcode.CONTINUATION, b"b")
        + encode_frame(Opcode.PONG, bytes(125))
        + encode_frame(Opcode.CLOSE, encode_close(1001, "é"))
    )
    for byte in stream:
        server.receive_data(bytes([byte]))

    assert server.parser_exc is None
    frames = [(frame.opcode.name, bytes(frame.data), frame.fin) for frame in server.events_received()]  # type: ignore[union-attr]
    assert frames == [
        ("TEXT", b"a", False),
        ("PING", b"p", True),
        ("CONT", b"", False),
        ("CONT", b"b", True),
        ("PONG", bytes(125), True),
        ("CLOSE", b"\x03\xe9\xc3\xa9", True),
    ]


def test_we_read_what_websockets_sends() -> None:
    server = Protocol(Side.SERVER, state=OPEN)
    expected: list[str | bytes | Frame] = []
    for length in LENGTHS:
        server.send_binary(bytes(length))
        server.send_text(b"x" * length)
        expected += [bytes(length), "x" * length]
    server.send_text("€".encode()[:2], fin=False)
    server.send_ping(b"p")
    server.send_continuation("€".encode()[2:], fin=True)
    server.send_pong(b"q")
    server.send_close(1001, "bye")
    expected += [Frame(Opcode.PING, b"p"), "€", Frame(Opcode.PONG, b"q")]
    expected += [Frame(Opcode.CLOSE, encode_close(1001, "bye"))]

    stream = b"".join(server.data_to_send())

    assert list(MessageDecoder().decode(stream)) == expected
    decoder = MessageDecoder()
    chunks = [stream[start : start + 997] for start in range(0, len(stream), 997)]
    assert [message for chunk in chunks for message in decoder.decode(chunk)] == expected


def test_websockets_answers_our_opening_handshake() -> None:
    key = new_key()
    server = ServerProtocol()
    server.receive_data(encode_upgrade_request("a:80", "/socket.io/?EIO=4", key, [("Origin", "http://a")]))
    (request,) = server.events_received()

    server.send_response(server.accept(request))  # type: ignore[arg-type]
    head, _, rest = b"".join(server.data_to_send()).partition(b"\r\n\r\n")

    assert server.state is OPEN
    assert rest == b""
    response = decode_response_head(head)
    check_upgrade_response(response, key)
    with pytest.raises(RemoteProtocolError, match="does not answer the key"):
        check_upgrade_response(response, new_key())


# --- socket.io-parser and engine.io-parser


def as_javascript(value: Any) -> Any:
    """All numbers as the doubles that JavaScript has."""
    if isinstance(value, bool) or not isinstance(value, (int, float, list, dict)):
        return value
    if isinstance(value, list):
        return [as_javascript(item) for item in value]
    if isinstance(value, dict):
        return {key: as_javascript(item) for key, item in value.items()}
    return float(value)


@cache
def collected(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """The examples that a property test would see, for one batch."""
    examples: list[Any] = []

    @PROFILE
    @given(strategy)
    def collect(value: Any) -> None:
        examples.append(value)

    collect()
    return examples


def as_reference(packet: SocketPacket) -> dict[str, Any]:
    """The packet as socket.io-parser holds it: without the binary types, and no key for what is not there."""
    plain = {SocketPacketType.BINARY_EVENT: 2, SocketPacketType.BINARY_ACK: 3}
    fields = {"type": plain.get(packet.type, int(packet.type)), "nsp": packet.namespace}
    optional = {"id": packet.ack_id, "data": packet.data}
    return fields | {key: value for key, value in optional.items() if value is not None}


def test_socket_io_parser_reads_what_we_write() -> None:
    sent = [packet for packet, _, _ in test_socketio.PACKETS] + collected(SOCKET_PACKETS)
    encoded = [encode_socket_packet(packet) for packet in sent]
    sent += [packet for packet, _, _ in test_socketio.ALTERNATIVES]
    encoded += [(text, attachments) for _, text, attachments in test_socketio.ALTERNATIVES]

    answers = reference(
        socketDecode=[
            {"messages": [text, *attachments], "options": {"maxAttachments": 1000}}
            for text, attachments in encoded
        ]
    )["socketDecode"]

    for packet, answer in zip(sent, answers, strict=True):
        assert as_javascript(answer) == as_javascript({"packets": [as_reference(packet)], "waiting": False})


def test_we_read_what_socket_io_parser_writes() -> None:
    sent = [packet for packet, _, _ in test_socketio.PACKETS] + collected(SOCKET_PACKETS)

    answers = reference(socketEncode=[as_reference(packet) for packet in sent])["socketEncode"]

    for packet, (text, *attachments) in zip(sent, answers, strict=True):
        ours = as_reference(decode_all(text, attachments))
        assert as_javascript(ours) == as_javascript(as_reference(packet))


REFERENCE_IS_LENIENT: list[Messages] = [
    ["2"],  # its server ignores it
    ["51-"],
    ["31"],
    ["3[]"],
    ["4"],
    ["41{}"],
    ["01{}"],
    ['29007199254740992["a"]'],
    ['51e0-["a"]', b"x"],
    ['51.0-["a"]', b"x"],
    ['51-["a",' + PLACEHOLDER % "0.5" + "]", b"x"],
    ['51-["a",' + PLACEHOLDER % "0.0" + "]", b"x"],
    ['2["a",' + "9" * 5000 + "]"],  # Infinity there
]

REFERENCE_IS_STRICTER: list[tuple[Messages, str]] = [
    (["511-[" + ",".join(['"a"'] * 11) + "]"], "too many attachments"),
]


def test_where_socket_io_parser_and_ours_differ() -> None:
    batch = REFERENCE_IS_LENIENT + [messages for messages, _ in REFERENCE_IS_STRICTER]

    answers = reference(socketDecode=[{"messages": messages} for messages in batch])["socketDecode"]

    lenient = answers[: len(REFERENCE_IS_LENIENT)]
    for messages, answer in zip(REFERENCE_IS_LENIENT, lenient, strict=True):
        assert "error" not in answer, messages
        assert outcome(messages).startswith("refused: "), messages
    for (messages, error), answer in zip(REFERENCE_IS_STRICTER, answers[len(lenient) :], strict=True):
        assert answer["error"] == error
        assert not outcome(messages).startswith("refused: "), messages


def test_blank_before_the_data_is_an_ack_id_to_socket_io_parser() -> None:
    """To ours it belongs to the JSON, which allows it."""
    (answer,) = reference(socketDecode=[{"messages": ['2 ["a"]']}])["socketDecode"]

    assert answer["packets"] == [{"type": 2, "nsp": "/", "id": 0, "data": ["a"]}]
    assert SocketDecoder().decode('2 ["a"]') == SocketPacket(SocketPacketType.EVENT, data=["a"])


def test_ours_refuses_whatever_socket_io_parser_refuses() -> None:
    """Nearly right packets: what the reference would close a session for is an error here."""
    sequences = collected(st.lists(test_properties.ANYTHING, min_size=1, max_size=3)) + [
        [text] for text in collected(test_properties.PACKET_TEXTS)
    ]

    answers = reference(
        socketDecode=[{"messages": messages, "options": {"maxAttachments": 10**9}} for messages in sequences]
    )["socketDecode"]

    refused = 0
    for messages, answer in zip(sequences, answers, strict=True):
        if "error" in answer:
            refused += 1
            assert outcome(messages).startswith("refused: "), (messages, answer)
    assert refused > 100


TYPE_NAMES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"]


def as_engine_reference(packet: EnginePacket) -> dict[str, Any]:
    return {"type": TYPE_NAMES[packet.type], "data": packet.data}


def test_engine_io_parser_and_ours_read_each_other() -> None:
    packets = [packet for packet, _ in test_engineio.PACKETS] + collected(ENGINE_PACKETS)
    payloads = [payload for payload, _ in test_engineio.PAYLOADS] + collected(
        st.lists(
            st.builds(EnginePacket, st.just(EnginePacketType.MESSAGE), st.binary() | UTF8_TEXT).filter(
                lambda packet: "\x1e" not in str(packet.data)
            ),
            min_size=1,
        )
    )

    answers = reference(
        packetDecode=[encode_packet(packet) for packet in packets],
        payloadDecode=[encode_payload(payload) for payload in payloads],
        payloadEncode=[[as_engine_reference(packet) for packet in payload] for payload in payloads],
    )

    assert answers["packetDecode"] == [{"packets": [as_engine_reference(packet)]} for packet in packets]
    assert answers["payloadDecode"] == [
        {"packets": [as_engine_reference(packet) for packet in payload]} for payload in payloads
    ]
    assert answers["payloadEncode"] == [encode_payload(payload) for payload in payloads]


def test_where_engine_io_parser_and_ours_differ() -> None:
    """It takes base64 outside a payload, and base64 that is none; both refuse the rest of our table."""
    packets = ["bAQ=="]
    bodies = ["b!!!!", "bAQ", "bAQ=", "b-_8=", "bAQ==\n"]
    refused = ["", "7", "x", "４a", "4a\x1e", "4a\x1e7"]

    answers = reference(packetDecode=packets, payloadDecode=bodies + refused)

    for message in packets:
        with pytest.raises(RemoteProtocolError):
            decode_packet(message)
    for body in bodies + refused:
        with pytest.raises(RemoteProtocolError):
            list(decode_payload(body))
    assert ["error" in answer for answer in answers["packetDecode"]] == [False]
    errors = ["error" in answer for answer in answers["payloadDecode"]]
    assert errors == [False] * len(bodies) + [True] * len(refused)
