"""An Engine.IO 4 session of the strict client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Coroutine
from typing import Any, Protocol

from tests.strict_client.faults import Faults
from tests.strict_client.http1 import Answer, Broken, request
from tests.strict_client.origin import Origin
from tests.strict_client.websocket import NoWebSocket, WebSocket

__all__ = ["Engine"]

SEPARATOR = "\x1e"
UPGRADE_SECONDS = 3.0  # for the answer to a probe
UPGRADED: set[str] = set()
"""The URLs whose last session was upgraded."""


class Owner(Protocol):
    def opened(self) -> None: ...
    def said(self, data: str | bytes) -> None: ...
    def failed(self, why: str) -> None: ...
    def closed(self, why: str) -> None: ...


class Refused(Exception):
    """The handshake failed."""


class Engine:
    """One session. It tells `owner` what happens, `closed` or `failed` once."""

    REVISION = "4"

    def __init__(self, url: str, options: dict[str, Any], faults: Faults, owner: Owner) -> None:
        self._url, self._options = url, options
        self._origin = Origin.of(url, options, faults)
        self._faults = faults
        self._owner = owner
        self._transports = options.get("transports", ["polling", "websocket"])
        if faults("begins-with-websocket") and len(self._transports) > 1:
            self._transports = ["websocket"]
        if options.get("rememberUpgrade") and url in UPGRADED and not faults("upgrade-is-forgotten"):
            self._transports = ["websocket"]
        UPGRADED.discard(url)
        self._limit = options.get("timeout", 20_000) / 1000
        self.sid = ""
        self.state = "opening"
        self._socket: WebSocket | None = None
        self._probe: WebSocket | None = None
        self._outbox: list[str | bytes] = []
        self._wake = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._polls = False  # a GET is pending
        self._pausing = False
        self._idle = asyncio.Event()
        self._may_push = asyncio.Event()
        self._may_push.set()
        self._life: asyncio.TimerHandle | None = None
        self._first_over = False
        self.kept: list[asyncio.StreamWriter] = []  # by a fault
        self._tasks: set[asyncio.Task[Any]] = set()
        self._spawn(self._open())

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _target(self, transport: str) -> str:
        return self._origin.target(transport, self.sid, self.REVISION)

    # Opening

    async def _open(self) -> None:
        try:
            limit = None if self._faults("handshake-has-no-limit") else self._limit
            async with asyncio.timeout(limit):
                if self._transports[0] == "polling":
                    first, *more = await self._first_poll()
                else:
                    self._socket = await WebSocket.open(self._origin, self._target("websocket"), self._faults)
                    first, *more = [await self._socket.receive()]
                upgrades = self._take_open(first)
        except TimeoutError:
            self._give_up("no answer to the handshake", "")
            return
        except (Broken, Refused, NoWebSocket) as error:
            fault = getattr(error, "fault", "reset-handshake-is-the-last")
            again = fault == "wrong-open-is-not-told" and self._faults("asks-again-without-a-sid")
            if again or self._may_try_the_next():
                self._spawn(self._open())
            else:
                self._give_up(str(error), fault)
            return
        self.state = "open"
        if self._faults("a-connection-stays-open"):
            self.kept.append((await self._origin.connect())[1])
        self._beat()
        if self._socket is not None:
            self._spawn(self._listen(self._socket))
        else:
            self._polling = self._spawn(self._poll_on())
            self._spawn(self._push_on())
            wanted = "websocket" in self._transports or self._faults("transports-are-not-read")
            offered = "websocket" in upgrades or self._faults("upgrades-are-not-read")
            if self._faults("connect-waits-for-the-upgrade") and wanted and offered:
                await self._upgrade()
            elif wanted and offered:
                self._spawn(self._upgrade())
        if self.state != "open":
            return
        self._owner.opened()
        if not self._faults("only-the-first-packet-of-a-handshake"):
            for packet in more:
                self._packet(packet)

    def _may_try_the_next(self) -> bool:
        """Whether there is another transport for a handshake that failed. It is the first one then."""
        tries = self._options.get("tryAllTransports") and not self._faults("first-transport-is-the-only-one")
        if not tries or len(self._transports) < 2:
            return False
        self._transports = self._transports[1:]
        return True

    def _give_up(self, why: str, fault: str) -> None:
        self.state = "closed"
        if self._socket is not None:
            self._socket.abort()
        if not fault or not self._faults(fault):
            self._owner.failed(why)

    async def _first_poll(self) -> list[str | bytes]:
        answer = await request(self._origin, "GET", self._target("polling"), self._faults)
        if answer.status != 200:
            moved = 300 <= answer.status < 400
            fault = "redirect-is-not-told" if moved else "refusal-is-not-told"
            raise _refused(f"status {answer.status}", fault)
        self._check_type(answer)
        text = answer.body.decode("utf-8")
        if not text[:1].isdigit():
            raise _refused(f"no packet: {text[:20]!r}", "strange-answer-is-not-told")
        return self._split(answer)

    def _take_open(self, packet: str | bytes) -> list[str]:
        if not isinstance(packet, str) or not packet.startswith("0"):
            raise _refused("no OPEN packet", "wrong-first-packet-is-not-told")
        try:
            data = json.loads(packet[1:])
            self.sid, upgrades = data["sid"], data["upgrades"]
            self._lifetime = (data["pingInterval"] + data["pingTimeout"]) / 1000
            if self._faults("times-are-whole") and isinstance(data["pingInterval"], float):
                raise TypeError
            if self._faults("interval-of-0-is-the-lifetime") and not data["pingInterval"]:
                self._lifetime = 0.05
            if self._faults("interval-of-0-is-busy") and not data["pingInterval"]:
                self._spawn(self._beat_on())
            if self._faults("late-ping-is-too-late"):
                self._lifetime = data["pingInterval"] / 1000 + 0.3
            self._max = data.get("maxPayload", 0)
            if self._faults("open-needs-max-payload"):
                self._max = data["maxPayload"]
        except ValueError:
            raise _refused("an OPEN packet that is no JSON", "bad-open-is-not-told") from None
        except (KeyError, TypeError):
            raise _refused("a wrong OPEN packet", "wrong-open-is-not-told") from None
        if self._faults("open-with-unknown-keys-is-refused") and len(data) > 5:
            raise Refused("unknown keys")
        return list(upgrades)

    # Heartbeat

    def _beat(self) -> None:
        if self._life is not None:
            self._life.cancel()
        if not self._faults("silent-server-is-kept"):
            self._life = asyncio.get_running_loop().call_later(self._lifetime, self.close, "ping timeout")

    async def _beat_on(self) -> None:
        while self.state != "closed":
            await asyncio.sleep(0.01)
            self.send("3")

    # What comes

    def _packet(self, packet: str | bytes) -> None:
        if self.state != "open" and not self._faults("late-poll-is-read"):
            return
        if isinstance(packet, bytes):
            self._owner.said(packet)
            return
        kind, data = packet[:1], packet[1:]
        if kind == "4":
            if self._faults("messages-count-as-pings"):
                self._beat()
            self._owner.said(data)
        elif kind == "2":
            self._beat()
            if self._faults("ping-in-the-upgrade-is-missed") and self._probe is not None:
                return
            if self._faults("ping-with-data-is-missed") and data:
                return
            if self._faults("ping-in-binary-ends") and self._owner.waits_for_binary:  # type: ignore[attr-defined]
                self.close("a PING before an attachment")
                return
            self.send("3")
            if self._faults("ping-is-answered-twice"):
                self.send("3")
        elif kind == "6":
            upgraded = self._socket is not None and self._transports[0] == "polling"
            if self._faults("noop-ends-the-session") or (
                upgraded and self._faults("noop-after-the-upgrade-ends-the-session")
            ):
                self.close("NOOP")
        elif kind == "1":
            over = "" if self._socket is None else "over-websocket-"
            ignored = f"close-packet-{over}is-ignored"
            if not self._faults(ignored):
                self.close("closed by the server")
        elif kind == "b" and self._is_base64() and not self._faults("base64-over-websocket-is-not-read"):
            self._owner.said(base64.b64decode(data))
        elif self._faults("odd-engine-packet-deafens"):
            self.state = "deaf"
        else:
            self.close("parse error")

    async def _listen(self, socket: WebSocket) -> None:
        try:
            while True:
                message = await socket.receive()
                if self._faults("first-message-after-upgrade-is-dropped") and not self._first_over:
                    self._first_over = True
                    if socket is self._probe_was:
                        continue
                self._packet(message)
        except NoWebSocket as error:
            lost = "lost" in str(error)
            if (
                lost
                and self.state == "open"
                and (
                    self._faults("lost-websocket-is-not-told")
                    or self._faults("death-in-an-event-is-not-told")
                    or (self._faults("loss-after-upgrade-is-not-told") and self._transports[0] == "polling")
                )
            ):
                self.state = "deaf"
            self.close(str(error))

    _probe_was: WebSocket | None = None

    # Polling

    async def _poll_on(self) -> None:
        while self.state == "open" and not self._pausing:
            self._polls = True
            try:
                answer = await self._one_poll()
            except Broken as error:
                if self._faults("loss-in-the-upgrade-is-not-told") and self._probe is not None:
                    self.state = "deaf"
                elif not (self._faults("reset-poll-is-not-told") and "Reset" in str(error)):
                    self.close(f"transport error: {error}")
                return
            finally:
                self._polls = False
                self._idle.set()
            if answer.status != 200:
                if self._faults("dead-session-is-polled-on"):
                    await asyncio.sleep(0.05)
                    continue
                self.close(f"transport error: {answer.status}")
                return
            if self._faults("needs-keep-alive") and answer.headers.get("connection") == "close":
                self.close("the connection closes")
                return
            if self._faults("poll-of-the-upgrade-is-thrown-away") and self._probe is not None:
                continue
            self._read_payload(answer)

    async def _one_poll(self) -> Answer:
        target = self._target("polling")
        if self._faults("two-polls-at-a-time"):
            self._spawn(self._quiet(request(self._origin, "GET", target, self._faults)))
        if self._faults("poll-is-begun-anew"):
            while True:
                try:
                    async with asyncio.timeout(0.1):
                        return await request(self._origin, "GET", target, self._faults)
                except TimeoutError:
                    continue
        return await request(self._origin, "GET", target, self._faults)

    @staticmethod
    async def _quiet(work: Coroutine[Any, Any, Any]) -> None:
        with contextlib.suppress(Broken):
            await work

    def _check_type(self, answer: Answer) -> None:
        kind = answer.headers.get("content-type")
        if kind is None and self._faults("needs-a-content-type"):
            raise Refused("no Content-Type")
        if kind and kind.startswith("text/html") and self._faults("text-html-is-refused"):
            raise Refused("text/html")

    def _read_payload(self, answer: Answer) -> None:
        try:
            packets = self._split(answer)
        except ValueError:
            self.close("parse error")
            return
        if self._faults("at-most-sixteen-packets") and len(packets) > 16:
            self.close("too many packets")
            return
        before = len(packets)
        if self._faults("noop-ends-a-payload") and "6" in packets:
            packets = packets[: packets.index("6")]
        if self._faults("ping-among-messages-is-missed") and before > 1:
            packets = [packet for packet in packets if packet != "2"]
        if self._faults("attachment-must-be-in-the-same-poll") and isinstance(packets[0], bytes):
            self.close("an attachment alone")
            return
        for packet in packets:
            self._packet(packet)

    def _split(self, answer: Answer) -> list[str | bytes]:
        """The packets of a payload. Raises ValueError."""
        records = answer.body.decode("utf-8").split(SEPARATOR)
        return [base64.b64decode(one[1:]) if one.startswith("b") else one for one in records]

    async def _push_on(self) -> None:
        while True:
            await self._wake.wait()
            await self._may_push.wait()
            self._wake.clear()
            while self._outbox and self.state == "open":
                if self._faults("posts-wait-for-the-poll") and self._polls:
                    self._idle.clear()
                    await self._idle.wait()
                body = self._next_body()
                work = self._push(body)
                if self._faults("two-posts-at-a-time"):
                    self._spawn(work)
                elif not await work:
                    return

    def _next_body(self) -> str | bytes:
        records: list[str] = []
        while self._outbox:
            packet = self._outbox[0]
            record = packet if isinstance(packet, str) else "b" + self._base64(packet)
            size = sum(len(one.encode()) + 1 for one in [*records, record])
            if records and self._max and size > self._max and not self._faults("max-payload-is-ignored"):
                break
            records.append(record)
            self._outbox.pop(0)
        return SEPARATOR.join(records)

    def _base64(self, data: bytes) -> str:
        encode = base64.encodebytes if self._faults("base64-has-line-breaks") else base64.b64encode
        return encode(data).decode()

    async def _push(self, body: str | bytes) -> bool:
        body, kind = _as_request(body)
        if self._faults("posts-say-octet-stream"):
            kind = "application/octet-stream"
        try:
            target = self._target("polling")
            answer = await request(self._origin, "POST", target, self._faults, body, kind)
        except Broken as error:
            self.close(f"transport error: {error}")
            return False
        wrong = answer.status != 200 or (self._faults("needs-ok") and answer.body != b"ok")
        if wrong and not self._faults("failed-post-is-ignored"):
            self.close(f"transport error: POST {answer.status}")
            return False
        return True

    # Upgrade

    async def _upgrade(self) -> None:
        try:
            probe = await WebSocket.open(self._origin, self._target("websocket"), self._faults)
            self._probe = probe
            if not self._faults("upgrades-without-a-probe"):
                probe.send("2probe")
                patient = self._faults("connect-waits-for-the-upgrade")
                async with asyncio.timeout(None if patient else UPGRADE_SECONDS):
                    if await probe.receive() != "3probe":
                        raise NoWebSocket("no answer to the probe")
            if self._faults("posts-during-upgrade-are-lost"):
                self._outbox.clear()
            self._pausing = True
            self._may_push.clear()
            while self._polls and not self._faults("upgrade-does-not-wait-for-the-poll"):
                self._idle.clear()
                await self._idle.wait()
        except (NoWebSocket, TimeoutError) as error:
            if self._probe is not None:
                self._probe.abort()
            self._probe, self._pausing = None, False
            if self._faults("failed-upgrade-ends-the-session"):
                self.close("the upgrade failed")
            if self._faults("loss-in-the-upgrade-is-not-told") and "lost" in str(error):
                self.state = "deaf"
            return
        if self.state != "open":
            return
        probe.send("5")
        UPGRADED.add(self._url)
        self._probe, self._socket, self._probe_was = None, probe, probe
        for packet in self._outbox:
            probe.send(packet)
        self._outbox.clear()
        self._spawn(self._listen(probe))
        if self._faults("polls-after-the-upgrade"):
            self._spawn(self._quiet(request(self._origin, "GET", self._target("polling"), self._faults)))
        if self._faults("second-websocket"):
            with contextlib.suppress(NoWebSocket):
                await WebSocket.open(self._origin, self._target("websocket"), self._faults)

    # What goes

    def _is_base64(self) -> bool:
        return bool(self._options.get("forceBase64")) and self._socket is not None

    def send(self, *packets: str | bytes) -> None:
        if self.state != "open":
            return
        if self._socket is not None:
            for packet in packets:
                if isinstance(packet, bytes) and self._is_base64() and not self._faults("base64-is-not-sent"):
                    packet = "b" + base64.b64encode(packet).decode()
                self._socket.send(packet)
            return
        self._outbox += packets
        self._wake.set()

    def leave(self, *last: str) -> None:
        """The application leaves: say `last`, and end it."""
        if self.state != "open":
            self.close("left")
            return
        socket = self._socket
        if self._faults("leaving-drops-what-waits"):
            self._outbox.clear()
        self.send(*last)
        body = self._next_body() if socket is None else ""
        if socket is None and not self._faults("no-close-packet"):
            body = self._with_close(body)
        after = self._faults("polls-after-leaving")
        self.close("left")
        if body:
            loop = asyncio.get_running_loop()
            self._last = loop.create_task(self._quiet(self._say_last(body, poll=after)))

    @staticmethod
    def _with_close(body: str | bytes) -> str | bytes:
        return f"{body!s}{SEPARATOR}1" if body else "1"

    async def _say_last(self, body: str | bytes, *, poll: bool) -> None:
        body, kind = _as_request(body)
        await request(self._origin, "POST", self._target("polling"), self._faults, body, kind)
        if poll:
            await request(self._origin, "GET", self._target("polling"), self._faults)

    @property
    def holds(self) -> int:
        """How many connections it holds open: its WebSocket, and what a fault has left."""
        return len(self.kept) + (self._socket is not None and not self._socket.closed)

    def close(self, why: str) -> None:
        """End everything, and tell once."""
        if self.state == "closed":
            return
        told = self.state in ("open",)
        before, self.state = self.state, "closed"
        if self._life is not None:
            self._life.cancel()
        if self._socket is not None:
            self._socket.close()
        if self._probe is not None and not self._faults("leaves-the-probe-open"):
            self._probe.close()
        current = asyncio.current_task()
        goes_on = before == "opening" and self._faults("leaving-does-not-stop-the-attempt")
        for task in [*self._tasks]:
            kept = task is self._polling and self._faults("late-poll-is-read")
            if task is not current and not goes_on and not kept:
                task.cancel()
        if told:
            self._owner.closed(why)


def _as_request(body: str | bytes) -> tuple[bytes, str]:
    """The body of a POST, and its Content-Type."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    return body.encode("utf-8", "surrogatepass"), "text/plain;charset=UTF-8"


def _refused(why: str, fault: str) -> Refused:
    error = Refused(why)
    error.fault = fault  # type: ignore[attr-defined]
    return error
