"""What is expected of a session's end and of a refusal, against servers that do it wrong in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from conformance import expect
from conformance.client.address import parse_url
from conformance.client.http import NoAnswer
from conformance.client.session import Session
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording
from conformance.expect import expect_gone, expect_refused
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.verdicts import Unresponsive, Violation
from sioprobe.wire import OpenData
from tests.standstill import undisturbed

OPENED = OpenData("unknown", ("websocket",), 1000, 1000, 1_000_000)
Reply = Callable[[int, str], int | None]  # the number and method of a request; its status, None to leave it


async def replying(reply: Reply, work: Callable[[Target], Awaitable[None]], delay: float = 0.0) -> None:
    """`work` against a server that answers each request by a status alone, after `delay` seconds."""
    RECORDING.set(Recording())
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split(b" ")[0].decode())
        status = reply(len(seen), seen[-1])
        await asyncio.sleep(delay)
        if status is None:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = parse_url(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with server:
        await work(Target(address, OPENED, Timing(1, 3), level=0, capabilities=dict(CAPABILITIES)))


async def gone(target: Target) -> None:
    await expect_gone(target, Session(target.address, target.timing, "polling", OPENED, answer_pings=False))


def test_one_request_left_open_does_not_use_up_the_deadline() -> None:
    undisturbed(lambda: asyncio.run(replying(lambda number, _: None if number == 1 else 400, gone)))


def test_a_server_that_is_slow_with_every_answer_has_forgotten_all_the_same() -> None:
    undisturbed(lambda: asyncio.run(replying(lambda *_: 400, gone, delay=1.0)))


@pytest.mark.parametrize("status", [200, None])
def test_a_session_that_is_never_forgotten_is_noticed(status: int | None) -> None:
    with pytest.raises(Violation, match="HTTP 400 to a push"):
        asyncio.run(replying(lambda *_: status, gone))


def test_a_poll_of_a_closed_session_is_refused_too() -> None:
    with pytest.raises(Violation, match="HTTP 400 to a poll"):
        asyncio.run(replying(lambda _, method: 400 if method == "POST" else 200, gone))


@pytest.mark.parametrize(
    ("outcome", "refused"),
    [
        (NoAnswer("connection closed before an answer", closed=True), True),
        (NoAnswer("connection refused"), False),
        (NoAnswer("connection reset"), False),
        (NoAnswer("no WebSocket: wrong accept key"), False),
        (NoAnswer("no answer within 1.0 s", silent=True), False),
    ],
)
def test_only_an_end_in_order_is_a_refusal(
    outcome: NoAnswer, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Target] = []

    async def serves(target: Target) -> None:
        served.append(target)

    monkeypatch.setattr(expect, "expect_served", serves)
    target = Target(
        parse_url("http://127.0.0.1:1"), OPENED, Timing(1, 1), level=0, capabilities=dict(CAPABILITIES)
    )
    if refused:
        asyncio.run(expect_refused(target, outcome))
        assert served == [target]
    else:
        with pytest.raises(Violation, match=outcome.reason):
            asyncio.run(expect_refused(target, outcome))


def test_a_server_that_refuses_and_then_serves_nobody_is_noticed() -> None:
    async def work(target: Target) -> None:
        answer = await target.websocket("EIO=4&transport=abc")
        await expect_refused(target, answer)

    with pytest.raises(Unresponsive, match="handshake over polling: HTTP 400"):
        asyncio.run(replying(lambda *_: 400, work))
