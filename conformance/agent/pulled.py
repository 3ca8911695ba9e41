"""The way to an agent that fetches its commands over HTTP. It takes the place of `AgentProcess`."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from conformance.agent.agent import Agent
from conformance.agent.process import to_json
from conformance.stage.bell import Bell
from conformance.stage.requests import Answer, Request
from conformance.verdicts import Inconclusive, NotApplicable

__all__ = ["Lost", "PullChannel", "PulledAgent", "answer"]

POLL_SECONDS = 10.0  # a request for commands waits that long, at most
GONE_SECONDS = 15.0  # without a request of the agent

ANY_PAGE = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "content-type"),
    ("Access-Control-Allow-Private-Network", "true"),
    ("Cache-Control", "no-store"),
)
"""A page in any browser may be an agent."""


class Lost(Inconclusive):
    """The agent went away in the middle of a case."""


class PullChannel:
    """Keeps commands until the agent asks for them. `bell` rings when it asks, and when it is gone."""

    def __init__(self, name: str, bell: Bell) -> None:
        self._name = name
        self._bell = bell
        self._commands: list[Any] = []
        self._poll: Request | None = None  # the last one
        self._heard_at = time.monotonic()
        self._why: str | None = None  # it is gone
        self.heard: Callable[[dict[str, Any]], None] = lambda word: None
        self.printed: Callable[[str], None] = lambda line: None
        self.at_end: Callable[[], None] = lambda: None

    @property
    def ended(self) -> bool:
        return self._why is not None

    @property
    def asks(self) -> bool:
        """Whether a request of it waits for commands."""
        return self._poll is not None and self._poll.pending

    def tell(self, command: Mapping[str, Any]) -> None:
        """Hand out one command, with the next request."""
        self._commands.append(to_json(command))
        asyncio.get_running_loop().call_soon(self._hand_out)

    def polled(self, request: Request) -> None:
        """It asks for commands."""
        self._poll = request
        self.spoke()
        asyncio.get_running_loop().call_later(POLL_SECONDS, self._release, request)
        self._hand_out()
        self._bell.ring()

    def spoke(self) -> None:
        """It is there."""
        self._heard_at = time.monotonic()

    def look(self) -> None:
        """Notice whether it is gone."""
        if self.asks:
            self.spoke()
        elif time.monotonic() - self._heard_at > GONE_SECONDS:
            self.end(f"sent no request for {GONE_SECONDS:.0f} s")

    def end(self, why: str) -> None:
        """It is gone, or of no more use."""
        if self._why is None:
            self._why = why
            self._release(self._poll)
            self.at_end()
            self._bell.ring()

    def _hand_out(self) -> None:
        if self._commands and self._poll is not None and self.asks:
            commands, self._commands = self._commands, []
            answer(self._poll, commands)

    @staticmethod
    def _release(request: Request | None) -> None:
        if request is not None:
            answer(request, [])

    def crash(self) -> Lost:
        """What is known about its end."""
        return Lost(
            f"the agent {self._name!r} {self._why}. Its program may have ended, or the network lost it:"
            " nobody can tell which"
        )

    def holds(self) -> dict[str, int]:
        """Its process may run anywhere."""
        raise NotApplicable("nobody sees the process of an agent that came by itself")

    async def settle(self) -> None:
        """Return once it asks for commands, or is gone: until then nobody knows whether it lives."""
        await self._bell.until(lambda: self.ended or self.asks, math.inf)

    async def kill(self) -> None:
        """Take it for gone."""
        self.end("was sent away")


class PulledAgent(Agent):
    """An agent that came by itself. `reaches` is the name of this host in its requests."""

    process: PullChannel

    def __init__(self, channel: PullChannel, reaches: str | None) -> None:
        super().__init__(channel)
        self.reaches = reaches


def answer(request: Request, value: object, status: int = 200) -> None:
    """Answer by JSON, unless the request has its answer or nobody waits for it."""
    request.answer(Answer(status, json.dumps(value), "application/json", ANY_PAGE))
