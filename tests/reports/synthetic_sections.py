"""Made-up parts of a full comparison: arms side by side, and all sections. Equal calls give equal parts.

`python -m tests.reports.synthetic_sections FOLDER` writes a whole folder with its report, to look at.
"""

from __future__ import annotations

import random
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

from reports.comparison.report import write_pages
from reports.statistics.derivation import derive
from reports.statistics.result_folder import read_folder
from reports.writing.wording import TRANSPORTS, number
from sioprobe.results.comparison import Section, SectionRow, SideBySide
from sioprobe.results.types import Results, Transport
from tests.reports import synthetic

COSTS = {"gevent": 1.0, "gevent-simple": 1.01, "eventlet": 1.16, "gunicorn-gthread": 2.3, "threading": 2.5}
"""What a message costs, as times the cheapest."""
MODES = ("threading", "eventlet", "gevent")
FULL = "sioprobe compare --profile full"


def side_by_side(lives: int = 8) -> list[SideBySide]:
    """Both figures over both transports; gevent-simple cannot be told apart from gevent."""
    return [
        _side_by_side(transport, figure, base, lives)
        for transport, base in (("polling", 440.0), ("websocket", 117.0))
        for figure in ("cpu_us_per_message", "p50_us")
    ]


def _side_by_side(transport: Any, figure: Any, base: float, lives: int) -> SideBySide:
    order = sorted(COSTS, key=lambda arm: COSTS[arm])
    ratios: list[Any] = []
    for over, arm in combinations(order, 2):
        ratio = COSTS[arm] / COSTS[over]
        ratios.append(
            {
                "arm": arm,
                "over": over,
                "ratio": ratio,
                "low": ratio * 0.97,
                "high": ratio * 1.035,
                "claimed": "more" if ratio > 1.03 else None,
            }
        )
    return {
        "transport": transport,
        "figure": figure,
        "load": "'message-with-ack', answered by an ack; 16 messages a turn over 4 connections",
        "lives": lives,
        "coverage": 0.984,
        "priority": "nice -20",
        "medians": {arm: base * COSTS[arm] for arm in order},
        "ratios": sorted(ratios, key=lambda one: order.index(one["over"])),
        "problem": None,
    }


def sections() -> list[Section]:
    """All sections of a full comparison; settings were not measured, and one row has a problem."""
    rng = random.Random(7)
    return [
        _capacity(rng),
        _latency(rng),
        _fanout(rng),
        _connections(rng),
        _life(rng),
        _payload(rng),
        _processes(rng),
        _section("settings", "What the settings cost", {"added_latency_us": "us"}, [], []),
    ]


def _section(
    name: Any, title: str, units: dict[str, str], rows: list[SectionRow], findings: list[str]
) -> Section:
    reason = None if rows else f"this comparison does not measure it; {FULL} --section {name} does"
    status: Any = "measured" if rows else "not measured"
    return {
        "name": name,
        "title": title,
        "status": status,
        "reason": reason,
        "units": units,
        "rows": rows,
        "findings": findings,
    }


def told(rows: list[SectionRow], name: str, unit: str = "", scale: float = 1.0) -> str:
    """A figure of each row that has it."""
    have = [(one["arm"], value) for one in rows if (value := one["figures"].get(name)) is not None]
    return ", ".join(f"{arm} {number(value * scale)}{unit}" for arm, value in have)


def row(
    arm: str, transport: Transport | None, at: dict[str, Any], figures: dict[str, float | None], **more: Any
) -> SectionRow:
    return {"arm": arm, "transport": transport, "at": at, "figures": figures, "notes": [], **more}  # type: ignore[typeddict-item]


def _capacity(rng: random.Random) -> Section:
    units = {"capacity_per_second": "1/s", "messages_per_second": "1/s", "p50_us": "us", "p99_us": "us"}
    rows = []
    transports: tuple[Transport, ...] = ("polling", "websocket")
    for transport in transports:
        for arm in MODES:
            most = synthetic.SHAPES[arm, transport].acks * 0.8
            at = {"point": "capacity", "objective": "p99<100ms and errors<=0", "limit": "server"}
            figures = {
                "capacity_per_second": most,
                "messages_per_second": 2 * most,
                "p50_us": 4000.0,
                "p99_us": 88_000.0,
            }
            rows.append(row(arm, transport, at, figures))
            for step in (0.25, 0.5, 0.75, 0.9, 1.0, 1.2):
                at = {"point": "probe", "offered_per_second": round(most * step, 1)}
                figures = {
                    "capacity_per_second": None,
                    "messages_per_second": 2 * most * min(step, 1.05),
                    "p50_us": 900 / (1.25 - step),
                    "p99_us": 4000 / (1.25 - step) ** 1.5 * rng.lognormvariate(0, 0.1),
                }
                rows.append(row(arm, transport, at, figures))  # type: ignore[arg-type]
    findings = [
        f"Over {TRANSPORTS[transport]} within p99<100ms and errors<=0, operations a second: "
        f"{told(found, 'capacity_per_second')} (one search each)."
        for transport in transports
        if (found := [one for one in rows if one["transport"] == transport and "objective" in one["at"]])
    ]
    return _section("capacity", "Highest rate within an objective", units, rows, findings)


def _latency(rng: random.Random) -> Section:
    units = {"achieved_per_second": "1/s", "p50_us": "us", "p90_us": "us", "p99_us": "us", "p999_us": "us"}
    rows = []
    for arm in MODES:
        most = synthetic.SHAPES[arm, "websocket"].acks * 0.8
        for load, rate in (
            ("25%", most / 4),
            ("50%", most / 2),
            ("75%", most * 0.75),
            ("90%", most * 0.9),
            ("common", 680),
        ):
            p50 = 700 / (1.2 - rate / most) * rng.lognormvariate(0, 0.05)
            figures = {
                "achieved_per_second": rate,
                "p50_us": p50,
                "p90_us": 2 * p50,
                "p99_us": 5 * p50,
                "p999_us": None if load == "25%" else 11 * p50,
            }
            rows.append(row(arm, "websocket", {"load": load, "offered_per_second": round(rate, 1)}, figures))
    common = [one for one in rows if one["at"]["load"] == "common"]
    findings = [f"Over WebSocket at 680/s for each, the p99 is: {told(common, 'p99_us', ' ms', 1e-3)}."]
    return _section("latency", "Latency under load", units, rows, findings)


def _fanout(rng: random.Random) -> Section:
    units = {"deliveries_per_second": "1/s", "first_p50_us": "us", "last_p50_us": "us", "reach": "share"}
    rows = []
    for arm, rate in (("threading", 12_000), ("eventlet", 30_000), ("gevent", 33_000)):
        for size in (10, 100, 1000):
            figures = {
                "deliveries_per_second": rate * (0.7 + size / 3000) * rng.lognormvariate(0, 0.03),
                "first_p50_us": 600.0 + size,
                "last_p50_us": 600 + size * 1e6 / rate,
                "reach": 1.0,
            }
            rows.append(row(arm, "websocket", {"room_size": size}, figures))
    findings = []
    for size in (10, 100, 1000):
        of = [one for one in rows if one["at"]["room_size"] == size]
        head = f"Over WebSocket in a room of {number(size, 5)}"
        last = told(of, "last_p50_us", " ms", 1e-3)
        findings += [
            f"{head}, deliveries a second: {told(of, 'deliveries_per_second')}.",
            f"{head}, half of the messages have reached everybody after: {last}.",
        ]
    return _section("fanout", "Rooms of different sizes", units, rows, findings)


def _connections(rng: random.Random) -> Section:
    units = {
        "connected": "count",
        "rss_bytes_per_connection": "bytes",
        "threads_per_connection": "count",
        "connects_per_second": "1/s",
    }
    rows = []
    for arm in MODES:
        for idle in (100, 1000, 10_000):
            threads = 4.0 if arm == "threading" else 0.0
            figures: dict[str, float | None] = {
                "connected": float(idle),
                "rss_bytes_per_connection": synthetic.RSS_PER_CONNECTION[arm]
                * 1024
                * rng.lognormvariate(0, 0.03),
                "threads_per_connection": threads,
                "connects_per_second": None,
            }
            problem = None
            if threads and idle == 10_000:
                figures = dict.fromkeys(figures)
                problem = (
                    "not tried: 1,000 connections had 4.0 threads each, so 10,000 would need 40,000 threads"
                )
            rows.append(row(arm, "websocket", {"idle_connections": idle}, figures, problem=problem))
        transports: tuple[Transport, ...] = ("polling", "websocket", "upgrade")
        for transport in transports:
            figures = dict.fromkeys(units) | {"connects_per_second": 300 * rng.lognormvariate(0, 0.4)}
            rows.append(row(arm, transport, {"connecting_clients": 20}, figures))
    idle = [one for one in rows if one["at"].get("idle_connections") == 1000]
    connecting = [
        one for one in rows if one["transport"] == "websocket" and "connecting_clients" in one["at"]
    ]
    memory = told(idle, "rss_bytes_per_connection", " KiB", 1 / 1024)
    rates = told(connecting, "connects_per_second", "/s")
    findings = [
        f"Memory of each of {number(1000, 5)} idle connections over WebSocket: {memory}.",
        f"Threads of each of them: {told(idle[:1], 'threads_per_connection')}.",
        f"Over WebSocket, 20 clients that come and go connect at: {rates}.",
    ]
    return _section("connections", "What a connection costs", units, rows, findings)


def _life(rng: random.Random) -> Section:
    units = {
        "leaked_threads": "count",
        "all_back_us": "us",
        "p99_before_us": "us",
        "p99_beside_slow_us": "us",
    }
    rows = []
    for arm in MODES:
        nothing: dict[str, float | None] = dict.fromkeys(units)
        rows += [
            row(arm, "websocket", {"scenario": "churn"}, nothing | {"leaked_threads": 0.0}),
            row(
                arm,
                "websocket",
                {"scenario": "storm"},
                nothing | {"all_back_us": 2.1e6 * rng.lognormvariate(0, 0.3)},
            ),
            row(
                arm,
                "websocket",
                {"scenario": "slow"},
                nothing
                | {"p99_before_us": 5100.0, "p99_beside_slow_us": 5600.0 * rng.lognormvariate(0, 0.3)},
            ),
        ]
    findings = [
        "Of clients that came and went over WebSocket, nothing is left on threading, eventlet and gevent.",
        "When all clients are dropped at once over WebSocket, everybody is back after: "
        f"{told(rows, 'all_back_us', ' s', 1e-6)}.",
    ]
    return _section("life", "Clients that come and go, are dropped, or do not read", units, rows, findings)


def _payload(rng: random.Random) -> Section:
    units = {"cpu_us_per_message": "us", "messages_per_second": "1/s", "p99_us": "us"}
    rows = []
    for arm in MODES:
        for size in (32, 1024, 65_536):
            for content, slower in (("text", 1.0), ("binary", 1.4)):
                cpu = (
                    synthetic.SHAPES[arm, "websocket"].cpu
                    / 2
                    * slower
                    * (1 + size / 9000)
                    * rng.lognormvariate(0, 0.02)
                )
                figures = {"cpu_us_per_message": cpu, "messages_per_second": 1e6 / cpu, "p99_us": 90 * cpu}
                rows.append(row(arm, "websocket", {"payload_bytes": size, "content": content}, figures))  # type: ignore[arg-type]
    largest = [one for one in rows if one["at"] == {"payload_bytes": 65_536, "content": "text"}]
    costs = told(largest, "cpu_us_per_message", " µs")
    findings = [f"Over WebSocket, server CPU of a message with {number(65_536, 6)} bytes of text: {costs}."]
    return _section("payload", "Larger messages", units, rows, findings)


def _processes(rng: random.Random) -> Section:
    units = {
        "messages_per_second": "1/s",
        "speedup": "times",
        "cpu_us_per_message": "us",
        "cpu_us_per_delivery": "us",
        "rss_bytes": "bytes",
    }
    rows = []
    for arm in MODES:
        for scenario in ("ack", "fanout"):
            for n, most in ((1, 1.0), (2, 1.5), (4, 1.45)):
                times = most * (rng.lognormvariate(0, 0.04) if n > 1 else 1)
                cpu: dict[str, float | None] = {"cpu_us_per_message": 240.0, "rss_bytes": 9e7 * n}
                cpu["cpu_us_per_delivery"] = 250.0 if scenario == "fanout" else None
                figures = {"messages_per_second": 4000 * times, "speedup": times, **cpu}
                at = {"scenario": scenario, "queue": "redis", "processes": n}
                rows.append(row(arm, "websocket", at, figures))
                share = dict.fromkeys(figures) | {"cpu_us_per_delivery": 9.0, "rss_bytes": 8e6}
                rows.append(row(arm, "websocket", {**at, "part": "queue"}, share))
    four = [one for one in rows if one["at"] == {"scenario": "ack", "queue": "redis", "processes": 4}]
    times = told(four, "speedup", " times")
    findings = [f"Over WebSocket, 4 processes carry this many times the acks of one: {times}."]
    return _section("processes", "Several processes behind a queue", units, rows, findings)


def full_results(folder: Path) -> Results:
    """Write a folder and the report of a full comparison over it; the results."""
    synthetic.write_folder(folder)
    inputs = read_folder(folder)
    results = derive(inputs)
    results["side_by_side"] = side_by_side()
    results["sections"] = sections()
    return write_pages(folder, inputs, results)


if __name__ == "__main__":
    full_results(Path(sys.argv[1]))
