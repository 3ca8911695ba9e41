"""`ack`: each connection emits `message-with-ack` [number, payload] and waits for the ack that repeats it.

A closed loop with one operation outstanding a connection; with `rate` or `total_rate` an open loop.
What the ack says is compared whole, for every operation.
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
        """A player on that connection."""
        return AckPlayer(self, connection, changed)


class AckPlayer(TextRoundTripPlayer):
    """Known by the whole text of the ack, or, where a server writes JSON otherwise, by its values."""

    __slots__ = ()

    def transmit(self, number: int) -> str:
        """The event; the key is the text of its ack."""
        play = self.play
        ack_id = self.connection.acks.next_id()
        tail = f'{number},"{play.payload}"]'
        self.connection.send_raw(f'42{play.prefix}{ack_id}["message-with-ack",{tail}')
        return f"3{play.prefix}{ack_id}[{tail}"

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """An ack whose text is not what we expected: other JSON for the same values, or a wrong answer."""
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
