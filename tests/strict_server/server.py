"""The server: accepts connections, checks requests, opens sessions, stops.

Errors are the reference's: code and message as JSON, or as text when a WebSocket was asked for.
It speaks Engine.IO 4 with Socket.IO 5, and on demand Engine.IO 3 with Socket.IO 4.
It leaves out JSONP's script injection headers, cookies and WebTransport.
"""

import asyncio
import contextlib
import itertools
import json
import os
import platform
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.strict_server.app import App
from tests.strict_server.deflate import take_offer
from tests.strict_server.faults import Faults, FaultsOfEither, FaultsOfRevision3
from tests.strict_server.http1 import (
    BadRequest,
    Connection,
    ConnectionLost,
    Exchange,
    Request,
    read_request,
)
from tests.strict_server.liberties import Liberty
from tests.strict_server.polling import Polling
from tests.strict_server.recovery import Recovery
from tests.strict_server.session import Config, Session, new_session_id
from tests.strict_server.session3 import Session3
from tests.strict_server.socketio import Client
from tests.strict_server.socketio4 import Client4
from tests.strict_server.upgrade import Upgrade
from tests.strict_server.websocket import WebSocket, accept_handshake, handshake_error

PATH = "/socket.io/"
CORS = (("Access-Control-Allow-Origin", "*"),)
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
    ("Access-Control-Allow-Headers", "content-type"),
)
# How long clients may take to see that the server stops.
STOP_SECONDS = 1.0
# How late a fault makes the server know a session.
STORED_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that Engine.IO does not serve."""

    code: int
    message: str
    status: int = 400


UNKNOWN_TRANSPORT = Refusal(0, "Transport unknown")
UNKNOWN_SESSION = Refusal(1, "Session ID unknown")
BAD_METHOD = Refusal(2, "Bad handshake method")
NOT_ALLOWED = Refusal(2, "Bad handshake method", 405)
BAD_REQUEST = Refusal(3, "Bad request")
UNSUPPORTED_VERSION = Refusal(5, "Unsupported protocol version")

WRONG_CODES = {
    "unknown-transport-has-another-code": UNKNOWN_TRANSPORT,
    "unknown-session-has-another-code": UNKNOWN_SESSION,
    "bad-method-has-another-code": BAD_METHOD,
    "bad-request-has-another-code": BAD_REQUEST,
    "unsupported-version-has-another-code": UNSUPPORTED_VERSION,
}


class StrictServer:
    """A server on 127.0.0.1: `async with StrictServer() as server: server.url`.

    `fault` names the one requirement to break; raises UnknownFault when no fault has that name.
    `revisions` are those of Engine.IO that it speaks: 4, 3 or both. `liberties` breaks no requirement. With
    `recovery` lost peers are recovered in revision 4. `without` are the handlers of the contract that its
    application lacks.
    """

    def __init__(
        self,
        fault: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        max_payload: int = 1_000_000,
        upgrade_timeout: float = 10.0,
        connect_timeout: float = 45.0,
        recovery: bool = False,
        revisions: Sequence[int] = (4,),
        liberties: Iterable[Liberty] = (),
        without: Collection[str] = (),
    ) -> None:
        self.config = Config(
            ping_interval,
            ping_timeout,
            max_payload,
            upgrade_timeout,
            connect_timeout,
            liberties=frozenset(liberties),
        )
        self.faults = Faults(fault)
        self._faults_3 = FaultsOfRevision3(fault)
        self._revisions = [str(revision) for revision in revisions]
        self._process_ids = itertools.count(os.getpid() + 1)
        self.sessions: dict[str, Session] = {}
        self.port = port
        self._host = host
        self._app = App(FaultsOfEither(fault), without)
        self._recovery = Recovery(self.faults) if recovery else None
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = await asyncio.start_server(self._accept, self._host, self.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every session, then every connection."""
        assert self._listener is not None
        self._listener.close()
        for session in list(self.sessions.values()):
            session.end("server stop")
        for connection in self._connections.values():
            if connection.is_idle:
                connection.abort()
        if self._connections:
            await asyncio.wait(self._connections, timeout=STOP_SECONDS)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def about(self) -> dict[str, Any]:
        """What the readiness line and `GET /about` say."""
        return {
            "urls": [self.url],
            "pids": [next(self._process_ids) if self.faults("process-is-replaced") else os.getpid()],
            "mode": "strict",
            "async_mode": "asyncio",
            "transports": ["polling", "websocket"],
            "workers": 1,
            "queue": None,
            "versions": {"strict-server": "1", "python": platform.python_version()},
        }

    # Connections

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        task = asyncio.ensure_future(self._serve(connection))
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)

    async def _serve(self, connection: Connection) -> None:
        stuck_to: list[str] = []
        try:
            while (request := await read_request(connection)) is not None:
                if request.is_upgrade:
                    await self._serve_websocket(connection, request)
                    return
                cors = () if self._faults_for(request)("no-cors") else CORS
                exchange = Exchange(connection, request, cors)
                await self._answer(exchange, stuck_to)
                if not await exchange.wait_answered():
                    return
                await exchange.drain()
                if not request.keep_alive or self.faults("closes-after-every-response"):
                    return
        except BadRequest:
            connection.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            await connection.linger()
        except ConnectionLost:
            pass
        finally:
            connection.close()

    async def _answer(self, exchange: Exchange, stuck_to: list[str]) -> None:
        """Answer, or leave it to the session to answer later.

        `stuck_to` holds the ids of the sessions that this connection opened.
        """
        request = exchange.request
        if request.method == "GET" and request.path == "/about":
            exchange.respond(200, json.dumps(self.about()).encode(), "application/json")
        elif not self._is_endpoint(request):
            exchange.respond(404, b"not found", "text/plain")
        elif request.method == "OPTIONS":
            exchange.respond(200 if self.faults("preflight-is-answered-200") else 204, headers=PREFLIGHT)
        elif (refusal := self._check(request, is_upgrade=False)) is not None:
            self._refuse(exchange, refusal)
        elif not request.query.get("sid"):
            session = self._open_session(request)
            polling = Polling(session)
            session.open(polling)
            self._new_client(session)
            polling.receive_poll(exchange)
            stuck_to.append(session.id)
        else:
            session_id = request.query["sid"]
            if stuck_to and self.faults("connection-belongs-to-its-first-session"):
                session_id = stuck_to[0]
            await self._carry(exchange, self.sessions.get(session_id))

    async def _carry(self, exchange: Exchange, session: Session | None) -> None:
        """Hand a poll or a push to its session."""
        is_poll = exchange.request.method == "GET"
        if session is None:
            exchange.respond(200, b"6" if is_poll else b"ok", "text/plain; charset=UTF-8")
        elif not isinstance(session.transport, Polling):
            # Only a fault lets a request of an upgraded session come this far.
            exchange.respond(200, b"6" if is_poll else b"ok", "text/plain; charset=UTF-8")
        elif is_poll:
            session.transport.receive_poll(exchange)
        else:
            await session.transport.receive_push(exchange)

    async def _serve_websocket(self, connection: Connection, request: Request) -> None:
        refusal = self._check(request, is_upgrade=True) if self._is_endpoint(request) else BAD_REQUEST
        session = self.sessions.get(request.query.get("sid", ""))
        if refusal is None and (handshake_error(request) or not self._may_upgrade(session)):
            refusal = BAD_REQUEST
        if "sec-websocket-extensions" in request.headers and self.faults("offer-of-compression-is-refused"):
            refusal = BAD_REQUEST
        if session is not None and self.faults("offered-websocket-is-refused"):
            refusal = BAD_REQUEST
        if refusal is not None and self.faults("websocket-is-refused-after-it-opened"):
            accept_handshake(connection, request)
            WebSocket(connection, self.config.max_payload, self.faults).close()
            return
        if refusal is not None:
            self._refuse_websocket(connection, refusal)
            return
        agreement = take_offer(request.headers.get("sec-websocket-extensions", ""), self.faults)
        accept_handshake(connection, request, agreement)
        websocket = WebSocket(connection, self.config.max_payload, self.faults, agreement)
        if session is not None and not session.upgraded:
            await Upgrade(session, websocket).run()
            return
        if session is None:
            session = self._open_session(request)
            session.open(transport := session.new_websocket(websocket))
            self._new_client(session)
        else:
            transport = session.new_websocket(websocket)
        async for message in websocket.messages():
            transport.receive(message)
        session.end("transport close")

    def _may_upgrade(self, session: Session | None) -> bool:
        if session is None:
            return True
        if session.upgraded or session.transport.name == "websocket":
            return session.faults("second-websocket-is-accepted")
        return session.upgrade is None or session.faults("second-websocket-is-accepted-during-the-upgrade")

    # Checks

    def _is_endpoint(self, request: Request) -> bool:
        if request.path == PATH.rstrip("/") and self.faults("path-may-lack-its-slash"):
            return True
        return request.path.startswith(PATH) or self.faults("every-path-is-the-endpoint")

    def _check(self, request: Request, is_upgrade: bool) -> Refusal | None:
        query = request.query
        faults = self._faults_for(request)
        transport = query.get("transport")
        if transport is None and faults("transport-may-be-missing"):
            transport = "polling"
        if transport not in ("polling", "websocket"):
            may_be_unknown = transport is not None and faults("transport-may-be-unknown")
            if is_upgrade and transport is not None and faults("transport-may-be-unknown-over-websocket"):
                may_be_unknown, transport = True, "websocket"
            if not may_be_unknown:
                return UNKNOWN_TRANSPORT
        if "t" in query and faults("unknown-parameters-are-refused"):
            return BAD_REQUEST
        if query.get("sid"):
            return self._check_session(request, is_upgrade)
        if "sid" in query and faults("empty-sid-is-refused"):
            return UNKNOWN_SESSION
        if not (
            request.method == "GET"
            or (request.method == "POST" and faults("handshake-may-be-a-post"))
            or (request.method == "PUT" and faults("handshake-may-be-a-put"))
        ):
            return NOT_ALLOWED if Liberty.METHOD_NOT_ALLOWED in self.config.liberties else BAD_METHOD
        if (transport == "websocket") != is_upgrade and not self._ignores_missing_upgrade(is_upgrade):
            return BAD_REQUEST
        if is_upgrade and faults("handshake-over-websocket-is-refused"):
            return BAD_REQUEST
        return self._check_version(query.get("EIO"), is_upgrade)

    def _ignores_missing_upgrade(self, is_upgrade: bool) -> bool:
        return not is_upgrade and self.faults("websocket-may-lack-its-upgrade")

    def _check_version(self, version: str | None, is_upgrade: bool) -> Refusal | None:
        if version is None and self.faults("version-may-be-missing") and not is_upgrade:
            return None
        if version is None and self.faults("version-may-be-missing-over-websocket") and is_upgrade:
            return None
        if version is not None and self.faults("version-may-be-unknown"):
            return None
        if version == "3" and self.faults("revision-3-is-taken-for-4"):
            return None
        if is_upgrade and self._any_version_is_3(version):
            return None
        return None if version in self._revisions else UNSUPPORTED_VERSION

    def _any_version_is_3(self, version: str | None) -> bool:
        return version != "4" and self._faults_3("unknown-version-over-websocket-is-3")

    def _faults_for(self, request: Request) -> Faults:
        """As a request of its revision sees the switch."""
        return self._faults_3 if request.query.get("EIO") == "3" else self.faults

    def _check_session(self, request: Request, is_upgrade: bool) -> Refusal | None:
        session = self.sessions.get(request.query["sid"])
        if session is None:
            return None if self._ignores_unknown_session(request, is_upgrade) else UNKNOWN_SESSION
        if not is_upgrade and session.transport.name != request.query.get("transport", "polling"):
            after_upgrade = session.upgraded and (
                (request.method == "GET" and session.faults("poll-after-the-upgrade-is-accepted"))
                or (request.method == "POST" and session.faults("push-after-the-upgrade-is-accepted"))
            )
            return None if after_upgrade else BAD_REQUEST
        if is_upgrade and request.query.get("transport") != "websocket":
            return BAD_REQUEST
        named = request.query.get("EIO") == str(session.revision)
        if not named and not session.faults("requests-of-a-session-need-no-eio"):
            return BAD_REQUEST
        if not is_upgrade and request.method not in ("GET", "POST"):
            return BAD_REQUEST
        return None

    def _ignores_unknown_session(self, request: Request, is_upgrade: bool) -> bool:
        faults = self._faults_for(request)
        if is_upgrade:
            return faults("unknown-session-over-websocket-is-accepted")
        if request.method == "GET":
            return faults("poll-of-an-unknown-session-is-accepted")
        return faults("push-of-an-unknown-session-is-accepted")

    # Answers

    def _code(self, refusal: Refusal) -> int:
        return (
            refusal.code + 1
            if any(self.faults(name) and it is refusal for name, it in WRONG_CODES.items())
            else refusal.code
        )

    def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        unknown_transport = refusal is UNKNOWN_TRANSPORT
        if unknown_transport and self.faults("unknown-transport-is-answered-500"):
            exchange.respond(500)
        elif unknown_transport and self.faults("error-of-an-unknown-transport-is-text"):
            exchange.respond(refusal.status, refusal.message.encode(), "text/plain")
        else:
            body = {"code": self._code(refusal), "message": refusal.message}
            exchange.respond(refusal.status, json.dumps(body).encode(), "application/json")

    def _refuse_websocket(self, connection: Connection, refusal: Refusal) -> None:
        body = refusal.message.encode()
        connection.write(
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )

    def _new_client(self, session: Session) -> Client:
        if session.revision == 4:
            return Client(session, self._app, session.faults, self._recovery)
        return Client4(session, self._app, session.faults)

    def _open_session(self, request: Request) -> Session:
        session_id = new_session_id(self.faults, self.config.liberties)
        version = request.query.get("EIO")
        is_3 = version == "3" and not self.faults("revision-3-is-taken-for-4")
        if is_3 or self._any_version_is_3(version):
            takes_binary = "b64" not in request.query
            session: Session = Session3(self.config, self._faults_3, session_id, takes_binary=takes_binary)
        else:
            session = Session(self.config, self.faults, session_id)
        if self.faults("session-is-stored-after-the-answer"):
            asyncio.get_running_loop().call_later(
                STORED_SECONDS, self.sessions.setdefault, session_id, session
            )
        else:
            self.sessions[session_id] = session
        session.on_closed = lambda: self._forget(session)
        return session

    def _forget(self, session: Session) -> None:
        with contextlib.suppress(KeyError):
            del self.sessions[session.id]
