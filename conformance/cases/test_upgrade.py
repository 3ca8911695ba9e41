"""Upgrade: from polling to WebSocket within one session."""

import asyncio

from conformance.client.http import Answer, NoAnswer
from conformance.client.session import Session
from conformance.client.transcript import shown
from conformance.client.websocket import WebSocket
from conformance.expect import (
    connect,
    connect_main_namespace,
    expect_alive,
    expect_equal,
    expect_event,
    expect_served,
    expect_status,
    expect_websocket_ended,
    is_event,
)
from conformance.races import no_race, pending_poll, poll_under_way
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NonStrict, Violation
from sioprobe.wire import EnginePacketType


async def opened(session: Session) -> WebSocket:
    """A WebSocket of the session, before its probe."""
    websocket = await session.open_probe()
    if not isinstance(websocket, WebSocket):
        raise Violation("101 Switching Protocols", str(websocket))
    return websocket


async def probed(session: Session) -> WebSocket:
    """A WebSocket of the session whose probe is answered."""
    websocket = await opened(session)
    answer = await websocket.probe(session.timing.answer)
    if answer is None:
        raise Inconclusive("the probe was not answered")
    if answer != "3probe":
        raise Inconclusive(
            f"the probe was answered by {shown(answer) if isinstance(answer, (str, bytes)) else answer}"
        )
    return websocket


async def expect_probe_answered(websocket: WebSocket, seconds: float) -> None:
    answer = await websocket.probe(seconds)
    expect_equal("nothing" if answer is None else str(answer), "3probe", what="answer")


@requirement("EIO-UP-02")
async def test_answers_the_probe(target: Target) -> None:
    """`2probe` gets `3probe` as the first message."""
    session = await target.open("polling")
    websocket = await opened(session)

    await expect_probe_answered(websocket, target.timing.answer)


@requirement("EIO-UP-03")
async def test_the_probe_ends_the_pending_poll(target: Target) -> None:
    """By a NOOP."""
    kept = 0
    for _ in range(3):
        session = await connect_main_namespace(target, poll=False)
        poll = await pending_poll(target, session)

        await probed(session)
        await asyncio.wait((poll,), timeout=target.timing.quiet)
        kept += not poll.done()
        answer = expect_status(await poll, 200)

        # On a slow machine a ping may be due before the probe is there.
        if answer.text != "2":
            expect_equal(answer.text, "6", what="body")
            return
    if kept == 3:
        raise Violation("a poll that ends with `6`", "a poll that waits on after the probe, for a ping")
    raise no_race(target, "the probe met no pending poll in any of three tries")


@requirement("EIO-UP-05")
async def test_packets_of_the_upgrade_are_flushed(target: Target) -> None:
    """Thirty events are emitted between `2probe` and `5`: they follow in order, all, once."""
    session = await connect_main_namespace(target)
    websocket = await probed(session)
    await session.stop_polling()
    await session.emit("burst", 30, 1)

    await websocket.send("5")
    session.use(websocket)

    for number in range(30):
        await expect_event(session, "b", number, "x")
    await expect_alive(session)
    if any(is_event(packet, "b") for packet in session.inbox):
        raise Violation("each event once", "an event came twice")


@requirement("EIO-UP-05")
async def test_sends_no_noop_after_the_upgrade(target: Target) -> None:
    """NOOP belongs to polling. Over WebSocket it is noise, which clients tolerate."""
    session = await connect_main_namespace(target, "upgraded")

    await expect_alive(session)

    if any(item.transport == "websocket" for item in session.packets(EnginePacketType.NOOP)):
        raise NonStrict("no NOOP over WebSocket", "a NOOP over WebSocket after the upgrade")


@requirement("EIO-UP-06")
async def test_every_poll_during_the_upgrade_ends_with_a_noop(target: Target) -> None:
    """Two polls after the answer to the probe; a ping that is due may come with it."""
    session = await connect_main_namespace(target)
    await probed(session)
    await session.stop_polling()

    for _ in range(2):
        answer = expect_status(await session.poll_once(target.timing.close), 200)
        if answer.text == "2":
            answer = expect_status(await session.poll_once(target.timing.close), 200)

        expect_equal(answer.text, "6", "2\x1e6", "6\x1e2", what="body")


@requirement("EIO-UP-06")
async def test_a_poll_that_waits_when_the_upgrade_completes_is_ended(target: Target) -> None:
    """In any way. The client sends `5` right after its probe, before any NOOP."""
    noop_came = False
    for _ in range(5):
        session = await connect_main_namespace(target, poll=False)
        websocket = await opened(session)
        poll = await poll_under_way(target, session, target.timing.close, before_open=True)

        await websocket.send("2probe")
        await websocket.send("5")

        answer = await poll
        websocket.abort()
        if isinstance(answer, NoAnswer) and answer.silent:
            raise Violation(f"the poll ends within {target.timing.close:.1f} s", str(answer))
        # A NOOP may have been faster; on a slow machine a ping, too, or the poll may have come too late.
        status, text = (answer.status, answer.text) if isinstance(answer, Answer) else (0, "")
        if status != 400 and (status, text) not in ((200, "2"), (200, "6")):
            return
        noop_came = noop_came or (status, text) == (200, "6")
    if not noop_came:
        raise no_race(target, "the upgrade met no pending poll in any of five tries")


@requirement("EIO-UP-07")
async def test_refuses_a_poll_after_the_upgrade(target: Target) -> None:
    """The WebSocket goes on."""
    session = await connect_main_namespace(target, "upgraded")

    expect_status(await session.request("GET"), 400)

    await expect_alive(session)


@requirement("EIO-UP-08")
async def test_refuses_a_push_after_the_upgrade(target: Target) -> None:
    """The WebSocket goes on."""
    session = await connect_main_namespace(target, "upgraded")
    await expect_alive(session)  # by now the server has read the `5`

    answer = await session.request("POST", body=b'42["message","late"]')

    expect_status(answer, 400)
    await expect_alive(session)


@requirement("EIO-UP-10")
async def test_polling_delivers_until_the_probe(target: Target) -> None:
    """A WebSocket is open, but has sent nothing. The polls begin after it."""
    session = await connect_main_namespace(target, poll=False)
    await opened(session)
    # Some servers answer 101 before their Engine.IO knows. By the end of another session it does.
    await expect_served(target)

    await session.emit("message", "still polling")
    for _ in range(5):  # a ping may come first
        await session.poll_once()
        if session.inbox:
            break

    await expect_event(session, "message-back", "still polling")


@requirement("EIO-UP-11")
async def test_a_wrong_probe_closes_the_websocket_only(target: Target) -> None:
    """`xyz` in place of `2probe`."""
    session = await connect_main_namespace(target)
    websocket = await opened(session)

    await websocket.send("xyz")

    try:
        await expect_websocket_ended(websocket, target.timing.close)
    finally:
        await expect_served(target)
    await expect_alive(session)


@requirement("EIO-UP-12")
async def test_a_websocket_lost_after_its_probe_leaves_polling_alone(target: Target) -> None:
    """The TCP connection ends before `5`."""
    session = await connect_main_namespace(target)
    websocket = await probed(session)

    websocket.abort()

    await expect_alive(session)


@requirement("EIO-UP-14")
async def test_upgrades_without_a_pending_poll(target: Target) -> None:
    """No poll waits from the handshake on."""
    session = await target.open("polling", poll=False)
    websocket = await opened(session)
    await expect_probe_answered(websocket, target.timing.answer)

    await websocket.send("5")
    session.use(websocket)

    await connect(session)
    await expect_alive(session)


@requirement("EIO-UP-15")
async def test_binary_is_raw_after_the_upgrade(target: Target) -> None:
    """It is base64 over polling, and a binary frame afterwards."""
    session = await connect_main_namespace(target, "upgraded")
    session.received.clear()

    await session.emit("message", b"\xfb\xff")

    await expect_event(session, "message-back", b"\xfb\xff")
    frames = [item.packet.data for item in session.packets(EnginePacketType.MESSAGE)]
    expect_equal(b"\xfb\xff" in frames, True, what="binary frame of the two bytes:")


@requirement("EIO-UP-02")
async def test_serves_the_session_after_the_upgrade(target: Target) -> None:
    """The whole procedure, and an answer over the new transport."""
    session = await connect_main_namespace(target)

    try:
        await session.upgrade()
    except Inconclusive as error:
        raise Violation("the session upgrades", str(error)) from None

    await expect_alive(session)
