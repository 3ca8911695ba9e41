"""An Engine.IO session for a case: over polling, over WebSocket, or upgraded from one to the other.

The heartbeat runs in the background on both transports: revision 4 answers pings, revision 3 sends them.
So it never closes a session that a case watches. `Session.closure` says how a session closed.
`opening.py` makes sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from conformance.client.address import Address, Headers
from conformance.client.handlers import lacking
from conformance.client.http import BINARY, Answer, NoAnswer, exchange
from conformance.client.offsets import Offsets
from conformance.client.revisions import REVISION_4, Revision
from conformance.client.steps import Step
from conformance.client.timing import Timing
from conformance.client.transcript import (
    RECORDING,
    TO_CLIENT,
    TO_SERVER,
    Recording,
    describe,
    describe_engine,
    quoted,
)
from conformance.client.websocket import Ended, WebSocket, open_websocket
from conformance.crowd import is_of_another
from conformance.verdicts import Inconclusive, NotApplicable
from sioprobe.wire import (
    MAIN_NAMESPACE,
    DeflateOffer,
    EnginePacket,
    EnginePacketType,
    OpenData,
    RemoteProtocolError,
    SocketPacket,
    SocketPacketType,
)
from sioprobe.wire.cookies import Cookies

__all__ = ["PROTOCOL", "Closure", "Received", "Session", "Transport", "sessions_of"]

Transport = Literal["polling", "websocket", "upgraded"]
PROTOCOL = REVISION_4.query
EVENTS = (SocketPacketType.EVENT, SocketPacketType.BINARY_EVENT)


@dataclass(frozen=True, slots=True)
class Closure:
    """How a session closed in words, what closed it, and when (seconds of the monotonic clock)."""

    how: str
    by: EnginePacket | Answer | NoAnswer | Ended
    at: float

    def __str__(self) -> str:
        return self.how


@dataclass(frozen=True, slots=True)
class Received:
    """An Engine.IO packet with its time of arrival, its transport and the number of its poll."""

    packet: EnginePacket
    at: float
    transport: str
    poll: int


class Session:
    """One open session, made by `open_session`. `parameters` are in the query of each of its requests.

    `offer` is the permessage-deflate that its WebSockets offer.
    """

    def __init__(
        self,
        address: Address,
        timing: Timing,
        transport: Transport,
        opened: OpenData,
        *,
        answer_pings: bool,
        revision: Revision = REVISION_4,
        parameters: str = "",
        cookies: Cookies | None = None,
        offer: DeflateOffer | None = None,
    ) -> None:
        self.address = address
        self.offer = offer
        self.cookies = cookies or address.new_cookies()
        self.timing = timing
        self.transport: Transport = transport
        self.opened = opened
        self.answer_pings = answer_pings
        self.level = 0  # the contract level of its server
        self.lacks: frozenset[str] = frozenset()  # of the contract's handlers
        self.revision = revision
        self.parameters = parameters
        self.received: list[Received] = []
        self.inbox: list[SocketPacket] = []
        self.malformed: list[str] = []
        self.closure: Closure | None = None
        self.left: set[str] = set()
        self.socket_ids: dict[str, str] = {}
        self.offsets = Offsets()
        self.polls = 0
        self.pause = 0.02  # seconds after a poll that brought nothing or a NOOP
        self._empty_poll = False
        self.started = time.monotonic()
        self._decoder = revision.decoder()
        self._recording = RECORDING.get()
        self._waiters: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._push_lock = asyncio.Lock()
        self._poll_task: asyncio.Task[None] | None = None
        self._polling_allowed = True
        self._websocket: WebSocket | None = None
        self._released = False
        self._ack_id = 100
        self.beaten: float | None = None  # when it was last seen that the server has a pong (polling)
        self.refused: float | None = None  # when a request of it was first answered by 400 or more
        number = len(sessions_of(self._recording))
        self.label = "" if number == 0 else f"{chr(ord('A') + number)}: "
        self._recording.opened.append(self)
        self._recording.attempt(Step.HANDSHAKE, transport, revision.number)
        self.asked: set[Step] = set()
        self._connect_answers: list[str] = []
        self._is_event_answered = False
        self._recording.hide(opened.session_id, f"session id{f' {self.label[:-2]}' if self.label else ''}")

    # What the session knows

    @property
    def session_id(self) -> str:
        return self.opened.session_id

    def query(self, transport: str = "polling") -> str:
        """The query of a request of this session. Its id is escaped, as the official client does."""
        session_id = quote(self.session_id, safe="!~*'()")
        return f"{self.revision.query}&transport={transport}{self.parameters}&sid={session_id}"

    @property
    def takes_binary(self) -> bool:
        """Whether the client has not asked for base64. Only payloads of revision 3 have that choice."""
        return "&b64=1" not in self.parameters

    def packets(self, kind: EnginePacketType) -> list[Received]:
        """The Engine.IO packets of one type that have come so far."""
        return [item for item in self.received if item.packet.type is kind]

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether `condition` became true in time. It is checked whenever something arrives."""
        deadline = time.monotonic() + seconds
        while not condition():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait((waiter,), timeout=remaining)
            finally:
                self._waiters.discard(waiter)
        return True

    async def take(
        self, wanted: Callable[[SocketPacket], bool], seconds: float | None = None
    ) -> SocketPacket | None:
        """The first wanted Socket.IO packet, taken out of the inbox; None if none came in time.

        Ends early when the session closes.
        """
        found: list[SocketPacket] = []

        def look() -> bool:
            for packet in self.inbox:
                if wanted(packet):
                    found.append(packet)
                    self.inbox.remove(packet)
                    return True
            return self.closure is not None

        await self.until(look, self.timing.answer if seconds is None else seconds)
        return found[0] if found else None

    # Sending

    async def send(self, *packets: str | bytes) -> Answer | NoAnswer | None:
        """Send encoded Engine.IO packets, unchanged, in one push or in one frame each.

        Bytes are the data of a binary message. Returns the answer to the push, None over WebSocket.
        Raises NotApplicable if a packet asks for a handler that the application lacks.
        """
        if self._websocket is not None:
            self._needs_handlers(packets)
            self._note_asked(packets)
            for packet in packets:
                await self._websocket.send(self.revision.frame(packet))
            return None
        as_binary = self.revision.binary_payload
        if as_binary is not None and self.takes_binary and any(isinstance(one, bytes) for one in packets):
            return await self.push(as_binary(packets), binary=True)
        return await self.push(self.revision.payload(packets))

    async def push(
        self, body: str | bytes, *, seconds: float | None = None, binary: bool = False
    ) -> Answer | NoAnswer:
        """POST a payload, unchanged. `binary` sets its Content-Type. Raises NotApplicable as `send` does."""
        records = self.revision.split(body, binary)
        self._needs_handlers(records)
        self._note_asked(records)
        meaning = " + ".join(map(describe_engine, records))
        self._recording.add(TO_SERVER, "polling", body, self.label + meaning)
        async with self._push_lock:
            answer = await self._post(body, self.timing.answer if seconds is None else seconds, binary=binary)
        self._wake()
        return answer

    def _needs_handlers(self, packets: Iterable[str | bytes]) -> None:
        for packet in packets:
            if self.lacks and (lack := lacking(packet, self.lacks)):
                raise NotApplicable(f"the application has no {lack}")

    def _note_asked(self, packets: Iterable[str | bytes]) -> None:
        for packet in packets:
            text = packet if isinstance(packet, str) else ""
            if text.startswith("40/"):
                self.asked.add(Step.ANSWER)
            elif text == "40" or text.startswith("40{"):
                self.asked |= {Step.ANSWER, Step.CONNECT}
            elif text.startswith(("42", "45")):
                self.asked.add(Step.EVENT)

    def note_steps(self) -> None:
        """Tell the recording what came of CONNECT and of events. For the end of a case."""
        ended = f"session closed ({self.closure})" if self.closure else None
        unreadable = [f"the server sent {what}" for what in self.malformed]
        worked = {
            Step.ANSWER: bool(self._connect_answers),
            Step.CONNECT: MAIN_NAMESPACE in self.socket_ids,
            Step.EVENT: self._is_event_answered,
        }
        if not self.socket_ids:
            self.asked.discard(Step.EVENT)
        for step in sorted(self.asked):
            failure = ended or ", ".join([*self._connect_answers, *unreadable][:1]) or "no answer"
            where = "polling" if self._websocket is None else "websocket"
            self._recording.attempt(step, where, self.revision.number, None if worked[step] else failure)

    def _note_request(self, method: str, answer: Answer | NoAnswer) -> None:
        worked = isinstance(answer, Answer) and answer.status == 200
        self._recording.attempt(Step.REQUEST, method, self.revision.number, None if worked else answer)

    async def _exchange(self, method: str, query: str | None = None, **more: Any) -> Answer | NoAnswer:
        target = f"{self.address.path}?{self.query() if query is None else query}"
        answer = await exchange(self.address, method, target, cookies=self.cookies, **more)
        if isinstance(answer, Answer) and answer.status >= 400 and self.refused is None:
            self.refused = time.monotonic()
        return answer

    async def _post(self, body: str | bytes, seconds: float, *, binary: bool = False) -> Answer | NoAnswer:
        answer = await self._exchange(
            "POST",
            headers=[("Content-Type", BINARY if binary else "text/plain;charset=UTF-8")],
            body=body.encode("utf-8") if isinstance(body, str) else body,
            seconds=seconds,
            session=True,
        )
        self._note_request("POST", answer)
        return answer

    async def request(
        self,
        method: str,
        query: str | None = None,
        *,
        headers: Headers = (),
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> Answer | NoAnswer:
        """One HTTP request of this session for the case. Packets in the answer are not taken in."""
        wait = self.timing.answer if seconds is None else seconds
        return await self._exchange(method, query, headers=headers, body=body, seconds=wait)

    def auth_payload(self, own: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The data of a CONNECT packet: that of the user (--auth) and that of the case."""
        given = None if self.revision.connects_unasked else self.address.connection.auth
        return own if given is None else given | (own or {})

    def connecting(self, namespace: str = MAIN_NAMESPACE, own: dict[str, Any] | None = None) -> str:
        """The CONNECT packet of a namespace, with its auth payload."""
        packet = SocketPacket(SocketPacketType.CONNECT, namespace, self.auth_payload(own))
        return f"4{self.revision.encode(packet)[0]}"

    async def send_packet(self, packet: SocketPacket) -> Answer | NoAnswer | None:
        """Encode and send a Socket.IO packet with its attachments."""
        text, attachments = self.revision.encode(packet)
        return await self.send(f"4{text}", *attachments)

    async def emit(
        self, event: str, *arguments: Any, namespace: str = MAIN_NAMESPACE, ack_id: int | None = None
    ) -> Answer | NoAnswer | None:
        """Send an event."""
        return await self.send_packet(
            SocketPacket(SocketPacketType.EVENT, namespace, [event, *arguments], ack_id)
        )

    def next_ack_id(self) -> int:
        """An ack id that this session has not used. Those below 100 are for literal packets of cases."""
        self._ack_id += 1
        return self._ack_id

    # Transports

    def start_polling(self) -> None:
        """Keep a poll pending until the session closes or `stop_polling`."""
        self._polling_allowed = True
        if self._poll_task is None or self._poll_task.done():
            self._poll_task = self._spawn(self._poll())

    async def stop_polling(self, seconds: float | None = None) -> bool:
        """Let the pending poll end by itself. False where the server did not end it in time."""
        self._polling_allowed = False
        if self._poll_task is None:
            return True
        wait = self.timing.answer if seconds is None else seconds
        done, _ = await asyncio.wait((self._poll_task,), timeout=wait)
        return bool(done)

    def drop_poll(self) -> None:
        """Abort the pending poll, as a client that goes away does."""
        self._polling_allowed = False
        if self._poll_task is not None:
            self._poll_task.cancel()

    async def poll_once(
        self, seconds: float | None = None, *, on_sent: Callable[[], object] | None = None
    ) -> Answer | NoAnswer:
        """One GET. Its packets are taken in as usual. `on_sent` is called when it is on its way."""
        wait = self.timing.heartbeat + self.timing.answer if seconds is None else seconds
        answer = await self._exchange("GET", seconds=wait, session=True, on_sent=on_sent)
        self._note_request("GET", answer)
        if isinstance(answer, Answer) and answer.status == 200:
            self.polls += 1
            self._take_payload(answer.body, answer.is_binary)
        return answer

    async def open_probe(self) -> WebSocket | Answer | NoAnswer:
        """A WebSocket with this session's id. Nothing has been sent on it."""
        return await open_websocket(
            self.address,
            self.query("websocket"),
            seconds=self.timing.answer,
            label=self.label,
            cookies=self.cookies,
            offer=self.offer,
        )

    async def upgrade(self) -> None:
        """The whole upgrade, as the official client does it. Raises Inconclusive where it fails."""
        websocket = await self.open_probe()
        if not isinstance(websocket, WebSocket):
            raise Inconclusive(f"upgrade: {websocket}")
        answer = await websocket.probe(self.timing.answer)
        if answer is None:
            websocket.abort()
            raise self._not_upgraded("the probe was not answered")
        if answer != "3probe":
            websocket.abort()
            told = str(answer) if isinstance(answer, Ended) else quoted(answer, 60)
            raise self._not_upgraded(f"the probe was answered by {told}")
        if not await self.stop_polling():
            websocket.abort()
            raise self._not_upgraded("the pending poll was not ended")
        # A pong that is under way over polling would be refused after the upgrade.
        async with self._push_lock:
            await websocket.send("5")
            self.use(websocket)

    def _not_upgraded(self, what: str) -> Inconclusive:
        self._recording.attempt(Step.UPGRADE, "", self.revision.number, what)
        return Inconclusive(f"upgrade: {what}")

    def use(self, websocket: WebSocket) -> None:
        """Go on over this WebSocket. If the case ended in mid-upgrade, the WebSocket is dropped."""
        if self._released:
            websocket.abort()
            return
        if self.transport == "polling":
            self.transport = "upgraded"
            self._recording.attempt(Step.UPGRADE, "", self.revision.number)
        websocket.label = self.label
        websocket.on_control = self._wake
        self._websocket = websocket
        self._spawn(self._read(websocket))

    @property
    def websocket(self) -> WebSocket:
        """The WebSocket of a session that is not on polling."""
        if self._websocket is None:
            raise Inconclusive("the session has no WebSocket")
        return self._websocket

    # Ending

    async def release(self) -> None:
        """For the end of a case: close what is open, and end what waits."""
        self._released = True
        for task in tuple(self._tasks):
            task.cancel()
        if self._websocket is not None:
            with contextlib.suppress(OSError):
                await self._websocket.close()
            self._websocket.abort()
        elif self.closure is None:
            body = self.revision.payload(["1"]).encode()
            await self._exchange("POST", body=body, seconds=self.timing.late)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Behind the case's back

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _close(self, how: str, by: EnginePacket | Answer | NoAnswer | Ended) -> None:
        if self.closure is None:
            self.closure = Closure(how, by, time.monotonic())
            self._recording.add(TO_CLIENT, "closed", "", f"{self.label}session closed: {how}")
        self._wake()

    async def _poll(self) -> None:
        while self._polling_allowed and self.closure is None:
            answer = await self.poll_once()
            if isinstance(answer, NoAnswer):
                self._close(f"poll: {answer}", answer)
            elif answer.status != 200:
                # After the upgrade this answers a poll that came too late. The session goes on.
                if self._websocket is None:
                    self._close(f"HTTP {answer.status}", answer)
                return
            elif self._empty_poll or (
                self.received and self.received[-1].packet.type is EnginePacketType.NOOP
            ):
                # A server that answers each poll at once must not turn this into a busy loop.
                await asyncio.sleep(self.pause)

    def _take_payload(self, body: bytes, binary: bool) -> None:
        for record in self.revision.split(body, binary):
            self._recording.add(TO_CLIENT, "polling", record, self.label + describe_engine(record))
        if self._empty_poll:
            self.malformed.append("an empty payload")
        # Some servers end the last poll of a session with nothing. The next answer tells.
        self._empty_poll = not body
        if not body:
            self._wake()
            return
        self.take_packets(self.revision.decode_body(body, binary), body)

    def take_packets(self, packets: Iterator[EnginePacket], body: bytes) -> None:
        """The packets of a payload have come. Those before a wrong one count."""
        try:
            for packet in packets:
                self.take_in(packet, "polling")
        except RemoteProtocolError as error:
            self.malformed.append(f"payload {quoted(body, 60)}: {error}")
            self._wake()

    async def _read(self, websocket: WebSocket) -> None:
        while True:
            message = await websocket.receive()
            if isinstance(message, Ended):
                if message.error:
                    self.malformed.append(message.error)
                told = self.packets(EnginePacketType.CLOSE)
                self._close(f"Engine.IO close packet, then {message}" if told else str(message), message)
                return
            try:
                packet = self.revision.decode_packet(message)
            except RemoteProtocolError as error:
                self.malformed.append(f"frame {quoted(message, 60)}: {error}")
                self._wake()
                continue
            self.take_in(packet, "websocket")

    def take_in(self, packet: EnginePacket, transport: str) -> None:
        """A packet has come: note it, act on it, and wake who waits."""
        self.received.append(Received(packet, time.monotonic(), transport, self.polls))
        if packet.type is EnginePacketType.PING:
            if self.answer_pings and packet.data == "" and not self.revision.client_pings:
                self._spawn(self._beat())
        elif packet.type is EnginePacketType.CLOSE and transport == "polling":
            # Over WebSocket the official clients do not act on it. What they notice is the WebSocket's end.
            self._close("Engine.IO close packet", packet)
        elif packet.type is EnginePacketType.MESSAGE:
            self._take_message(packet.data)
        self._wake()

    def start_heartbeat(self) -> None:
        """If the client pings in this revision: ping every pingInterval until the session closes."""
        if self.revision.client_pings:
            self._spawn(self._ping_on())

    async def _ping_on(self) -> None:
        # Early, because a busy machine makes it late. 1 s is for a server that says 0.
        interval = 0.8 * self.timing.ping_interval or 1.0
        while self.closure is None:
            await asyncio.sleep(interval)
            if self.answer_pings:
                await self._beat()

    async def _beat(self) -> None:
        """The client's part of the heartbeat: its pong, or its ping."""
        beat = self.revision.heartbeat
        if self._websocket is not None:
            await self.send(beat)
            return
        body = self.revision.payload([beat])
        # A push may never be answered. If the beat waited behind it, the heartbeat would close the session,
        # and a case would take that for the server's answer to the push.
        try:
            # Not wait_for: before Python 3.12 it may swallow a cancellation, and the pings would never end.
            async with asyncio.timeout(max(0.4 * self.timing.ping_timeout, 1.5 * self.timing.distance)):
                await self._push_lock.acquire()
        except TimeoutError:
            await self._post(body, self.timing.answer)
            return
        try:
            self._recording.add(TO_SERVER, "polling", body, f"{self.label}{describe_engine(beat)}")
            answer = await self._post(body, self.timing.answer)
            if isinstance(answer, Answer) and answer.status == 200:
                self.beaten = time.monotonic()
        finally:
            self._push_lock.release()

    def _take_message(self, data: str | bytes) -> None:
        try:
            packet = self._decoder.decode(data)
        except RemoteProtocolError as error:
            self.malformed.append(f"{quoted(data, 60)}: {error}")
            return
        if packet is None:
            return
        self.offsets.take(packet)
        if packet.type in EVENTS and is_of_another(packet.data):
            return
        if packet.type is SocketPacketType.CONNECT and self.revision.connects_unasked:
            self.socket_ids[packet.namespace] = ""  # the server does not tell it
        elif packet.type is SocketPacketType.CONNECT and isinstance(packet.data, dict):
            socket_id = packet.data.get("sid")
            if isinstance(socket_id, str):
                self.socket_ids[packet.namespace] = socket_id
                self._recording.hide(socket_id, f"socket id {self.label[:-2]}".rstrip())
            if pid := self.offsets.pids.get(packet.namespace):
                self._recording.hide(pid, f"private id {self.label[:-2]}".rstrip())
        elif packet.type is SocketPacketType.DISCONNECT:
            self.left.add(packet.namespace)
        if packet.type in (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR):
            self._connect_answers.append(describe(packet))
        elif packet.type is not SocketPacketType.DISCONNECT:
            # The contract emits `auth` after each connect.
            self._is_event_answered = self._is_event_answered or packet.data[:1] != ["auth"]
        self.inbox.append(packet)


def sessions_of(recording: Recording) -> list[Session]:
    """The sessions that a case has opened, in order."""
    return [one for one in recording.opened if isinstance(one, Session)]
