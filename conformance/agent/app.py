"""The application above the client, as a case sees it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.agent.agent import Agent
from conformance.agent.process import AgentProcess, from_json
from conformance.client.transcript import TO_CLIENT, TO_SERVER, Recording
from conformance.stage.stage import Stage
from conformance.verdicts import HarnessError, NotApplicable
from sioprobe.wire import RECORD_SEPARATOR

__all__ = ["LATE_SECONDS", "App", "Seen"]

LATE_SECONDS = 5.0  # for the application to see something
SHOWN_BY_PACKETS = ("connect", "event", "acked")  # an agent that says so without a connection lies
# How an event or ack begins, in revision 3 behind a length; or what may hold one: binary or raw bytes.
MESSAGE = re.compile(r"(?:^|\d:)4[2356]|^b|^<|\d:b")
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgraded": ["polling", "websocket"]}


@dataclass(slots=True, eq=False)
class Seen:
    """One observation: its kind (`connect`, `event`, ...) and its fields."""

    kind: str
    fields: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    taken: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {json.dumps(self.fields, ensure_ascii=False, default=repr)[:200]}"


class App:
    """What a case tells the application, and what it sees.

    At contract level 0 there is no agent. `command` is then started when the case wants it to connect, and
    nobody says what it sees.
    """

    def __init__(self, stage: Stage, agent: Agent | None, command: Sequence[str] = ()) -> None:
        self._stage = stage
        self._bell = stage.bell
        self._recording: Recording = stage.recording
        self._agent = agent
        self._command = command
        self._program: AgentProcess | None = None
        self._spoken = False  # the client was sent an event, an acknowledgement or something odd
        self.seen: list[Seen] = []
        self.transports: list[str] = []  # that it was told to use, in this order
        if agent is not None:
            agent.hear, agent.print, agent.at_end = self._hear, self._print, self._end

    @property
    def level(self) -> int:
        """The contract level: 0 without an agent."""
        return 0 if self._agent is None else 1

    async def connect(self, transport: str | None = None, namespace: str = "/", **options: Any) -> None:
        """Let it connect to the stage. `options` are those of the JavaScript client, in milliseconds."""
        transports = TRANSPORTS[transport or "upgraded"]
        chosen = {"transports": transports, "reconnection": False, "forceNew": True, **options}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        self.transports = chosen.get("transports", TRANSPORTS["upgraded"])
        if self._agent is not None:
            await self.do("connect", url=self._stage.url, namespace=namespace, options=chosen)
            return
        url = self._stage.url + ("" if namespace == "/" else namespace)
        more = {"SIOPROBE_URL": url, "SIOPROBE_OPTIONS": json.dumps(chosen)}
        self._recording.add(TO_CLIENT, "application", "", f"{self._command[0]} ... {url}")
        self._program = await AgentProcess.start([*self._command, url], more)
        self._program.heard = lambda word: self._print(json.dumps(word))
        self._program.printed, self._program.at_end = self._print, self._bell.ring

    async def do(self, what: str, **fields: Any) -> None:
        """Tell it to do something."""
        if self._agent is None:
            raise NotApplicable("needs an agent (contract level 1)")
        self._recording.add(TO_CLIENT, "application", "", _told(what, fields))
        self._agent.process.tell({"do": what, **fields})

    async def emit(self, event: str, *args: Any, **more: Any) -> None:
        """Let it emit an event. `ack=True` asks for an acknowledgement."""
        await self.do("emit", event=event, args=list(args), **more)

    async def until(
        self, *kinds: str, seconds: float = LATE_SECONDS, where: Callable[[Seen], bool] = lambda seen: True
    ) -> Seen | None:
        """The next observation of one of these kinds that nobody took before; None if it does not come."""
        found = await self._bell.until(
            lambda: next(
                (one for one in self.seen if one.kind in kinds and not one.taken and where(one)), None
            ),
            seconds,
        )
        if found is not None:
            found.taken = True
        return found

    def holds(self) -> dict[str, int]:
        """How many sockets and threads the process of the client has: `AgentProcess.holds`."""
        if self._agent is None:
            raise NotApplicable("needs an agent (contract level 1)")
        return self._agent.process.holds()

    def all(self, *kinds: str) -> list[Seen]:
        """All observations of these kinds so far, taken or not."""
        return [one for one in self.seen if one.kind in kinds]

    def _hear(self, word: dict[str, Any]) -> None:
        kind = word.pop("seen")
        seen = Seen(kind, from_json(word))
        self.seen.append(seen)
        self._recording.add(TO_SERVER, "application", "", f"sees {seen}")
        if kind in SHOWN_BY_PACKETS and not self._stage.connections:
            self._bell.alarm = HarnessError(
                f"the agent says that it sees {kind}, and nothing came to the judge"
            )
        elif kind in ("event", "acked") and not seen.fields.get("error") and not self._was_spoken_to():
            self._bell.alarm = HarnessError(f"the agent says that it sees {kind}, and the judge sent none")
        elif kind == "unknown":
            self._bell.alarm = NotApplicable(f"the agent does not know {word.get('do')!r}")
        self._bell.ring()

    def _was_spoken_to(self) -> bool:
        """Whether the stage has sent anything that can be an event or an acknowledgement."""
        if not self._spoken:
            sent = [
                entry.raw.strip("'")
                for entry in self._recording.entries
                if entry.direction == TO_CLIENT and entry.layer in ("polling", "websocket")
            ]
            for request in self._stage.requests:
                body = request.answer_body
                text = body if isinstance(body, str) else body.decode("utf-8", "replace")
                sent += text.split(RECORD_SEPARATOR)
            self._spoken = any(MESSAGE.search(one) for one in sent)
        return self._spoken

    def _print(self, line: str) -> None:
        self._recording.add(TO_SERVER, "application", line, "prints")

    def _end(self) -> None:
        if self._agent is not None:
            self._bell.alarm = self._agent.process.crash()
        self._bell.ring()

    async def leave(self) -> bool:
        """Let it forget everything. Whether it can be used again."""
        if self._agent is None:
            if self._program is not None:
                await self._program.kill()
            return False
        usable = await self._agent.reset()
        self._agent.hear = self._agent.print = self._agent.at_end = None
        return usable


def _told(what: str, fields: dict[str, Any]) -> str:
    shown = {key: value for key, value in fields.items() if key != "url"}
    return f"do {what} {json.dumps(shown, ensure_ascii=False, default=repr)[:200]}"
