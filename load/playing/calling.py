"""How one connection sends its messages, and which answer belongs to which call.

An answer whose data is that of the answer before is as right as that one. Other data is read as JSON here, as
the connection would read it. What cannot be taken in this way is left to the connection: answers with
attachments, wrong acks, events that answer nothing, and broken packets.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import gcd
from time import monotonic_ns
from typing import Any

from load.playing.messages import ACK, NONE, NUMBER, USER, Message, filled
from load.playing.timers import Later
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.measured.recorder import Series
from sioprobe.wire import RemoteProtocolError
from sioprobe.wire.engineio import decode_json

__all__ = ["Call", "Calls", "Pending", "Start", "turns_of"]

START_SECONDS = 1.0
"""How long a user waits for the ack of what it sends first: not every server acks every event."""
NEVER = 86_400.0
FEWEST_TURNS = 100
"""In a shorter order of messages the users would go in step."""


class Call:
    """A message as one user sends it. `known` is the data of an answer that was right."""

    __slots__ = (
        "_acked",
        "_before",
        "_data",
        "_expected",
        "_head",
        "_start",
        "answer",
        "awaited",
        "event",
        "known",
        "opening",
        "path",
        "varies",
    )

    def __init__(self, message: Message, user: int) -> None:
        arguments = message.arguments.replace(USER, str(user))[1:]
        comma = "" if arguments == "]" else ","
        self._start = f"{json.dumps([message.event], ensure_ascii=False)[:-1]}{comma}"
        self._data = arguments
        self._before = f"42{message.prefix}"
        self._acked = message.answer == ACK
        self._head = f"{3 if self._acked else 2}{message.prefix}"
        path, _, expected = message.match.partition("=")
        self.path = path.split(".") if path else []
        self._expected = expected.replace(USER, str(user))
        self.varies = NUMBER in expected
        """Whether a right answer holds the number of its call, and so is right for no other."""
        self.event = message.event
        self.answer = None if message.answer in (ACK, NONE) else message.answer
        """The event that answers it; None for an ack, or for none."""
        self.opening = "" if self.answer is None else json.dumps(self.answer, ensure_ascii=False)
        """How the data of its answer begins, in the usual spelling."""
        self.awaited = message.answer != NONE
        self.known: str | None = None

    def send(self, connection: Connection, number: int) -> Pending:
        """Send it, as the message of this number."""
        data, expected = self._data, self._expected
        if NUMBER in data:
            data = data.replace(NUMBER, str(number))
        if self.varies:
            expected = expected.replace(NUMBER, str(number))
        ack_id = connection.acks.next_id() if self._acked else ""
        connection.send_raw(f"{self._before}{ack_id}{self._start}{data}")
        return Pending(self, f"{self._head}{ack_id}", expected)


class Pending:
    """A call under way. Its answer begins with `head`, and has `expected` at the path of the call."""

    __slots__ = ("call", "expected", "head")

    def __init__(self, call: Call, head: str, expected: str) -> None:
        self.call = call
        self.head = head
        self.expected = expected

    def fits(self, args: list[Any]) -> bool:
        """Whether an answer with these arguments is its own."""
        return not self.call.path or _text_at(args, self.call.path) == self.expected

    def takes(self, data: str) -> bool:
        """Whether this is the data of its answer. In an unusual spelling it may not be seen."""
        call = self.call
        if call.known == data:
            return True
        if not data.startswith(call.opening) or self.expected not in data:
            return False
        try:
            values = decode_json(f"[{data}")
        except RemoteProtocolError:
            return False
        if not self.fits(values if call.answer is None else values[1:]):
            return False
        if not call.varies:
            call.known = data
        return True


class Calls:
    """The calls of one connection. Of several that an answer fits, it belongs to the one that waits longest.

    `waiting` are the calls under way, the oldest first.
    """

    __slots__ = ("_prefix", "each")

    def __init__(self, messages: Sequence[Message], user: int) -> None:
        self.each = [Call(message, user) for message in messages]
        self._prefix = messages[0].prefix

    def of_text(self, text: str, waiting: Iterable[Pending]) -> Pending | None:
        """The call that this packet answers; None if the connection has to read it."""
        head, _, data = text.partition("[")
        for pending in waiting:
            if pending.head == head and pending.takes(data):
                return pending
        return None

    def of_event(self, name: str, args: list[Any], waiting: Iterable[Pending]) -> Pending | None:
        """The call that this event answers."""
        for pending in waiting:
            if pending.call.answer == name and pending.fits(args):
                return pending
        return None

    def of_ack(self, ack_id: int, waiting: Iterable[Pending]) -> Pending | None:
        """The call that this ack answers, rightly or not."""
        head = f"3{self._prefix}{ack_id}"
        return next((pending for pending in waiting if pending.head == head), None)


def _text_at(value: Any, path: Sequence[str]) -> str | None:
    """What is at this path, as text or JSON; None where nothing is."""
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=repr)


def turns_of(messages: Sequence[Message]) -> list[int]:
    """Places of the messages in a random order, each as often as its weight says. It is always the same."""
    weights = [message.weight for message in messages]
    common = gcd(*weights)
    times = -(-FEWEST_TURNS // (sum(weights) // common)) if len(weights) > 1 else 1
    turns = [place for place, weight in enumerate(weights) for _ in range(weight // common * times)]
    random.Random(len(turns)).shuffle(turns)
    return turns


class Start:
    """What a user sends first: each message when the one before is acked, or was not acked in time.

    Then it calls `done`. Without an open connection it does nothing more. It records `SIO start`, without a
    time where no ack came.
    """

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        messages: Iterable[Message],
        user: int,
        numbers: Iterator[int],
        done: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._engine = engine
        self._left = [(message, filled(message.arguments, next(numbers), user)) for message in messages]
        self._done = done
        self._later = Later(engine)
        self._turn = 0
        self._next(0)

    def _next(self, turn: int) -> None:
        """Go on after this turn, if it is still the turn."""
        self._later.cancel()
        if turn != self._turn or not self._connection.is_open:
            return
        self._turn += 1
        if self._turn > len(self._left):
            self._done()
            return
        message, arguments = self._left[turn]
        series = self._connection.series("SIO start", message.event)
        answered = partial(self._answered, self._turn, series, monotonic_ns())
        self._later.set(START_SECONDS, partial(self._give_up, self._turn, series))
        self._connection.emit(
            message.event, *json.loads(arguments), namespace=message.namespace, ack=answered, timeout=NEVER
        )

    def _answered(
        self, turn: int, series: Series, started: int, args: list[Any] | None, failure: SwarmError | None
    ) -> None:
        if turn == self._turn and failure is None:
            series.record((monotonic_ns() - started) / 1000)
            self._next(turn)

    def _give_up(self, turn: int, series: Series) -> None:
        if self._connection.is_open:
            series.count()
            self._next(turn)
