"""The strict client: Socket.IO 5 above `engine.py`, one `Client` for each namespace of a link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.strict_client.engine import Engine
from tests.strict_client.faults import Faults
from tests.strict_client.link import Link
from tests.strict_client.packets import RESERVED, ParseError, decode, encode, put_back, take_out

__all__ = ["Client"]

EVENTS = ("news", "twice", "late", "throw", "wait")


class Client:
    """What an application has. `see` tells what it sees, `die` ends its process."""

    REVISION = 4

    def __init__(
        self,
        link: Link,
        namespace: str,
        options: dict[str, Any],
        faults: Faults,
        see: Callable[..., None],
        die: Callable[[], None],
    ) -> None:
        if faults("names-are-ascii"):
            namespace = namespace.encode("ascii", "replace").decode()
        self.link, self._namespace, self._options = link, namespace, options
        self._faults, self._see, self._die = faults, see, die
        self.left = False
        self.connected = False
        self._early: list[tuple[int | None, list[Any]]] = []
        self._buffer: list[tuple[int | None, str, list[bytes]]] = []
        self._pid: str | None = None
        self._offset: str | None = None
        self._queue: list[tuple[str, list[Any]]] = []
        self._tries = 0
        self._queue_id = -1
        self._queue_timer: asyncio.TimerHandle
        self._questions: dict[int, tuple[str, bool, asyncio.TimerHandle | None]] = {}
        self._next_id = 0
        self.half: tuple[int, int | None, Any, int] | None = None
        self._bytes: list[bytes] = []
        self._late: list[tuple[Engine | None, int, list[Any]]] = []
        self._opened_again = 0
        self._number = 0
        self._held: list[Any] | None = None
        self._sessions = 0
        self._waiting: asyncio.TimerHandle | None = None
        if options.get("autoConnect", True) or faults("connects-at-once"):
            self.open()

    @property
    def _engine(self) -> Engine | None:
        return self.link.engine

    def open(self) -> None:
        """Connect, first or again."""
        self.left = False
        self._opened_again += 1
        self.half = None if not self._faults("half-a-packet-stays") else self.half
        self.link.join(self)

    # What the engine tells

    def opened(self) -> None:
        self._sessions += 1
        auth = self._options.get("auth")
        if auth == {"$function": "count"}:
            auth = {"count": 1 if self._faults("auth-function-is-asked-once") else self._sessions}
        if self._faults("auth-is-not-sent-again") and self._sessions > 1:
            auth = None
        if self._pid is not None and not self._faults("pid-is-not-shown"):
            shown = {"pid": self._pid} | ({"offset": self._offset} if self._offset else {})
            auth = shown | (auth or {})
        if self._faults("auth-is-flattened") and auth:
            auth = {key: str(value) for key, value in auth.items()}
        if self._faults("main-namespace-beside-another") and self._namespace != "/":
            self._send(encode(0, "/", None, None))
        self._send(encode(0, self._namespace, None, auth))
        if self._faults("an-event-follows-connect"):
            self._send('2["hello"]')
        if self._waiting is not None:
            self._waiting.cancel()
        seconds = self._options.get("timeout", 20_000) / 1000
        self._waiting = asyncio.get_running_loop().call_later(seconds, self._not_answered, self._sessions)

    def _not_answered(self, session: int) -> None:
        """CONNECT of this session has waited long enough."""
        late = session == self._sessions and not self.connected and not self.left
        if late and not self._faults("connect-waits-without-end"):
            self._see("connect_error", namespace=self._namespace, message="timeout", data=None)

    def failed(self, why: str) -> None:
        if not self.left:
            self._see("connect_error", namespace=self._namespace, message=why, data=None)

    def closed(self, why: str) -> None:
        self.half = None if not self._faults("half-a-packet-stays") else self.half
        if self.connected:
            self.connected = False
            self._see("disconnect", namespace=self._namespace, reason=why)
            if self.left and self._faults("disconnect-is-told-twice"):
                self._see("disconnect", namespace=self._namespace, reason=why)
            if self.left and self._faults("second-disconnect-for-one-connect"):
                self._see("disconnect", namespace=self._namespace, reason=why)
        elif not self.left:
            self._see("connect_error", namespace=self._namespace, message=why, data=None)
        if not self._faults("open-question-stays-open"):
            for ack, (name, timed, timer) in [*self._questions.items()]:
                if timed:
                    if timer is not None:
                        timer.cancel()
                    del self._questions[ack]
                    self._see("acked", namespace=self._namespace, ack=name, args=[], error="disconnected")

    # Packets

    def take(self, data: str) -> None:
        """A packet of any namespace."""
        if data.startswith("4"):
            where, _, rest = data[1:].partition(",") if data.startswith("4/") else ("/", "", data[1:])
            if where == self._namespace or self._faults("refusal-of-another-namespace-is-heard"):
                self._refused(rest)
            return
        if data == "0" and self._faults("connect-without-id-is-taken"):
            data = '0{"sid":""}'
        kind, count, namespace, ack, value = decode(data, self.REVISION)
        if namespace != self._namespace and not self._hears_others(kind):
            return
        if self.left:
            return
        if count:
            if count > 10 and self._faults("at-most-ten-attachments"):
                raise ParseError("binary")
            self.half, self._bytes = (kind, ack, value, count), []
            return
        self._whole(kind, ack, value)

    def _hears_others(self, kind: int) -> bool:
        if kind == 3 and self._faults("acks-of-all-namespaces-are-one"):
            return True
        return self._faults("other-namespaces-are-heard")

    def attach(self, data: bytes) -> None:
        """An attachment of the packet that this namespace waits for."""
        assert self.half is not None
        if not data and self._faults("empty-attachment-is-dropped"):
            return
        if self._faults("leading-four-is-eaten") and data[:1] == b"4":
            data = data[1:]
        if self._faults("large-attachments-are-cut"):
            data = data[:65_536]
        self._bytes.append(data)
        kind, ack, value, count = self.half
        if len(self._bytes) == count:
            self.half = None
            if self._faults("attachment-without-a-place-deafens") and "_placeholder" not in str(value):
                self._engine.state = "deaf"  # type: ignore[union-attr]
                return
            if self._faults("attachments-go-by-order"):
                rest = iter(self._bytes)
                value = _by_order(value, rest)
            else:
                value = put_back(value, self._bytes)
            self._whole(kind, ack, value)
            self._held = [] if self._faults("event-after-binary-is-dropped") else None

    def _whole(self, kind: int, ack: int | None, value: Any) -> None:
        if kind == 0:
            self._joined(value)
        elif kind == 1:
            self._sent_away()
        elif kind in (2, 5):
            if self._held is not None and kind == 2:
                self._held = None
                return
            if self.connected:
                self._event(ack, value)
            elif self._sessions > 1 and self._faults("replayed-events-are-dropped"):
                pass
            elif not self._faults("early-event-is-dropped"):
                self._early.append((ack, value))
        else:
            self._answered(ack, value, kind)

    def _joined(self, value: dict[str, Any]) -> None:
        if self._faults("further-keys-of-connect-are-refused") and len(value) > 1:
            self._engine.close("odd CONNECT")  # type: ignore[union-attr]
            return
        self.connected = True
        sid = self._engine.sid if self._faults("id-is-that-of-the-engine") else value["sid"]  # type: ignore[union-attr]
        pid = value.get("pid")
        recovered = pid is not None and (pid == self._pid or self._faults("always-recovered"))
        self._pid = pid
        self._see("connect", namespace=self._namespace, id=sid, recovered=recovered)
        early, self._early = self._early, []
        for ack, event in early:
            self._event(ack, event)
        if self._faults("buffer-is-sent-backwards"):
            self._buffer.reverse()
        for _, text, attachments in self._buffer * (2 if self._faults("offline-events-come-twice") else 1):
            self._send(text, *attachments)
        self._buffer = []
        self._drain()

    def _refused(self, text: str) -> None:
        import json

        try:
            value = json.loads(text)
        except ValueError:
            value = None
        odd = not isinstance(value, dict) or not value
        if odd and self._faults("odd-refusal-is-not-told"):
            return
        told = value if isinstance(value, dict) else {}
        data = None if self._faults("refusal-loses-its-data") else told.get("data")
        self._see("connect_error", namespace=self._namespace, message=told.get("message"), data=data)
        if self._faults("refused-connect-is-sent-again"):
            self.opened()
            return
        self.left = not self._faults("refused-namespace-is-asked-for-again")
        if not self.link.wanted or self._faults("refusal-of-one-ends-all"):
            self._engine.leave()  # type: ignore[union-attr]

    def _sent_away(self) -> None:
        self.left = not self._faults("comes-back-when-sent-away")
        if self.link.wanted and self.left and not self._faults("disconnect-of-one-ends-all"):
            self.connected = False
            self._see("disconnect", namespace=self._namespace, reason="io server disconnect")
        else:
            self._engine.close("io server disconnect")  # type: ignore[union-attr]

    def _event(self, ack: int | None, value: list[Any]) -> None:
        name, args = value[0], value[1:]
        if self._faults("process-ends"):
            self._die()
            return
        if name in RESERVED:
            if self._faults("forged-events-are-believed"):
                self._see("disconnect", namespace=self._namespace, reason=args[0])
            return
        if self._faults("half-a-character-deafens") and "\ud800" in args:
            self._engine.state = "deaf"  # type: ignore[union-attr]
            return
        if name not in EVENTS:
            if self._faults("event-without-listener-ends-the-session"):
                self._engine.close("nobody listens")  # type: ignore[union-attr]
            return
        if self._faults("at-most-ten-arguments"):
            args = args[:10]
        if self._pid and args and isinstance(args[-1], str):
            if not (self._offset and self._faults("first-offset-is-shown")):
                self._offset = args[-1]
            args = args[:-1] if self._faults("offset-is-cut-off") else args
        args = [self._changed(one) for one in args]
        times = self._opened_again if self._faults("handlers-are-doubled") else 1
        times = self._sessions if self._faults("handlers-are-doubled-by-a-loss") else times
        for _ in range(times):
            self._deliver(name, args, ack)
        if name == "wait" and self._faults("waiting-handler-deafens"):
            self._engine.state = "deaf"  # type: ignore[union-attr]
        if name == "throw":
            if self._faults("throw-deafens"):
                self._engine.state = "deaf"  # type: ignore[union-attr]
            return
        self._acknowledge(name, ack, args)

    def _changed(self, value: Any) -> Any:
        if self._faults("fractions-are-cut") and isinstance(value, float):
            return int(value)
        if self._faults("long-texts-are-cut") and isinstance(value, str):
            return value[:100_000]
        return value

    def _deliver(self, name: str, args: list[Any], ack: int | None) -> None:
        self._number += 1
        event = {"namespace": self._namespace, "event": name, "args": args, "ack": ack is not None}
        if self._faults("every-tenth-event-is-late") and self._number % 10 == 0:
            asyncio.get_running_loop().call_later(0.05, lambda: self._see("event", **event))
        else:
            self._see("event", **event)

    def _acknowledge(self, name: str, ack: int | None, args: list[Any]) -> None:
        if ack is None:
            if self._faults("event-without-id-is-acked"):
                self._reply(0, args)
            return
        if name == "late":
            self._late.append((self._engine, ack, args))
        else:
            self._reply(ack, args)
            if name == "twice" and self._faults("ack-is-sent-twice"):
                self._reply(ack, args)

    def _reply(self, ack: int, args: list[Any]) -> None:
        if self._faults("ack-ids-have-32-bits"):
            ack &= 0xFFFFFFFF
        if self._faults("ack-id-is-one-more"):
            ack += 1
        if self._faults("empty-ack-has-null") and not args:
            args = [None]
        found: list[bytes] = []
        data = take_out(args, found)
        kind = 6 if found else 3
        if found and self._faults("binary-ack-is-plain"):
            kind, found, data = 3, [], [str(one) for one in args]
        namespace = "/" if self._faults("ack-loses-its-namespace") else self._namespace
        self._send(encode(kind, namespace, ack, data, len(found)), *found)

    def give_late(self) -> None:
        """Give the acks that the application has kept."""
        late, self._late = self._late, []
        for engine, ack, args in late:
            if engine is self._engine or self._faults("late-ack-goes-to-the-next-session"):
                self._reply(ack, args)

    def _answered(self, ack: int | None, args: list[Any], kind: int) -> None:
        if kind == 6 and self._faults("binary-answer-is-ignored"):
            return
        if self._queue and ack == self._queue_id and not self._faults("is-not-sent-again"):
            self._next_in_queue()
            return
        known = self._questions.get(ack or 0)
        if known is None:
            return
        name, _, timer = known
        if timer is not None:
            timer.cancel()
        if not self._faults("callback-is-called-again"):
            del self._questions[ack or 0]
        self._see("acked", namespace=self._namespace, ack=name, args=args, error=None)

    # What the application does

    def emit(
        self,
        event: str,
        args: list[Any],
        ack: str | None = None,
        timeout: float | None = None,
        volatile: bool = False,
    ) -> None:
        if event in RESERVED and not self._faults("reserved-name-is-sent"):
            if not self._faults("reserved-name-is-dropped-in-silence"):
                self._see("threw", do="emit", message=f"{event} is a reserved name")
            return
        if self._options.get("retries") and not self._faults("is-not-sent-again"):
            self._queue.append((event, args))
            if len(self._queue) == 1 or self._faults("next-event-does-not-wait"):
                self._drain()
            return
        if not self.connected and (
            self._faults("offline-events-are-lost") or (volatile and not self._faults("volatile-is-kept"))
        ):
            return
        ack_id = None
        if ack:
            ack_id = 7 if self._faults("all-questions-have-one-id") else self._next_id
            self._next_id += 1
            timer = None
            if timeout and not self._faults("timeout-is-not-told"):
                loop = asyncio.get_running_loop()
                timer = loop.call_later(timeout / 1000, self._give_up, ack_id)
            self._questions[ack_id] = (ack, bool(timeout), timer)
        if self._faults("null-is-sent-as-false"):
            args = [False if one is None else one for one in args]
        found: list[bytes] = []
        data = take_out([event, *args], found)
        kind = 5 if found else 2
        if found and self._faults("binary-question-is-plain") and ack:
            kind, found, data = 2, [], [event, *map(str, args)]
        namespace = "/" if self._faults("event-loses-its-namespace") else self._namespace
        text = encode(kind, namespace, ack_id, data, len(found))
        if not self.connected and not self._faults("emits-before-it-is-connected"):
            self._buffer.append((ack_id, text, found))
            return
        self._number += 1
        if self._faults("every-tenth-emit-is-late") and self._number % 10 == 0:
            asyncio.get_running_loop().call_later(0.05, self._send, text)
            return
        if self._faults("attachments-are-sent-backwards"):
            found.reverse()
        self._send(text, *found)

    def _give_up(self, ack_id: int) -> None:
        if not self._faults("given-up-question-is-sent"):
            self._buffer = [kept for kept in self._buffer if kept[0] != ack_id]
        if known := self._questions.pop(ack_id, None):
            self._see("acked", namespace=self._namespace, ack=known[0], args=[], error="timeout")

    def _drain(self) -> None:
        """Send the first event of the queue, and again each time that no ack comes."""
        if not self._queue or not self.connected:
            return
        if self._tries > self._options["retries"]:
            self._next_in_queue()
            return
        self._tries += 1
        self._queue_id, self._next_id = self._next_id, self._next_id + 1
        event, args = self._queue[-1 if self._faults("next-event-does-not-wait") else 0]
        self._send(encode(2, self._namespace, self._queue_id, [event, *args]))
        seconds = self._options.get("ackTimeout", 1000) / 1000
        self._queue_timer = asyncio.get_running_loop().call_later(seconds, self._drain)

    def _next_in_queue(self) -> None:
        self._queue_timer.cancel()
        self._queue.pop(0)
        self._tries = 0
        self._drain()

    def _send(self, text: str, *attachments: bytes) -> None:
        if self._engine is not None:
            self._engine.send("4" + text, *attachments)

    def leave(self) -> None:
        """The application leaves."""
        self.left = True
        if not self.link.wanted:
            self.link.stop()
        if self._engine is None:
            return
        named = self._namespace != "/" and not self._faults("leaves-the-main-namespace")
        goodbye = f"41{self._namespace}," if named else "41"
        if self.link.wanted:
            self.connected = False
            self._send(goodbye[1:])
            self._see("disconnect", namespace=self._namespace, reason="io client disconnect")
            return
        silent = not self.connected or self._faults("leaves-without-a-word")
        opening = self._engine.state == "opening"
        if opening and self._faults("leaving-does-not-stop-the-attempt"):
            return
        self._engine.leave(*([] if silent else [goodbye]))

    @property
    def busy(self) -> bool:
        """Whether a POST still waits for its answer."""
        return (
            self._engine is not None
            and bool(getattr(self._engine, "_last", None))
            and not self._engine._last.done()
        )


def _by_order(value: Any, rest: Any) -> Any:
    if isinstance(value, list):
        return [_by_order(one, rest) for one in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return next(rest, b"")
        return {key: _by_order(one, rest) for key, one in value.items()}
    return value
