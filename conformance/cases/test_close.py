"""The end of a session by its client, and maxPayload."""

from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session, Transport
from conformance.crowd import LARGE_MESSAGES
from conformance.expect import (
    connect_main_namespace,
    expect_alive,
    expect_closed,
    expect_equal,
    expect_gone,
    expect_packet,
    expect_served,
    expect_status,
    is_event,
)
from conformance.races import no_race, poll_under_way
from conformance.requirements import exclusive_but_for, requirement
from conformance.target import Target
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacket, SocketPacketType

LARGE = 8_000_000  # beyond this a case would measure the machine


@requirement("EIO-CL-01")
async def test_a_close_packet_ends_a_polling_session(target: Target) -> None:
    """Later requests get HTTP 400."""
    session = await connect_main_namespace(target, poll=False)

    await session.push("1")

    await expect_gone(target, session)
    await expect_served(target)


@requirement("EIO-CL-01")
async def test_a_close_packet_ends_the_pending_poll(target: Target) -> None:
    """In any way, but the poll does not stay open."""
    for _ in range(3):
        session = await connect_main_namespace(target, poll=False)
        poll = await poll_under_way(target, session, target.timing.close)

        await session.push("1")

        answer = await poll
        if isinstance(answer, NoAnswer) and answer.silent:
            raise Violation(f"the poll ends within {target.timing.close:.1f} s", str(answer))
        # On a slow machine a ping may have ended the poll before, or the poll may have come too late.
        if not (isinstance(answer, Answer) and (answer.text == "2" or answer.status == 400)):
            return
    raise no_race(target, "the CLOSE met no pending poll in any of three tries")


@requirement("EIO-CL-02")
async def test_a_close_packet_ends_a_websocket_session(target: Target, transport: Transport) -> None:
    """The server closes the WebSocket."""
    session = await connect_main_namespace(target, transport)

    await session.send("1")

    await expect_closed(target, session)


@requirement("EIO-CL-03")
async def test_a_close_frame_ends_the_session(target: Target) -> None:
    """An upgraded session does not fall back to polling."""
    session = await connect_main_namespace(target, "upgraded")

    await session.websocket.close()

    await expect_gone(target, session)


@requirement("EIO-CL-03")
async def test_a_lost_connection_ends_the_session(target: Target) -> None:
    """The same without a close frame."""
    session = await connect_main_namespace(target, "upgraded")

    session.websocket.abort()

    await expect_gone(target, session)
    await expect_served(target)


@requirement("EIO-CL-04")
async def test_packets_before_a_close_packet_are_processed(target: Target) -> None:
    """A joiner of the same room hears what the leaving client said last."""
    if target.level < 2:
        raise NotApplicable("needs contract level 2")
    room = "close-after-event"
    listener = await connect_main_namespace(target)
    await listener.emit("join", room, ack_id=1)
    await expect_packet(listener, SocketPacketType.ACK)
    session = await connect_main_namespace(target, poll=False)

    await session.push(f'42["to","{room}","last-words",1]\x1e1')

    event = await expect_packet(listener, SocketPacketType.EVENT)
    while is_event(event, "auth"):
        event = await expect_packet(listener, SocketPacketType.EVENT)
    expect_equal(event.data, ["last-words", 1], what="event")


# Messages of this size are sent alone. A server may work on one for a second (a UTF-8 check in Python does),
# and would be late with the heartbeats of all other cases.
def limit_of(target: Target) -> int:
    limit = target.opened.max_payload
    if not 1000 <= limit <= LARGE:
        raise NotApplicable(f"maxPayload is {limit} bytes")
    return int(limit)


def event_of(size: int, letter: str = "x") -> str:
    """An event with ack id 7 whose packet has `size` bytes in UTF-8."""
    frame = '427["message-with-ack",""]'
    width = len(letter.encode())
    count, rest = divmod(size - len(frame), width)
    return f'427["message-with-ack","{letter * count}{"x" * rest}"]'


@requirement("EIO-MX-01")
async def test_refuses_a_push_above_max_payload(target: Target) -> None:
    """HTTP 413; the session goes on."""
    session = await connect_main_namespace(target)

    answer = await session.push(event_of(limit_of(target) + 1))

    expect_status(answer, 413)
    await expect_alive(session)


async def expect_refused_size(target: Target, session: Session) -> None:
    """The session closes without having answered."""
    await session.until(lambda: session.closure is not None or bool(acks(session)), target.timing.answer)
    if acks(session):
        raise Violation("session closed", "the message was answered")
    await expect_closed(target, session)


def acks(session: Session) -> list[SocketPacket]:
    return [packet for packet in session.inbox if packet.type is SocketPacketType.ACK]


@exclusive_but_for(LARGE_MESSAGES)
@requirement("EIO-MX-02")
async def test_closes_on_a_text_message_above_max_payload(target: Target, transport: Transport) -> None:
    """One byte too many."""
    session = await connect_main_namespace(target, transport)

    await session.send(event_of(limit_of(target) + 1))

    await expect_refused_size(target, session)


@exclusive_but_for(LARGE_MESSAGES)
@requirement("EIO-MX-02")
async def test_counts_bytes_of_a_text_message_not_characters(target: Target, transport: Transport) -> None:
    """More than maxPayload bytes in half as many characters."""
    session = await connect_main_namespace(target, transport)

    await session.send(event_of(limit_of(target) + 1, "é"))

    await expect_refused_size(target, session)


@exclusive_but_for(LARGE_MESSAGES)
@requirement("EIO-MX-02")
async def test_closes_on_a_binary_message_above_max_payload(target: Target, transport: Transport) -> None:
    """An attachment of one byte too many."""
    session = await connect_main_namespace(target, transport)

    await session.send('451-7["message-with-ack",{"_placeholder":true,"num":0}]', bytes(limit_of(target) + 1))

    await session.until(lambda: session.closure is not None or bool(session.inbox[1:]), target.timing.answer)
    if any(packet.type is SocketPacketType.BINARY_ACK for packet in session.inbox):
        raise Violation("session closed", "the message was answered")
    await expect_closed(target, session)


@exclusive_but_for(LARGE_MESSAGES)
@requirement("EIO-MX-04")
async def test_takes_exactly_max_payload(target: Target, transport: Transport) -> None:
    """The largest packet that the handshake allows."""
    session = await connect_main_namespace(target, transport)
    packet = event_of(limit_of(target))

    await session.send(packet)

    ack = await expect_packet(session, SocketPacketType.ACK)
    lengths = [len(value) if isinstance(value, str) else value for value in ack.data]
    expect_equal(lengths, [packet.count("x")], what="lengths of the texts in the answer:")
