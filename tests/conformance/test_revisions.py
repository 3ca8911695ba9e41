"""Which revisions a server speaks, what applies then, and what a session of revision 3 does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve

from conformance.client.address import parse_url
from conformance.client.revisions import REVISION_3, REVISION_4
from conformance.client.transcript import RECORDING, Recording
from conformance.expect import connect, expect_alive
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Question, answer_question
from conformance.target import Target
from conformance.telling.console import header
from conformance.verdicts import Verdict
from sioprobe.wire import EnginePacketType
from tests.conformance.targets import refusing
from tests.strict_server.liberties import EVERY, Liberty
from tests.strict_server.server import StrictServer

LEVEL_0 = ServerProfile(contract_level=0)
OPEN_3 = '0{"sid":"one","upgrades":[],"pingInterval":1000,"pingTimeout":1000}'
OPEN_4 = '0{"sid":"one","upgrades":[],"pingInterval":1000,"pingTimeout":1000,"maxPayload":1000}'


def look_at(
    revisions: tuple[int, ...], profile: ServerProfile = LEVEL_0, liberties: Iterable[Liberty] = ()
) -> Target:
    async def look() -> Target:
        async with StrictServer(revisions=revisions, liberties=liberties) as server:
            return await find_target(parse_url(server.url), profile)

    return asyncio.run(look())


@pytest.mark.parametrize("liberties", [(), EVERY], ids=["none", "every"])
@pytest.mark.parametrize("revisions", [(4,), (4, 3), (3,)])
def test_the_revisions_are_found(revisions: tuple[int, ...], liberties: Iterable[Liberty]) -> None:
    target = look_at(revisions, liberties=liberties)

    assert target.revisions == revisions
    assert target.revision is (REVISION_4 if 4 in revisions else REVISION_3)
    assert (target.opened.max_payload == 0) == (revisions == (3,))
    assert all(target.capabilities[name] for name in ("polling", "websocket", "upgrade"))


def test_the_contract_level_is_found_in_revision_3_too() -> None:
    assert look_at((3,), ServerProfile()).level == 2


def test_a_profile_may_say_that_a_revision_is_not_to_be_judged() -> None:
    target = look_at((4, 3), ServerProfile(contract_level=0, capabilities={"eio4": False}))

    assert target.revisions == (3,)
    assert target.revision is REVISION_3


def test_a_server_that_does_not_read_eio_is_one_of_revision_3() -> None:
    """As socket.io 2: everybody gets a payload with a length, and a WebSocket is not served here."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        code, body = (200, f"{len(OPEN_3)}:{OPEN_3}2:40") if b"=polling" in head else (400, "")
        writer.write(f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        writer.close()

    async def look() -> Target:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await find_target(parse_url(url), LEVEL_0)

    target = asyncio.run(look())
    assert target.revisions == (3,)
    assert target.capabilities["polling"]
    assert not target.capabilities["websocket"]


@pytest.mark.parametrize(
    ("packets", "revisions"),
    [
        ([OPEN_3, "40"], (3,)),
        ([OPEN_3, '40{"sid":"two"}'], (3,)),
        ([OPEN_4], (4,)),
        ([OPEN_4, "40"], (4, 3)),
    ],
)
def test_over_websocket_alone_the_packets_tell(packets: list[str], revisions: tuple[int, ...]) -> None:
    async def talk(connection: ServerConnection) -> None:
        for packet in packets:
            await connection.send(packet)
        await connection.wait_closed()

    async def look() -> Target:
        async with serve(talk, "127.0.0.1", 0, process_request=refusing(400, "")) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            return await find_target(parse_url(f"http://127.0.0.1:{port}"), LEVEL_0)

    assert asyncio.run(look()).revisions == revisions


def question_named(name: str) -> Question:
    return next(question for question in all_questions() if question.name == name)


@pytest.mark.parametrize(
    ("revisions", "reason"),
    [((4,), "the server does not speak Engine.IO 3"), ((3,), "the server does not speak Engine.IO 4")],
)
def test_what_the_server_does_not_speak_does_not_apply(revisions: tuple[int, ...], reason: str) -> None:
    async def ask() -> dict[int | None, tuple[Verdict, str | None]]:
        async with StrictServer(revisions=revisions) as server:
            target = await find_target(parse_url(server.url), ServerProfile(contract_level=2))
            names = ("test_eio3_takes_base64", "test_answers_the_probe", "test_the_process_serves_on")
            answers = {}
            for question in map(question_named, names):
                judgement = (await answer_question(question, target)).judgement
                answers[question.requirement.revision] = judgement.verdict, judgement.reason
            return answers

    answers = asyncio.run(ask())
    spoken = revisions[0]
    assert answers[spoken] == (Verdict.PASS, None)
    assert answers[7 - spoken] == (Verdict.NOT_APPLICABLE, reason)
    assert answers[None] == (Verdict.PASS, None)


def test_the_header_says_what_is_spoken() -> None:
    (_, line) = header(replace(look_at((3,)), note=None))

    assert "Engine.IO 3, contract level 0" in line
    assert "maxPayload not named" in line
    assert line.endswith("upgrades websocket")


def with_target(work: Callable[[Target], Awaitable[None]], **config: float) -> None:
    async def run() -> None:
        async with StrictServer(revisions=(3,), **config) as server:  # type: ignore[arg-type]
            target = await find_target(parse_url(server.url), LEVEL_0)
            RECORDING.set(Recording())
            await work(target)

    asyncio.run(run())


def test_a_session_of_revision_3_pings_in_the_background() -> None:
    async def work(target: Target) -> None:
        session = await target.open("polling")
        mute = await target.open("polling", answer_pings=False)

        assert await session.until(lambda: len(session.packets(EnginePacketType.PONG)) > 1, 20)
        assert await mute.until(lambda: mute.closure is not None, 20)
        assert session.closure is None
        await session.release()

    with_target(work, ping_interval=0.5, ping_timeout=2.0)


def test_namespaces_are_connected_as_revision_3_has_it() -> None:
    async def work(target: Target) -> None:
        session = await target.open("upgraded")
        await connect(session)
        await connect(session, "/custom")
        await expect_alive(session)

        assert session.socket_ids.keys() == {"/", "/custom"}
        assert session.malformed == []
        await session.release()

    with_target(work)
