"""Finds out what a client is: whether its program has an agent, and what that says about itself."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from conformance.agent.agent import HELLO_SECONDS, Agent, Hello, Misunderstood
from conformance.agent.listener import Listener
from conformance.agent.process import AgentProcess, CannotStart
from conformance.client.revisions import REVISION_4, REVISIONS, Revision
from conformance.client.transcript import Recording
from conformance.client_target import ClientTarget
from conformance.finding.handshakes import NoServer
from conformance.stage.bell import Bell
from conformance.stage.stage import Stage
from conformance.verdicts import HarnessError

__all__ = ["NoClient", "find_client", "find_pulled"]

CONNECT_SECONDS = 10.0
UNKNOWN_SECONDS = 5.0


class NoClient(NoServer):
    """No Socket.IO client that can be judged is there. One line."""


async def find_client(given: str, command: Sequence[str], level: int | None) -> ClientTarget:
    """What the program is. `level` 0: its hello is not waited for. 1: it must come.

    That of an agent of ours, which `given` names, may come late: a browser starts slowly on a busy machine.

    Raises NoClient if nothing connects, and HarnessError if the program cannot be started or its agent is not
    to be believed.
    """
    seconds = CONNECT_SECONDS if shlex.split(given) == [*command] else HELLO_SECONDS
    async with Stage(Bell(), Recording(), upgrades=True) as stage:
        try:
            process = await AgentProcess.start([*command, stage.url], {"SIOPROBE_URL": stage.url})
        except CannotStart as error:
            raise HarnessError(f"--client cannot be started: {error}") from None
        agent = Agent(process)
        agent.print = lambda line: stage.bell.ring()
        try:
            hello = None if level == 0 else await _first_word(agent, stage, seconds)
            if hello is None:
                await _expect_connection(agent, stage)
                if level == 1:
                    raise HarnessError("--level 1 needs an agent, and the program connects without a hello")
                return ClientTarget(
                    level=0,
                    given=given,
                    command=tuple(command),
                    title=_name(command),
                    revision=_revision(stage),
                )
            await _look(agent, hello, stage)
        finally:
            await process.kill()
    return _with_agent(hello, given=given, command=tuple(command), revision=_revision(stage))


async def find_pulled(agents: Listener) -> ClientTarget:
    """What the client is whose agent comes to `agents`. Raises as `find_client` does."""
    try:
        agent = await agents.first()
    except Misunderstood as error:
        raise HarnessError(str(error)) from None
    except CannotStart as error:
        raise NoClient(str(error)) from None
    hello = await agent.hello()
    async with Stage(Bell(), Recording(), upgrades=True, address=agents.address) as stage:
        stage.host = agent.reaches or stage.host
        await _look(agent, hello, stage)
        usable = await agent.reset()
    await agents.give(agent, usable=usable)
    return _with_agent(hello, given=agents.given, address=agents.address, revision=_revision(stage))


async def _look(agent: Agent, hello: Hello, stage: Stage) -> None:
    """Expect that it is an agent, and that its client connects."""
    await _prove(agent)
    first = "websocket" if "polling" not in hello.features else "polling"
    options = {"transports": [first], "reconnection": False}
    agent.process.tell({"do": "connect", "url": stage.url, "namespace": "/", "options": options})
    await _expect_connection(agent, stage)


def _with_agent(hello: Hello, **more: Any) -> ClientTarget:
    """The client that introduces itself so. `more` says how it comes."""
    alone = hello.fresh and "address" in more
    return ClientTarget(
        level=1,
        features=hello.features,
        fresh=hello.fresh,
        library=hello.client,
        version=hello.version,
        versions={hello.client: hello.version, **hello.versions},
        title=f"{hello.client} {hello.version}",
        note="the agent asks for a process for each case; nobody starts one here" if alone else None,
        **more,
    )


def _revision(stage: Stage) -> Revision:
    """What the first handshake says; without a number that is known, the latest."""
    said = stage.handshakes[0].parameter("EIO")
    return next((one for one in REVISIONS.values() if str(one.number) == said), REVISION_4)


def _name(command: Sequence[str]) -> str:
    """A program without an agent has the name of its file."""
    return PurePath(command[-1]).name


async def _first_word(agent: Agent, stage: Stage, seconds: float) -> Hello | None:
    """Its hello; None if the program connects by itself."""
    greeting = asyncio.ensure_future(agent.hello(seconds))
    connecting = asyncio.ensure_future(stage.bell.until(lambda: bool(stage.handshakes) or None, seconds))
    done, _ = await asyncio.wait({greeting, connecting}, return_when=asyncio.FIRST_COMPLETED)
    connecting.cancel()
    if greeting not in done:
        greeting.cancel()
        return None
    try:
        return greeting.result()
    except Misunderstood as error:
        raise HarnessError(str(error)) from None
    except CannotStart:
        if stage.handshakes:
            return None
        raise NoClient(_nothing(agent, seconds)) from None


async def _expect_connection(agent: Agent, stage: Stage) -> None:
    agent.at_end = stage.bell.ring
    await stage.bell.until(lambda: bool(stage.handshakes) or agent.process.ended or None, CONNECT_SECONDS)
    if not stage.handshakes:
        came = f"; {len(stage.requests)} requests came, none of them a handshake" if stage.requests else ""
        raise NoClient(_nothing(agent, CONNECT_SECONDS) + came)


def _nothing(agent: Agent, seconds: float) -> str:
    how = f"; {agent.process.crash()}" if agent.process.ended else f" within {seconds:.0f} s"
    return f"no Socket.IO client: nothing connected{how}"


async def _prove(agent: Agent) -> None:
    """A command that does not exist must be answered so; else its other answers prove nothing."""
    name = f"sioprobe-{secrets.token_hex(4)}"
    answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    agent.hear = lambda word: None if answer.done() else answer.set_result(word)
    agent.process.tell({"do": name})
    try:
        word = await asyncio.wait_for(answer, UNKNOWN_SECONDS)
    except TimeoutError:
        raise HarnessError("the agent does not answer a command that it cannot know by `unknown`") from None
    if word.get("seen") != "unknown" or word.get("do") != name:
        raise HarnessError(
            f"the agent answers a command that it cannot know by {word.get('seen')!r}, not `unknown`"
        )
