"""Paired ratios: what is estimated, how often the interval is right, and what may be claimed."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from reports.statistics.derivation import derive
from reports.statistics.result_folder import Inputs, read_folder
from reports.statistics.side_by_side import Claims, over_lowest, side_by_side
from sioprobe.results.comparison import PairedRatio, SideBySide
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import Rounds, append_life
from tests.reports.lives import COSTS, lives
from tests.reports.statistics.test_derivation import rates

CPU = "cpu_us_per_message"


def cpu_of(*args: Any, **options: Any) -> SideBySide:
    return next(part for part in side_by_side(lives(*args, **options)) if part["figure"] == CPU)


def ratio(part: SideBySide, arm: str, over: str) -> PairedRatio:
    return next(one for one in part["ratios"] if (one["arm"], one["over"]) == (arm, over))


def test_the_lowest_comes_first_and_each_pair_once() -> None:
    part = cpu_of()

    assert next(iter(part["medians"])) in ("gevent", "gevent-simple")
    assert list(part["medians"])[2:] == ["eventlet", "threading"]
    pairs = [{one["arm"], one["over"]} for one in part["ratios"]]
    assert len(pairs) == 6
    assert all(pairs.count(pair) == 1 for pair in pairs)
    assert all(one["ratio"] > 0.99 for one in part["ratios"])
    assert [one["arm"] for one in over_lowest(part)][1:] == ["eventlet", "threading"]


def test_a_ratio_and_its_interval_are_near_the_truth_that_they_claim() -> None:
    one = ratio(cpu_of(), "threading", "eventlet")

    assert one["low"] is not None
    assert one["high"] is not None
    assert one["low"] < one["ratio"] < one["high"]
    assert one["ratio"] == pytest.approx(2.3 / 1.4, rel=0.05)
    assert one["claimed"] == "more"


def test_there_is_an_entry_for_each_transport_and_figure() -> None:
    parts = side_by_side([*lives(transport="websocket"), *lives(transport="polling", count=7)])

    assert [(part["transport"], part["figure"], part["lives"]) for part in parts] == [
        ("polling", CPU, 7),
        ("polling", "p50_us", 7),
        ("websocket", CPU, 8),
        ("websocket", "p50_us", 8),
    ]
    assert parts[0]["load"] == ("the event message-with-ack and its ack, 16 times over 16 connections")


def test_where_all_costs_change_alike_no_ratio_does() -> None:
    once, thousand = cpu_of(), cpu_of(scale=1000)

    for one, other in zip(once["ratios"], thousand["ratios"], strict=True):
        assert (one["arm"], one["over"], one["claimed"]) == (other["arm"], other["over"], other["claimed"])
        assert one["ratio"] == pytest.approx(other["ratio"], rel=1e-5)


def test_swapped_arms_give_the_inverse() -> None:
    """Each arm gets the costs of the other, so that the pair is told the other way round."""
    one = ratio(cpu_of({"a": 1.3, "b": 1.0}), "a", "b")
    other = ratio(cpu_of({"b": 1.3, "a": 1.0}), "b", "a")
    assert (one["ratio"], one["low"], one["high"]) == (other["ratio"], other["low"], other["high"])

    claims = Claims([cpu_of({"a": 1.3, "b": 1.0})])
    assert claims.claim(CPU, "websocket", "a", "b") == "more"
    assert claims.claim(CPU, "websocket", "b", "a") == "less"


@pytest.mark.parametrize("count", [7, 8, 9, 10, 12])
def test_the_interval_holds_the_truth_as_often_as_it_says(count: int) -> None:
    held, runs = 0, 400
    for seed in range(runs):
        part = cpu_of({"a": 1.2, "b": 1.0}, count, rounds=1, noise=0.05, seed=seed)
        [one] = part["ratios"]
        true = 1.2 if one["arm"] == "a" else 1 / 1.2
        assert one["low"] is not None
        assert one["high"] is not None
        held += one["low"] <= true <= one["high"]
        assert part["coverage"] is not None
        assert part["coverage"] >= 0.98
    # Within three standard deviations of the least that is said.
    assert held / runs >= 0.98 - 3 * math.sqrt(0.98 * 0.02 / runs)


def test_five_runs_never_say_the_opposite_of_each_other() -> None:
    """With the noise of a busy machine, and arms that are alike, nearly alike and different."""
    costs = {"a": 1.0, "b": 1.0, "c": 1.02, "d": 1.04, "e": 1.5, "f": 2.4}
    seeds = itertools.count()
    opposed, claimed, told = 0, 0, 0
    for _ in range(40):
        said: dict[tuple[str, str], set[str | None]] = {}
        for _ in range(5):
            part = cpu_of(costs, rounds=1, noise=0.03, seed=next(seeds))
            claims = Claims([part])
            for pair in itertools.combinations(costs, 2):
                said.setdefault(pair, set()).add(claims.claim(CPU, "websocket", *pair))
        opposed += sum({"more", "less"} <= claims_of for claims_of in said.values())
        claimed += sum(bool(claims_of - {None}) for claims_of in said.values())
        told += len(said)
    assert opposed == 0
    # It does say something: eight of the fifteen pairs are far apart.
    assert claimed >= told * 8 / 15


def test_a_difference_below_three_per_cent_is_not_claimed_however_sure_it_is() -> None:
    near, far = (ratio(cpu_of({"a": cost, "b": 1.0}, 20, noise=0.001), "a", "b") for cost in (1.025, 1.035))

    assert near["low"] is not None
    assert near["low"] > 1
    assert near["claimed"] is None
    assert far["claimed"] == "more"


def test_too_few_lives_give_no_interval_and_no_claim() -> None:
    part = cpu_of(count=6)

    assert part["coverage"] is None
    assert {(one["low"], one["high"], one["claimed"]) for one in part["ratios"]} == {(None, None, None)}
    assert part["problem"] == "6 lives only, and an interval needs 7"


def test_lives_among_other_processes_are_said() -> None:
    assert cpu_of()["priority"] == "nice -20"
    mixed = side_by_side([*lives(count=7), *lives(count=1, first=8, priority="as others")])
    assert mixed[0]["priority"] == "as others"


def test_an_event_and_its_answer_are_two_messages() -> None:
    cpu, p50 = side_by_side(lives({"a": 1.0, "b": 1.0}, noise=0))

    # 4 ms of CPU for 16 events and as many answers, and a p50 of 1 ms, on the average.
    assert cpu["medians"]["a"] == pytest.approx(4000 / 32, rel=0.2)
    assert p50["medians"]["a"] == pytest.approx(1000, rel=0.2)


def test_an_arm_that_fails_is_left_out_with_its_reason_and_the_others_go_on() -> None:
    with_it, without = COSTS, {arm: cost for arm, cost in COSTS.items() if arm != "eventlet"}
    made = [*lives(with_it, 3), *lives(without, 6, first=4)]
    problem = "eventlet: the server ended with 1: no memory"

    part, _ = side_by_side(made, [{"number": 4, "arm": "eventlet", "problem": problem}])

    assert part["lives"] == 9
    assert part["problem"] == f"life 4: {problem}"
    assert ratio(part, "threading", "gevent")["claimed"] == "more"
    assert ratio(part, "threading", "eventlet")["low"] is None


def derived(*blocks: Any, made: Any) -> Any:
    return derive(Inputs(None, Rounds(list(blocks)), {}, lives=made))


def standings(results: Any) -> dict[str, str | None]:
    return {cell["arm"]: cell["metrics"]["messages_per_second"]["standing"] for cell in results["cells"]}


BLOCKS = [*rates("a", *[400] * 5), *rates("b", *[200] * 5)]


def test_blocks_claim_an_order_only_where_the_ratios_claim_it_too() -> None:
    assert standings(derived(*BLOCKS, made=[])) == {"a": "best", "b": "behind"}
    assert standings(derived(*BLOCKS, made=lives({"a": 1.0, "b": 2.0}))) == {"a": "best", "b": "behind"}
    alike = derived(*BLOCKS, made=lives({"a": 1.0, "b": 1.0}))
    assert standings(alike) == {"a": "best", "b": "overlaps best"}
    opposite = derived(*BLOCKS, made=lives({"a": 2.0, "b": 1.0}))
    assert standings(opposite) == {"a": "overlaps best", "b": "overlaps best"}
    assert not any("carries the most" in sentence for sentence in opposite["findings"])


def test_lives_alone_are_results_too() -> None:
    results = derived(made=lives())

    assert results["verdict"] == "complete"
    assert [arm["id"] for arm in results["arms"]] == list(COSTS)
    assert len(results["side_by_side"]) == 2
    assert "side_by_side" not in derived(*BLOCKS, made=[])


def test_a_folder_of_lives_is_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "rounds.jsonl").write_text("")
    path = tmp_path / "lives.jsonl"
    for life in lives(count=2):
        append_life(path, life)
    append_life(path, {"number": 2, "arm": None, "problem": "no answer"})

    read = read_folder(tmp_path)
    assert [life["number"] for life in read.lives] == [1, 2]
    assert [one["problem"] for one in read.lost] == ["no answer"]

    path.write_text(path.read_text() + json.dumps({"number": 3}) + "\n")
    with pytest.raises(ResultFileError, match=r"lives\.jsonl: line 4: "):
        read_folder(tmp_path)
