"""What a client in a browser hears of its page and of its network."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_cases.test_client_reconnection import RETRYING, expect_back
from conformance.client_expect import connected, expect_over, expect_told
from conformance.requirements import requirement
from conformance.stage.stage import Stage


@requirement("CLI-BR-01")
async def test_closes_when_its_page_is_left(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, closeOnBeforeunload=True)

    await app.do("leave")

    await expect_over(session, "the client closes the session")


@requirement("CLI-BR-02")
async def test_leaves_and_comes_back_with_the_network(stage: Stage, app: App, transport: Transport) -> None:
    session = await connected(stage, app, transport, **RETRYING)

    await app.do("offline")

    await expect_told(app, "disconnect")
    session.end("the browser is offline", told=True)
    await app.do("online")
    await expect_back(stage, app, transport)
