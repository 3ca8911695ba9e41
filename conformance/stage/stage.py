"""The stage of one case: a port, the requests that come to it, and the sessions that it opens."""

from __future__ import annotations

import asyncio
import ssl
from typing import Self

from conformance.client.revisions import REVISION_4, Revision
from conformance.client.transcript import TO_CLIENT, TO_SERVER, Recording
from conformance.stage.behaviour import SID, Behaviour, opening
from conformance.stage.bell import Bell
from conformance.stage.certificates import certificate_for
from conformance.stage.connection import Connection, Manners
from conformance.stage.requests import Answer, Request
from conformance.stage.session import UNKNOWN, Session
from conformance.stage.websocket import Socket, accepting
from conformance.verdicts import NotApplicable

__all__ = ["LOOPBACK", "Stage", "in_url"]

PATH = "/socket.io/"
LOOPBACK = "127.0.0.1"
REQUESTS = {4: "CLI-HS-02", 3: "CLI3-02"}  # of each revision, the requirement about the query of each request


class Stage:
    """A server at a port of its own. `does` is what it does by itself, `manners` how it writes HTTP.

    It notes what no client may do, whatever the case asks: `notes` has pairs of a requirement and what came.
    `complaints` is what cannot be decoded. It listens at `address`; `host` is its name in the URL.
    `revision` is what the client speaks. `interval` is pingInterval in milliseconds, unless a case says more.
    """

    def __init__(
        self,
        bell: Bell,
        recording: Recording,
        *,
        upgrades: bool = False,
        path: str = PATH,
        address: str = LOOPBACK,
        revision: Revision = REVISION_4,
        interval: float = 25_000,
    ) -> None:
        self.revision = revision
        self.interval = interval
        self.does = Behaviour(opening(("websocket",) if upgrades else (), interval=interval))
        self.manners = Manners()
        self.path = path
        self.requests: list[Request] = []
        self.handshakes: list[Request] = []
        self.sessions: list[Session] = []
        self.taken: list[Session] = []  # those that the case has looked at
        self.notes: list[tuple[str, str]] = []
        self.complaints: list[str] = []
        self.connections = 0  # TCP connections so far
        self.ended: str | None = None  # how its first session was over when the case was
        self.bell = bell
        self.recording = recording
        self.port = 0
        self._life = 0  # of the server: a connection of an earlier one is too late
        self.scheme = "http"  # of the URL that the application gets
        self.host = in_url(address)  # in this URL
        self._address = address
        self._tls: ssl.SSLContext | None = None
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def listen(self) -> None:
        """Accept connections: at any free port first, later at the same one again."""
        loop = asyncio.get_running_loop()
        life = self._life
        self._server = await loop.create_server(
            lambda: Connection(self, life), self._address, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self, *, reset: bool = False) -> None:
        """End all connections and free the port, as a server that dies."""
        self._life += 1
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in [*self._open]:
            connection.end(reset=reset)

    async def secure(self, name: str | None = None) -> str:
        """Go on at another port, over TLS, with a new certificate for `name`, or for this host.

        Returns the certificate of its authority, in PEM. Raises NotApplicable if the judge cannot make one.
        """
        self._tls, authority = certificate_for(name or self.host.strip("[]"))
        self.scheme = "https"
        await self._move()
        return authority

    async def move_to_ipv6(self) -> None:
        """Go on at another port, at ::1. Raises OSError if this machine has none."""
        if self.host != LOOPBACK:
            raise NotApplicable("the application may be at another host")
        self._address, self.host = "::1", "[::1]"
        await self._move()

    async def _move(self) -> None:
        await self.close()
        self.port = 0
        await self.listen()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    # What connections tell

    def came(self, connection: Connection) -> None:
        self.connections += 1
        self._open.add(connection)
        if connection.life != self._life:
            connection.end(reset=True)
        self.bell.ring()

    def gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        self.bell.ring()

    def complain(self, what: str) -> None:
        """Note something that cannot be decoded."""
        self.complaints.append(what)
        self.recording.add(TO_SERVER, "judge", "", f"malformed: {what}")

    def note(self, requirement: str, what: str) -> None:
        """Note what no client may do."""
        if (requirement, what) not in self.notes:
            self.notes.append((requirement, what))
        self.recording.add(TO_SERVER, "judge", "", f"noted for {requirement}: {what}")

    def requested(self, request: Request) -> None:
        if request.method == "OPTIONS":  # of a browser, which wants to know whether a page may ask
            request.answer(Answer())
            return
        self.requests.append(request)
        asked = f" with Upgrade: {request.header('upgrade')}" if request.is_websocket else ""
        self.recording.add(TO_SERVER, "http", "", f"{request.method} {request.target}{asked}")
        request.on_answer = lambda: self.recording.add(TO_CLIENT, "http", "", f"HTTP {request.answered}")
        self._route(request)
        self.bell.ring()

    def _route(self, request: Request) -> None:
        if request.path != self.path:
            request.answer(self.does.elsewhere(request))
            return
        sid = request.parameter("sid")
        if sid is None:
            self._handshake(request)
            return
        session = next((one for one in self.sessions if one.sid == sid), None)
        expected = "websocket" if request.is_websocket else "polling"
        number = self.revision.number
        if request.parameter("EIO") != str(number) or request.parameter("transport") != expected:
            wrong = f"{request.method} {request.target} without EIO={number} or transport={expected}"
            self.note(REQUESTS[number], wrong)
        if session is None or (request.is_websocket and session.over is not None):
            request.answer(UNKNOWN)
        elif request.is_websocket:
            self._upgrade(session, request)
        elif request.method == "GET":
            session.polled(request)
        elif request.method == "POST":
            session.pushed(request)
        else:
            request.answer(Answer(405))

    def _handshake(self, request: Request) -> None:
        self.handshakes.append(request)
        if self.does.silent:
            return
        if self.does.refuse is not None:
            request.answer(self.does.refuse)
            return
        number = len(self.sessions) + 1
        sid = f"engine-session-{number:04d}"
        label = f"session {number}: " if number > 1 else ""
        session = Session(
            sid,
            self.does,
            self,
            self.bell,
            self.recording,
            label=label,
            revision=self.revision,
            base64=self.revision.client_pings and request.parameter("b64") == "1",
        )
        session.requests.append(request)
        self.sessions.append(session)
        opened = self.does.open.replace(SID, sid)
        if request.is_websocket:
            opened = opened.replace('"upgrades":["websocket"]', '"upgrades":[]')  # it is one already
            session.transport = "websocket"
            session.socket = self._open_socket(session, request)
            session.socket.send(opened)
        if self.does.join and self.revision.connects_unasked:
            session.join()
        if not request.is_websocket:
            self.recording.add(TO_CLIENT, "polling", opened, f"{label}answer to the handshake")
            answer = session.first_answer(opened)
            request.answer(answer.compressed() if self.does.gzip and request.takes_gzip else answer)

    def _upgrade(self, session: Session, request: Request) -> None:
        session.requests.append(request)
        if session.transport == "websocket" or session.probe is not None:
            self.note("CLI-WS-13", "a second WebSocket of the session")
            request.answer(Answer(400))
        elif self.does.probe == "refused":
            request.answer(Answer(400, '{"code":3,"message":"Bad request"}', "application/json"))
        elif self.does.probe != "hung":
            session.probe = self._open_socket(session, request)

    def _open_socket(self, session: Session, request: Request) -> Socket:
        connection = request.wire
        assert isinstance(connection, Connection)
        socket = Socket(connection, session, self.bell, self.recording)
        self.recording.add(TO_CLIENT, "http", "", "HTTP 101")
        headers = dict(accepting(request)) | self.does.websocket
        connection.upgrade([*headers.items()], socket)
        return socket

    # What cases ask

    @property
    def session(self) -> Session | None:
        """The session that was opened last."""
        return self.sessions[-1] if self.sessions else None


def in_url(host: str) -> str:
    """A host name or an address, as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
