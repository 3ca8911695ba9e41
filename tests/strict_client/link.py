"""What the namespaces of a strict client share: one session after the other, and the delays between."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from tests.strict_client.engine import Engine
from tests.strict_client.faults import Faults
from tests.strict_client.packets import ParseError

if TYPE_CHECKING:
    from tests.strict_client.client import Client

__all__ = ["Link"]

DEAFENS = {
    "array": "no-array-deafens",
    "json": "bad-json-deafens",
    "type": "odd-type-deafens",
    "binary": "odd-binary-deafens",
    "misplaced": "misplaced-attachment-deafens",
    "rest": "odd-ack-or-disconnect-deafens",
    "zero": "zero-attachments-deafen",
    "ack": "odd-ack-deafens",
}
"""The fault after which a client hears nothing more, by what was wrong about a packet."""


class Link:
    """Opens sessions for `clients`, each of a namespace of its own. `options` are those of the first."""

    def __init__(
        self, url: str, options: dict[str, Any], faults: Faults, engine: type[Engine] = Engine
    ) -> None:
        self.url = url
        self._engine_type = engine
        self.clients: list[Client] = []
        self.engine: Engine | None = None
        self._options, self._faults = options, faults
        self._attempts = 0
        self._retry: asyncio.TimerHandle | None = None
        self._was_open = False

    @property
    def waits_for_binary(self) -> bool:
        return any(client.half is not None for client in self.clients)

    @property
    def wanted(self) -> bool:
        """Whether any namespace is left that wants to be connected."""
        return any(not client.left for client in self.clients)

    def join(self, client: Client) -> None:
        """Connect a namespace, over the session that there is or over a new one."""
        if client not in self.clients:
            self.clients.append(client)
        elif self._faults("opens-no-session-after-it-has-left"):
            return
        if self.engine is None or self.engine.state == "closed":
            self._open()
        elif self.engine.state == "open":
            client.opened()

    def _open(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        old = self.engine.sid if self.engine is not None else ""
        self._was_open = False
        self.engine = self._engine_type(self.url, self._options, self._faults, self)
        if self._faults("comes-back-with-the-old-sid"):
            self.engine.sid = old

    def page_left(self) -> None:
        """The browser leaves the page."""
        if self._options.get("closeOnBeforeunload") and not self._faults("page-is-left-in-silence"):
            assert self.engine is not None
            self.engine.leave()

    def network(self, *, there: bool) -> None:
        """The network has gone, or is there again."""
        if not there and self.engine is not None and not self._faults("lost-network-is-not-noticed"):
            self.engine.close("the network is gone")

    def stop(self) -> None:
        """Nobody wants another session."""
        if self._retry is not None:
            self._retry.cancel()

    # What the engine tells

    def opened(self) -> None:
        self._was_open = True
        if not self._faults("delays-go-on-after-a-success"):
            self._attempts = 0
        for client in self.clients:
            if not client.left:
                client.opened()

    def failed(self, why: str) -> None:
        for client in self.clients:
            client.failed(why)
        first = not self._attempts and self._faults("first-failure-is-the-last")
        if not first and not (self._attempts and self._faults("refused-attempt-is-the-last")):
            self._come_back()

    def closed(self, why: str) -> None:
        short = not any(client.connected for client in self.clients)
        for client in self.clients:
            client.closed(why)
        last = self._faults("cut-attempt-is-the-last") or self._faults("death-after-open-is-the-last")
        if not (short and last):
            self._come_back()

    def said(self, data: str | bytes) -> None:
        try:
            self._deliver(data)
        except ParseError as error:
            assert self.engine is not None
            if self._faults("refused-packet-is-the-last"):
                self._options["reconnection"] = False
            if self._faults(DEAFENS[error.kind]):
                self.engine.state = "deaf"
            elif not (error.kind == "array" and self._faults("event-without-array-goes-on")):
                self.engine.close("parse error")

    def _deliver(self, data: str | bytes) -> None:
        waiting = [client for client in self.clients if client.half is not None]
        if isinstance(data, bytes):
            if not waiting:
                raise ParseError("misplaced")
            waiting[0].attach(data)
        elif waiting:
            raise ParseError("misplaced")
        else:
            for client in self.clients:
                client.take(data)

    # Coming back

    def _come_back(self) -> None:
        stopped = not self.wanted and not self._faults("leaving-does-not-stop-the-attempt")
        if not self._options.get("reconnection", True) or stopped or self._faults("never-comes-back"):
            return
        limit = self._options.get("reconnectionAttempts")
        if limit is not None and self._attempts >= limit and not self._faults("attempts-have-no-end"):
            return
        loop = asyncio.get_running_loop()
        self._retry = loop.call_later(self._delay(), self._open)
        self._attempts += 1
        if self._faults("comes-back-twice"):
            Engine(self.url, self._options, Faults(None), _Nobody())

    def _delay(self) -> float:
        """How long to wait before the next attempt, in seconds."""
        options = self._options
        delay: float = options.get("reconnectionDelay", 1000)
        vary: float = options.get("randomizationFactor", 0.5)
        if not self._faults("delays-do-not-grow"):
            delay *= 2**self._attempts
        if not self._faults("delays-are-all-alike"):
            delay *= 1 + vary * (2 * random.random() - 1)
        if not self._faults("delays-have-no-limit"):
            delay = min(delay, options.get("reconnectionDelayMax", 5000))
        return 0.0 if self._faults("comes-back-at-once") else delay / 1000


class _Nobody:
    """Owns a session that should not be."""

    def opened(self) -> None: ...
    def said(self, data: str | bytes) -> None: ...
    def failed(self, why: str) -> None: ...
    def closed(self, why: str) -> None: ...
