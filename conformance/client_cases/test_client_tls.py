"""TLS: certificates that a client has a reason to trust, and others."""

from __future__ import annotations

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import connected, expect_alive, expect_told
from conformance.requirements import requirement
from conformance.stage.stage import Stage
from conformance.verdicts import Violation


@requirement("CLI-TL-01")
async def test_trusts_the_authority_of_its_application(stage: Stage, app: App, transport: Transport) -> None:
    authority = await stage.secure()

    session = await connected(stage, app, transport, ca=authority)

    await expect_alive(session, app)


async def expect_refusal(stage: Stage, app: App, transport: Transport, authority: str) -> None:
    """The application is told, and nothing was asked of the server."""
    await app.connect(transport, ca=authority, timeout=2000)
    await expect_told(app, seconds=8)
    if stage.requests:
        raise Violation("no request", f"{stage.requests[0].method} {stage.requests[0].target}")


@requirement("CLI-TL-02")
async def test_refuses_a_certificate_of_an_unknown_authority(
    stage: Stage, app: App, transport: Transport
) -> None:
    authority_of_another = await stage.secure()
    await stage.secure()

    await expect_refusal(stage, app, transport, authority_of_another)


@requirement("CLI-TL-02")
async def test_refuses_a_certificate_of_another_server(stage: Stage, app: App, transport: Transport) -> None:
    authority = await stage.secure("another.test")

    await expect_refusal(stage, app, transport, authority)
