"""What a handshake promises, as the whole judge sees it: the offered upgrade, and permessage-deflate."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from websockets.asyncio.server import serve

from conformance.client.address import parse_url
from conformance.client.transcript import RECORDING, Recording
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging.runner import answer_question
from conformance.target import Target
from conformance.verdicts import Judgement, Verdict
from tests.conformance.guarding_front import pump
from tests.conformance.mutation import cases
from tests.conformance.targets import broken_polling
from tests.strict_server.server import StrictServer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def dropping_the_upgrade(behind: int) -> Handler:
    """A proxy as many are without settings: Upgrade and Connection are for the next hop only."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
            inner_writer.write(re.sub(rb"(?i)\r\n(upgrade|connection): [^\r]*", b"", head))
            asking = asyncio.ensure_future(pump(reader, inner_writer))
            await pump(inner_reader, writer)
            asking.cancel()
            inner_writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return hand_on


async def judged(target: Target, name: str) -> Judgement:
    [question] = [case for case in cases() if case.name == name and case.transport in (None, "websocket")]
    return (await answer_question(question, target)).judgement


async def find(url: str, level: int) -> Target:
    RECORDING.set(Recording())
    return await find_target(parse_url(url), ServerProfile(contract_level=level))


@pytest.mark.parametrize("fault", [None, "polling-offers-no-upgrade"])
def test_a_proxy_without_the_upgrade_headers_fails_one_requirement(fault: str | None) -> None:
    async def look() -> Judgement:
        async with StrictServer(fault) as server:
            front = await asyncio.start_server(dropping_the_upgrade(server.port), "127.0.0.1", 0)
            async with front:
                target = await find(f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}", 0)
                assert (await judged(target, "test_a_session_can_be_used_at_once")).verdict is Verdict.PASS
                return await judged(target, "test_opens_the_websocket_that_the_handshake_offers")

    judgement = asyncio.run(look())

    if fault:  # nothing is promised
        assert judgement.verdict is Verdict.NOT_APPLICABLE
    else:
        assert judgement.verdict is Verdict.FAIL
        assert judgement.expected == ("a WebSocket, which `upgrades` of the handshake offers",)
        assert str(judgement.actual).startswith("it is refused (HTTP 400")
        assert "does a proxy in front of the server drop the header Upgrade?" in str(judgement.actual)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_permessage_deflate_is_found_by_a_handshake(compression: str | None) -> None:
    """A server that declines the offer is asked for no more than that."""

    async def look() -> tuple[bool, Judgement]:
        async with serve(broken_polling, "127.0.0.1", 0, compression=compression) as server:
            target = await find(f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", 0)
            return (
                target.capabilities["permessage_deflate"],
                await judged(target, "test_closes_on_a_message_that_does_not_inflate"),
            )

    found, judgement = asyncio.run(look())

    assert found == (compression is not None)
    if not found:
        assert judgement == Judgement(Verdict.NOT_APPLICABLE, reason="the server has no permessage_deflate")
    else:
        assert judgement.verdict is Verdict.PASS
