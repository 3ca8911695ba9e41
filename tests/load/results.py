"""Results as a load makes them, for tests of what is made of them."""

from __future__ import annotations

from typing import Any

import msgspec

from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Block, RunResult, to_json

__all__ = ["ack_latency", "block", "run_result"]


def ack_latency(*milliseconds: float) -> Histogram:
    """Durations in one histogram."""
    histogram = Histogram()
    for each in milliseconds:
        histogram.record(each * 1000)
    return histogram


def block(latency: Histogram | None = None, **changes: Any) -> Block:
    """A block of 2 s in which 200 operations of 5 ms were asked for and done."""
    plain: dict[str, Any] = {
        "schema": 1,
        "kind": "block",
        "transport": "websocket",
        "scenario": "ack",
        "connections": 10,
        "connected": 10,
        "seconds": 2.0,
        "operations": 200,
        "messages": 400,
        "errors": 0,
        "latency": to_json((latency or ack_latency(*[5.0] * 200)).to_latency()),
        "server": {"cpu_seconds": 1.0},
        "generator": {"cpu_seconds": 0.3, "max_cpu_share": 0.2, "unconfirmed_closes": 0},
        "validity": {"verdict": "VALID", "reasons": [], "findings": []},
    }
    return msgspec.convert({**plain, **changes}, Block)


def run_result(**changes: Any) -> RunResult:
    """A run of 100 acks of 1 to 100 ms in 10 s."""
    series = {"count": 100, "untimed": 0, "errors": {}}
    latency = ack_latency(*range(1, 101)).to_latency()
    plain: dict[str, Any] = {
        "schema": 1,
        "kind": "load",
        "scenario": "ack",
        "seconds": 10.0,
        "operation": ["SIO ack", "message-with-ack"],
        "operations": 100,
        "operations_per_second": 10.0,
        "errors": {},
        "series": [
            {**series, "type": "SIO connect", "name": "websocket", "latency": None, "mean_us": None},
            {
                **series,
                "type": "SIO ack",
                "name": "message-with-ack",
                "latency": to_json(latency),
                "mean_us": 50_500.0,
            },
        ],
        "urls": {},
        "ledger": None,
        "schedule": None,
        "unsent": 0,
        "generators": [],
        "processes": 1,
        "hosts": 1,
        "hub_lag_p99_us": None,
        "send_lag_p99_us": None,
        "max_cpu_share": 0.2,
        "longest_stall_seconds": 0.0,
        "run_delay_share": None,
        "pressure_share": None,
        "cpu_us_per_operation": None,
        "notes": [],
        "validity": {"verdict": "VALID", "reasons": [], "findings": []},
    }
    return msgspec.convert({**plain, **changes}, RunResult)
