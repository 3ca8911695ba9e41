"""The accounts of one fault: what the clients saw, and the figures that follow from it.

The clients only write down moments (`monotonic_ns`): when each number was sent, acknowledged, and received.
Everything else is computed here, so that a test can give it any course of events.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sioprobe.measured.ledger import Ledger, Receiver
from sioprobe.results.faults import Direction, Sender

__all__ = ["LATE_SECONDS", "Course", "Heard", "Sent", "direction_of", "sender_of", "well_at", "well_since"]

SECOND = 1_000_000_000
LATE_SECONDS = 0.5
"""An event or an ack that takes longer is late; a silence that lasts longer is deafness."""
LATE = int(LATE_SECONDS * SECOND)


@dataclass(slots=True)
class Sent:
    """The emits of one publisher, by number."""

    moments: list[int] = field(default_factory=list)
    acks: dict[int, int] = field(default_factory=dict)
    cut_off: set[int] = field(default_factory=set)
    """Numbers whose connection ended before the ack."""
    large: int = 0
    """How many of them were large."""


@dataclass(slots=True)
class Heard:
    """What one receiver got from each publisher: moment and number, in the order of the frames."""

    arrivals: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    first: dict[int, dict[int, int]] = field(default_factory=dict)
    """For each publisher the moment at which each number came first."""
    presence: list[tuple[int, bool]] = field(default_factory=list)
    """When it came and went."""

    def receive(self, sender: int, number: int, moment: int) -> None:
        """Write down one event."""
        self.arrivals.setdefault(sender, []).append((moment, number))
        self.first.setdefault(sender, {}).setdefault(number, moment)

    @property
    def present(self) -> bool:
        """Whether it is connected now."""
        return bool(self.presence) and self.presence[-1][1]


@dataclass(slots=True)
class Course:
    """Everything that was seen around one fault. `sent` and `heard` are by worker, from 1."""

    sent: dict[int, Sent]
    heard: dict[int, Heard]
    losses: list[tuple[int, str, str]] = field(default_factory=list)
    """Each connection that was lost: when, whose, and why."""
    known_workers: bool = True
    """False behind a proxy: nobody knows who is at which worker."""
    fault: int = 0
    mend: int = 0
    end: int = 0
    """When the publishers stopped."""

    @property
    def directions(self) -> Iterator[tuple[int, int]]:
        """Every publisher with every receiver."""
        return ((sender, receiver) for sender in self.sent for receiver in self.heard)


def direction_of(course: Course, sender: int, receiver: int) -> Direction:
    """The figures of one direction."""
    sent, heard = course.sent[sender], course.heard[receiver]
    arrivals, first = heard.arrivals.get(sender, []), heard.first.get(sender, {})
    ledger = _ledger(sent.moments, heard.presence, arrivals)
    ways = [moment - sent.moments[number] for number, moment in first.items()]
    deaf = list(_silences(sent.moments, [moment for moment, _ in arrivals], course.fault, course.end))
    for_ever = bool(deaf) and deaf[-1][1] is None
    until = deaf[-1][1] if deaf else None
    return {
        "sender": sender,
        "receiver": receiver,
        "own": sender == receiver if course.known_workers else None,
        "sent": len(sent.moments),
        "received": ledger.received,
        "lost": ledger.lost,
        "doubled": ledger.duplicated,
        "reordered": ledger.reordered,
        "away": ledger.missed_away,
        "late": sum(way > LATE for way in ways),
        "slowest_s": _seconds(max(ways)) if ways else None,
        "deaf_s": _seconds(max(((end or course.end) - begin for begin, end in deaf), default=0)),
        "deaf_until_s": None if until is None else _seconds(until - course.fault),
        "deaf_until_mend_s": None if until is None else _seconds(until - course.mend),
        "deaf_for_ever": for_ever,
    }


def sender_of(course: Course, worker: int) -> Sender:
    """The figures of one publisher."""
    sent = course.sent[worker]
    waits = [moment - sent.moments[number] for number, moment in sent.acks.items()]
    return {
        "worker": worker,
        "sent": len(sent.moments),
        "acked": len(sent.acks),
        "large": sent.large,
        "cut_off": len(sent.cut_off),
        "unanswered": len(sent.moments) - len(sent.acks) - len(sent.cut_off),
        "blocked": sum(wait > LATE for wait in waits),
        "slowest_ack_s": _seconds(max(waits)) if waits else None,
    }


def well_at(course: Course, now: int, seconds: float, fewest: int) -> bool:
    """Whether everything sent in these seconds came in time, to everybody, and was acknowledged in time.

    What was sent just now has not come yet: the seconds end where an event would be late. A publisher that
    sent fewer than `fewest` events in them is not well.
    """
    end = now - LATE
    begin = end - int(seconds * SECOND)
    if not all(heard.present and heard.presence[-1][0] < begin for heard in course.heard.values()):
        return False
    for sender, sent in course.sent.items():
        numbers = range(bisect_left(sent.moments, begin), bisect_left(sent.moments, end))
        if len(numbers) < fewest or not all(_in_time(sent.acks, sent, number) for number in numbers):
            return False
        for heard in course.heard.values():
            first = heard.first.get(sender, {})
            if not all(_in_time(first, sent, number) for number in numbers):
                return False
    return True


def _in_time(moments: dict[int, int], sent: Sent, number: int) -> bool:
    moment = moments.get(number)
    return moment is not None and moment - sent.moments[number] <= LATE


def well_since(course: Course) -> int:
    """The moment after which nothing was wrong any more; the fault, if nothing was wrong.

    Order does not count: the server handles each event in a thread of its own, so that two may always
    overtake each other on a busy machine.
    """
    return max([course.fault, *_wrongs(course)])


def _wrongs(course: Course) -> Iterator[int]:
    """The moments at which something was wrong after the fault."""
    for sent in course.sent.values():
        yield from (sent.moments[number] for number in sent.cut_off)
        for number, moment in enumerate(sent.moments):
            acked = sent.acks.get(number)
            if acked is None:
                yield moment
            elif acked - moment > LATE:
                yield acked
    for heard in course.heard.values():
        yield from (moment for moment, _ in heard.presence[1:])
    for sender, receiver in course.directions:
        sent, heard = course.sent[sender], course.heard[receiver]
        first, seen = heard.first.get(sender, {}), set()
        for moment, number in heard.arrivals.get(sender, []):
            if number in seen or moment - sent.moments[number] > LATE:
                yield moment
            seen.add(number)
        yield from (moment for number, moment in enumerate(sent.moments) if number not in first)


def _ledger(
    moments: Sequence[int], presence: Iterable[tuple[int, bool]], arrivals: Iterable[tuple[int, int]]
) -> Ledger:
    """The ledger of one receiver, entered in the order of time."""
    events = [(moment, 0, int(there)) for moment, there in presence]
    events += [(moment, 1, number) for number, moment in enumerate(moments)]
    events += [(moment, 2, number) for moment, number in arrivals]
    ledger, receiver, published = Ledger(), None, 0
    # Sorting keeps the order of what came at the same moment.
    for _, kind, value in sorted(events, key=lambda event: event[:2]):
        if kind == 2:
            if receiver is not None:
                receiver.receive(value)
        elif kind == 1:
            published = value + 1
            ledger.published += 1
            if receiver is None:
                ledger.missed_away += 1
            else:
                ledger.expected += 1
        else:
            if receiver is not None:
                receiver.close(published)
            receiver = Receiver(ledger, published) if value else None
    if receiver is not None:
        receiver.close(published)
    return ledger


def _silences(
    sent: Sequence[int], arrivals: Sequence[int], begin: int, end: int
) -> Iterator[tuple[int, int | None]]:
    """The spans from a number that was sent to the next arrival, if they are too long to be a way.

    The last one has no end if nothing came any more.
    """
    last = begin
    for moment in (*(moment for moment in arrivals if moment >= begin), None):
        index = bisect_left(sent, last)
        if index < len(sent) and (moment or end) - sent[index] > LATE:
            yield sent[index], moment
        last = moment or end


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / SECOND, 3)
