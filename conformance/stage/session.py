"""One Engine.IO session on the stage: its polls, its WebSocket, and what the client says in it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from conformance.client.revisions import REVISION_4, Revision
from conformance.client.transcript import TO_CLIENT, TO_SERVER, Recording, describe_engine
from conformance.stage.behaviour import Behaviour
from conformance.stage.bell import Bell
from conformance.stage.requests import Answer, Request
from conformance.stage.websocket import Socket
from conformance.verdicts import Violation
from sioprobe.wire import (
    EnginePacket,
    EnginePacketType,
    RemoteProtocolError,
    SocketPacket,
    SocketPacketType,
    decode_payload,
)

__all__ = ["POLL_SECONDS", "Said", "Session"]

POLL_SECONDS = 5.0  # for a client to fetch what the server wants to send
PAYLOADS = {4: "CLI-PL-07", 3: "CLI3-04"}  # of each revision, the requirement about payloads of the client
BINARY_TYPE = "application/octet-stream"
UNKNOWN = Answer(400, '{"code":1,"message":"Session ID unknown"}', "application/json")


@dataclass(slots=True, eq=False)
class Said:
    """One Engine.IO packet of the client, and the Socket.IO packet that it ends.

    `raw` is text as it came, and of a binary message its data.
    """

    raw: str | bytes
    transport: Literal["polling", "websocket"]
    packet: SocketPacket | None = None
    at: float = field(default_factory=time.monotonic)
    taken: bool = False  # by an expectation


class Watcher(Protocol):
    """Whoever hears of what no client may do."""

    def note(self, requirement: str, what: str) -> None: ...

    def complain(self, what: str) -> None: ...


class Session:
    """A session. It begins over `transport`, and the client may move it to a WebSocket.

    `revision` is what the client speaks. What a case sends and what the client says are packets, whatever the
    revision makes of them on the wire. `base64`: the client cannot take binary (b64=1, in revision 3).
    """

    def __init__(
        self,
        sid: str,
        does: Behaviour,
        watcher: Watcher,
        bell: Bell,
        recording: Recording,
        *,
        label: str = "",
        revision: Revision = REVISION_4,
        base64: bool = False,
    ) -> None:
        self.sid = sid
        self.revision = revision
        self.base64 = base64
        self.label = label
        self.transport: Literal["polling", "websocket"] = "polling"
        self.began = time.monotonic()
        self.requests: list[Request] = []  # all, in order
        self.polls: list[Request] = []
        self.pushes: list[Request] = []
        self.said: list[Said] = []
        self.socket: Socket | None = None
        self.probe: Socket | None = None  # of an upgrade that is under way
        self.joined: list[str] = []  # namespaces whose CONNECT was answered
        self.socket_ids: dict[str, str] = {}  # of these namespaces
        self.over: str | None = None  # how it ended
        self.over_at: float | None = None
        self._told = False
        self._does = does
        self._watcher = watcher
        self._bell = bell
        self._recording = recording
        self._outbox: list[str | bytes] = []
        self._decoder = revision.decoder()
        self._probed = False  # the probe was answered
        self._upgrading = False  # polls are answered by NOOP

    # What the stage gives it

    def polled(self, request: Request) -> None:
        """A GET of this session."""
        self.requests.append(request)
        if self._is_late(request):
            return
        if self.pending_poll is not None:
            self._watcher.note("CLI-PL-03", "a GET while another GET of the session is pending")
        self.polls.append(request)
        if self._upgrading:
            self._answer_poll("6")
        else:
            self._flush()

    def pushed(self, request: Request) -> None:
        """A POST of this session."""
        self.requests.append(request)
        if self._is_late(request):
            return
        if any(push.pending for push in self.pushes):
            self._watcher.note("CLI-PL-04", "a POST while another POST of the session is pending")
        self.pushes.append(request)
        for raw in self._records(request):
            self._hear(Said(raw, "polling"))
        answer = self._does.push
        if self._does.push_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self._does.push_seconds, request.answer, answer)
        else:
            request.answer(answer)

    def _is_late(self, request: Request) -> bool:
        if self.over is not None and (request.says_goodbye or not self._told):
            pass  # a polite client says that it leaves, even if it has been told that the session is over
        elif self.over is not None:
            self._watcher.note("CLI-CL-05", f"{request.method} of a session that is over ({self.over})")
        elif self.transport == "websocket":
            self._watcher.note("CLI-UP-01", f"{request.method} after the upgrade")
        else:
            return False
        request.answer(UNKNOWN)
        return True

    def _records(self, request: Request) -> Iterator[str | bytes]:
        """The packets of a payload, in order, up to the first that is wrong."""
        binary = (request.header("content-type") or "").lower().startswith(BINARY_TYPE)
        try:
            for raw in self.revision.records(request.body, binary):
                self._recording.add(TO_SERVER, "polling", raw, self.label + describe_engine(raw))
                yield raw
        except RemoteProtocolError as error:
            self._watcher.note(PAYLOADS[self.revision.number], str(error))

    def said_over(self, socket: Socket, message: str | bytes) -> None:
        """A message over a WebSocket of this session."""
        if socket is self.probe:
            self._hear_probe(socket, message)
        else:
            self._hear(Said(message, "websocket"))

    def left(self, socket: Socket) -> None:
        """A WebSocket of this session has ended."""
        if socket is self.probe:
            self.probe, self._upgrading = None, False
        elif socket is self.socket:
            self.end("the WebSocket ended")

    def note(self, requirement: str, what: str) -> None:
        self._watcher.note(requirement, what)

    def _hear_probe(self, socket: Socket, message: str | bytes) -> None:
        if message == "2probe" and self._does.probe == "closed":
            socket.end()
        elif message == "2probe" and self._does.probe == "wrong":
            socket.send("3nope")
        elif message == "2probe" and self._does.probe == "answered":
            asyncio.get_running_loop().call_later(self._does.probe_seconds, self._answer_probe, socket)
        elif message == "5":
            if not self._probed:
                self._watcher.note("CLI-UP-12", "an upgrade packet without a probe that was answered")
            if self.pending_poll is not None:
                self._watcher.note("CLI-UP-02", "an upgrade packet while a GET is pending")
                self._answer_poll("6")
            self.transport, self.socket, self.probe = "websocket", socket, None
            self._upgrading = False
            self._flush()
        elif message != "2probe":
            self._watcher.note(
                "CLI-UP-12", f"{describe_engine(message)} over the WebSocket before the upgrade"
            )
        self.said.append(Said(message, "websocket"))
        self._bell.ring()

    def _answer_probe(self, socket: Socket) -> None:
        socket.send("3probe")
        self._probed = True
        asyncio.get_running_loop().call_later(self._does.noop_seconds, self._release_polls)

    def _release_polls(self) -> None:
        if self.probe is not None:
            self._upgrading = True
            self._answer_poll("6")

    # What the client says

    def _hear(self, said: Said) -> None:
        self.said.append(said)
        try:
            packet = self._decoded(said.raw)
            if self.revision.client_pings and isinstance(packet.data, bytes):
                said.raw = packet.data
            if packet.type is EnginePacketType.MESSAGE:
                said.packet = self._decoder.decode(packet.data)
            self._heed(packet, said.packet)
        except RemoteProtocolError as error:
            self._watcher.complain(str(error))
        self._bell.ring()

    def _decoded(self, raw: str | bytes) -> EnginePacket:
        """Its packet. In revision 4 binary data is text over WebSocket only if the client has asked so."""
        as_text = raw[:1] == "b" and self.requests[0].parameter("b64") is not None
        if as_text and not self.revision.client_pings:
            return next(decode_payload(raw))
        return self.revision.decode_packet(raw)

    def _heed(self, packet: EnginePacket, message: SocketPacket | None) -> None:
        if packet.type is EnginePacketType.PING and self.revision.client_pings:
            if self._does.pong:
                self.post("3" + str(packet.data))
        elif packet.type is EnginePacketType.PING:
            self._watcher.note("CLI-HB-01", "a PING; only the server sends them")
        elif packet.type is EnginePacketType.CLOSE:
            self.end("the client sent a CLOSE packet")
        elif message is not None and message.type is SocketPacketType.CONNECT and self._does.join:
            self.join(message.namespace.partition("?")[0])

    def join(self, namespace: str = "/", **more: object) -> None:
        """Answer a CONNECT. `more` goes into the answer, beside `sid`. In revision 3 it has no data."""
        self.joined.append(namespace)
        if self.revision.connects_unasked:
            self.post("40" if namespace == "/" else f"40{namespace},")
            return
        sid = self.socket_ids[namespace] = f"socket-{len(self.joined)}-of-{self.sid}"
        where = "" if namespace == "/" else f"{namespace},"
        self.post(f"40{where}{json.dumps({'sid': sid, **more}, separators=(',', ':'))}")

    def end(self, how: str, *, told: bool = True) -> None:
        """Note that it is over. A pending poll is released. `told`: the client knows of it."""
        if self.over is None:
            self._told = told
            self.over, self.over_at = how, time.monotonic()
            self._recording.add(TO_SERVER, "closed", "", f"{self.label}session over: {how}")
            self._answer_poll("6")
            self._bell.ring()

    # What a case does

    @property
    def pending_poll(self) -> Request | None:
        """The GET that waits for an answer."""
        return next((poll for poll in self.polls if poll.pending), None)

    def post(self, *packets: str | bytes) -> None:
        """Send packets as soon as there is a poll. Over polling they go together, in one payload."""
        self._outbox += packets
        self._flush()

    @property
    def unsent(self) -> bool:
        """Whether packets wait for a poll."""
        return bool(self._outbox)

    async def send(self, *packets: str | bytes) -> None:
        """As `post`, and wait until they are on their way. Raises Violation if no poll comes."""
        self.post(*packets)
        if await self._bell.until(lambda: not self.unsent, POLL_SECONDS) is None:
            raise Violation("a poll that fetches what the server sends", f"none within {POLL_SECONDS:.0f} s")

    async def poll(self, seconds: float = POLL_SECONDS) -> Request:
        """The pending GET, for an answer by hand. Raises Violation if there is none in time."""
        found = await self._bell.until(lambda: self.pending_poll, seconds)
        if found is None:
            raise Violation("a poll", f"none within {seconds:.0f} s")
        return found

    async def take(self, wanted: Callable[[Said], bool], seconds: float) -> Said | None:
        """The next thing said that is wanted and that nobody took before; None if it does not come."""
        found = await self._bell.until(
            lambda: next((one for one in self.said if not one.taken and wanted(one)), None), seconds
        )
        if found is not None:
            found.taken = True
        return found

    async def until(self, look: Callable[[], bool], seconds: float = POLL_SECONDS) -> bool:
        """Whether it comes true in time."""
        return bool(await self._bell.until(lambda: look() or None, seconds))

    @property
    def packets(self) -> list[SocketPacket]:
        """The Socket.IO packets of the client so far."""
        return [one.packet for one in self.said if one.packet is not None]

    def open_socket(self) -> Socket:
        """Its WebSocket. Raises Violation if the client has left it."""
        if self.socket is None or self.over is not None:
            raise Violation("an open WebSocket", self.over or "the session has none")
        return self.socket

    def _flush(self) -> None:
        if not self._outbox:
            return
        if self.transport == "websocket" and self.socket is not None:
            packets, self._outbox = self._outbox, []
            for packet in packets:
                self.socket.send(self._framed(packet))
        elif not self._upgrading and self.pending_poll is not None:
            packets, self._outbox = self._outbox, []
            self._answer_poll(*packets)
        self._bell.ring()

    def _answer_poll(self, *packets: str | bytes) -> None:
        poll = self.pending_poll
        if poll is None:
            return
        for packet in packets:
            self._recording.add(TO_CLIENT, "polling", packet, self.label + describe_engine(packet))
        answer = self.encoded(*packets)
        poll.answer(answer.compressed() if self._does.gzip and poll.takes_gzip else answer)

    def first_answer(self, opened: str) -> Answer:
        """The answer to the handshake over polling: OPEN, and what was posted meanwhile."""
        packets, self._outbox = [opened, *self._outbox], []
        return replace(self.encoded(*packets), headers=self._does.open_headers)

    def encoded(self, *packets: str | bytes) -> Answer:
        """The answer to a poll that holds these packets."""
        binary = None if self.base64 else self.revision.binary_payload
        if binary is not None and any(isinstance(packet, bytes) for packet in packets):
            return Answer(body=binary(packets), type=BINARY_TYPE)
        body = self.revision.payload(packets).encode("utf-8", "surrogatepass")
        return Answer(body=body, type=self._does.poll_type)

    def _framed(self, packet: str | bytes) -> str | bytes:
        """The packet as a message of a WebSocket."""
        if self.base64 and isinstance(packet, bytes):
            return "b4" + base64.b64encode(packet).decode()
        return self.revision.frame(packet)
