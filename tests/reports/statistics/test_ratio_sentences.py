"""The sentence about arms side by side: who needs least, by how much others need more, who is alike."""

from __future__ import annotations

from typing import Any

from reports.statistics.ratio_sentences import ratio_sentence
from reports.statistics.side_by_side import side_by_side
from sioprobe.results.types import Arm
from tests.reports.lives import lives


def arms(*names: str) -> list[Arm]:
    return [{"id": name, "title": name, "status": "measured", "reason": None} for name in names]


def said(costs: dict[str, float], figure: str = "cpu_us_per_message", **options: Any) -> str:
    parts = side_by_side(lives(costs, rounds=1, noise=1e-6, **options))
    return ratio_sentence(next(part for part in parts if part["figure"] == figure), arms(*costs))


def test_the_lowest_is_named_with_the_ratios_of_the_others_and_their_intervals() -> None:
    costs = {"threading": 2.3, "eventlet": 1.4, "gevent": 1.0}
    assert said(costs) == (
        "Over WebSocket, gevent needs the least server CPU for a message; "
        "eventlet needs 1.40 times as much [1.40, 1.40] and threading 2.30 times [2.30, 2.30]"
    )
    assert said(costs, "p50_us", transport="polling") == (
        "Over Polling, gevent has the lowest median latency in short bursts; "
        "eventlet has 1.40 times that [1.40, 1.40] and threading 2.30 times [2.30, 2.30]"
    )


def test_those_that_are_alike_stand_in_the_order_of_the_plan() -> None:
    sentence = said({"threading": 2.3, "eventlet": 1.01, "gevent": 1.0})
    assert sentence == (
        "Over WebSocket, eventlet and gevent need the least server CPU for a message, and cannot be told "
        "apart; threading needs 2.30 times as much as gevent [2.30, 2.30]"
    )


def test_where_all_are_alike_nobody_is_lowest() -> None:
    assert said({"a": 1.0, "b": 1.01, "c": 1.02}) == (
        "Over WebSocket, the server CPU for a message of a, b and c cannot be told apart"
    )
    assert said(dict.fromkeys("abcdef", 1.0)).endswith("of a, b, c and 3 others cannot be told apart")


def test_only_the_first_of_the_plan_are_told_with_their_ratio() -> None:
    costs = {"a": 2.0, "b": 1.5, "c": 1.0, "d": 1.2}
    assert said(costs).endswith(
        "; b needs 1.50 times as much [1.50, 1.50] and a 2.00 times [2.00, 2.00]; d needs more too"
    )
    assert said({**costs, "e": 3.0}).endswith("; d and e need more too")
    assert said({**costs, "e": 3.0, "f": 4.0}).endswith("; the 3 others need more too")


def test_too_few_lives_name_nobody() -> None:
    assert said({"a": 1.0, "b": 2.0}, count=3) == (
        "Over WebSocket, there are too few lives side by side to rank the servers by server CPU for a message"
    )
