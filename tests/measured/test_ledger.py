"""The account of a fan-out."""

from __future__ import annotations

import msgspec
import pytest

from sioprobe.measured import Ledger
from sioprobe.measured.ledger import Receiver
from sioprobe.measured.rendering import deliveries
from sioprobe.results.loads import LedgerFigures


@pytest.mark.parametrize(
    ("numbers", "received", "lost", "duplicated", "reordered"),
    [
        ([0, 1, 2, 3], 4, 0, 0, 0),
        ([0, 1, 3], 3, 1, 0, 0),
        ([1, 2, 3], 3, 1, 0, 0),
        ([0, 1], 2, 2, 0, 0),
        ([], 0, 4, 0, 0),
        ([0, 0, 1, 2, 3], 4, 0, 1, 0),
        ([0, 2, 1, 3], 4, 0, 0, 1),
        ([0, 2, 1, 1, 3], 4, 0, 1, 1),
        ([3, 2, 1, 0], 4, 0, 0, 3),
    ],
)
def test_what_is_lost_duplicated_and_reordered_is_told_apart(
    numbers: list[int], received: int, lost: int, duplicated: int, reordered: int
) -> None:
    ledger = Ledger(published=4, expected=4)
    receiver = Receiver(ledger, 0)
    for number in numbers:
        receiver.receive(number)
    receiver.close(4)

    assert (ledger.received, ledger.lost, ledger.duplicated, ledger.reordered) == (
        received,
        lost,
        duplicated,
        reordered,
    )
    assert ledger.reach == received / 4
    assert ledger.clean == (numbers == [0, 1, 2, 3])


def test_numbers_from_before_joining_are_neither_expected_nor_duplicates() -> None:
    ledger = Ledger(published=5, expected=2)
    receiver = Receiver(ledger, 3)

    assert [receiver.receive(number) for number in (2, 3, 4)] == [False, True, True]
    receiver.close(5)

    assert ledger.clean
    assert ledger.reach == 1.0


def test_a_receiver_that_leaves_of_its_own_will_loses_nothing() -> None:
    ledger = Ledger(published=4, expected=4)
    receiver = Receiver(ledger, 0)
    receiver.receive(0)

    assert receiver.close(4, excused=True) == 3
    assert ledger.clean
    assert ledger.reach == 1.0


def test_ledgers_of_processes_add_up() -> None:
    ledger = Ledger(1, 2, 2, 0, 1, 0)
    ledger.merge(Ledger.of(Ledger(10, 20, 19, 1, 0, 3).figures()))

    assert ledger == Ledger(11, 22, 21, 1, 1, 3)


def test_what_belongs_to_a_label_is_told_apart_and_is_part_of_the_whole() -> None:
    ledger = Ledger(published=3)
    for label, numbers in (("a", [0, 1, 2]), ("b", [0]), (None, [0, 2])):
        part = ledger.part(label)
        part.expected += 3
        receiver = Receiver(part, 0)
        for number in numbers:
            receiver.receive(number)
        receiver.close(3)

    assert ledger.part(None) is ledger
    assert (ledger.part("a").clean, ledger.part("b").clean, ledger.clean) == (True, False, False)
    assert {label: problems["lost"] for label, problems in ledger.problems_by_label.items()} == {
        None: 1,
        "a": 0,
        "b": 2,
    }
    assert ledger.reach == 6 / 9
    assert ledger.figures() == LedgerFigures(published=3, expected=9, received=6, lost=3, reach=6 / 9)
    assert ledger.part("b").figures() == LedgerFigures(expected=3, received=1, lost=2, reach=1 / 3)

    both = Ledger()
    both.merge(ledger)
    both.merge(ledger)
    assert (both.figures().lost, both.part("b").lost) == (6, 4)


def test_nothing_expected_has_no_reach() -> None:
    assert Ledger().reach is None


def test_a_late_delivery_is_received_and_is_not_clean() -> None:
    ledger = Ledger(published=2, expected=2)
    receiver = Receiver(ledger, 0)
    receiver.receive(0)
    receiver.receive(1, late=True)
    receiver.close(2)

    assert (ledger.received, ledger.lost, ledger.late, ledger.reach) == (2, 0, 1, 1.0)
    assert not ledger.clean
    assert ledger.problems == {"lost": 0, "duplicated": 0, "reordered": 0, "late": 1}


def test_of_a_publisher_elsewhere_what_lies_between_is_expected() -> None:
    ledger = Ledger()
    receiver = Receiver(ledger, 5, foreign=True)
    for number in (5, 6, 9, 8):
        receiver.receive(number)
    receiver.close(0)

    assert (ledger.expected, ledger.received, ledger.lost, ledger.reordered) == (5, 4, 1, 1)


def test_what_a_receiver_lacks_is_what_it_expects_and_has_not() -> None:
    receiver = Receiver(Ledger(), 2)
    receiver.receive(4)

    assert [number for number in range(7) if receiver.lacks(number)] == [2, 3, 5, 6]


def test_a_ledger_of_an_earlier_version_has_nothing_late() -> None:
    data = {"published": 1, "expected": 1, "received": 1, "lost": 0, "duplicated": 0, "reordered": 0}

    assert Ledger.of(msgspec.convert(data, LedgerFigures)) == Ledger(1, 1, 1)


def test_what_a_recovered_receiver_missed_is_expected_and_replayed() -> None:
    ledger = Ledger(published=6, expected=3, missed_away=3)
    receiver = Receiver(ledger, 0)
    for number in (0, 1):
        receiver.receive(number)
    receiver.expect_missed(6, 3)

    assert receiver.replayed_below == 6
    for number in (1, 2, 3, 5):
        receiver.receive_replayed(number)
    receiver.close(6)

    assert (ledger.expected, ledger.received, ledger.missed_away) == (6, 5, 0)
    assert (ledger.replayed, ledger.duplicated, ledger.lost, ledger.late) == (3, 1, 1, 0)


@pytest.mark.parametrize(
    ("replayed", "end"), [(0, "missed while away 2)"), (3, "missed while away 2, replayed 3)")]
)
def test_replayed_deliveries_are_told_where_there_are_any(replayed: int, end: str) -> None:
    figures = Ledger(published=9, expected=9, received=9, missed_away=2, replayed=replayed).figures()

    assert deliveries(figures).endswith(end)
