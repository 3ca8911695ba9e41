"""The agents of a run: as many as work at a time, each used again until it ends or cannot be reset."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from conformance.agent.agent import Agent

__all__ = ["Pool"]


class Pool:
    """Gives agents to cases. `fresh`: each case gets a new process."""

    def __init__(self, command: Sequence[str], size: int, *, fresh: bool) -> None:
        self._command = command
        self._places = asyncio.Semaphore(size)
        self._idle: list[Agent] = []
        self._fresh = fresh
        self._all: set[Agent] = set()

    async def take(self) -> Agent:
        """An agent that has been reset, or a new one. Raises CannotStart."""
        await self._places.acquire()
        while self._idle:
            agent = self._idle.pop()
            if not agent.process.ended:
                return agent
            await self._drop(agent)
        try:
            agent = await Agent.start(self._command)
        except BaseException:
            self._places.release()
            raise
        self._all.add(agent)
        return agent

    async def give(self, agent: Agent, *, usable: bool) -> None:
        """Take it back. One that is not usable is ended."""
        try:
            if usable and not self._fresh and not agent.process.ended:
                self._idle.append(agent)
            else:
                await self._drop(agent)
        finally:
            self._places.release()

    async def _drop(self, agent: Agent) -> None:
        self._all.discard(agent)
        await agent.process.kill()

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(self._drop(agent) for agent in [*self._all]))
