"""Where agents come that no command starts: `--client-listen` (CLIENT_CONTRACT.md).

They fetch commands and post observations, the same as those of an agent on standard input and output.
"""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from conformance.agent.agent import Agent, Hello, Misunderstood, read_hello
from conformance.agent.process import CannotStart, is_observation
from conformance.agent.pulled import PullChannel, PulledAgent, answer
from conformance.stage.bell import Bell
from conformance.stage.connection import Connection, Manners
from conformance.stage.requests import Request
from conformance.stage.stage import LOOPBACK, in_url

__all__ = ["AgentsGone", "Listener"]

COME_SECONDS = 600.0  # for the first agent: somebody may have to walk to a phone
RESET_SECONDS = 30.0  # for an agent that did not answer `reset` in time
LOOK_SECONDS = 0.5
HELLO_SECONDS = 1.0  # in which a hello may follow the first request for commands
ANYWHERE = ("0.0.0.0", "::")
USAGE = "GET /next?agent=NAME gives the next commands, POST /seen?agent=NAME takes what the agent sees"


class AgentsGone(Exception):
    """No agent is left. One line."""


class Listener:
    """An HTTP server for agents, and the pool of those that came.

    A case takes one agent at a time. `places` has a place for each.
    """

    def __init__(self, given: str) -> None:
        """`given` is PORT or HOST:PORT. Raises ValueError with one line."""
        self.given = given
        self.address, self.port = _read_address(given)
        self.manners = Manners()
        self.places = asyncio.Semaphore(0)
        self._agents: dict[str, PulledAgent] = {}
        self._idle: list[PulledAgent] = []
        self._judged: Hello | None = None
        self._strangers: dict[str, Request] = {}  # of names that have said no hello, the last request
        self._bell = Bell()
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._open: set[Connection] = set()

    async def listen(self) -> None:
        """Begin. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._watch = loop.create_task(self._look())

    @property
    def url(self) -> str:
        """Where agents come; of an address that means all, with the name of this host."""
        host = socket.gethostname() if self.address in ANYWHERE else self.address
        return f"http://{in_url(host)}:{self.port}"

    def invitation(self) -> str:
        """One line: how an agent comes, and how to try it."""
        return f"waiting for an agent at {self.url}: {USAGE}. Try: curl '{self.url}/next?agent=me'"

    async def first(self) -> PulledAgent:
        """The first agent that comes. Raises CannotStart."""
        agent = await self._bell.until(self._take_idle, COME_SECONDS)
        if agent is None:
            raise CannotStart(f"no agent came within {COME_SECONDS / 60:.0f} minutes")
        return agent

    # The pool of a run

    async def take(self) -> PulledAgent:
        """An agent that has nothing to do. Raises AgentsGone."""
        found = await self._bell.until(lambda: self._take_idle() or self._end_of_all(), math.inf)
        if isinstance(found, PulledAgent):
            return found
        raise AgentsGone(str(found))

    async def give(self, agent: Agent, *, usable: bool) -> None:
        """Take it back. It gets more time for `reset`, because nobody here can start it anew."""
        assert isinstance(agent, PulledAgent)
        if not usable and not await agent.has_reset(RESET_SECONDS):
            agent.process.end(f"did not answer `reset` within {RESET_SECONDS:.0f} s")
        if not agent.process.ended:
            self._idle.append(agent)
        self._bell.ring()

    async def close(self) -> None:
        """Send everybody away, and free the port."""
        if self._watch is not None:
            self._watch.cancel()
        if self._server is not None:
            self._server.close()
        for agent in self._agents.values():
            await agent.process.kill()
        for connection in [*self._open]:
            connection.end()
        await asyncio.sleep(0)

    def _take_idle(self) -> PulledAgent | None:
        self._idle = [agent for agent in self._idle if not agent.process.ended]
        return self._idle.pop(0) if self._idle else None

    def _end_of_all(self) -> Exception | None:
        """How the last one went; None if one is there."""
        ends = [agent.process.crash() for agent in self._agents.values() if agent.process.ended]
        return ends[-1] if len(ends) == len(self._agents) else None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for agent in self._agents.values():
                agent.process.look()

    # What connections tell

    def came(self, connection: Connection) -> None:
        self._open.add(connection)

    def gone(self, connection: Connection) -> None:
        self._open.discard(connection)

    def complain(self, what: str) -> None:
        """Bytes that are no HTTP end their connection, and nothing else."""

    def requested(self, request: Request) -> None:
        name = request.parameter("agent") or "agent"
        asked = (request.method, request.path)
        if request.method == "OPTIONS":  # of a browser, which wants to know whether a page may ask
            answer(request, {})
        elif asked == ("GET", "/next"):
            self._asked(name, request)
        elif asked == ("POST", "/seen"):
            problem = self._told(name, request)
            answer(request, {"error": problem} if problem else {}, 400 if problem else 200)
        else:
            answer(request, {"error": USAGE}, 404)

    def _asked(self, name: str, request: Request) -> None:
        agent = self._agents.get(name)
        if agent is not None and not agent.process.ended:
            agent.process.polled(request)
            return
        self._strangers[name] = request
        asyncio.get_running_loop().call_later(HELLO_SECONDS, self._ask_for_hello, name, request)

    def _ask_for_hello(self, name: str, request: Request) -> None:
        if self._strangers.get(name) is request:
            del self._strangers[name]
            answer(request, [{"do": "hello"}])

    def _told(self, name: str, request: Request) -> str | None:
        """Take what it sees. Returns what is wrong with it."""
        problem = None
        for word in _words(request.body):
            agent = self._agents.get(name)
            if agent is not None:
                agent.process.spoke()
            if not is_observation(word):
                problem = 'what it posts is no observation: {"seen": ...}, or a list of them, in JSON'
                if agent is not None:
                    agent.process.printed(json.dumps(word) if word is not None else str(request.body))
            elif word["seen"] == "hello":
                problem = self._greet(name, word, request) or problem
            elif agent is None or agent.process.ended:
                problem = "say hello first"
            else:
                agent.process.heard(word)
        return problem

    def _greet(self, name: str, word: dict[str, Any], request: Request) -> str | None:
        """Let it in, as a new agent. Returns why not."""
        try:
            hello = read_hello(word)
        except ValueError as error:
            if self._judged is None:
                self._bell.alarm = Misunderstood(f"the agent is not understood: {error}")
                self._bell.ring()
            return str(error)
        if self._judged is None:
            self._judged = hello
        elif hello != self._judged:
            return f"this run judges {self._judged.client} {self._judged.version} with other features"
        before = self._agents.get(name)
        if before is None:
            self.places.release()
        else:
            before.process.end("began anew")
        agent = PulledAgent(PullChannel(name, self._bell), _host(request))
        agent.process.heard(word)
        if (waiting := self._strangers.pop(name, None)) is not None:
            agent.process.polled(waiting)
        self._agents[name] = agent
        self._idle.append(agent)
        self._bell.ring()
        return None


def _read_address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65535 or (":" in host and "[" not in host):
        raise ValueError(f"{given!r} is neither PORT nor HOST:PORT")
    return host.strip("[]") or LOOPBACK, int(port)


def _words(body: bytes) -> Iterable[Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return [None]
    return found if isinstance(found, list) else [found]


def _host(request: Request) -> str | None:
    """The name by which the agent reaches this host."""
    try:
        return urlsplit(f"//{request.header('host') or ''}").hostname
    except ValueError:
        return None
