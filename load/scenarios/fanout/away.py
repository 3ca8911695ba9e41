"""The members of a room whose connection was lost and may be recovered by the server.

Their accounts stay open. If the server recovers the connection, the account goes on, and what was published
meanwhile is expected. If it does not, the account ends with what had been published at the loss.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from sioprobe.engine import Connection
from sioprobe.engine.recovery import Recovery
from sioprobe.measured import Ledger
from sioprobe.measured.ledger import Receiver

__all__ = ["Absences", "Away", "Subscriber"]


class Subscriber(Protocol):
    """What a room needs of a member. `receivers` are its accounts by the tag of the publisher."""

    connection: Connection
    receivers: dict[str, Receiver] | None


class Away:
    """A lost member. `numbers` are the next of each publisher at the loss; `missed` counts since then."""

    __slots__ = ("_numbers", "_receivers", "member", "missed")

    def __init__(self, member: Subscriber, numbers: dict[str, int]) -> None:
        self.member = member
        self.missed: Counter[str] = Counter()
        self._receivers = member.receivers or {}
        self._numbers = numbers

    def go_on(self, member: Subscriber, numbers: dict[str, int]) -> None:
        """Hand the account over: the server has recovered the connection. `numbers` are the next ones now."""
        for tag, number in numbers.items():
            if tag in self._receivers:
                self._receivers[tag].expect_missed(number, self.missed[tag])
        member.receivers = self._receivers

    def close(self) -> None:
        """End the account."""
        for tag, receiver in self._receivers.items():
            receiver.close(self._numbers.get(tag, 0))


class Absences:
    """Those of one room, by what the next connection of each shows to the server."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._away: dict[Recovery | None, Away] = {}

    def __contains__(self, recovery: Recovery | None) -> bool:
        return recovery in self._away

    def add(self, member: Subscriber, numbers: dict[str, int]) -> bool:
        """Keep the account of a member that was just lost. False if it cannot ask for its recovery."""
        recovery = member.connection.recovery
        if recovery is None or not recovery.can_ask(self._namespace):
            return False
        self._away[recovery] = Away(member, numbers)
        return True

    def take(self, member: Subscriber) -> Away | None:
        """The absence of this member, or of the one that it was before; it is over now."""
        return self._away.pop(member.connection.recovery, None)

    def recovered(self, member: Subscriber) -> bool:
        """Whether the server has recovered the connection of this member."""
        recovery = member.connection.recovery
        return recovery is not None and self._namespace in recovery.recovered

    def miss(self, tag: str, ledger: Ledger) -> None:
        """Count a number of this publisher, which none of them gets now."""
        for away in self._away.values():
            away.missed[tag] += 1
            ledger.part(away.member.connection.target.label).missed_away += 1

    def close(self) -> None:
        """End all accounts."""
        for away in self._away.values():
            away.close()
        self._away.clear()
