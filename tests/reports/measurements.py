"""Made-up measurements of a full comparison, shaped like real ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from load.comparing.sections.task import key_of
from sioprobe.results.comparison import Measurement, SectionName
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import to_json

NEIGHBOUR = {"verdict": "INVALID", "cause": "run delay", "reason": "run delay 26%"}
ERRORS = {"verdict": "INVALID", "cause": "errors", "reason": "12 errors"}
PRESSURE = {"verdict": "SUSPECT", "cause": "pressure", "reason": "CPU pressure 60%"}


def measurement(
    section: SectionName,
    arm: str,
    situation: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    *,
    transport: Any = "websocket",
    asked: Mapping[str, Any] | None = None,
    kind: Any = "block",
    problem: str | None = None,
) -> Measurement:
    """A measurement; without a result it has a problem."""
    return {
        "schema": 1,
        "kind": "measurement",
        "key": key_of(section, arm, transport, situation),
        "section": section,
        "arm": arm,
        "transport": transport,
        "parameters": {**situation, **(asked or {})},
        "result_kind": kind,
        "result": dict(result) if result is not None else None,
        "problem": problem,
        "seconds": 4.2,
    }


def latency(times: Iterable[float]) -> dict[str, Any]:
    """What a block says about these durations in µs."""
    histogram = Histogram()
    for us in times:
        histogram.record(us)
    return to_json(histogram.to_latency())


def series(type: str, name: str, times: Iterable[float]) -> dict[str, Any]:
    """What a block counted beside its operations."""
    found = latency(times)
    return {
        "type": type,
        "name": name,
        "count": found["count"],
        "untimed": 0,
        "errors": {},
        "latency": found,
        "mean_us": None,
    }


def block(scenario: str, *, findings: Iterable[Mapping[str, Any]] = (), **changes: Any) -> dict[str, Any]:
    """A block of two seconds with 2,000 operations of 5 ms, which cost the server half a second of CPU."""
    found = [dict(each) for each in findings]
    verdicts = [each["verdict"] for each in found]
    verdict = next((one for one in ("INVALID", "SUSPECT") if one in verdicts), "VALID")
    return {
        "schema": 1,
        "kind": "block",
        "transport": "websocket",
        "scenario": scenario,
        "connections": 50,
        "seconds": 2.0,
        "operations": 2000,
        "messages": 4000,
        "errors": 0,
        "latency": latency([5000.0] * 2000),
        "server": {"cpu_seconds": 0.5, "rss_bytes": 90_000_000, "threads": 2},
        "generator": {},
        "validity": {
            "verdict": verdict,
            "reasons": [each["reason"] for each in found],
            "findings": found,
        },
        **changes,
    }


def probe(rate: float, *, met: bool = True, blame: str = "", why: str = "") -> dict[str, Any]:
    """One probe of a search for the highest rate."""
    return {
        "rate": rate,
        "achieved": rate if met else 0.8 * rate,
        "p50_us": 2000.0,
        "p99_us": 9000.0 if met else 300_000.0,
        "reach": None,
        "errors": 0,
        "messages_per_second": 2 * rate,
        "server_cpu_share": 0.5,
        "generator_cpu_share": 0.1,
        "verdict": "VALID",
        "reasons": [],
        "met": met,
        "blame": blame,
        "why": why,
        "phase": "doubling",
    }


def capacity(rate: float | None, *, limit: str = "server") -> dict[str, Any]:
    """The end of a search that found this rate, or none."""
    failed = probe(2 * (rate or 50.0), met=False, blame="server", why="p99<100ms not met: 300 ms")
    knee = {
        "rate": rate,
        "messages_per_second": 2 * (rate or 0.0),
        "messages_per_second_and_core": 2200.0,
        "server_cpu_share": 0.95,
        "saturated": True,
        "p50_us": 3000.0,
        "p99_us": 80_000.0,
    }
    return {
        "schema": 1,
        "kind": "capacity",
        "objective": ["p99<100ms", "errors<=0", "reach>=100%"],
        "probes": ([probe(rate / 2), probe(rate)] if rate else []) + [failed],
        "knee": knee if rate else None,
        "confirmed": 3 if rate else 0,
        "limit": limit,
        "statement": f"capacity {rate}/s with p99<100ms" if rate else "no rate met p99<100ms",
        "seconds": 40.0,
    }
