"""`call`: each connection sends events of the application's own, and waits for their answers.

An event is answered by an ack, by another event, or by nothing. Several events are sent as often as their
weights say. `on_start` is sent before: to log in, or to join a room. The loops are those of `ack`.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import asdict
from functools import cached_property
from itertools import count
from time import monotonic_ns
from typing import Any

from load.playing.calling import Call, Calls, Pending, Start, turns_of
from load.playing.messages import ACK, NONE, Message, messages_of, starts_of
from load.playing.parameters import NAMESPACE, TIMEOUT, Options, Parameter, ParameterError
from load.playing.players import WRONG_ACK, Player
from load.playing.round_trips import OPEN_LOOP, RoundTripPlayer, RoundTripScenario
from sioprobe.engine import Connection, Engine, Kind, SwarmError

__all__ = ["CallScenario", "as_life"]

TYPE = "SIO call"
OF_ONE = (
    Parameter("event", "", "the event that a user sends"),
    Parameter(
        "arguments",
        "[]",
        "its arguments; {n} stands for the number of the message, {user} for that of the user",
        json=True,
    ),
    Parameter("answer", ACK, "what answers it: ack, none, or the name of an event"),
    Parameter("match", "", "PATH=VALUE that the right answer holds, such as 0.n={n}"),
)
EVENTS = Parameter(
    "events",
    "[]",
    "instead of event: several, as objects with event, arguments, answer, match and weight",
    json=True,
)
ON_START = Parameter(
    "on_start",
    "[]",
    "EVENT or EVENT:JSON-ARRAY, which a user sends before all others",
    json=True,
    repeatable=True,
)


def called(options: Options) -> tuple[Message, ...]:
    """What a user sends. Raises ParameterError."""
    namespace = options.namespace
    several = messages_of(options.events, namespace)
    if not several:
        return (Message.of({each.name: options[each.name] for each in OF_ONE}, namespace),)
    for each in OF_ONE:
        if options[each.name] != each.default:
            raise ParameterError(each.name, "excludes events; give one of the two")
    return several


class CallScenario(RoundTripScenario):
    """Each event that is answered is an operation. One that nobody answers is a message without a time."""

    title = "each connection sends events of your own application, and waits for their answers"
    parameters = (NAMESPACE, *OF_ONE, EVENTS, ON_START, *OPEN_LOOP, TIMEOUT)
    operation: tuple[str, str] | None = (TYPE, "all events")

    def __init__(self, engine: Engine, options: Options) -> None:
        self.messages = called(options)
        self.operation = (TYPE, name_of(self.messages))
        super().__init__(engine, options)
        self.operation = self.operation_of(options)
        self.starts = starts_of(options.on_start, options.namespace)
        self.some_unanswered = any(message.answer == NONE for message in self.messages)
        self.turns = turns_of(self.messages)
        self.unanswered = 0
        self._free: list[int] = []

    @classmethod
    def check(cls, options: Options) -> None:
        """An event is needed, and something to wait for: an answer, or a rate."""
        super().check(options)
        if not options.event and options.events == EVENTS.default:
            raise ParameterError("event", "is missing: scenario call needs the event to send")
        messages = called(options)
        starts_of(options.on_start, options.namespace)
        paced = options.rate or options.total_rate
        if not paced and all(message.answer == NONE for message in messages):
            raise ParameterError("answer", "none leaves nothing to wait for; give rate or total_rate")

    @classmethod
    def operation_of(cls, options: Options) -> tuple[str, str] | None:
        """The event, or all of them; None if none is answered."""
        messages = called(options)
        answered = any(message.answer != NONE for message in messages)
        return (TYPE, name_of(messages)) if answered else None

    @classmethod
    def message_bytes(cls, options: Options) -> int:
        """The arguments of the largest event."""
        return max(len(message.arguments.encode()) for message in called(options))

    @classmethod
    def floor(cls, options: Options) -> Options:
        """The same arguments, in the event that the null server acknowledges."""
        events = [
            {
                "event": "message-with-ack" if message.answer != NONE else "unanswered",
                "arguments": message.arguments,
                "answer": NONE if message.answer == NONE else ACK,
                "weight": message.weight,
            }
            for message in called(options)
        ]
        own = {**{each.name: each.default for each in (*OF_ONE, ON_START)}, "events": json.dumps(events)}
        return Options(cls.parameters, {**options, **own})

    @cached_property
    def numbers(self) -> Iterator[int]:
        """The numbers of messages; no other process of the run has the same."""
        return count(1 + self.numbering[0], self.numbering[1])

    @cached_property
    def _users(self) -> Iterator[int]:
        return count(1 + self.numbering[0], self.numbering[1])

    def take_user(self) -> int:
        """A number that no other user of this moment has."""
        return heapq.heappop(self._free) if self._free else next(self._users)

    def give_back(self, user: int) -> None:
        """The user is gone; another may take its place."""
        heapq.heappush(self._free, user)

    @property
    def published(self) -> int:
        """The events so far that nobody answers."""
        return self.unanswered

    def state(self) -> dict[str, Any] | None:
        """How many events nobody answers."""
        return {"published": self.unanswered} if self.some_unanswered else None

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection."""
        return CallPlayer(self, connection, changed)


def as_life(options: Options) -> dict[str, Any]:
    """The same as `load.side_by_side.asking.LifeRequest` has it."""
    first, *others = map(asdict, called(options))
    starts = [asdict(start) for start in starts_of(options.on_start, options.namespace)]
    return {"message": first, "others": others, "on_start": starts}


def name_of(messages: tuple[Message, ...]) -> str:
    """The name of the series that counts them all."""
    return messages[0].event if len(messages) == 1 else "all events"


class CallPlayer(RoundTripPlayer):
    """One user. Its keys are the calls under way."""

    __slots__ = ("_calls", "_each", "_several", "_turn", "user")
    play: CallScenario
    _waiting: dict[Pending, tuple[int, int, int]]  # type: ignore[assignment]

    def __init__(
        self, scenario: CallScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.user = scenario.take_user()
        self._calls = Calls(scenario.messages, self.user)
        self._turn = scenario.next_offset(len(scenario.turns)) if len(scenario.turns) > 1 else 0
        self._several = len(scenario.messages) > 1
        self._each = {call: connection.series(TYPE, call.event) for call in self._calls.each}
        """The series of each event. If there are several, a further one counts all of them."""

    def prepare(self) -> None:
        """Send what comes first."""
        play = self.play
        Start(play.engine, self.connection, play.starts, self.user, play.numbers, self.set_ready)

    def begin(self) -> None:
        """Tap the texts, then begin as every player."""
        self.connection.tap = self._tap
        super().begin()

    # Sending

    def _next(self) -> Call:
        turns = self.play.turns
        return self._calls.each[turns[self._turn % len(turns)]]

    def _send(self, intended: int, now: int) -> None:
        """Send what is next. In a closed loop, what nobody answers is followed by more at once."""
        play = self.play
        while play.some_unanswered and not self._next().awaited:
            if play.halted or not self.connection.is_open:
                return
            self._each[self._next()].count()
            play.unanswered += 1
            self.transmit(0)
            if self._open:
                return
        super()._send(intended, now)

    def transmit(self, number: int) -> Hashable:
        """Send the event whose turn it is. The key is the call."""
        call = self._next()
        self._turn += 1
        return call.send(self.connection, next(self.play.numbers))

    # Answers

    def _tap(self, text: str) -> bool:
        pending = self._calls.of_text(text, self._waiting)
        return pending is not None and self.answer(pending)

    def answer(self, key: Hashable) -> bool:
        """Take the right answer."""
        if self._several and key in self._waiting:
            assert isinstance(key, Pending)
            self._each[key.call].record((monotonic_ns() - self._waiting[key][0]) / 1000)
        return super().answer(key)

    def fail(self, key: Hashable, kind: str) -> None:
        """Count the call as failed. If there are several events, the kind names its own."""
        assert isinstance(key, Pending)
        super().fail(key, f"{key.call.event}: {kind}" if self._several else kind)

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Count the calls under way as failed, and let another have the number of the user."""
        super().closed(connection, failure)
        self.play.give_back(self.user)

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """Take an answer, or count an event that answers nothing."""
        super().event(connection, namespace, name, args, ack_id)
        pending = self._calls.of_event(name, args, self._waiting)
        if pending is not None:
            self.answer(pending)
        else:
            connection.series("SIO event", name).count()

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """Take an ack, or count one that nobody waits for."""
        pending = self._calls.of_ack(ack_id, self._waiting)
        if pending is None:
            self._series.error(Kind.ACK_TO_NOTHING)
        elif pending.fits(args):
            self.answer(pending)
        else:
            self.fail(pending, WRONG_ACK)
