"""Derived results: figures from blocks, what counts, how cells stand against each other, the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from reports.derive import derive
from reports.inputs import Inputs
from sioprobe.results.files import Rounds
from sioprobe.results.histogram import Histogram
from sioprobe.results.types import CellResult, Results
from tests.reports import synthetic


def block(arm: str = "gevent", transport: str = "websocket", round_: int = 1, **changes: Any) -> Any:
    """A block of round numbers: 1000 acks in 2 s, all of 1 ms, 0.5 s CPU, 50 KiB a connection."""
    histogram = Histogram()
    for _ in range(1000):
        histogram.record(1000.0)
    return {
        "schema": 1,
        "kind": "block",
        "round": round_,
        "arm": arm,
        "transport": transport,
        "scenario": "ack",
        "connections": 50,
        "seconds": 2.0,
        "operations": 1000,
        "messages": 2000,
        "errors": 0,
        "latency": histogram.to_latency(),
        "server": {
            "cpu_seconds": 0.5,
            "rss_bytes": 50_000_000 + 50 * 51200,
            "rss_before_connections_bytes": 50_000_000,
        },
        "generator": {"cpu_seconds": 0.2},
        "validity": {"verdict": "VALID", "reasons": []},
    } | changes


def derived(*blocks: Any, **run: Any) -> Results:
    document = synthetic.run_document(**({"arms": [], "cells": []} | run))
    return derive(Inputs(document, Rounds(list(blocks)), {}))


def only(results: Results) -> CellResult:
    [cell] = results["cells"]
    return cell


def rate(messages: int, arm: str = "gevent", round_: int = 1) -> Any:
    return block(arm, round_=round_, messages=messages)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("messages_per_second", 1000.0),
        ("operations_per_second", 500.0),
        ("server_cpu_us_per_message", 250.0),
        ("latency_p50_us", 1000.0),
        ("rss_bytes_per_connection", 51200.0),
        ("server_cpu_cores", 0.25),
        ("generator_cpu_cores", 0.1),
    ],
)
def test_each_metric_of_one_block(metric: str, value: float) -> None:
    assert only(derived(block()))["metrics"][metric]["estimate"] == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize(("connected", "bytes_each"), [(50, 51200.0), (25, 102400.0), (0, None)])
def test_memory_is_divided_by_the_connections_that_were_open(
    connected: int, bytes_each: float | None
) -> None:
    metric = only(derived(block(connected=connected)))["metrics"]["rss_bytes_per_connection"]
    assert metric["estimate"] == bytes_each


def test_a_figure_is_the_median_over_blocks_in_the_order_measured() -> None:
    metric = only(derived(rate(600), rate(200, round_=2), rate(400, round_=3)))["metrics"][
        "messages_per_second"
    ]
    assert metric["values"] == [300.0, 100.0, 200.0]
    assert (metric["estimate"], metric["low"], metric["high"]) == (200.0, 100.0, 300.0)


def test_what_a_block_does_not_have_is_not_measured() -> None:
    cell = only(derived(block(server={}, generator={}, messages=0, operations=0)))
    assert cell["metrics"]["server_cpu_us_per_message"]["interval"] == "not measured"
    assert cell["metrics"]["rss_bytes_per_connection"]["estimate"] is None


def test_an_invalid_block_is_left_out_but_its_errors_are_not() -> None:
    invalid = block(round_=2, messages=9, errors=3, validity={"verdict": "INVALID", "reasons": ["3 errors"]})
    results = derived(block(), invalid)
    cell = only(results)
    assert cell["metrics"]["messages_per_second"]["values"] == [1000.0]
    assert cell["errors"] == 3
    assert cell["blocks"] == {"VALID": 1, "SUSPECT": 0, "INVALID": 1}
    assert [(one["round"], one["reasons"]) for one in results["excluded_blocks"]] == [(2, ["3 errors"])]


def test_a_suspect_block_counts_and_is_listed() -> None:
    results = derived(block(validity={"verdict": "SUSPECT", "reasons": ["CPU pressure"]}))
    assert only(results)["status"] == "measured"
    assert [one["verdict"] for one in results["excluded_blocks"]] == ["SUSPECT"]


def test_a_cell_with_invalid_blocks_only_is_not_measured_and_says_why() -> None:
    cell = only(derived(block(validity={"verdict": "INVALID", "reasons": ["no answer"]})))
    assert (cell["status"], cell["reason"]) == ("not measured", "the only block is invalid: no answer")


def test_a_planned_cell_without_blocks_is_not_measured() -> None:
    plan = [{"arm": "gevent", "transport": "polling", "scenario": "ack", "connections": 50}]
    results = derived(cells=plan, arms=[synthetic.ARMS["gevent"]])
    assert only(results)["reason"] == "no block was recorded"


def test_an_arm_that_was_not_run_gives_its_reason_to_its_cells() -> None:
    plan = [{"arm": "gevent_uwsgi", "transport": "polling", "scenario": "ack", "connections": 50}]
    results = derived(cells=plan, arms=[synthetic.ARMS["gevent_uwsgi"]])
    assert only(results)["reason"] == synthetic.ARMS["gevent_uwsgi"]["reason"]


def standings(*blocks: Any, arms: list[Any] | None = None) -> dict[str, str | None]:
    results = derived(*blocks, arms=arms or [])
    return {cell["arm"]: cell["metrics"]["messages_per_second"]["standing"] for cell in results["cells"]}


def test_cells_whose_intervals_overlap_the_best_are_not_told_apart() -> None:
    blocks = [
        rate(100, "a"),
        rate(120, "a", 2),
        rate(90, "b"),
        rate(101, "b", 2),
        rate(50, "c"),
        rate(99, "c", 2),
    ]
    assert standings(*blocks) == {"a": "best", "b": "overlaps best", "c": "behind"}


def test_intervals_that_touch_overlap() -> None:
    blocks = [rate(100, "a"), rate(120, "a", 2), rate(90, "b"), rate(100, "b", 2)]
    assert standings(*blocks)["b"] == "overlaps best"


def test_intervals_that_touch_overlap_where_less_is_better() -> None:
    cpu = [("a", 1, 0.5), ("a", 2, 0.6), ("b", 1, 0.6), ("b", 2, 0.9)]
    results = derived(*[block(arm, round_=n, server={"cpu_seconds": seconds}) for arm, n, seconds in cpu])
    standing = [cell["metrics"]["server_cpu_us_per_message"]["standing"] for cell in results["cells"]]
    assert standing == ["best", "overlaps best"]


def test_a_single_block_is_neither_ahead_nor_behind() -> None:
    assert standings(rate(100, "a"), rate(90, "b")) == {"a": None, "b": None}
    assert standings(rate(100, "a"), rate(101, "a", 2), rate(90, "b")) == {"a": "best", "b": None}


def test_servers_with_more_processes_are_not_ranked_with_the_others() -> None:
    pair = {**synthetic.ARMS["gevent-2"], "id": "pair"}
    blocks = [
        rate(100, "a"),
        rate(101, "a", 2),
        rate(90, "b"),
        rate(91, "b", 2),
        rate(900, "pair"),
        rate(901, "pair", 2),
    ]
    assert standings(*blocks, arms=[pair]) == {"pair": None, "a": "best", "b": "behind"}


def test_lower_is_better_for_latency_and_cpu() -> None:
    slow = {"cpu_seconds": 1.0}
    results = derived(
        block("a"), block("a", round_=2), block("b", server=slow), block("b", round_=2, server=slow)
    )
    assert [cell["metrics"]["server_cpu_us_per_message"]["standing"] for cell in results["cells"]] == [
        "best",
        "behind",
    ]


def test_flags_name_what_limits_a_cell() -> None:
    busy = block("gevent-2", generator={"cpu_seconds": 1.9})
    few = Histogram()
    few.record(1.0)
    flags = only(derived(busy | {"latency": few.to_latency()}, arms=[synthetic.ARMS["gevent-2"]]))["flags"]
    assert flags == [
        "oversubscribed: 4 processes (2 servers, queue, generator) on 2 cores",
        "generator-bound: 95\u202f% of a core",
        "server not saturated: 12\u202f% of a core",
        "few samples: p99 rests on 1",
    ]


def test_a_cell_without_limits_has_no_flag() -> None:
    assert only(derived(block(server={"cpu_seconds": 1.9}), arms=[synthetic.ARMS["gevent"]]))["flags"] == []


def test_merged_percentiles_stop_where_fewer_than_ten_samples_lie_beyond() -> None:
    latency = only(derived(block()))["latency"]
    assert latency["count"] == 1000
    assert list(latency["percentiles"]) == ["50", "75", "90", "95", "99"]


def test_arms_come_in_the_order_of_the_run_and_cells_follow_them() -> None:
    arms = [synthetic.ARMS["threading"], synthetic.ARMS["gevent"]]
    results = derived(block("gevent"), block("another"), block("threading"), arms=arms)
    assert [arm["id"] for arm in results["arms"]] == ["threading", "gevent", "another"]
    assert [cell["arm"] for cell in results["cells"]] == ["threading", "gevent", "another"]


def conformance(outcome: str) -> Any:
    return {"gevent": synthetic.conformance_document("gevent") | {"outcome": outcome}}


@pytest.mark.parametrize(
    ("blocks", "outcome", "run", "verdict"),
    [
        ([], None, {}, "nothing measured"),
        ([block()], None, {}, "complete"),
        ([block()], "known deviations", {}, "complete"),
        ([], "conformant", {}, "complete"),
        ([block()], "failures", {}, "failures"),
        ([block()], "harness error", {}, "failures"),
        ([block()], None, {"interrupted": True}, "incomplete"),
        ([block()], None, {"finished_at": None}, "incomplete"),
        ([block(), block("b", validity={"verdict": "INVALID", "reasons": []})], None, {}, "incomplete"),
    ],
)
def test_the_verdict(blocks: list[Any], outcome: str | None, run: dict[str, Any], verdict: str) -> None:
    document = synthetic.run_document(**({"arms": [], "cells": []} | run))
    inputs = Inputs(document, Rounds(blocks), conformance(outcome) if outcome else {})
    assert derive(inputs)["verdict"] == verdict


def test_notes_tell_what_is_missing() -> None:
    assert derive(Inputs(None, Rounds([block()], "line 2 is cut off"), {}))["notes"] == [
        "the folder has no run.json: machine, command and plan are unknown",
        "line 2 is cut off",
    ]
    assert "interrupted" in derived(interrupted=True)["notes"][0]
    assert "still running" in derived(finished_at=None)["notes"][0]


def test_verdicts_are_counted_from_the_cases() -> None:
    document = synthetic.conformance_document("gevent") | {"counts": {"pass": 9999}}
    results = derive(Inputs(None, Rounds([]), {"gevent": document}))  # type: ignore[dict-item]
    [one] = results["conformance"]
    assert sum(one["counts"].values()) == len(document["cases"])
