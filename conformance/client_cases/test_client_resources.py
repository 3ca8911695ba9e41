"""What the process of a client holds after many sessions, as the kernel shows it."""

from __future__ import annotations

import asyncio

from conformance.agent.app import App
from conformance.client.session import Transport
from conformance.client_expect import connected
from conformance.requirements import requirement, slow
from conformance.stage.stage import Stage
from conformance.verdicts import NotApplicable, Violation

FIRST = 3  # sessions, after which all is there that a client keeps for good
SESSIONS = 50
TOGETHER = 5  # between two looks: a client that leaks may soon be too busy to go on
MORE = 8  # sockets, or threads, that may come and go by chance
LOOKS = 25
PAUSE = 0.2  # seconds between two of them


async def come_and_go(stage: Stage, app: App, transport: str, times: int) -> None:
    for _ in range(times):
        session = await connected(stage, app, transport)
        await app.do("disconnect", namespace="/")
        if not await session.until(lambda: session.over is not None or bool(app.all("disconnect"))):  # noqa: B023
            raise Violation("the client leaves", "the session is still open after 5 s")
        app.seen.clear()


async def expect_no_more(app: App, before: dict[str, int], sessions: int) -> None:
    """The process holds no more than before, once it has had time to close what it no longer needs."""
    more: list[str] = []
    for _ in range(LOOKS):
        grown = {name: count - before[name] for name, count in app.holds().items()}
        more = [f"{count} more {name}" for name, count in grown.items() if count > MORE]
        if not more:
            return
        await asyncio.sleep(PAUSE)
    raise Violation(f"no more sockets and threads after {sessions} sessions", " and ".join(more))


@slow
@requirement("CLI-SV-02")
async def test_keeps_nothing_of_sessions_that_are_over(stage: Stage, app: App, transport: Transport) -> None:
    await come_and_go(stage, app, transport, FIRST)
    before = app.holds()
    if not before["threads"]:
        raise NotApplicable("this system does not show what a process holds (no /proc)")

    for sessions in range(TOGETHER, SESSIONS + 1, TOGETHER):
        await come_and_go(stage, app, transport, TOGETHER)
        await expect_no_more(app, before, sessions)
