"""Who got in: users that wait, that leave, and that are still outside when the run is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sioprobe.measured.arrivals import ArrivalFigures, Arrivals, ArrivalsWatch, sentences

SECOND = 1_000_000_000


@dataclass
class Attempt:
    """A connection that somebody tries to make."""

    connecting_since: int = 1
    namespaces: dict[str, str] = field(default_factory=dict)

    def count_error(self, kind: str) -> None:
        raise AssertionError(kind)


CONNECTED = {"/": "sid"}


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], int]:
    """Lets seconds pass, and answers the time."""
    now = [SECOND]

    def pass_by(seconds: float) -> int:
        now[0] += int(seconds * SECOND)
        return now[0]

    monkeypatch.setattr("sioprobe.measured.arrivals.monotonic_ns", lambda: now[0])
    return pass_by


def test_who_waits_at_the_end_has_failed_and_who_arrived_has_not(wait: Callable[[float], int]) -> None:
    arrivals = Arrivals()
    for user in range(3):
        arrivals.begin(user, Attempt())
    arrivals.arrive(0)
    arrivals.arrive(0)
    wait(2.0)
    arrivals.begin("late", Attempt())
    # A second attempt does not make a second user, nor a shorter wait.
    arrivals.begin(1, Attempt())
    wait(1.0)
    assert arrivals.figures() == ArrivalFigures(users=4, connected=1, outside=2, waited_seconds=3.0)

    over = wait(0.5)
    arrivals.begin("after the end", Attempt())
    wait(0.5)
    arrivals.begin("later still", Attempt())
    arrivals.close(over)

    told = ArrivalFigures(users=5, connected=1, outside=4, waited_seconds=0.5)
    assert arrivals.figures() == told
    # What comes after the end changes nothing.
    arrivals.arrive(1)
    arrivals.leave("late")
    arrivals.begin("too late", Attempt())
    wait(9.0)
    assert arrivals.figures() == told


def test_who_is_connected_but_cannot_begin_is_told_apart(wait: Callable[[float], int]) -> None:
    arrivals = Arrivals()
    arrivals.begin("outside", Attempt())
    arrivals.begin("nowhere to go", None)
    arrivals.begin("inside", Attempt(namespaces=CONNECTED))
    arrivals.close(wait(4.0))

    figures = arrivals.figures()
    assert figures == ArrivalFigures(users=3, connected=1, outside=2, unready=1, waited_seconds=4.0)
    assert list(sentences(figures)) == [
        (2, "2 of 3 users were not connected after 4.0 s"),
        (1, "1 of 3 users was connected, but not ready to begin, after 4.0 s"),
    ]


@pytest.mark.parametrize(
    ("attempt", "seconds", "counts"),
    [
        (Attempt(), 2.9, False),
        (Attempt(namespaces=CONNECTED, connecting_since=0), 2.9, False),
        (Attempt(), 3.0, True),
        (Attempt(connecting_since=0), 0.1, True),
        (None, 0.1, True),
    ],
    ids=["on the way", "about to begin", "long on the way", "refused", "nowhere to go"],
)
def test_a_user_that_leaves_without_having_arrived(
    wait: Callable[[float], int], attempt: Attempt | None, seconds: float, counts: bool
) -> None:
    arrivals = Arrivals()
    arrivals.begin("user", attempt)
    wait(seconds)
    arrivals.leave("user")

    figures = arrivals.figures()
    assert (figures.users, figures.outside + figures.unready) == (counts, counts)


def test_a_user_that_has_arrived_may_leave(wait: Callable[[float], int]) -> None:
    arrivals = Arrivals()
    arrivals.begin("user", Attempt())
    arrivals.arrive("user")
    arrivals.leave("user")
    arrivals.close(wait(5.0))

    assert arrivals.figures() == ArrivalFigures(users=1, connected=1)
    arrivals.reset()
    assert arrivals.figures() == ArrivalFigures()


def test_processes_add_up_and_the_shortest_wait_is_told() -> None:
    parts = [
        ArrivalFigures(users=10, connected=8, outside=2, waited_seconds=7.0),
        ArrivalFigures(users=10, connected=9, unready=2, waited_seconds=5.0),
        ArrivalFigures(users=1, connected=1),
    ]

    assert ArrivalFigures.together(parts) == ArrivalFigures(21, 18, 2, 2, 5.0)
    assert ArrivalFigures.together([]) == ArrivalFigures()


def test_it_is_told_once_that_nobody_gets_in_any_more() -> None:
    figures = [
        *(ArrivalFigures(users=20, connected=count, outside=12, waited_seconds=3.0) for count in (0, 4, 8)),
        *(ArrivalFigures(users=20, connected=8, outside=12, waited_seconds=waited) for waited in (4.0, 5.0)),
        *(ArrivalFigures(users=20, connected=8, outside=12, waited_seconds=6.0) for _ in range(9)),
    ]
    watch = ArrivalsWatch(iter(figures).__next__)

    told = [watch.look() for _ in figures]
    line = "sioprobe: so far 12 of 20 users were not connected after 6.0 s, and nobody got in for 3 s"
    assert told == [None] * 5 + [line] + [None] * 8


def test_nothing_is_told_of_users_that_are_all_in() -> None:
    watch = ArrivalsWatch(lambda: ArrivalFigures(users=8, connected=8))

    assert [watch.look() for _ in range(9)] == [None] * 9
