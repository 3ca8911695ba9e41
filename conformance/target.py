"""The server that is judged, for the cases. `conformance.finding` makes a Target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.client.about import read_about
from conformance.client.address import Address, Headers
from conformance.client.http import Answer, NoAnswer, exchange
from conformance.client.opening import open_session
from conformance.client.revisions import REVISION_4, REVISIONS, Revision
from conformance.client.session import Session, Transport
from conformance.client.timing import Timing
from conformance.client.websocket import WebSocket, open_websocket
from conformance.requirements import Requirement, Role
from conformance.subject import Subject
from conformance.verdicts import NotApplicable
from sioprobe.wire import DeflateOffer, OpenData
from sioprobe.wire.cookies import Cookies

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target(Subject):
    """A live server. `capabilities` are what it has.

    `settings` holds what is declared about its configuration, in seconds. `switches`, `queue` and
    `processes` are what `GET /about` said at the start: what is on or off, what joins it with other
    processes, and the ids of its processes. `lacks` are the handlers of its contract level that the
    application has not (`conformance.client.handlers`).

    `others` are the URLs of the other processes of its cluster.
    """

    address: Address
    opened: OpenData
    timing: Timing
    capabilities: dict[str, bool]
    settings: dict[str, float] = field(default_factory=dict)
    processes: tuple[int, ...] = ()
    lacks: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()
    revision: Revision = REVISION_4  # that `open` speaks; the runner takes it from the requirement

    @property
    def role(self) -> Role:
        return "server"

    @property
    def where(self) -> str:
        return self.address.url

    def described(self) -> str:
        opened, limit = self.opened, self.max_payload
        others = "".join(f" and {url}" for url in self.others)
        return (
            f"target {self.title} at {self.address.url}{self.address.path}{others}: "
            f"Engine.IO {' and '.join(map(str, self.revisions))}, contract level {self.level}, "
            f"pingInterval {opened.ping_interval} ms, pingTimeout {opened.ping_timeout} ms, "
            f"maxPayload {'not named' if limit is None else f'{limit} bytes'}, "
            f"upgrades {', '.join(opened.upgrades) or 'none'}"
        )

    def remarks(self) -> list[str]:
        lines = []
        if self.timing.distance:
            distance = f"{1000 * self.timing.distance:.0f} ms"
            lines.append(f"a request takes {distance} (far away, or busy), and each wait is longer for it")
        return [*lines, self.note] if self.note else lines

    def words(self, requirement: Requirement) -> list[str]:
        words = ["--url", self.address.url]
        if requirement.contract == 3:
            words += [word for url in self.others for word in ("--url", url)]
        return [*words, *self.address.connection.given]

    def facts(self) -> dict[str, Any]:
        opened = self.opened
        return {
            "url": self.address.url,
            "revisions": list(self.revisions),
            "round_trip": round(self.timing.round_trip, 4) or None,
            "handshake": {
                "pingInterval": opened.ping_interval,
                "pingTimeout": opened.ping_timeout,
                "maxPayload": self.max_payload,
                "upgrades": list(opened.upgrades),
            },
        }

    def redact(self, text: str) -> str:
        return self.address.connection.redact(text)

    @property
    def max_payload(self) -> int | float | None:
        """maxPayload of the OPEN packet; None if a server of revision 3 does not name it."""
        return self.opened.max_payload if 4 in self.revisions else self.opened.max_payload or None

    @property
    def revisions(self) -> tuple[int, ...]:
        """The revisions of Engine.IO that it speaks, the latest first."""
        return tuple(number for number in REVISIONS if self.capabilities[f"eio{number}"])

    async def open(
        self,
        transport: Transport = "polling",
        *,
        answer_pings: bool = True,
        poll: bool = True,
        parameters: str = "",
        headers: Headers = (),
        offer: DeflateOffer | None = None,
    ) -> Session:
        """A session after its handshake. The client has connected no namespace yet.

        `parameters` (`&name=value`) are in each of its queries. `headers` are in the handshake only.
        Raises NotApplicable if the server lacks the transport.
        `offer` offers permessage-deflate over WebSocket.
        """
        needed = "upgrade" if transport == "upgraded" else transport
        if not self.capabilities[needed]:
            raise NotApplicable(f"the server has no {needed}")
        session = await open_session(
            self.address,
            self.timing,
            transport,
            answer_pings=answer_pings,
            poll=poll,
            revision=self.revision,
            parameters=parameters,
            headers=headers,
            offer=offer,
        )
        session.level = self.level
        if self.capabilities["recovery"] and self.revision.connects_unasked:
            session.offsets.expect_unannounced()
        session.lacks = self.lacks
        return session

    async def request(
        self,
        method: str,
        query: str,
        *,
        path: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes | None = None,
        seconds: float | None = None,
        cookies: Cookies | None = None,
    ) -> Answer | NoAnswer:
        """One HTTP request to the endpoint. Without `cookies` it comes from a new client."""
        return await exchange(
            self.address,
            method,
            f"{self.address.path if path is None else path}?{query}",
            headers=headers,
            body=body,
            seconds=self.timing.answer if seconds is None else seconds,
            cookies=cookies,
        )

    @property
    def any_transport(self) -> Transport:
        """For a case whose question is the same over each."""
        return "polling" if self.capabilities["polling"] else "websocket"

    @property
    def auth(self) -> dict[str, Any] | None:
        """What the user gave as the auth payload of CONNECT packets."""
        return self.address.connection.auth

    async def processes_now(self) -> tuple[int, ...]:
        """The ids that its processes have now; empty if the server does not say."""
        return (await read_about(self.address)).processes

    async def websocket(self, query: str, offer: DeflateOffer | None = None) -> WebSocket | Answer | NoAnswer:
        """A WebSocket at `?query`, or what refused it. `offer` offers permessage-deflate."""
        return await open_websocket(self.address, query, seconds=self.timing.answer, offer=offer)
