"""`binary`: each connection emits `message-with-ack` with attachments, and the ack brings them back.

The arguments are the number and `attachments` byte strings of `payload_bytes` each. They differ between
operations and between places. Every ack is compared whole. The loops are those of `ack`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from load.playing.parameters import NAMESPACE, PAYLOAD_BYTES, TIMEOUT, Options, Parameter
from load.playing.players import WRONG_ACK, Player
from load.playing.round_trips import OPEN_LOOP, RoundTripPlayer, RoundTripScenario
from sioprobe.engine import Connection, Engine, Kind, SwarmError

__all__ = ["BinaryScenario"]

EVENT = "message-with-ack"


class BinaryScenario(RoundTripScenario):
    """The event and its ack, each a packet with its attachments."""

    title = "each connection emits an event with attachments and waits for the ack that brings them back"
    parameters = (
        NAMESPACE,
        PAYLOAD_BYTES,
        Parameter("attachments", 1, "byte strings of each message", least=1, most=1000),
        *OPEN_LOOP,
        TIMEOUT,
    )
    operation = ("SIO binary", EVENT)

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        # It has every byte value, so that it comes back wrong if anything on the way takes it for text.
        self.body = (bytes(range(255, -1, -1)) * (options.payload_bytes // 256 + 1))[: options.payload_bytes]

    def content(self, number: int) -> list[Any]:
        """The arguments of one operation.

        The first byte changes with operation and place through all values, because some servers tell text
        from binary by it.
        """
        size = len(self.body)
        return [
            number,
            *(
                bytes(((number * 167 + index * 59) & 0xFF,))[:size]
                + (number << 16 | index).to_bytes(8, "little")[: max(0, size - 1)]
                + self.body[9:]
                for index in range(self.options.attachments)
            ),
        ]

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A player on this connection."""
        return BinaryPlayer(self, connection, changed)


class BinaryPlayer(RoundTripPlayer):
    """It knows the acks by their numbers."""

    __slots__ = ("_content",)

    def __init__(
        self, scenario: BinaryScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self._content = scenario.content

    def transmit(self, number: int) -> int:
        """Send the event with its attachments."""
        sent = self._content(number)

        def answered(args: list[Any] | None, failure: SwarmError | None) -> None:
            if failure is not None:
                self.fail(number, failure.kind)
            elif args != sent:
                self.fail(number, WRONG_ACK)
            elif not self.answer(number):
                self._series.error(Kind.ACK_TO_NOTHING)

        options = self.scenario.options
        # This deadline never passes, because the deadline of the operation comes first.
        self.connection.emit(
            EVENT, *sent, namespace=options.namespace, ack=answered, timeout=2 * options.timeout + 1
        )
        return number

    def stray_ack(self, connection: Connection, namespace: str, ack_id: int, args: list[Any]) -> None:
        """Count an ack that came twice."""
        self._series.error(Kind.ACK_TO_NOTHING)
