"""Client frames, server frames and the opening handshake: tables both ways, cuts at every byte, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from sioprobe.wire import (
    Frame,
    FrameDecoder,
    LocalProtocolError,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    UpgradeResponse,
    accept_key,
    check_upgrade_response,
    decode_close,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_upgrade_request,
    new_key,
)
from tests.wire.test_engineio import exactly

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = Opcode

# A frame, and its head as a server writes it. The payload follows.
FRAMES: list[tuple[Frame, bytes]] = [
    (Frame(TEXT, b"Hello"), b"\x81\x05"),  # RFC 6455, section 5.7, and the next five
    (Frame(TEXT, b"Hel", fin=False), b"\x01\x03"),
    (Frame(CONTINUATION, b"lo"), b"\x80\x02"),
    (Frame(PING, b"Hello"), b"\x89\x05"),
    (Frame(BINARY, bytes(256)), b"\x82\x7e\x01\x00"),
    (Frame(BINARY, bytes(65536)), b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    (Frame(TEXT), b"\x81\x00"),
    (Frame(BINARY, b"\x00"), b"\x82\x01"),
    (Frame(BINARY, b"", fin=False), b"\x02\x00"),
    (Frame(CONTINUATION, b"", fin=False), b"\x00\x00"),
    (Frame(CLOSE), b"\x88\x00"),
    (Frame(CLOSE, b"\x03\xe8"), b"\x88\x02"),
    (Frame(PING), b"\x89\x00"),
    (Frame(PONG, bytes(125)), b"\x8a\x7d"),
    (Frame(BINARY, bytes(125)), b"\x82\x7d"),
    (Frame(BINARY, bytes(126)), b"\x82\x7e\x00\x7e"),
    (Frame(BINARY, bytes(65535)), b"\x82\x7e\xff\xff"),
]

# What a server sends, and what the messages are.
STREAMS: list[tuple[bytes, list[str | bytes | Frame]]] = [
    (b"", []),
    (b"\x81\x05Hello", ["Hello"]),
    (b"\x01\x03Hel\x80\x02lo", ["Hello"]),
    (b"\x01\x00\x00\x00\x80\x00", [""]),
    (b"\x81\x00\x82\x00\x82\x01\xff", ["", b"", b"\xff"]),
    (b"\x02\x01a\x89\x01p\x00\x01b\x8a\x00\x80\x01c", [Frame(PING, b"p"), Frame(PONG), b"abc"]),
    # A character cut between two fragments.
    (b"\x01\x02\xe2\x82\x80\x01\xac\x81\x02ok", ["€", "ok"]),
    (b"\x81\x02ok\x88\x04\x03\xe8by", ["ok", Frame(CLOSE, b"\x03\xe8by")]),
    (b"\x82\x7e\x00\x80" + bytes(128) + b"\x81\x01a", [bytes(128), "a"]),
    (b"\x81\x01a" * 5, ["a"] * 5),
]


def decode_frames(chunks: Iterable[bytes]) -> list[Frame]:
    decoder = FrameDecoder()
    frames = [frame for chunk in chunks for frame in decoder.decode(chunk)]
    assert decoder.pending == 0
    return frames


def decode_messages(chunks: Iterable[bytes]) -> list[str | bytes | Frame]:
    decoder = MessageDecoder()
    return [message for chunk in chunks for message in decoder.decode(chunk)]


def every_cut(stream: bytes) -> list[list[bytes]]:
    """The stream in two reads, cut at every byte, and as one read a byte."""
    return [[stream[:at], stream[at:]] for at in range(len(stream) + 1)] + [
        [bytes([byte]) for byte in stream]
    ]


@pytest.mark.parametrize(("frame", "head"), FRAMES)
def test_frame_both_ways(frame: Frame, head: bytes) -> None:
    """A client's frame differs from a server's in the mask bit and the mask."""
    mask = b"\x37\xfa\x21\x3d"
    masked_head = head[:1] + bytes([head[1] | 0x80]) + head[2:] + mask
    payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(frame.payload))

    assert encode_frame(frame.opcode, frame.payload, fin=frame.fin, mask=mask) == masked_head + payload
    assert decode_frames([head + frame.payload]) == [frame]


def test_masked_hello_of_the_specification() -> None:
    assert encode_frame(TEXT, b"Hello", mask=b"\x37\xfa\x21\x3d") == bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.mark.parametrize(("frame", "head"), FRAMES)
def test_server_role_both_ways(frame: Frame, head: bytes) -> None:
    """A server writes what clients read, and reads what clients write, at every cut."""
    assert encode_frame(frame.opcode, frame.payload, fin=frame.fin, masked=False) == head + frame.payload
    mask = b"\x01\x80\xff\x00"
    stream = encode_frame(frame.opcode, frame.payload, fin=frame.fin, mask=mask)
    for cut in (*range(min(len(stream), 20)), len(stream) - 1):
        decoder = FrameDecoder(masked=True)
        assert [*decoder.decode(stream[:cut]), *decoder.decode(stream[cut:])] == [frame]
        assert decoder.mask == mask


def test_server_role_refuses_an_unmasked_frame() -> None:
    decoder = MessageDecoder(masked=True)
    assert list(decoder.decode(encode_frame(TEXT, b"a", mask=b"abcd"))) == ["a"]
    assert decoder.mask == b"abcd"
    with pytest.raises(RemoteProtocolError, match="unmasked frame from a client"):
        list(decoder.decode(encode_frame(TEXT, b"a", masked=False)))


def test_masks_differ() -> None:
    assert len({encode_frame(PING, b"")[2:] for _ in range(100)}) > 90


@pytest.mark.parametrize(("frame", "head"), FRAMES)
def test_frame_is_given_out_with_its_last_byte(frame: Frame, head: bytes) -> None:
    stream = head + frame.payload
    decoder = FrameDecoder()

    assert list(decoder.decode(stream[:1])) + list(decoder.decode(stream[1:-1])) == []
    assert decoder.pending == len(stream) - 1
    assert list(decoder.decode(stream[-1:])) == [frame]
    assert decoder.pending == 0


@pytest.mark.parametrize(("stream", "messages"), STREAMS)
def test_messages_at_every_cut(stream: bytes, messages: list[str | bytes | Frame]) -> None:
    assert decode_messages([stream]) == messages
    for chunks in every_cut(stream):
        assert decode_messages(chunks) == messages


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_payload_is_bytes_of_its_own(kind: type) -> None:
    source = bytearray(b"\x82\x02ab\x82")
    decoder = FrameDecoder()

    (frame,) = decoder.decode(kind(source))
    source[:] = b"zzzzz"

    assert type(frame.payload) is bytes
    assert frame.payload == b"ab"
    assert list(decoder.decode(b"\x00")) == [Frame(BINARY)]


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"\xc1\x00", "reserved bits 0x40 in a frame"),
        (b"\xa1\x00", "reserved bits 0x20 in a frame"),
        (b"\x91\x00", "reserved bits 0x10 in a frame"),
        (b"\x71\x00", "reserved bits 0x70 in a frame"),
        (b"\x83\x00", "unknown opcode 0x3"),
        (b"\x07\x00", "unknown opcode 0x7"),
        (b"\x8b\x00", "unknown opcode 0xb"),
        (b"\x8f\x00", "unknown opcode 0xf"),
        (b"\x81\x80", "masked frame from a server"),
        (b"\x8a\x85", "masked frame from a server"),
        (b"\x89\x7e", "PING frame that is fragmented or above 125 bytes"),
        (b"\x88\x7f", "CLOSE frame that is fragmented or above 125 bytes"),
        (b"\x09\x00", "PING frame that is fragmented or above 125 bytes"),
        (b"\x0a\x00", "PONG frame that is fragmented or above 125 bytes"),
        (b"\x82\x7e\x00\x7d", "frame length 125 in 2 bytes"),
        (b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "frame length 65535 in 8 bytes"),
        (
            b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
            "frame of 9223372036854775808 bytes, more than 67108864",
        ),
    ],
)
def test_frame_is_refused(stream: bytes, error: str) -> None:
    """Before its payload is there, whatever the cuts, alone and behind other frames."""
    for before in (b"", b"\x81\x01a"):
        for chunks in every_cut(before + stream):
            with pytest.raises(RemoteProtocolError, match=exactly(error)):
                decode_frames(chunks)
            with pytest.raises(RemoteProtocolError, match=exactly(error)):
                decode_messages(chunks)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"\x80\x00", "continuation frame without a start"),
        (b"\x00\x01a", "continuation frame without a start"),
        (b"\x01\x01a\x80\x01b\x80\x01c", "continuation frame without a start"),
        (b"\x01\x01a\x81\x01b", "TEXT frame inside a fragmented message"),
        (b"\x01\x01a\x82\x01b", "BINARY frame inside a fragmented message"),
        (b"\x02\x01a\x02\x01b", "BINARY frame inside a fragmented message"),
        (b"\x81\x03ab\xff", "text frame is not UTF-8 at byte 2"),
        (b"\x81\x03\xed\xa0\x80", "text frame is not UTF-8 at byte 0"),
        (b"\x01\x02\xe2\x82\x80\x01a", "text frame is not UTF-8 at byte 0"),
    ],
)
def test_message_is_refused(stream: bytes, error: str) -> None:
    for chunks in every_cut(stream):
        with pytest.raises(RemoteProtocolError, match=exactly(error)):
            decode_messages(chunks)


def test_size_limit_is_the_largest_that_passes() -> None:
    assert list(FrameDecoder(max_size=3).decode(b"\x82\x03abc")) == [Frame(BINARY, b"abc")]
    assert list(MessageDecoder(max_size=3).decode(b"\x02\x02ab\x80\x01c")) == [b"abc"]
    with pytest.raises(RemoteProtocolError, match=exactly("frame of 4 bytes, more than 3")):
        list(FrameDecoder(max_size=3).decode(b"\x82\x04"))
    with pytest.raises(RemoteProtocolError, match=exactly("frame of 4 bytes, more than 3")):
        list(MessageDecoder(max_size=3).decode(b"\x82\x04"))
    with pytest.raises(RemoteProtocolError, match=exactly("message of more than 3 bytes")):
        list(MessageDecoder(max_size=3).decode(b"\x02\x02ab\x00\x02cd"))


def test_size_limit_counts_each_message_anew() -> None:
    assert list(MessageDecoder(max_size=3).decode(b"\x02\x02ab\x80\x01c" * 3)) == [b"abc"] * 3


@pytest.mark.parametrize(
    ("opcode", "payload", "fin", "mask", "error"),
    [
        (PING, bytes(126), True, None, "PING frame of 126 bytes, fin True"),
        (CLOSE, b"", False, None, "CLOSE frame of 0 bytes, fin False"),
        (TEXT, b"a", True, b"abc", "mask of 3 bytes"),
        (TEXT, b"a", True, b"", "mask of 0 bytes"),
        (TEXT, b"a", True, b"abcde", "mask of 5 bytes"),
    ],
)
def test_frame_that_cannot_be_sent(
    opcode: Opcode, payload: bytes, fin: bool, mask: bytes | None, error: str
) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_frame(opcode, payload, fin=fin, mask=mask)


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (None, "", b""),
        (1000, "", b"\x03\xe8"),
        (1001, "going away", b"\x03\xe9going away"),
        (1014, "", b"\x03\xf6"),
        (3000, "é", b"\x0b\xb8\xc3\xa9"),
        (4999, "x" * 123, b"\x13\x87" + b"x" * 123),
    ],
)
def test_close_both_ways(code: int | None, reason: str, payload: bytes) -> None:
    assert encode_close(code, reason) == payload
    assert decode_close(payload) == (code, reason)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535])
def test_close_code_that_no_frame_may_hold(code: int) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(f"close code {code}")):
        decode_close(code.to_bytes(2, "big"))
    with pytest.raises(LocalProtocolError, match=exactly("close code that no frame may hold")):
        encode_close(code)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"\x03", "close frame of 1 byte"),
        (b"\x03\xe8\xff", "close reason is not UTF-8"),
    ],
)
def test_close_is_refused(payload: bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        decode_close(payload)


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (None, "why", "close reason without a code"),
        (1000, "x" * 124, "close reason is longer than 123 bytes"),
        (1000, "é" * 62, "close reason is longer than 123 bytes"),
        (1000, "\ud800", "close reason with a lone surrogate"),
        (-1, "", "close code that no frame may hold"),
        pytest.param(10**5000, "", "close code that no frame may hold", id="huge"),
    ],
)
def test_close_that_cannot_be_sent(code: int | None, reason: str, error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_close(code, reason)


KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

HEADS: list[tuple[bytes, UpgradeResponse]] = [
    (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nCONNECTION:Upgrade",
        UpgradeResponse(101, "Switching Protocols", (("upgrade", "websocket"), ("connection", "Upgrade"))),
    ),
    (b"HTTP/1.0 400 ", UpgradeResponse(400, "", ())),
    (b"HTTP/1.1 400", UpgradeResponse(400, "", ())),
    (b"HTTP/1.1 400 N\xe9\r\nA:\r\nA: \t b : c\t ", UpgradeResponse(400, "Né", (("a", ""), ("a", "b : c")))),
    (b"HTTP/1.1 400 X\r\nA: \xa0b\x85", UpgradeResponse(400, "X", (("a", "\xa0b\x85"),))),
]


@pytest.mark.parametrize(("head", "response"), HEADS)
def test_response_head(head: bytes, response: UpgradeResponse) -> None:
    assert decode_response_head(head) == response


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"", "status line ''"),
        (b"HTTP/1.1", "status line 'HTTP/1.1'"),
        (b"HTTP/2 101 x", "status line 'HTTP/2 101 x'"),
        (b"HTTP/1.12 101 x", "status line 'HTTP/1.12 101 x'"),
        (b"http/1.1 101 x", "status line 'http/1.1 101 x'"),
        (b"HTTP/1.1  101 x", "status line 'HTTP/1.1  101 x'"),
        (b"HTTP/1.1 1O1 x", "status line 'HTTP/1.1 1O1 x'"),
        (b"HTTP/1.1 \xb2\xb2\xb2 x", "status line 'HTTP/1.1 ²²² x'"),
        (b"HTTP/1.1 1010 x", "status line 'HTTP/1.1 1010 x'"),
        (b"HTTP/1.1 101 x\nA: b", "status line 'HTTP/1.1 101 x\\nA: b'"),
        (b"HTTP/1.1 101 x\r\nnothing", "header line 'nothing'"),
        (b"HTTP/1.1 101 x\r\n", "header line ''"),
        (b"HTTP/1.1 101 x\r\n: a", "header line ': a'"),
        (b"HTTP/1.1 101 x\r\nA : b", "header line 'A : b'"),
        (b"HTTP/1.1 101 x\r\nA: b\r\n folded: c", "header line ' folded: c'"),
        (b"HTTP/1.1 101 x\r\nA b: c", "header line 'A b: c'"),
        (b"HTTP/1.1 101 x\r\nA\xe9: c", "header line 'Aé: c'"),
        (b"HTTP/1.1 101 x\r\nA: b\nC: d", "header line 'A: b\\nC: d'"),
        (b"HTTP/1.1 101 x\r\nA: b\rC: d", "header line 'A: b\\rC: d'"),
        (b"HTTP/1.1 101 x\r\nA: b\0", "header line 'A: b\\x00'"),
        (b"HTTP/1.1 101 x\r\n" + b"a" * 100, f"header line {'a' * 60!r}"),
    ],
)
def test_response_head_is_refused(head: bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        decode_response_head(head)


def upgrade_response(status: int = 101, **changed: str | None) -> UpgradeResponse:
    """The answer to KEY with headers changed, added, or dropped where None."""
    values: dict[str, str | None] = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-accept": ACCEPT,
    }
    values |= {name.replace("_", "-"): value for name, value in changed.items()}
    return UpgradeResponse(
        status, "", tuple((name, value) for name, value in values.items() if value is not None)
    )


@pytest.mark.parametrize(
    "response",
    [
        upgrade_response(),
        upgrade_response(upgrade="WebSocket", connection="keep-alive, UPGRADE"),
        upgrade_response(server="x", sec_websocket_extensions=""),
        UpgradeResponse(101, "", (("connection", "keep-alive"), *upgrade_response().headers)),
    ],
)
def test_upgrade_response_is_taken(response: UpgradeResponse) -> None:
    check_upgrade_response(response, KEY)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (upgrade_response(200), "status 200 where 101 is due"),
        (upgrade_response(upgrade=None), "101 without `Upgrade: websocket`"),
        (upgrade_response(upgrade="h2c"), "101 without `Upgrade: websocket`"),
        (upgrade_response(connection=None), "101 without `Connection: Upgrade`"),
        (upgrade_response(connection="close"), "101 without `Connection: Upgrade`"),
        (upgrade_response(connection="no-upgrade"), "101 without `Connection: Upgrade`"),
        (upgrade_response(sec_websocket_accept=None), "Sec-WebSocket-Accept does not answer the key"),
        (
            upgrade_response(sec_websocket_accept=ACCEPT.lower()),
            "Sec-WebSocket-Accept does not answer the key",
        ),
        (
            upgrade_response(sec_websocket_extensions="permessage-deflate"),
            "an extension that was not offered",
        ),
        (upgrade_response(sec_websocket_protocol="chat"), "a subprotocol that was not offered"),
    ],
)
def test_upgrade_response_is_refused(response: UpgradeResponse, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=exactly(error)):
        check_upgrade_response(response, KEY)


def test_accept_key_of_the_specification() -> None:
    assert accept_key(KEY) == ACCEPT


def test_new_keys_are_16_random_bytes() -> None:
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{21}[AQgw]==", key) for key in keys)


def test_upgrade_request_byte_by_byte() -> None:
    request = encode_upgrade_request("a:80", "/socket.io/?EIO=4", KEY, [("Origin", "http://a"), ("X-É", "é")])

    assert request == (
        b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + KEY.encode() + b"\r\nSec-WebSocket-Version: 13\r\n"
        b"Origin: http://a\r\nX-\xc9: \xe9\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "header", "error"),
    [
        ("/ HTTP/1.1\r\nX: y", "", "line break in a request line or header"),
        ("/", "a\nb", "line break in a request line or header"),
        ("/", "a\rb", "line break in a request line or header"),
        ("/€", "", "request line or header is not Latin-1"),
        ("/", "\ud800", "request line or header is not Latin-1"),
    ],
)
def test_upgrade_request_that_cannot_be_sent(target: str, header: str, error: str) -> None:
    with pytest.raises(LocalProtocolError, match=exactly(error)):
        encode_upgrade_request("a", target, KEY, [("Cookie", header)])


def test_key_that_no_header_holds_has_no_answer() -> None:
    with pytest.raises(LocalProtocolError, match=exactly("Sec-WebSocket-Key is not ASCII")):
        accept_key("é")
