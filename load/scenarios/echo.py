"""`echo`: each connection emits `message` [number, payload], which the server answers by `message-back`.

The answer is an event, not an ack: many applications use events in both directions.
The loops are those of `ack`. Every answer is compared whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from load.playing.players import Player
from load.playing.round_trips import RoundTripScenario, TextRoundTripPlayer
from sioprobe.engine import Connection

__all__ = ["EchoScenario"]

EVENT, ANSWER = "message", "message-back"


class EchoScenario(RoundTripScenario):
    """The event and the event that answers it."""

    title = "each connection emits an event, which the server answers by an event"
    operation = ("SIO echo", EVENT)

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection."""
        return EchoPlayer(self, connection, changed)


class EchoPlayer(TextRoundTripPlayer):
    """It knows the answer by its whole text, or by its values."""

    __slots__ = ()

    def transmit(self, number: int) -> str:
        """Send the event. The key is the text of its answer."""
        play = self.play
        tail = f'{number},"{play.payload}"]'
        self.connection.send_raw(f'42{play.prefix}["{EVENT}",{tail}')
        return f'2{play.prefix}["{ANSWER}",{tail}'

    def event(
        self, connection: Connection, namespace: str, name: str, args: list[Any], ack_id: int | None
    ) -> None:
        """Take an answer in other JSON, a wrong one, or one that nobody waits for."""
        super().event(connection, namespace, name, args, ack_id)
        if name != ANSWER:
            return
        key = self.waiting_for(args)
        if key is None:
            self._series.error("answer to nothing")
        elif args[1:] == [self.play.payload]:
            self.answer(key)
        else:
            self.fail(key, "wrong answer")
