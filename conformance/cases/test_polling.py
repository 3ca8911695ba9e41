"""HTTP long-polling: polls, pushes, payloads."""

import asyncio
import base64
import gzip
import time
import zlib
from collections.abc import Callable

from conformance.client.http import Answer, HttpConnection, NoAnswer
from conformance.client.session import Session
from conformance.client.transcript import describe, shown
from conformance.expect import (
    arguments_of,
    connect_main_namespace,
    expect_closed,
    expect_connected,
    expect_equal,
    expect_event,
    expect_packet,
    expect_served,
    expect_status,
    is_alive,
    is_event,
)
from conformance.races import (
    is_behind_haproxy,
    no_race,
    passes_unfinished_requests,
    pending_poll,
    poll_under_way,
)
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import (
    Inconclusive,
    NonStrict,
    NotApplicable,
    PathHides,
    Unresponsive,
    Violation,
)
from conformance.waiting import waiting
from sioprobe.wire import EnginePacket, EnginePacketType, SocketPacketType

TEXT = ("Content-Type", "text/plain;charset=UTF-8")


@requirement("EIO-PL-01")
async def test_answers_a_push_with_ok(target: Target) -> None:
    """Status 200 and the two letters `ok`."""
    session = await target.open("polling")

    answer = await session.push("40")

    expect_equal(expect_status(answer, 200).text, "ok", what="body")


@requirement("EIO-PL-02")
async def test_closes_on_overlapping_pushes(target: Target) -> None:
    """One push is still being sent when a second comes."""
    session = await connect_main_namespace(target)
    first = await HttpConnection.open(target.address, target.timing.answer, session.cookies)
    if not isinstance(first, HttpConnection):
        raise Inconclusive(str(first))
    try:
        await first.send_head(
            "POST", f"{target.address.path}?{session.query()}", [TEXT, ("Content-Length", "13")]
        )
        await first.send_data(b'42["m')
        # The server must have seen the first before the second comes.
        await target.request("GET", "EIO=4&transport=polling")

        second = await session.request("POST", headers=(TEXT,), body=b'42["message",2]')

        if (
            isinstance(second, Answer)
            and second.status == 200
            and not await passes_unfinished_requests(target)
        ):
            raise PathHides(
                "no request is answered before its body is complete (a proxy keeps it back, or the server"
                " reads it first), so two pushes never overlap",
                Violation(("HTTP 400", "HTTP 500"), str(second)),
            )
        expect_status(second, 400, 500)
        # While the first is open, nobody can see whether the session is closed.
        await first.send_data(b'essage"]')
        await first.send_end()
        await first.answer(target.timing.close)
        await expect_closed(target, session)
    finally:
        first.abort()


@requirement("EIO-PL-03")
async def test_closes_on_overlapping_polls(target: Target) -> None:
    """One poll is pending when a second comes."""
    for tries_left in (2, 1, 0):
        # A new one each time: the second poll may have got a ping, which nobody answers then.
        session = await connect_main_namespace(target, poll=False)
        first = await poll_under_way(target, session, target.timing.heartbeat + target.timing.answer)
        sent = time.monotonic()
        try:
            second = await session.request("GET", seconds=target.timing.close)
            # Now, because giving up the first would end the session by itself.
            pushed = await session.push('42["message",1]')
            # They did not overlap if the first ended before the second can have been there, or came later.
            there = sent + target.timing.distance + 0.25 * target.timing.ping_interval
            pings = session.packets(EnginePacketType.PING)
            early = first.done() and (_is_refused(first.result()) or (pings != [] and pings[-1].at < there))
            # If pings ended both, a server that stood still may have sent one before the second poll came.
            # One that lets both wait does so in every try.
            early = early or (tries_left > 0 and first.done() and _is_ping(second))
            if _is_refused(second) or not early:
                expect_status(second, 400, 500)
                expect_status(pushed, 400)
                return
        finally:
            first.cancel()
    raise no_race(target, "two polls did not overlap in any of three tries")


def _is_refused(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, Answer) and answer.status >= 400


def _is_ping(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, Answer) and answer.body == b"2"


@requirement("EIO-PL-04")
async def test_a_poll_waits_for_a_packet(target: Target) -> None:
    """Nothing is due, so the answer to the poll comes with the next packet."""
    session = await connect_main_namespace(target, poll=False)
    session.received.clear()
    poll = asyncio.create_task(session.poll_once())
    await asyncio.wait((poll,), timeout=target.timing.quiet)
    waited = not poll.done()

    await session.push('42["message","now"]')
    answer = await poll

    expect_status(answer, 200)
    kinds = {item.packet.type for item in session.received}
    if not waited and kinds != {EnginePacketType.PING}:
        raise Violation("a poll that waits", f"answered at once by {answer}")


@requirement("EIO-PL-05")
async def test_a_poll_takes_all_packets_that_wait(target: Target) -> None:
    """Forty events at once come in order, and not each in a poll of its own."""
    session = await connect_main_namespace(target)
    before = session.polls

    await session.emit("burst", 40, 1)

    for number in range(40):
        await expect_event(session, "b", number, "x")
    if session.polls - before >= 40:
        raise Violation("several packets in one poll", "one packet in each of 40 polls")


@requirement("EIO-PL-06")
async def test_polls_are_answered_as_utf_8_text(target: Target) -> None:
    """`Content-Type: text/plain; charset=UTF-8`."""
    answer = expect_status(await target.request("GET", "EIO=4&transport=polling"), 200)

    kind = (answer.header("content-type") or "").lower().replace(" ", "")
    expect_equal(kind, "text/plain;charset=utf-8", what="Content-Type")


@requirement("EIO-PL-06")
async def test_pushes_are_answered_as_text(target: Target) -> None:
    """`text/html` or `text/plain`."""
    session = await target.open("polling")

    answer = expect_status(await session.push("40"), 200)

    kind = (answer.header("content-type") or "").split(";")[0]
    expect_equal(kind, "text/html", "text/plain", what="Content-Type")


@requirement("EIO-PL-07")
async def test_polls_may_not_be_cached(target: Target) -> None:
    """`Cache-Control: no-store`."""
    answer = expect_status(await target.request("GET", "EIO=4&transport=polling"), 200)

    if "no-store" not in (answer.header("cache-control") or ""):
        raise Violation(
            "Cache-Control: no-store", f"Cache-Control: {answer.header('cache-control') or 'none'}"
        )


@requirement("EIO-PL-08")
async def test_refuses_a_push_of_octets(target: Target) -> None:
    """Revision 4 has no binary payload."""
    session = await target.open("polling")

    answer = await session.request(
        "POST", headers=(("Content-Type", "application/octet-stream"),), body=b"40"
    )

    expect_status(answer, 400)
    await expect_closed(target, session)


@requirement("EIO-PL-09")
async def test_takes_a_push_without_a_content_type(target: Target) -> None:
    """The type is text where none is given."""
    session = await target.open("polling")

    answer = await session.request("POST", body=session.connecting().encode())

    expect_status(answer, 200)
    await expect_connected(session)


@requirement("EIO-PL-10")
async def test_closes_on_a_push_that_is_not_utf_8(target: Target) -> None:
    """An EVENT with a byte that UTF-8 does not have."""
    session = await connect_main_namespace(target)

    await session.push(b'42["message","\xff"]')

    await expect_closed(target, session)


@requirement("EIO-PL-11")
async def test_reads_a_push_in_chunks(target: Target) -> None:
    """`Transfer-Encoding: chunked` in place of Content-Length."""
    session = await connect_main_namespace(target)

    await push_in_chunks(target, session, b'42["message"', b',"in chunks"]')

    await expect_event(session, "message-back", "in chunks")


@requirement("EIO-PL-11")
async def test_a_character_may_span_two_chunks(target: Target) -> None:
    """`€` has three bytes: two in one chunk, one in the next."""
    session = await connect_main_namespace(target)

    await push_in_chunks(target, session, b'42["message","\xe2\x82', b'\xac"]')

    await expect_event(session, "message-back", "€")


async def push_in_chunks(target: Target, session: Session, *chunks: bytes) -> None:
    """A push without a Content-Length, which is answered by HTTP 200."""
    push = await HttpConnection.open(target.address, target.timing.answer, session.cookies)
    if not isinstance(push, HttpConnection):
        raise Inconclusive(str(push))
    try:
        await push.send_head(
            "POST", f"{target.address.path}?{session.query()}", [TEXT, ("Transfer-Encoding", "chunked")]
        )
        for chunk in chunks:
            await push.send_data(chunk)
        await push.send_end()

        expect_status(await push.answer(target.timing.answer), 200)
    finally:
        push.abort()


@requirement("EIO-PL-12")
async def test_closes_on_a_push_with_an_invalid_packet(target: Target) -> None:
    """A body that starts with no packet type."""
    session = await connect_main_namespace(target)

    await session.push("abc")

    await expect_closed(target, session)


@requirement("EIO-PL-12")
async def test_closes_on_a_push_with_an_invalid_packet_between_others(target: Target) -> None:
    """The second of three packets has no type."""
    session = await connect_main_namespace(target)

    await session.push('42["message",1]\x1eabc\x1e42["message",2]')

    await expect_closed(target, session)


@requirement("EIO-PL-13")
async def test_closes_on_an_empty_push(target: Target) -> None:
    """A payload has at least one packet."""
    session = await connect_main_namespace(target)

    await session.push("")

    await expect_closed(target, session)


@requirement("EIO-PL-14")
async def test_closes_on_a_push_that_ends_with_a_separator(target: Target) -> None:
    """The packet behind it is empty."""
    session = await connect_main_namespace(target)

    await session.push('42["message",1]\x1e')

    await expect_closed(target, session)


@requirement("EIO-PL-15")
async def test_takes_a_push_of_many_packets(target: Target) -> None:
    """Twenty-four events with an id each, in one payload."""
    session = await connect_main_namespace(target)

    await session.send(*(f'42{number}["message-with-ack",{number}]' for number in range(24)))

    acks: list[int | None] = []
    while len(acks) < 24:
        acks.append((await expect_packet(session, SocketPacketType.ACK)).ack_id)
    expect_equal(sorted(acks), list(range(24)), what="ack ids")


@requirement("EIO-PL-16")
async def test_an_aborted_poll_loses_nothing(target: Target) -> None:
    """The client aborts a pending poll: the session closes, or the next events all arrive."""
    try:
        await abort_a_poll(target)
    except Violation as violation:
        if await is_behind_haproxy(target):
            kept = "HAProxy stands before the server, and may not tell it that a client is gone"
            raise PathHides(f"{kept} (option abortonclose makes it do so)", violation) from None
        raise


async def abort_a_poll(target: Target) -> None:
    for _ in range(3):
        session = await connect_main_namespace(target, poll=False)
        poll = await poll_under_way(target, session, target.timing.heartbeat + target.timing.answer)
        if not poll.done():
            break
    else:
        raise no_race(target, "each poll was answered before it could be aborted")
    poll.cancel()
    await target.request("GET", "EIO=4&transport=polling")

    for number in range(3):
        answer = await session.push(f'42["message",{number}]')
        if isinstance(answer, Answer) and answer.status == 400:
            return
    session.inbox.clear()
    session.start_polling()

    received: list[int] = []
    while len(received) < 3:
        packet = await session.take(lambda p: is_event(p, "message-back"), target.timing.close)
        if session.closure:
            return
        if packet is None:
            raise Violation(("session closed", "three events"), f"only events {received}")
        [number] = arguments_of(packet, 1)
        expect_equal(number, 0, 1, 2, what="argument of the event:")
        received.append(number)
    expect_equal(sorted(received), [0, 1, 2], what="events")
    async with waiting():
        closed = await session.until(lambda: session.closure is not None, target.timing.close)
    if not closed:
        raise NonStrict("session closed", "session open; nothing was lost")


async def long_poll(target: Target, encoding: str) -> Answer:
    session = await connect_main_namespace(target, poll=False)
    await session.push('42["burst",1,4000]')
    answer = await session.request("GET", headers=(("Accept-Encoding", encoding),))
    if isinstance(answer, Answer) and answer.body == b"2":
        await session.push("3")
        answer = await session.request("GET", headers=(("Accept-Encoding", encoding),))
    return expect_status(answer, 200)


@requirement("EIO-PL-17")
async def test_an_event_behind_its_connect_is_not_lost(target: Target) -> None:
    """CONNECT and an event with an ack id in one push: the reference closes, others answer both."""
    session = await target.open("polling")

    await session.push(f'{session.connecting()}\x1e421["message-with-ack","behind"]')

    packet = await session.take(lambda p: p.type is SocketPacketType.ACK, target.timing.close)
    if packet is None and not session.closure:
        raise Violation(('ACK ["behind"], ack id 1', "session closed"), "neither; the session stays open")
    await expect_served(target)


@requirement("EIO-PL-18")
async def test_compresses_a_long_answer(target: Target) -> None:
    """The client takes gzip."""
    answer = await long_poll(target, "gzip")

    expect_equal(answer.header("content-encoding"), "gzip", what="Content-Encoding")
    try:
        body = gzip.decompress(answer.body)
    except (OSError, EOFError, zlib.error):
        raise Violation(
            "a body that is gzip", f"a body of {len(answer.body)} bytes that cannot be unpacked"
        ) from None
    expect_equal(b"xxxxxxxx" in body, True, what="the event in the answer:")


@requirement("EIO-PL-18")
async def test_does_not_compress_for_a_client_that_cannot(target: Target) -> None:
    """The client refuses every encoding by name or by weight."""
    plain = await long_poll(target, "identity")
    refused = await long_poll(target, "gzip;q=0, deflate;q=0")

    expect_equal(plain.header("content-encoding"), None, what="Content-Encoding")
    expect_equal(refused.header("content-encoding"), None, what="Content-Encoding with q=0")


@slow
@requirement("EIO-PL-19")
async def test_ends_the_poll_of_a_session_that_timed_out(target: Target) -> None:
    """The client answers no ping, but keeps a poll pending."""
    if not target.timing.is_fast:
        raise NotApplicable("takes a server whose heartbeat is below 10 s")
    session = await connect_main_namespace(target, answer_pings=False)
    limit = target.timing.heartbeat + target.timing.ping_timeout + 1 + target.timing.late

    async with waiting():
        ended = await session.until(lambda: session.closure is not None, limit)

    if not ended:
        raise Violation(f"the poll ends within {limit:.1f} s", "still pending")
    by = session.closure.by if session.closure else None
    if isinstance(by, NoAnswer) and by.silent:
        raise Violation(f"the poll ends within {limit:.1f} s", str(session.closure))


@requirement("EIO-PL-20")
async def test_a_close_packet_ends_the_pending_poll_with_a_noop(target: Target) -> None:
    """The poll that waits is answered by `6`."""
    for _ in range(3):
        session = await connect_main_namespace(target, poll=False)
        poll = await pending_poll(target, session)

        await session.push("1")

        answer = await poll
        if isinstance(answer, NoAnswer):
            raise Violation("a poll that ends with `6`", str(answer))
        # On a slow machine a ping may have ended the poll before, or the poll may have come too late.
        if not _is_ping(answer) and answer.status != 400:
            expect_equal(expect_status(answer, 200).text, "6", what="body")
            return
    raise no_race(target, "the CLOSE met no pending poll in any of three tries")


@requirement("EIO-PL-21")
async def test_a_session_closed_by_the_server_ends_with_a_close_packet(target: Target) -> None:
    """The last packet is `1`."""
    session = await connect_main_namespace(target)

    await session.emit("kick-all")

    await session.until(lambda: session.closure is not None, target.timing.close)
    if session.closure is None or not isinstance(session.closure.by, EnginePacket):
        raise Violation("session closed by an Engine.IO close packet", f"closed by {session.closure}")


@requirement("EIO-EN-02")
async def test_reads_several_packets_of_one_push(target: Target) -> None:
    """Two events, joined by the record separator, as are the packets that answer."""
    session = await target.open("polling")
    await session.send(session.connecting())
    await expect_connected(session)

    await session.push('421["message-with-ack","one"]\x1e422["message-with-ack","two"]')

    acks = [await expect_packet(session, SocketPacketType.ACK) for _ in range(2)]
    found = [[ack.ack_id, *ack.data] for ack in sorted(acks, key=lambda ack: ack.ack_id or 0)]
    expect_equal(found, [[1, "one"], [2, "two"]], what="acks")


@requirement("EIO-EN-03")
async def test_binary_in_a_poll_is_b_and_base64(target: Target) -> None:
    """`bAQIDBA==`, without a packet type."""
    session = await connect_main_namespace(target, poll=False)

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')

    records = await records_until(session, lambda record: record[:1] == "b")
    expect_equal(records[-1], "bAQIDBA==", what="record")


@requirement("EIO-EN-04")
async def test_base64_uses_the_standard_alphabet_and_padding(target: Target) -> None:
    """Bytes whose base64 needs `+`, `/` and `=`."""
    session = await connect_main_namespace(target, poll=False)

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1eb+/++/w==')

    records = await records_until(session, lambda record: record[:1] == "b")
    expect_equal(records[-1], "b+/++/w==", what="record")


@requirement("EIO-EN-04")
async def test_base64_is_one_line(target: Target) -> None:
    """300 bytes, more than any base64 with lines has in one line."""
    session = await connect_main_namespace(target, poll=False)
    record = "b" + base64.b64encode(bytes(range(150)) * 2).decode()

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1e' + record)

    records = await records_until(session, lambda found: found[:1] == "b")
    expect_equal(records[-1], record, what="record")


@requirement("EIO-EN-12")
async def test_closes_on_wrong_base64(target: Target) -> None:
    """A binary packet that is not base64."""
    session = await connect_main_namespace(target)

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1eb!!!')

    await expect_unharmed_or_closed(target, session)


async def expect_unharmed_or_closed(target: Target, session: Session) -> None:
    """The session closes, or goes on without an event made from what cannot be decoded."""
    packet = await session.take(lambda p: p.type is SocketPacketType.BINARY_EVENT, target.timing.close)
    if packet is not None:
        raise Violation(("session closed", "no event"), describe(packet))
    if not session.closure and not await is_alive(session, target.timing.close) and not session.closure:
        raise Unresponsive(("session closed", "no event"), "session is open but no longer answers")


async def records_until(session: Session, wanted: Callable[[str], bool]) -> list[str]:
    """The records of the following polls, up to the one that is wanted."""
    records: list[str] = []
    for _ in range(4):
        answer = expect_status(await session.poll_once(session.timing.answer), 200)
        for record in answer.text.split("\x1e"):
            records.append(record)
            if wanted(record):
                return records
    raise Violation("a binary record", f"records {shown(records)}")


@requirement("EIO-EN-11")
async def test_text_and_binary_keep_their_order_in_a_poll(target: Target) -> None:
    """The header comes before its attachment."""
    session = await connect_main_namespace(target, poll=False)

    await session.push('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==')

    records = await records_until(session, lambda record: record[:1] == "b")
    header = next((index for index, record in enumerate(records) if record.startswith("451-")), None)
    expect_equal(header, len(records) - 2, what="place of the header among the records")
