"""HTTP long-polling: requests, payloads, and answers that go wrong."""

from __future__ import annotations

import asyncio

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client.transcript import shown
from conformance.client_expect import (
    QUIET_SECONDS,
    connected,
    expect_alive,
    expect_event,
    expect_packet,
    expect_said,
    expect_told,
)
from conformance.requirements import requirement
from conformance.stage.behaviour import opening
from conformance.stage.requests import Answer
from conformance.stage.session import Session
from conformance.stage.stage import Stage
from conformance.verdicts import NotApplicable, Violation
from sioprobe.wire import SocketPacketType

EVENT, BINARY_EVENT = SocketPacketType.EVENT, SocketPacketType.BINARY_EVENT
MANY = 200  # packets in one payload
LIMIT = 5000  # maxPayload


@requirement("CLI-PL-01")
async def test_reads_a_payload_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await session.send('42["news",1]', "6", '42["news","é"]', "2", '42["news",3]')

    for value in (1, "é", 3):
        await expect_event(app, "news", value)


async def expect_many_packets(stage: Stage, app: App, transport: str) -> None:
    """Each event of a long payload reaches the application."""
    session = await connected(stage, app, transport)

    await session.send(*(f'42["news",{number}]' for number in range(MANY)))

    for number in range(MANY):
        await expect_event(app, "news", number, what=f", one of {MANY} in a payload")


@requirement("CLI-PL-02")
async def test_reads_many_packets_in_a_payload(stage: Stage, app: App, transport: Transport) -> None:
    await expect_many_packets(stage, app, transport)


@requirement("CLI-PL-03")
async def test_polls_one_at_a_time(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for _ in range(5):
        await expect_alive(session, app)


@requirement("CLI-PL-04")
async def test_posts_one_at_a_time_and_in_order(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    stage.does.push_seconds = 0.1

    for number in range(12):
        await app.emit("from app", number)
        await asyncio.sleep(0.02)
        if number == 6 and not session.revision.client_pings:
            session.post("2")

    for number in range(12):
        packet = await expect_packet(session, EVENT)
        if packet.data != ["from app", number]:
            raise Violation(f"event {number}", shown(packet.data))
    if not session.revision.client_pings:
        await expect_said(session, "3", what="a PONG")


@requirement("CLI-PL-05")
async def test_posts_while_a_poll_is_pending(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    await expect_alive(session, app)
    poll = await session.poll()

    await app.emit("from app", 1)

    await expect_packet(session, EVENT, what="an event while a poll is pending")
    if not poll.pending:
        raise Violation("the poll stays pending", "the client has left it")


@requirement("CLI-PL-06")
async def test_keeps_payloads_below_the_limit(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.open = opening(max_payload=LIMIT)
    session = await connected(stage, app, transport)
    stage.does.push_seconds = 0.3

    for number in range(20):
        await app.emit("from app", number, "é" * 500)
    for _ in range(20):
        await expect_packet(session, EVENT)

    sizes = [len(push.body) for push in session.pushes]
    if max(sizes) > LIMIT:
        raise Violation(f"bodies of at most {LIMIT} bytes", f"one of {max(sizes)} bytes")


@requirement("CLI-PL-07")
async def test_writes_binary_as_base64(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    await app.emit("from app", b"\x01\x02\x03\x04", bytes(range(100)))

    packet = await expect_packet(session, BINARY_EVENT)
    if packet.data != ["from app", b"\x01\x02\x03\x04", bytes(range(100))]:
        raise Violation("the two attachments", shown(packet.data))


@requirement("CLI-PL-08")
async def test_posts_text(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for push in session.pushes:
        kind = push.header("content-type")
        if kind is None or not kind.lower().startswith("text/plain"):
            raise Violation("Content-Type: text/plain", f"Content-Type: {kind}")


@requirement("CLI-PL-09")
async def test_reads_an_answer_in_pieces(stage: Stage, app: App, transport: Transport) -> None:
    stage.manners.cut = 3

    session = await connected(stage, app, transport)

    await session.send('42["news","日本, é, 😀"]')
    await expect_event(app, "news", "日本, é, 😀")


@requirement("CLI-PL-10")
async def test_reads_chunked_answers(stage: Stage, app: App, transport: Transport) -> None:
    stage.manners.framing = "chunked"

    session = await connected(stage, app, transport)

    await session.send('42["news","日本, é, 😀"]', '42["news",2]')
    await expect_event(app, "news", "日本, é, 😀")
    await expect_event(app, "news", 2)


@requirement("CLI-PL-11")
async def test_goes_on_when_connections_close(stage: Stage, app: App, transport: Transport) -> None:
    stage.manners.keep_alive = False

    session = await connected(stage, app, transport)

    for _ in range(3):
        await expect_alive(session, app)


@requirement("CLI-PL-12")
async def test_reads_an_answer_without_a_type(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.poll_type = None

    session = await connected(stage, app, transport)

    await session.send('42["news","é"]')
    await expect_event(app, "news", "é")


@requirement("CLI-PL-12")
async def test_reads_an_answer_of_another_type(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.poll_type = "text/html; charset=UTF-8"

    session = await connected(stage, app, transport)

    await session.send('42["news","é"]')
    await expect_event(app, "news", "é")


@requirement("CLI-PL-13")
async def test_takes_any_good_answer_to_a_post(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    for body in ("OK", "", "ok\n"):
        stage.does.push = Answer(body=body, type="text/plain")
        await app.emit("from app", body)
        await expect_packet(session, EVENT)

    await expect_alive(session, app)


async def expect_given_up(stage: Stage, app: App, session: Session) -> None:
    """The application is told, and the session is left alone."""
    await expect_told(app, "disconnect")
    asked = len(session.requests)
    await asyncio.sleep(QUIET_SECONDS)
    if more := [one for one in session.requests[asked:] if not one.says_goodbye]:
        raise Violation("no request for the session that is lost", f"{more[0].method} {more[0].target}")


async def lose_poll(stage: Stage, app: App, transport: str, answer: Answer) -> None:
    """Answer a poll by an error."""
    session = await connected(stage, app, transport)
    poll = await session.poll()
    poll.answer(answer)
    session.end("the judge answered a poll by an error", told=False)
    await expect_given_up(stage, app, session)


@requirement("CLI-PL-14")
async def test_gives_up_when_its_session_is_unknown(stage: Stage, app: App, transport: Transport) -> None:
    await lose_poll(stage, app, transport, Answer(400, '{"code":1,"message":"Session ID unknown"}'))


@requirement("CLI-PL-14")
async def test_gives_up_when_a_poll_is_not_found(stage: Stage, app: App, transport: Transport) -> None:
    await lose_poll(stage, app, transport, Answer(404, "<html>not here</html>", "text/html"))


@requirement("CLI-PL-14")
async def test_gives_up_when_a_proxy_answers(stage: Stage, app: App, transport: Transport) -> None:
    await lose_poll(stage, app, transport, Answer(502, "<html>Bad Gateway</html>", "text/html"))


async def lose_push(stage: Stage, app: App, transport: str, answer: Answer) -> None:
    """Answer a POST by an error."""
    await connected(stage, app, transport)
    stage.does.push = answer
    await app.emit("from app", 1)
    await expect_told(app, "disconnect")


@requirement("CLI-PL-15")
async def test_gives_up_when_a_post_is_refused(stage: Stage, app: App, transport: Transport) -> None:
    await lose_push(stage, app, transport, Answer(400, '{"code":1,"message":"Session ID unknown"}'))


@requirement("CLI-PL-15")
async def test_gives_up_when_a_post_is_too_large(stage: Stage, app: App, transport: Transport) -> None:
    await lose_push(stage, app, transport, Answer(413, ""))


@requirement("CLI-PL-16")
async def test_gives_up_when_a_poll_is_reset(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)

    (await session.poll()).end(reset=True)
    session.end("the judge reset the connection of a poll", told=False)

    await expect_given_up(stage, app, session)


@requirement("CLI-PL-16")
async def test_delivers_nothing_of_half_an_answer(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    answer = session.encoded('42["news",1]', '42["news",')

    (await session.poll()).answer(answer, announced=len(answer.body) + 40)
    session.end("the judge cut an answer short", told=False)

    await expect_given_up(stage, app, session)
    if app.all("event"):
        raise Violation("no event out of an answer that was cut short", str(app.all("event")[0]))


@requirement("CLI-PL-17")
async def test_polls_again_after_each_answer(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport)
    await expect_alive(session, app)
    await session.poll()
    before = len(session.polls)

    for _ in range(20):
        await session.send("6")
    await session.poll()
    await asyncio.sleep(QUIET_SECONDS)

    if len(session.polls) - before != 20:
        raise Violation("20 polls for 20 answers", f"{len(session.polls) - before} polls")


@requirement("CLI-PL-19")
async def test_reads_the_gzip_that_it_asks_for(stage: Stage, app: App, transport: Transport) -> None:
    stage.does.gzip = True
    session = await connected(stage, app, transport)
    if not (await session.poll()).takes_gzip:
        raise NotApplicable("the client does not ask for gzip")

    await session.send(f'42["news","{"é" * LIMIT}"]')

    await expect_event(app, "news", "é" * LIMIT)
