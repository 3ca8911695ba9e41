"""Socket.IO 4: what differs from revision 5, in one table read in both directions and one of refusals."""

from __future__ import annotations

import re

import pytest

from sioprobe.wire import LocalProtocolError, RemoteProtocolError, SocketPacket, SocketPacketType
from sioprobe.wire import encode_socket_packet as encode_5
from sioprobe.wire.socketio4 import SocketDecoder, encode_socket_packet

CONNECT, DISCONNECT, EVENT, ACK, ERROR, BINARY_EVENT, BINARY_ACK = SocketPacketType

PACKETS: list[tuple[SocketPacket, str, list[bytes]]] = [
    (SocketPacket(CONNECT), "0", []),
    (SocketPacket(CONNECT, "/admin"), "0/admin,", []),
    (SocketPacket(CONNECT, "/admin?token=1234&uid=abcd"), "0/admin?token=1234&uid=abcd,", []),
    (SocketPacket(DISCONNECT, "/admin"), "1/admin,", []),
    (SocketPacket(EVENT, data=["a", 1]), '2["a",1]', []),
    (SocketPacket(EVENT, "/admin", ["a"], 12), '2/admin,12["a"]', []),
    (SocketPacket(EVENT, data=["connect"]), '2["connect"]', []),  # reserved in revision 5
    (SocketPacket(ACK, "/admin", ["x"], 13), '3/admin,13["x"]', []),
    (SocketPacket(ACK, "/admin", None, 13), "3/admin,13", []),
    (SocketPacket(ERROR), "4", []),
    (SocketPacket(ERROR, "/admin", "Not authorized"), '4/admin,"Not authorized"', []),
    (SocketPacket(ERROR, data={"code": 1}), '4{"code":1}', []),
    (SocketPacket(ERROR, data=[1]), "4[1]", []),
    (SocketPacket(ERROR, data=False), "4false", []),
    (SocketPacket(BINARY_EVENT, data=["a", b"\x01"]), '51-["a",{"_placeholder":true,"num":0}]', [b"\x01"]),
    (
        SocketPacket(BINARY_ACK, "/admin", [b"\x00", b"\x01"], 456),
        '62-/admin,456[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        [b"\x00", b"\x01"],
    ),
]


@pytest.mark.parametrize(("packet", "text", "attachments"), PACKETS)
def test_packet_and_text(packet: SocketPacket, text: str, attachments: list[bytes]) -> None:
    decoder = SocketDecoder()

    assert encode_socket_packet(packet) == (text, attachments)
    messages: list[str | bytes] = [text, *attachments]
    assert [decoder.decode(message) for message in messages][-1] == packet


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ('0{"sid":"a"}', SocketPacket(CONNECT, data={"sid": "a"})),
        ("0/admin,[]", SocketPacket(CONNECT, "/admin", [])),
    ],
)
def test_a_connect_with_data_is_read_as_the_official_client_reads_it(text: str, packet: SocketPacket) -> None:
    assert SocketDecoder().decode(text) == packet


def test_null_is_an_error_s_data_too() -> None:
    assert SocketDecoder().decode("4null") == SocketPacket(ERROR)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty packet"),
        ("7", "unknown packet type '7'"),
        ('0"a"', "CONNECT with data"),
        ("0/admin,true", "CONNECT with data"),
        ("1{}", "DISCONNECT with data"),
        ("2", "data of EVENT is not an array"),
        ("2{}", "data of EVENT is not an array"),
        ("2[]", "data of EVENT is an empty array"),
        ("2[null]", "event name is neither a string nor a number"),
        ("31{}", "data of ACK is not an array"),
        ("4{", "invalid json"),
        ("2null", "data of EVENT is null"),
        ('50-["a"]', "BINARY_EVENT without attachments"),
    ],
)
def test_text_that_is_no_packet(text: str, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match="^" + re.escape(error)):
        SocketDecoder().decode(text)


def test_what_only_revision_5_writes_is_refused() -> None:
    with_auth = SocketPacket(CONNECT, "/admin", {"token": "t"})

    assert encode_5(with_auth) == ('0/admin,{"token":"t"}', [])
    with pytest.raises(LocalProtocolError, match="CONNECT with data"):
        encode_socket_packet(with_auth)
