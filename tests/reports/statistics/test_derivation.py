"""Derived results: figures from blocks, what counts, how cells stand against each other, the verdict."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reports.statistics.derivation import derive
from reports.statistics.result_folder import Inputs
from sioprobe.results.files import Rounds
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import RoundsLine, to_json
from sioprobe.results.types import CellResult, Results
from tests.reports import synthetic


def block(arm: str = "gevent", transport: str = "websocket", round_: int = 1, **changes: Any) -> Any:
    """A block of round numbers: 1000 acks in 2 s, all of 1 ms, 0.5 s CPU, 50 KiB a connection."""
    histogram = Histogram()
    for _ in range(1000):
        histogram.record(1000.0)
    document = {
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
        "latency": to_json(histogram.to_latency()),
        "server": {
            "cpu_seconds": 0.5,
            "rss_bytes": 50_000_000 + 50 * 51200,
            "rss_before_connections_bytes": 50_000_000,
        },
        "generator": {"cpu_seconds": 0.2},
        "validity": {"verdict": "VALID", "reasons": []},
    } | changes
    return msgspec.convert(document, RoundsLine)


def derived(*blocks: Any, **run: Any) -> Results:
    document = synthetic.run_document(**({"arms": [], "cells": []} | run))
    return derive(Inputs(document, Rounds(list(blocks)), {}))


def only(results: Results) -> CellResult:
    [cell] = results["cells"]
    return cell


def rate(messages: int, arm: str = "gevent", round_: int = 1) -> Any:
    return block(arm, round_=round_, messages=messages)


def rates(arm: str, *messages: int) -> list[Any]:
    """One block a round with so many messages."""
    return [rate(count, arm, n) for n, count in enumerate(messages, start=1)]


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
    assert cell["blocks"] == {"VALID": 1, "SUSPECT": 0, "INVALID": 1, "FAILED": 0}
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


def standings(*blocks: Any, arms: list[Any] | None = None, **run: Any) -> dict[str, str | None]:
    results = derived(*blocks, arms=arms or [], **run)
    return {cell["arm"]: cell["metrics"]["messages_per_second"]["standing"] for cell in results["cells"]}


def test_nobody_is_best_among_ranges_that_overlap() -> None:
    blocks = [*rates("a", 100, 110, 120), *rates("b", 90, 95, 101), *rates("c", 50, 60, 99)]
    assert standings(*blocks) == {"a": "overlaps best", "b": "overlaps best", "c": "behind"}


def test_a_range_above_all_others_is_best() -> None:
    blocks = [*rates("a", 102, 110, 120), *rates("b", 90, 95, 101)]
    assert standings(*blocks) == {"a": "best", "b": "behind"}


def test_ranges_that_touch_overlap() -> None:
    blocks = [*rates("a", 100, 110, 120), *rates("b", 90, 95, 100)]
    assert standings(*blocks) == {"a": "overlaps best", "b": "overlaps best"}


def test_an_interval_with_coverage_is_best_beside_those_that_overlap() -> None:
    blocks = [*rates("a", 100, 105, 110, 115, 120), *rates("b", 90, 95, 96, 97, 101)]
    assert standings(*blocks) == {"a": "best", "b": "overlaps best"}
    # One mere range among them, and the promise is gone.
    assert standings(*blocks, *rates("c", 1, 2, 3))["a"] == "overlaps best"


@pytest.mark.parametrize(
    ("slow", "expected"), [(0.61, ["best", "behind"]), (0.6, ["overlaps best", "overlaps best"])]
)
def test_lower_is_better_for_cpu(slow: float, expected: list[str]) -> None:
    cpu = {"a": (0.5, 0.55, 0.6), "b": (slow, 0.8, 0.9)}
    results = derived(
        *[
            block(arm, round_=n, server={"cpu_seconds": seconds})
            for arm, all_seconds in cpu.items()
            for n, seconds in enumerate(all_seconds, start=1)
        ]
    )
    assert [cell["metrics"]["server_cpu_us_per_message"]["standing"] for cell in results["cells"]] == expected


def test_fewer_than_three_blocks_are_neither_ahead_nor_behind() -> None:
    assert standings(*rates("a", 100, 101), *rates("b", 90, 91)) == {"a": None, "b": None}
    three = [*rates("a", 100, 101, 102), *rates("c", 50, 51, 52)]
    assert standings(*three, *rates("b", 90, 91)) == {"a": "best", "c": "behind", "b": None}
    # What may be the best cannot be ranked, so nothing can be against it.
    assert standings(*three, *rates("b", 900, 901)) == {"a": None, "c": None, "b": None}


def test_servers_with_more_processes_are_ranked_among_themselves() -> None:
    pair = {**synthetic.ARMS["gevent-2"], "id": "pair"}
    blocks = [*rates("a", 100, 101, 102), *rates("b", 90, 91, 92), *rates("pair", 900, 901, 902)]
    assert standings(*blocks, arms=[pair]) == {"pair": None, "a": "best", "b": "behind"}


def test_several_processes_on_too_few_cores_claim_nothing_about_each_other() -> None:
    arms = [{**synthetic.ARMS["gevent-2"], "id": name} for name in ("redis", "rabbitmq")]
    blocks = [*rates("redis", 900, 901, 902), *rates("rabbitmq", 500, 501, 502)]

    assert standings(*blocks, arms=arms) == {"redis": None, "rabbitmq": None}
    cores = {"environment": {"cores": 4}}
    assert standings(*blocks, arms=arms, **cores) == {"redis": "best", "rabbitmq": "behind"}
    # Servers of one process and one core are alike, and so are their troubles.
    alone = [{**synthetic.ARMS["gevent"], "id": name} for name in ("redis", "rabbitmq")]
    assert standings(*blocks, arms=alone, environment={"cores": 1})["redis"] == "best"


def test_flags_name_what_limits_a_cell() -> None:
    busy = block("gevent-2", generator={"cpu_seconds": 1.9})
    few = Histogram()
    few.record(1.0)
    flags = only(
        derived(msgspec.structs.replace(busy, latency=few.to_latency()), arms=[synthetic.ARMS["gevent-2"]])
    )["flags"]
    assert flags == {
        "oversubscribed": "4 processes (2 servers, queue, generator) on 2 cores",
        "generator-bound": "95\u202f% of a core",
        "server not saturated": "12\u202f% of a core",
        "few samples": "1 in the median block, fewer than 10 beyond its p99",
        "queue not counted": "the redis process is in neither server CPU nor RSS",
    }


def test_the_queue_is_in_the_cpu_of_a_message_and_has_figures_of_its_own() -> None:
    queue = {"queue": {"cpu_seconds": 0.1, "rss_bytes": 8_000_000, "processes": 1}}
    used = {"cpu_seconds": 0.5}
    seen = block("gevent-2", messages=1000, server=used, partners=queue)
    unseen = block("gevent-2", round_=2, messages=1000, server=used)

    both = only(derived(seen, unseen, arms=[synthetic.ARMS["gevent-2"]]))
    one = only(derived(seen, arms=[synthetic.ARMS["gevent-2"]]))

    assert one["metrics"]["server_cpu_us_per_message"]["values"] == pytest.approx([600.0])
    assert one["metrics"]["queue_cpu_us_per_message"]["values"] == pytest.approx([100.0])
    assert one["metrics"]["queue_rss_bytes"]["values"] == [8e6]
    assert one["metrics"]["proxy_cpu_us_per_message"]["values"] == []
    assert "queue not counted" not in one["flags"]
    # In one block it is missing, so the median is of both kinds.
    assert "queue not counted" in both["flags"]


def test_a_cell_without_limits_has_no_flag() -> None:
    assert only(derived(block(server={"cpu_seconds": 1.9}), arms=[synthetic.ARMS["gevent"]]))["flags"] == {}


def test_few_samples_are_judged_by_the_median_block_not_by_all_together() -> None:
    def of(count: int) -> Any:
        return {**to_json(block().latency), "count": count}

    busy = {"cpu_seconds": 1.9}
    counts = (999, 5000, 998)
    thin = [block(round_=n, latency=of(count), server=busy) for n, count in enumerate(counts, start=1)]
    assert only(derived(*thin))["flags"] == {
        "few samples": "999 in the median block, fewer than 10 beyond its p99"
    }
    assert only(derived(*thin[:2], block(round_=3, server=busy)))["flags"] == {}


def with_failed(*failed: dict[str, Any] | str) -> dict[str, Any]:
    arms = [synthetic.ARMS["gevent"], {**synthetic.ARMS["gevent-2"], "title": "gevent, 2 processes, Redis"}]
    return {"arms": arms, "profile": {"failed_blocks": list(failed)}}


def lost(round_: int, reason: str = "no answer") -> dict[str, Any]:
    return {"round": round_, "arm": "gevent-2", "transport": "polling", "reason": reason}


def test_a_block_that_failed_is_counted_in_its_cell_and_leaves_the_run_incomplete() -> None:
    blocks = [
        block(arm, transport) for arm in ("gevent", "gevent-2") for transport in ("polling", "websocket")
    ]
    results = derived(*blocks, **with_failed(lost(2, "no answer within 12 s")))
    assert {(c["arm"], c["transport"]): c["blocks"]["FAILED"] for c in results["cells"]} == {
        ("gevent", "polling"): 0,
        ("gevent", "websocket"): 0,
        ("gevent-2", "polling"): 1,
        ("gevent-2", "websocket"): 0,
    }
    assert results["failed_blocks"] == [
        "round 2: gevent, 2 processes, Redis, polling: no block: no answer within 12 s"
    ]
    assert results["verdict"] == "incomplete"
    assert results["notes"] == ["1 block of the plan failed and could not be measured: see “Not run”"]


def test_a_cell_whose_blocks_all_failed_says_why() -> None:
    plan = [{"arm": "gevent-2", "transport": "polling", "scenario": "ack", "connections": 50}]
    failed = with_failed(lost(1), lost(2))
    assert only(derived(cells=plan, **failed))["reason"] == "no block: no answer"
    invalid = block("gevent-2", "polling", validity={"verdict": "INVALID", "reasons": ["3 errors"]})
    assert only(derived(invalid, cells=plan, **failed))["reason"] == (
        "the only block is invalid: 3 errors; 2 failed: no answer"
    )


def test_a_failed_block_of_an_older_run_is_a_line_of_no_cell() -> None:
    results = derived(block(), **with_failed("round 2: a title, polling: no block: no answer"))

    assert results["failed_blocks"] == ["round 2: a title, polling: no block: no answer"]
    assert [cell["blocks"]["FAILED"] for cell in results["cells"]] == [0]


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
        "the folder has no run.json, so machine, command and plan are unknown",
        "line 2 is cut off",
    ]
    assert "interrupted" in derived(interrupted=True)["notes"][0]
    assert "still running" in derived(finished_at=None)["notes"][0]


def test_verdicts_are_counted_from_the_cases() -> None:
    document = synthetic.conformance_document("gevent") | {"counts": {"pass": 9999}}
    results = derive(Inputs(None, Rounds([]), {"gevent": document}))  # type: ignore[dict-item]
    [one] = results["conformance"]
    assert sum(one["counts"].values()) == len(document["cases"])
