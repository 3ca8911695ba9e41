"""permessage-deflate: offers and answers in tables, messages both ways, and against `websockets`."""

from __future__ import annotations

import random
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as OracleFrame
from websockets.frames import Opcode as OracleOpcode

from sioprobe.wire import (
    DeflateOffer,
    DeflateParameters,
    Deflater,
    Frame,
    FrameDecoder,
    Inflater,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    UpgradeResponse,
    accept_key,
    check_upgrade_response,
    encode_frame,
    mark_compressed,
)
from tests.wire.test_properties import PROFILE

PLAIN = DeflateParameters()
NOISE = random.Random(1).randbytes(3000)
# RFC 7692, section 7.2.3: `Hello`, in one block and in two.
HELLO = bytes.fromhex("f248cdc9c90700")
HELLO_IN_TWO_BLOCKS = bytes.fromhex("f248050000 00ffff cac9c90700".replace(" ", ""))
HELLO_AS_IT_IS = bytes.fromhex("000500faff48656c6c6f00")
HELLO_AS_THE_LAST_BLOCK = bytes.fromhex("f348cdc9c9070000")


@pytest.mark.parametrize(
    ("offer", "header"),
    [
        (DeflateOffer(), "permessage-deflate"),
        (DeflateOffer(client_may_limit=True), "permessage-deflate; client_max_window_bits"),
        (
            DeflateOffer(True, True, 10, 12),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "server_max_window_bits=10; client_max_window_bits=12",
        ),
        (DeflateOffer(also="; unknown=1"), "permessage-deflate; unknown=1"),
    ],
)
def test_an_offer_is_a_header(offer: DeflateOffer, header: str) -> None:
    assert str(offer) == header


ANYTHING = DeflateOffer(client_may_limit=True)


@pytest.mark.parametrize(
    ("offer", "answer", "agreed"),
    [
        (ANYTHING, "", None),
        (ANYTHING, "permessage-deflate", PLAIN),
        (ANYTHING, "permessage-deflate; client_max_window_bits=12", DeflateParameters(False, False, 15, 12)),
        (ANYTHING, "Permessage-Deflate ;client_no_context_takeover", DeflateParameters(False, True)),
        (ANYTHING, 'permessage-deflate; server_max_window_bits="9"', DeflateParameters(False, False, 9)),
        (DeflateOffer(), "permessage-deflate; server_no_context_takeover", DeflateParameters(True)),
        (
            DeflateOffer(server_max_window_bits=10),
            "permessage-deflate; server_max_window_bits=8",
            DeflateParameters(False, False, 8),
        ),
        (DeflateOffer(server_max_window_bits=15), "permessage-deflate", PLAIN),
    ],
)
def test_an_answer_that_the_offer_allows(
    offer: DeflateOffer, answer: str, agreed: DeflateParameters | None
) -> None:
    assert offer.agreed(answer) == agreed


@pytest.mark.parametrize(
    ("offer", "answer", "error"),
    [
        (ANYTHING, "x-webkit-deflate-frame", "where permessage-deflate was offered"),
        (ANYTHING, "permessage-deflate, permessage-deflate", "where permessage-deflate was offered"),
        (ANYTHING, "permessage-deflate; speed=9", "has the unknown parameter 'speed'"),
        (ANYTHING, "permessage-deflate; client_max_window_bits", "client_max_window_bits without a value"),
        (ANYTHING, "permessage-deflate; client_no_context_takeover=1", "with a value"),
        (ANYTHING, "permessage-deflate; client_max_window_bits=7", "client_max_window_bits=7 where 8 to 15"),
        (
            ANYTHING,
            "permessage-deflate; server_max_window_bits=09",
            "server_max_window_bits=09 where 8 to 15",
        ),
        (
            ANYTHING,
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            "names server_max_window_bits twice",
        ),
        (
            DeflateOffer(),
            "permessage-deflate; client_max_window_bits=15",
            "client_max_window_bits, which was not offered",
        ),
        (DeflateOffer(True), "permessage-deflate", "without its server_no_context_takeover"),
        (
            DeflateOffer(server_max_window_bits=10),
            "permessage-deflate",
            "without its server_max_window_bits",
        ),
        (
            DeflateOffer(server_max_window_bits=10),
            "permessage-deflate; server_max_window_bits=11",
            "server_max_window_bits=11 where 8 to 10",
        ),
        (
            DeflateOffer(client_max_window_bits=8),
            "permessage-deflate; client_max_window_bits=9",
            "client_max_window_bits=9 where 8 to 8",
        ),
    ],
)
def test_an_answer_that_the_offer_does_not_allow(offer: DeflateOffer, answer: str, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=re.escape(error)):
        offer.agreed(answer)


def test_extensions_are_the_callers_where_it_offers_them() -> None:
    headers = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": accept_key("a")}
    response = UpgradeResponse(
        101, "", (*headers.items(), ("sec-websocket-extensions", "permessage-deflate"))
    )

    check_upgrade_response(response, "a", offers_extensions=True)

    with pytest.raises(RemoteProtocolError, match="an extension that was not offered"):
        check_upgrade_response(response, "a")


@pytest.mark.parametrize("payload", [HELLO, HELLO_IN_TWO_BLOCKS, HELLO_AS_IT_IS, HELLO_AS_THE_LAST_BLOCK])
def test_the_examples_of_the_rfc_inflate(payload: bytes) -> None:
    inflater = Inflater(PLAIN)

    assert inflater.inflate(payload) == b"Hello"
    assert inflater.inflate(HELLO) == b"Hello"
    assert inflater.messages == 2


def test_the_first_message_is_that_of_the_rfc() -> None:
    assert Deflater(PLAIN).deflate(b"Hello") == HELLO
    assert Deflater(PLAIN).deflate(b"") == b"\x00"
    assert Inflater(PLAIN).inflate(b"\x00") == b""


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("alone", [False, True])
def test_what_was_deflated_inflates(bits: int, alone: bool) -> None:
    agreed = DeflateParameters(alone, alone, bits, bits)
    deflater, inflater = Deflater(agreed), Inflater(agreed)
    messages = [NOISE, b"", NOISE, NOISE + NOISE, bytes(100_000), b"x"]

    assert [inflater.inflate(deflater.deflate(message)) for message in messages] == messages


def test_a_message_refers_to_those_before_unless_it_stands_alone() -> None:
    together, alone = Deflater(PLAIN), Deflater(DeflateParameters(client_no_context_takeover=True))
    for deflater in (together, alone):
        assert len(deflater.deflate(NOISE)) > 2000
    again = together.deflate(NOISE)

    assert len(again) < 50 < 2000 < len(alone.deflate(NOISE))
    with pytest.raises(RemoteProtocolError, match="does not inflate"):
        Inflater(DeflateParameters(server_no_context_takeover=True)).inflate(again)


def test_a_reference_beyond_the_window_is_an_error() -> None:
    message = NOISE[:2000] + NOISE[:2000]

    with pytest.raises(RemoteProtocolError, match=r"does not inflate \(invalid distance too far back\)"):
        Inflater(DeflateParameters(server_max_window_bits=9)).inflate(Deflater(PLAIN).deflate(message))


def test_a_message_that_grows_too_long_is_an_error() -> None:
    payload = Deflater(PLAIN).deflate(bytes(1001))

    assert Inflater(PLAIN).inflate(payload, 1001) == bytes(1001)
    with pytest.raises(RemoteProtocolError, match="compressed message of more than 1000 bytes"):
        Inflater(PLAIN).inflate(payload, 1000)


# Frames


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_compressed_and_uncompressed_messages_come_in_one_stream(size: int) -> None:
    stream = b"".join(
        [
            mark_compressed(encode_frame(Opcode.TEXT, HELLO[:2], fin=False, masked=False)),
            encode_frame(Opcode.PING, b"p", masked=False),
            encode_frame(Opcode.CONTINUATION, HELLO[2:], masked=False),
            encode_frame(Opcode.TEXT, b"plain", masked=False),
            mark_compressed(encode_frame(Opcode.BINARY, HELLO, masked=False)),
        ]
    )
    decoder = MessageDecoder(inflater=Inflater(PLAIN))

    messages = [
        message
        for start in range(0, len(stream), size)
        for message in decoder.decode(stream[start : start + size])
    ]

    assert messages == [Frame(Opcode.PING, b"p"), "Hello", "plain", b"Hello"]
    assert decoder.idle


def test_a_long_compressed_frame_is_no_long_control_frame() -> None:
    frame = mark_compressed(b"\x82\x7e\x0b\xb8") + NOISE

    assert list(FrameDecoder(compressed=True).decode(frame)) == [Frame(Opcode.BINARY, NOISE, True, True)]


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        (b"\xc1\x01\xff", r"does not inflate \(invalid block type\)"),
        (b"\x41\x01\xf2\xc0\x01\x00", "reserved bits 0x40 in a frame"),
        (b"\xc9\x00", "reserved bits 0x40 in a frame"),
        (b"\xe1\x00", "reserved bits 0x60 in a frame"),
        (mark_compressed(b"\x81\x03") + b"\x8a\xfe\x02", "text frame is not UTF-8|does not inflate"),
    ],
)
def test_what_is_wrong_about_compression(frames: bytes, error: str) -> None:
    with pytest.raises(RemoteProtocolError, match=error):
        list(MessageDecoder(inflater=Inflater(PLAIN)).decode(frames))


def test_without_an_inflater_each_compressed_frame_is_wrong() -> None:
    with pytest.raises(RemoteProtocolError, match="reserved bits 0x40"):
        list(MessageDecoder().decode(b"\xc1\x07" + HELLO))


# Against another implementation


@PROFILE
@given(
    messages=st.lists(st.binary(max_size=300), min_size=1, max_size=6),
    alone=st.booleans(),
    bits=st.integers(9, 15),
)
def test_websockets_reads_and_writes_the_same(messages: list[bytes], alone: bool, bits: int) -> None:
    oracle = PerMessageDeflate(alone, alone, bits, bits)
    agreed = DeflateParameters(alone, alone, bits, bits)
    deflater, inflater = Deflater(agreed), Inflater(agreed)

    for message in messages:
        frame = OracleFrame(OracleOpcode.BINARY, deflater.deflate(message), rsv1=True)
        assert oracle.decode(frame).data == message
        sent = oracle.encode(OracleFrame(OracleOpcode.BINARY, message))
        assert sent.rsv1
        assert inflater.inflate(bytes(sent.data)) == message


def test_zlib_sees_a_window_only_in_small_steps() -> None:
    """Why `Inflater` takes small steps. Where this fails, it need not."""
    payload = Deflater(PLAIN).deflate(NOISE[:2000] + NOISE[:2000])

    assert len(zlib.decompressobj(-9).decompress(payload)) == 4000
