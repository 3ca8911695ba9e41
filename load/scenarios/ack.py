"""`ack`: each connection emits `message-with-ack` [number, payload] and waits for the ack that repeats it.

It is a closed loop with one outstanding operation for each connection, or with `rate` or `total_rate` an open
loop. Every ack is compared whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from load.playing.players import WRONG_ACK, Player
from load.playing.round_trips import RoundTripScenario, TextRoundTripPlayer
from sioprobe.engine import Connection, Kind

__all__ = ["AckScenario"]


class AckScenario(RoundTripScenario):
    """The event and its ack."""

    title = "each connection emits an event and waits for its ack"
    operation = ("SIO ack", "message-with-ack")

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection."""
        return AckPlayer(self, connection, changed)


class AckPlayer(TextRoundTripPlayer):
    """It knows the ack by its whole text, or by its values if the server writes its JSON in another way."""

    __slots__ = ()

    def transmit(self, number: int) -> str:
        """Send the event. The key is the text of its ack."""
        play = self.play
        ack_id = self.connection.acks.next_id()
        tail = f'{number},"{play.payload}"]'
        self.connection.send_raw(f'42{play.prefix}{ack_id}["message-with-ack",{tail}')
        return f"3{play.prefix}{ack_id}[{tail}"

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """Take an ack with another text: the same values in other JSON, or a wrong answer."""
        key = self.waiting_for(args)
        head = f"3{self.play.prefix}{ack_id}["
        if key is not None and str(key).startswith(head) and args[1:] == [self.play.payload]:
            self.answer(key)
            return
        wrong = next((key for key in self._waiting if str(key).startswith(head)), None)
        if wrong is None:
            self._series.error(Kind.ACK_TO_NOTHING)
        else:
            self.fail(wrong, WRONG_ACK)
