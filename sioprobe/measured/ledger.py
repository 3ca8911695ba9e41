"""The account of a fan-out: for each receiver, which of the numbers published to it arrived.

A receiver expects contiguous numbers, from the first one published after it joined.
A number that never comes is lost. One that comes twice is duplicated, and one that comes after a later one is
reordered. One that comes after the deadline of the scenario is late, and it is received all the same.
The accounts are closed at the end of the drain. What has not come by then is lost, and stays so.
While its connection is lost, a receiver expects nothing: it misses what is published meanwhile. If the server
recovers the connection, the receiver expects all that it missed: what then comes is received, and also counts
as replayed.

A receiver does not know how much a publisher in another process has published. It then expects what lies
between the first and the last number that it saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sioprobe.results.loads import LedgerFigures

__all__ = ["Ledger", "Receiver"]


@dataclass(slots=True)
class Ledger:
    """Deliveries of a whole process; receivers add to it.

    `parts` tells apart what belongs to each label: the URL of the receiver's server. The numbers here are
    those without a label; `reach`, `problems`, `clean` and `figures` are about all of it.
    """

    published: int = 0
    expected: int = 0
    received: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    late: int = 0
    missed_away: int = 0
    replayed: int = 0
    parts: dict[str, Ledger] = field(default_factory=dict)

    def part(self, label: str | None) -> Ledger:
        """Enter here what belongs to this label; None stands for no label."""
        return self if label is None else self.parts.setdefault(label, Ledger())

    @property
    def reach(self) -> float | None:
        """Deliveries received of those expected, 0 to 1; None where none was expected."""
        return self.figures().reach

    @property
    def problems(self) -> dict[str, int]:
        """How many deliveries were lost, duplicated, reordered and late."""
        return Ledger.of(self.figures())._problems()

    def _problems(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("lost", "duplicated", "reordered", "late")}

    @property
    def problems_by_label(self) -> dict[str | None, dict[str, int]]:
        """The same for each part, and under None for what has no label."""
        return {None: self._problems(), **{label: part.problems for label, part in self.parts.items()}}

    @property
    def clean(self) -> bool:
        """Whether each delivery arrived once, in order and in time."""
        return not any(self.problems.values())

    def merge(self, other: Ledger) -> None:
        """Add the account of another process."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for label, part in other.parts.items():
            self.part(label).merge(part)

    def figures(self) -> LedgerFigures:
        """The numbers now, with the reach."""
        every = (self, *self.parts.values())
        numbers = {name: sum(getattr(each, name) for each in every) for name in NUMBERS}
        expected = numbers["expected"]
        return LedgerFigures(**numbers, reach=numbers["received"] / expected if expected else None)

    @classmethod
    def of(cls, figures: LedgerFigures) -> Ledger:
        """The ledger that had these figures, without parts."""
        return cls(**{name: getattr(figures, name) for name in NUMBERS})


NUMBERS = tuple(each.name for each in fields(Ledger) if each.name != "parts")


class Receiver:
    """One receiver's account of one publisher: numbers from `first` on.

    The publisher enters what is expected when it publishes. A `foreign` one, in another process, cannot, so
    the receiver enters it. `next_number` comes next if nothing is lost or overtaken.
    """

    __slots__ = ("_ledger", "_missing", "first", "foreign", "next_number", "replayed_below")

    def __init__(self, ledger: Ledger, first: int, *, foreign: bool = False) -> None:
        self.foreign = foreign
        self._ledger = ledger
        self._missing: set[int] = set()
        self.next_number = first
        self.first = first
        self.replayed_below = 0
        """What comes below this number is replayed: it was published before the connection was recovered."""

    def receive(self, number: int, late: bool = False) -> bool:
        """Enter one delivery. True if it was expected: no duplicate, and not from before joining."""
        ledger = self._ledger
        if self.foreign and number >= self.next_number:
            ledger.expected += number + 1 - self.next_number
        if number == self.next_number:
            self.next_number = number + 1
        elif number > self.next_number:
            self._missing.update(range(self.next_number, number))
            self.next_number = number + 1
        elif number in self._missing:
            self._missing.discard(number)
            ledger.reordered += 1
        else:
            if number >= self.first:
                ledger.duplicated += 1
            return False
        ledger.received += 1
        if late:
            ledger.late += 1
        return True

    def receive_replayed(self, number: int) -> None:
        """Enter one delivery that the server has replayed. It is not late, however long the outage was."""
        if self.receive(number):
            self._ledger.replayed += 1

    def expect_missed(self, number: int, missed: int) -> None:
        """Expect the `missed` numbers that were published while the connection was lost; `number` is next."""
        self._ledger.missed_away -= missed
        self._ledger.expected += missed
        self.replayed_below = number

    def lacks(self, number: int) -> bool:
        """Whether that number is expected and has not come."""
        return number >= self.next_number or number in self._missing

    def close(self, published: int, *, excused: bool = False) -> int:
        """End the account; how many numbers below `published` never came (a foreign publisher has no such).

        They count as lost. If the receiver left of its own will, they are `excused`: it never expected them.
        """
        published = self.next_number if self.foreign else published
        missing = len(self._missing) + max(0, published - self.next_number)
        if excused:
            self._ledger.expected -= missing
        else:
            self._ledger.lost += missing
        self._missing.clear()
        self.next_number = max(self.next_number, published)
        return missing
