"""An agent: a program that does what it is told with a client, and says what its application sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance.agent.process import AgentProcess, CannotStart
from conformance.requirements import FEATURES

__all__ = ["HELLO_SECONDS", "Agent", "Channel", "Hello", "Misunderstood", "read_hello"]

HELLO_SECONDS = 30.0  # a JVM on a busy machine, or a browser
RESET_SECONDS = 4.0


class Misunderstood(CannotStart):
    """The program says something else than the contract has. One line."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What an agent says about itself. `fresh`: each case wants a process of its own.

    `versions` are those of further packages that the client is made of.
    """

    client: str
    version: str
    features: frozenset[str]
    fresh: bool = False
    versions: dict[str, str] = field(default_factory=dict)


def read_hello(word: dict[str, Any]) -> Hello:
    """The greeting in an observation. Raises ValueError with one line."""
    client, version, features = word.get("client"), word.get("version"), word.get("features")
    if not isinstance(client, str) or not isinstance(version, str):
        raise ValueError("its hello has no client or no version")
    if not isinstance(features, list) or not all(isinstance(one, str) for one in features):
        raise ValueError("its hello has no list of features")
    for one in features:
        if one not in FEATURES:
            raise ValueError(f"its hello names the feature {one!r}; there are {', '.join(FEATURES)}")
    more = word.get("versions")
    versions = {name: str(one) for name, one in more.items()} if isinstance(more, dict) else {}
    return Hello(client, version, frozenset(features), bool(word.get("fresh")), versions)


class Channel(Protocol):
    """The way to an agent: `AgentProcess`, or `pulled.PullChannel`."""

    heard: Callable[[dict[str, Any]], None]
    printed: Callable[[str], None]
    at_end: Callable[[], None]

    @property
    def ended(self) -> bool:
        """Whether nothing more comes from it."""

    def tell(self, command: Mapping[str, Any]) -> None:
        """Send one command."""

    def crash(self) -> Exception:
        """What is known about its end."""

    def holds(self) -> dict[str, int]:
        """How many `sockets` and `threads` its process has. Raises NotApplicable if nobody can see them."""

    async def settle(self) -> None:
        """Return once it is known whether the agent lives."""

    async def kill(self) -> None:
        """End it."""


class Agent:
    """A running agent. `hear` gets its observations while a case is under way.

    `reaches` is the name by which it reaches this host, if it is not started here.
    """

    def __init__(self, process: Channel) -> None:
        self.process = process
        self.reaches: str | None = None
        self.hear: Callable[[dict[str, Any]], None] | None = None
        self.print: Callable[[str], None] | None = None
        self.at_end: Callable[[], None] | None = None
        self._hello: asyncio.Future[Hello] = asyncio.get_running_loop().create_future()
        self._reset: asyncio.Event = asyncio.Event()
        process.heard, process.printed, process.at_end = self._take, self._note, self._end

    @classmethod
    async def start(cls, command: Sequence[str]) -> Agent:
        """Start it and wait for its hello. Raises CannotStart."""
        agent = cls(await AgentProcess.start(command, {}))
        try:
            await agent.hello()
        except CannotStart:
            await agent.process.kill()
            raise
        return agent

    async def hello(self, seconds: float = HELLO_SECONDS) -> Hello:
        """Its greeting. Raises CannotStart."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._hello), seconds)
        except TimeoutError:
            raise CannotStart(f"the agent said no hello within {seconds:.0f} s") from None

    def _take(self, word: dict[str, Any]) -> None:
        if word["seen"] == "hello" and not self._hello.done():
            try:
                self._hello.set_result(read_hello(word))
            except ValueError as error:
                self._hello.set_exception(Misunderstood(f"the agent is not understood: {error}"))
        elif word["seen"] == "reset":
            self._reset.set()
        elif self.hear is not None:
            self.hear(word)

    def _note(self, line: str) -> None:
        if self.print is not None:
            self.print(line)

    def _end(self) -> None:
        if not self._hello.done():
            self._hello.set_exception(CannotStart(str(self.process.crash())))
            self._hello.exception()  # it may be that nobody asks
        self._reset.set()
        if self.at_end is not None:
            self.at_end()

    async def reset(self) -> bool:
        """Let it leave all sessions and forget them. False: it did not answer in time, or it has ended."""
        if self.process.ended:
            return False
        self._reset.clear()
        self.process.tell({"do": "reset"})
        if await self.has_reset(RESET_SECONDS):
            return True
        await self.process.settle()
        return False

    async def has_reset(self, seconds: float) -> bool:
        """Whether it answers `reset` within this time."""
        try:
            await asyncio.wait_for(self._reset.wait(), seconds)
        except TimeoutError:
            return False
        return not self.process.ended
