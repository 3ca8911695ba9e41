"""RFC 7692, permessage-deflate: what browsers offer with each WebSocket.

Most cases ask by a CONNECT to an unknown namespace: its name is text of any length, and comes back in the
CONNECT_ERROR. So they need no application.
"""

import random
import string

from conformance.cases.test_close import acks, event_of, limit_of
from conformance.client.http import NoAnswer
from conformance.client.session import Session, Transport
from conformance.client.websocket import WebSocket
from conformance.crowd import LARGE_MESSAGES
from conformance.expect import (
    connect,
    expect_alive,
    expect_closed,
    expect_event,
    expect_packet,
    together,
)
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Violation
from sioprobe.wire import DeflateOffer, Opcode, SocketPacketType

BROWSERS = DeflateOffer(client_may_limit=True)
OFFERS = (
    BROWSERS,
    DeflateOffer(),
    DeflateOffer(server_no_context_takeover=True, client_no_context_takeover=True),
    DeflateOffer(server_max_window_bits=10, client_may_limit=True),
    DeflateOffer(server_max_window_bits=15, client_max_window_bits=12),
)
WRONG_OFFERS = (
    DeflateOffer(also="; unknown_parameter"),
    DeflateOffer(server_no_context_takeover=True, also="; server_no_context_takeover"),
    DeflateOffer(server_max_window_bits=16),
    DeflateOffer(client_max_window_bits=7),
    DeflateOffer(also="; server_no_context_takeover=1"),
)
LONG = 4000  # characters; servers may leave a short message as it is
SIZES = (1, 2, 15, 64, 125, 126, 127, 128, 1000, 1023, 1024, 4096, 20_000)


def text_of(length: int, seed: int = 1) -> str:
    """Letters and digits in which nothing stands twice, the same for the same seed."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))


async def opened(target: Target, transport: Transport, offer: DeflateOffer = BROWSERS) -> Session:
    """A session with permessage-deflate. Raises NotApplicable if the server declines the offer.

    A server that takes it in a wrong way is one for EIO-PD-01.
    """
    try:
        session = await target.open(transport, offer=offer)
    except Inconclusive as error:
        await target.open(transport)  # which is inconclusive too if the offer is not to blame
        raise NotApplicable(f"no session opens with the offer `{offer}`: {error}") from None
    if session.websocket.agreed is None:
        raise NotApplicable(f"the server declines the offer `{offer}`")
    return session


def asking(name: str) -> str:
    return f"40/{name},"


async def expect_answered(session: Session, name: str) -> None:
    """The server has read `asking(name)`, each letter of it."""
    kinds = (SocketPacketType.CONNECT_ERROR, SocketPacketType.CONNECT)
    packet = await session.take(lambda packet: packet.type in kinds and packet.namespace != "/")
    if packet is None:
        await expect_packet(session, *kinds, namespace=f"/{name[:20]}", seconds=0)
    elif packet.namespace != f"/{name}":
        raise Violation(f"an answer about /{name[:20]}…", f"one about {packet.namespace[:20]}…")


async def ask_compressed(session: Session, name: str, *, frames: int = 1) -> None:
    """Ask about an unknown namespace by a compressed message, and get the answer."""
    await session.websocket.send_compressed(asking(name), frames=frames)
    await expect_answered(session, name)


# The offer


@requirement("EIO-PD-01")
async def test_a_session_opens_whatever_is_offered(target: Target, transport: Transport) -> None:
    """What browsers offer, nothing, both parameters of the context, and windows."""

    async def open_with(offer: DeflateOffer) -> None:
        try:
            session = await target.open(transport, offer=offer)
        except Inconclusive as error:
            await target.open(transport)  # which is inconclusive too if the offer is not to blame
            raise Violation(f"a session with the offer `{offer}`", str(error)) from None

        await session.send(asking("offered"))

        await expect_answered(session, "offered")

    await together(*(open_with(offer) for offer in OFFERS))


@requirement("EIO-PD-01")
async def test_declines_an_offer_that_nobody_can_take(target: Target) -> None:
    """An unknown parameter, one that stands there twice, and values that are not allowed.

    A server may refuse the whole handshake: nothing is misunderstood then.
    """
    if not target.capabilities["websocket"]:
        raise NotApplicable("the server has no websocket")
    for offer in WRONG_OFFERS:
        outcome = await target.websocket(f"{target.revision.query}&transport=websocket", offer)

        if isinstance(outcome, WebSocket):
            outcome.abort()
            if outcome.agreed is not None:
                raise Violation(f"the offer `{offer}` is declined", "the server takes it")
        elif isinstance(outcome, NoAnswer) and "permessage-deflate" in outcome.reason:
            raise Violation(f"the offer `{offer}` is declined", outcome.reason)


# Messages of the client


@requirement("EIO-PD-02")
async def test_reads_a_compressed_message(target: Target, transport: Transport) -> None:
    """Short and long."""
    session = await opened(target, transport)

    for name in ("short", text_of(LONG), "a" * LONG):
        await ask_compressed(session, name)


@requirement("EIO-PD-02")
async def test_joins_a_compressed_message_in_fragments(target: Target, transport: Transport) -> None:
    """In two frames, in many, and in more frames than it has bytes."""
    session = await opened(target, transport)

    for frames, name in ((2, "two"), (40, text_of(LONG)), (200, "empty-frames")):
        await ask_compressed(session, name, frames=frames)


@requirement("EIO-PD-02")
async def test_a_ping_frame_may_stand_in_a_compressed_message(target: Target, transport: Transport) -> None:
    """Between two of its fragments."""
    session = await opened(target, transport)
    websocket = session.websocket
    data = websocket.deflater.deflate(asking("around-a-ping").encode())

    await websocket.send_frame(Opcode.TEXT, data[:5], fin=False, compressed=True)
    await websocket.send_frame(Opcode.PING, b"between")
    await websocket.send_frame(Opcode.CONTINUATION, data[5:])

    await expect_answered(session, "around-a-ping")


@requirement("EIO-PD-02")
async def test_reads_uncompressed_messages_between_compressed_ones(
    target: Target, transport: Transport
) -> None:
    """Whole and in fragments. Each message says for itself whether it is compressed."""
    session = await opened(target, transport)

    for number in range(3):
        await ask_compressed(session, f"compressed-{number}")
        await session.send(asking(f"plain-{number}"))
        await expect_answered(session, f"plain-{number}")
        await session.websocket.send_frame(Opcode.TEXT, f"40/pieces-{number}".encode(), fin=False)
        await session.websocket.send_frame(Opcode.CONTINUATION, b",")
        await expect_answered(session, f"pieces-{number}")


@requirement("EIO-PD-02")
async def test_reads_text_and_binary_of_many_sizes(target: Target, transport: Transport) -> None:
    """An event and its attachment, both compressed, and both come back."""
    if target.level < 1:
        raise NotApplicable("needs contract level 1")
    session = await opened(target, transport)
    await connect(session)
    frame = session.revision.frame
    await session.emit("message", "uncompressed")
    await expect_event(session, "message-back", "uncompressed")

    for size in SIZES:
        text, data = text_of(size, size), random.Random(size).randbytes(size)
        header = f'451-["message",["{text}",{{"_placeholder":true,"num":0}}]]'
        await session.websocket.send_compressed(header)
        await session.websocket.send_compressed(frame(data))

        await expect_event(session, "message-back", [text, data])


# Messages of the server


@requirement("EIO-PD-03")
async def test_long_answers_inflate(target: Target, transport: Transport) -> None:
    """Three different ones and three alike, so that later ones may refer to those before."""
    session = await opened(target, transport)

    for seed in (1, 2, 3, 3, 3):
        name = text_of(LONG, seed)
        await session.send(asking(name))
        await expect_answered(session, name)

    await expect_alive(session)


# Context takeover and windows


def needs_compression(session: Session) -> None:
    """Raises NotApplicable if the server has compressed nothing so far: it need not."""
    inflater = session.websocket.inflater
    if inflater is None or not inflater.messages:
        raise NotApplicable("the server takes the offer and compresses no message of 4,000 bytes")


@requirement("EIO-PD-04")
async def test_reads_messages_that_refer_to_earlier_ones(target: Target, transport: Transport) -> None:
    """The second and third are the first, told by a few bytes."""
    session = await opened(target, transport)
    agreed = session.websocket.agreed
    if agreed is not None and agreed.client_no_context_takeover:
        raise NotApplicable("the server wants no context takeover of the client")

    for _ in range(3):
        await ask_compressed(session, text_of(LONG))


@requirement("EIO-PD-04")
async def test_reads_messages_that_stand_alone(target: Target, transport: Transport) -> None:
    """`client_no_context_takeover` is offered. Each message is compressed afresh."""
    session = await opened(target, transport, DeflateOffer(client_no_context_takeover=True))
    agreed = session.websocket.agreed
    if agreed is not None and not agreed.client_no_context_takeover:
        raise NotApplicable("the server does without client_no_context_takeover")

    for _ in range(3):
        await ask_compressed(session, text_of(LONG))


@requirement("EIO-PD-04")
async def test_its_messages_stand_alone_where_that_is_agreed(target: Target, transport: Transport) -> None:
    """`server_no_context_takeover`: each answer inflates by itself."""
    session = await opened(target, transport, DeflateOffer(server_no_context_takeover=True))

    for _ in range(3):
        name = text_of(LONG)
        await session.send(asking(name))
        await expect_answered(session, name)

    needs_compression(session)


@requirement("EIO-PD-05")
async def test_its_window_is_no_larger_than_agreed(target: Target, transport: Transport) -> None:
    """A window of 512 bytes is offered, and an answer repeats what stood 2,000 bytes before."""
    session = await opened(target, transport, DeflateOffer(server_max_window_bits=9))

    name = 2 * text_of(LONG // 2)
    await session.send(asking(name))
    await expect_answered(session, name)

    needs_compression(session)


@requirement("EIO-PD-05")
async def test_reads_what_the_window_of_the_client_allows(target: Target, transport: Transport) -> None:
    """A message repeats what stood nearly a whole window before: 32 KiB, or what the server wants."""
    if target.opened.max_payload and target.opened.max_payload < 40_000:
        raise NotApplicable(f"maxPayload is {target.opened.max_payload} bytes")
    session = await opened(target, transport)
    agreed = session.websocket.agreed
    window = 2**agreed.client_max_window_bits if agreed else 0

    begin = text_of(100)
    await ask_compressed(session, begin + text_of(window - 500, 2) + begin)


# What is wrong


@requirement("EIO-PD-06")
async def test_closes_on_a_message_that_does_not_inflate(target: Target, transport: Transport) -> None:
    """Its first block is of a type that DEFLATE does not have."""
    session = await opened(target, transport)

    await session.websocket.send_frame(Opcode.TEXT, b"\xff" * 20, compressed=True)

    await expect_closed(target, session)


@requirement("EIO-PD-07")
async def test_closes_on_a_compressed_fragment_after_the_first(target: Target, transport: Transport) -> None:
    """Both frames of a message say that they are compressed."""
    session = await opened(target, transport)
    data = session.websocket.deflater.deflate(b"40")

    await session.websocket.send_frame(Opcode.TEXT, data[:2], fin=False, compressed=True)
    await session.websocket.send_frame(Opcode.CONTINUATION, data[2:], compressed=True)

    await expect_closed(target, session)


@requirement("EIO-PD-07")
async def test_closes_on_a_compressed_control_frame(target: Target, transport: Transport) -> None:
    """A ping frame that says that it is compressed."""
    session = await opened(target, transport)

    await session.websocket.send_frame(Opcode.PING, session.websocket.deflater.deflate(b"?"), compressed=True)

    await expect_closed(target, session)


@exclusive_but_for(LARGE_MESSAGES)
@requirement("EIO-PD-08")
async def test_closes_on_a_compressed_message_above_max_payload(target: Target, transport: Transport) -> None:
    """One byte too many, and very few on the wire."""
    limit = limit_of(target)
    session = await opened(target, transport)
    await connect(session)

    await session.websocket.send_compressed(event_of(limit + 1))

    await session.until(lambda: session.closure is not None or bool(acks(session)), target.timing.answer)
    if acks(session):
        raise Violation("session closed", "the message was answered")
    await expect_closed(target, session)
