"""The strict client as an agent, in this process: what `conformance.agent` takes for a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from conformance.agent.agent import Agent
from conformance.agent.process import Crash, from_json, to_json
from conformance.requirements import FEATURES
from tests.strict_client.client import Client
from tests.strict_client.engine import Engine
from tests.strict_client.faults import Faults
from tests.strict_client.link import Link
from tests.strict_client.revision3 import Client3, Engine3

__all__ = ["StrictPool"]


class InProcess:
    """Stands in for `AgentProcess`."""

    def __init__(self, fault: str | None, revision: int) -> None:
        self._faults = Faults(fault)
        self._client_type, self._engine_type = (Client, Engine) if revision == 4 else (Client3, Engine3)
        self._clients: list[Client] = []
        self._last: dict[str, Client] = {}
        self.heard: Callable[[dict[str, Any]], None] = lambda word: None
        self.printed: Callable[[str], None] = lambda line: None
        self.at_end: Callable[[], None] = lambda: None
        self.code: int | None = None

    def _see(self, seen: str, **fields: Any) -> None:
        word = to_json({"seen": seen, **fields})
        asyncio.get_running_loop().call_soon(lambda: self.heard(word))

    def _die(self) -> None:
        self.code = 1
        for client in self._clients:
            client.leave()
        self.at_end()

    @property
    def ended(self) -> bool:
        return self.code is not None

    def crash(self) -> Crash:
        return Crash("the process of the client ended with code 1")

    async def settle(self) -> None:
        pass

    def holds(self) -> dict[str, int]:
        engines = [client.link.engine for client in self._clients if client.link.engine is not None]
        return {"sockets": sum(engine.holds for engine in engines), "threads": 1}

    async def kill(self) -> None:
        for client in self._clients:
            client.leave()
            for writer in client.link.engine.kept if client.link.engine is not None else ():
                writer.close()

    def tell(self, command: Mapping[str, Any]) -> None:
        if self.ended:
            return
        fields = from_json(to_json(command))
        what, namespace = fields.pop("do"), fields.get("namespace", "/")
        if what == "connect":
            link = self._link(fields.pop("url"), fields["options"])
            client = self._client_type(link, **fields, faults=self._faults, see=self._see, die=self._die)
            self._clients.append(client)
            self._last[namespace] = client
        elif what == "reset":
            self._reset()
        elif what == "leave":
            for client in self._clients:
                client.link.page_left()
        elif what in ("offline", "online"):
            for client in self._clients:
                client.link.network(there=what == "online")
        else:
            client = self._last[namespace]
            fields.pop("namespace", None)
            {"emit": client.emit, "disconnect": client.leave, "open": client.open, "ack": client.give_late}[
                what
            ](**fields)

    def _link(self, url: str, options: dict[str, Any]) -> Link:
        known = [client.link for client in self._clients if client.link.url == url]
        apart = options.get("forceNew") and not self._faults("force-new-is-not-read")
        apart = apart or self._faults("each-namespace-has-its-session")
        return known[-1] if known and not apart else Link(url, options, self._faults, self._engine_type)

    def _reset(self) -> None:
        for client in self._clients:
            client.leave()
        hangs = self._faults("leaving-waits-for-the-server") and any(client.busy for client in self._clients)
        if not hangs:
            self._clients, self._last = [], {}
            self._see("reset")


class StrictPool:
    """Gives agents of a strict client with one fault, or with none. `revision` is that of its Engine.IO."""

    def __init__(self, fault: str | None, revision: int = 4) -> None:
        self._fault, self._revision = fault, revision

    async def take(self) -> Agent:
        process = InProcess(self._fault, self._revision)
        agent = Agent(process)
        process._see("hello", client="strict", version="1", features=[*FEATURES])
        await agent.hello()
        return agent

    async def give(self, agent: Agent, *, usable: bool) -> None:
        await agent.process.kill()

    async def close(self) -> None:
        pass
