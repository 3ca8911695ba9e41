"""A made-up output folder whose numbers look like those of a real comparison; the same seed, the same bytes.

`python -m tests.reports.synthetic FOLDER` writes one to look at.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sioprobe.results.files import append_block, conformance_path, write_conformance, write_run
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import RoundsLine, to_json
from sioprobe.results.types import Arm, Case, Cell, Conformance, Run

VERSIONS = {
    "flask-socketio": "5.7.0",
    "python-socketio": "5.18.1",
    "python-engineio": "4.15.1",
    "flask": "3.1.3",
}
SCENARIO = "ack"
CONNECTIONS = 50
NASTY = '42["<script>alert(1)</script>","\x1e\x00\x1b[31m\u202eabc"]'
"""Raw text of one transcript line: markup, a record separator, control and direction characters."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one cell behaves: acks/s, server CPU µs an ack, typical latency in µs and its spread."""

    acks: float
    cpu: float
    latency: float
    spread: float


ARMS: dict[str, Arm] = {
    "threading": {
        "id": "threading",
        "title": "Werkzeug + simple-websocket",
        "mode": "threading",
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "werkzeug": "3.1.9", "simple-websocket": "1.1.0"},
        "async_mode": "threading",
    },
    "eventlet": {
        "id": "eventlet",
        "title": "eventlet",
        "mode": "eventlet",
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "eventlet": "0.41.3"},
        "async_mode": "eventlet",
    },
    "gevent": {
        "id": "gevent",
        "title": "gevent + gevent-websocket",
        "mode": "gevent",
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "gevent": "26.9.0", "gevent-websocket": "0.10.1"},
        "async_mode": "gevent",
    },
    "gevent-simple": {
        "id": "gevent-simple",
        "title": "gevent + simple-websocket",
        "mode": "gevent-simple",
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "gevent": "26.9.0", "simple-websocket": "1.1.0"},
        "async_mode": "gevent",
    },
    "gunicorn-gthread": {
        "id": "gunicorn-gthread",
        "title": "gunicorn, gthread worker",
        "mode": "gunicorn-gthread",
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "gunicorn": "27.0.1", "simple-websocket": "1.1.0"},
        "async_mode": "threading",
    },
    "gevent-2": {
        "id": "gevent-2",
        "title": "gevent, two processes behind Redis",
        "mode": "gevent",
        "workers": 2,
        "queue": "redis",
        "status": "measured",
        "reason": None,
        "versions": {**VERSIONS, "gevent": "26.9.0", "redis": "8.1.0"},
        "async_mode": "gevent",
    },
    "gevent_uwsgi": {
        "id": "gevent_uwsgi",
        "title": "uWSGI with gevent",
        "mode": "gevent_uwsgi",
        "workers": 1,
        "queue": None,
        "status": "not run",
        "reason": "uWSGI is not installed here: no wheel exists and no C compiler was found",
        "versions": {},
        "async_mode": None,
    },
    "node": {
        "id": "node",
        "title": "socket.io on Node, the reference",
        "mode": None,
        "workers": 1,
        "queue": None,
        "status": "measured",
        "reason": None,
        "versions": {"socket.io": "4.8.4", "engine.io": "6.6.12", "node": "20.11.0"},
        "async_mode": None,
    },
}

SHAPES: dict[tuple[str, str], Shape] = {
    ("threading", "polling"): Shape(420, 2300, 108_000, 0.35),
    ("threading", "websocket"): Shape(1700, 583, 24_000, 0.75),
    ("eventlet", "polling"): Shape(1050, 930, 44_000, 0.3),
    ("eventlet", "websocket"): Shape(3600, 272, 13_000, 0.25),
    ("gevent", "polling"): Shape(1120, 870, 42_000, 0.3),
    ("gevent", "websocket"): Shape(4150, 236, 11_500, 0.3),
    ("gevent-simple", "polling"): Shape(1090, 890, 43_000, 0.3),
    ("gevent-simple", "websocket"): Shape(4020, 243, 11_900, 0.3),
    ("gunicorn-gthread", "polling"): Shape(700, 1390, 66_000, 0.5),
    ("gunicorn-gthread", "websocket"): Shape(1850, 540, 22_500, 0.7),
    ("gevent-2", "polling"): Shape(1230, 960, 38_000, 0.45),
    ("gevent-2", "websocket"): Shape(4600, 262, 10_200, 0.5),
}
RSS_PER_CONNECTION = {
    "threading": 102,
    "eventlet": 50,
    "gevent": 42,
    "gevent-simple": 46,
    "gunicorn-gthread": 98,
    "gevent-2": 44,
}

AREAS = {
    "EIO-HS": [
        "Path is /engine.io/ by default, /socket.io/ for Socket.IO",
        "EIO is mandatory; a request without it is answered 400",
    ],
    "EIO-PL": [
        "A payload of several packets is split at the record separator",
        "Binary data is base64 encoded with prefix b",
    ],
    "EIO-WS": [
        "Each WebSocket frame carries exactly one packet",
        "A binary frame is a MESSAGE without a prefix",
    ],
    "EIO-HB": [
        "The server sends PING every pingInterval",
        "A session whose client answers no PING is closed",
    ],
    "EIO-UP": [
        "A probe is answered 3probe",
        "The pending poll is released with NOOP during an upgrade",
    ],
    "EIO-CL": [
        "A CLOSE packet closes the session",
        "A request for a closed session is answered 400",
    ],
    "SIO-CN": [
        "CONNECT to the main namespace is answered with a socket id",
        "CONNECT to an unknown namespace is answered CONNECT_ERROR",
    ],
    "SIO-EV": [
        "EVENT data must be a non-empty array; otherwise the receiver closes",
        "An event reaches its handler with all its arguments",
    ],
    "SIO-AK": [
        "An EVENT with an ack id is answered by an ACK with the same id",
        "An ACK with an unknown id is ignored",
    ],
    "SIO-BN": [
        "Attachments follow their packet in order",
        "A placeholder beyond the number of attachments is refused",
    ],
    "SIO-RM": [
        "An event to a room reaches each member once",
        "A broadcast reaches every socket of the namespace",
    ],
}
LEVELS = ("MUST", "MUST", "SHOULD", "MUST", "MAY", "reference", "MUST", "gap")
TRANSPORTS = ("polling", "websocket")


def run_document(arms: dict[str, Arm] | None = None, /, **changes: Any) -> Run:
    """run.json over `arms`; `changes` replace its keys."""
    arms = ARMS if arms is None else arms
    cells: list[Cell] = [
        {"arm": arm, "transport": transport, "scenario": SCENARIO, "connections": CONNECTIONS}  # type: ignore[typeddict-item]
        for arm, transport in SHAPES
        if arm in arms
    ]
    run: Run = {
        "schema": 1,
        "kind": "run",
        "sioprobe": "0.1.0",
        "command": "sioprobe compare --profile quick",
        "profile": {"name": "quick", "rounds": 3, "seconds": 1.5, "warmup_seconds": 0.5, "connections": 50},
        "environment": {
            "cpu_model": "AMD EPYC 7B13",
            "cores": 2,
            "governor": None,
            "kernel": "Linux 6.8.0",
            "architecture": "x86_64",
            "memory_bytes": 8_220_000_000,
            "container": True,
            "load_1m": 0.4,
            "cpu_pressure_some_avg10": 1.2,
            "python": "3.11.7",
            "python_implementation": "CPython",
            "libraries": {**VERSIONS, "gevent": "26.9.0", "eventlet": "0.41.3", "werkzeug": "3.1.9"},
            "revision": "5f0c4a3e9b7d2c1a8e6f4b3a2d1c0e9f8a7b6c5d",
        },
        "started_at": "2026-10-19T08:30:00+00:00",
        "finished_at": "2026-10-19T08:33:41+00:00",
        "interrupted": False,
        "arms": list(arms.values()),
        "cells": cells,
    }
    run.update(changes)  # type: ignore[typeddict-item]
    return run


def block(arm: str, transport: str, round_: int, rng: random.Random, seconds: float = 1.5) -> RoundsLine:
    """One block of a cell, with noise of the size seen on shared cores."""
    shape = SHAPES[arm, transport]
    noise = rng.lognormvariate(0, 0.05)
    operations = round(shape.acks * noise * seconds)
    histogram = Histogram()
    for _ in range(operations):
        histogram.record(shape.latency / noise * rng.lognormvariate(-0.04, shape.spread))
    cpu = operations * shape.cpu * rng.lognormvariate(0, 0.03) / 1e6
    workers = ARMS[arm].get("workers", 1)
    before = 46_000_000 * workers
    per_connection = RSS_PER_CONNECTION[arm] * 1024 * rng.lognormvariate(0, 0.04)
    reasons = []
    errors = 0
    if (arm, transport, round_) == ("threading", "polling", 2):
        errors, reasons = 3, ["3 errors"]
    if (arm, transport, round_) == ("gevent-2", "websocket", 3):
        reasons = ["CPU pressure 34 %"]
    document = {
        "schema": 1,
        "kind": "block",
        "round": round_,
        "order": 1,
        "arm": arm,
        "transport": transport,
        "scenario": SCENARIO,
        "connections": CONNECTIONS,
        "started_at": f"2026-10-19T08:3{round_}:00+00:00",
        "warmup_seconds": 0.5,
        "seconds": seconds,
        "operations": operations,
        "messages": 2 * operations,
        "errors": errors,
        "error_kinds": {"timeout": errors} if errors else {},
        "latency": to_json(histogram.to_latency()),
        "server": {
            "cpu_seconds": round(cpu, 4),
            "rss_bytes": before + round(per_connection * CONNECTIONS),
            "rss_before_connections_bytes": before,
            "threads": 54 if arm == "threading" else 2,
            "fds": 61,
            "processes": workers,
        },
        "generator": {
            "cpu_seconds": round(operations * 45e-6 * rng.lognormvariate(0, 0.1), 4),
            "rss_bytes": 61_000_000,
        },
        "validity": {
            "verdict": "INVALID" if errors else "SUSPECT" if reasons else "VALID",
            "reasons": reasons,
        },
    }
    return msgspec.convert(document, RoundsLine)


def blocks(rounds: int = 3, arms: dict[str, Arm] | None = None, seed: int = 5) -> list[RoundsLine]:
    """`rounds` rounds over every cell, in another order each."""
    rng = random.Random(seed)
    arms = ARMS if arms is None else arms
    measured = []
    for round_ in range(1, rounds + 1):
        cells = [cell for cell in SHAPES if cell[0] in arms]
        rng.shuffle(cells)
        for order, (arm, transport) in enumerate(cells, start=1):
            measured.append(msgspec.structs.replace(block(arm, transport, round_, rng), order=order))
    return measured


OPEN = '0{"sid":"a1B2c3","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


def transcript(id_: str) -> list[dict[str, Any]]:
    lines = [
        (0.0, "C→S", "http", "GET handshake", "GET /socket.io/?EIO=4&transport=websocket"),
        (0.003, "S→C", "websocket", "OPEN", OPEN),
        (0.004, "C→S", "websocket", "CONNECT", "40"),
        (0.006, "S→C", "websocket", f"EVENT for {id_}", NASTY),
        (0.301, "S→C", "websocket", "PING", "2"),
        (0.302, "C→S", "websocket", "PONG", "3"),
    ]
    return [dict(zip(("time", "direction", "layer", "meaning", "raw"), line, strict=True)) for line in lines]


def case(arm: str, number: int, area: str, title: str, transport: str) -> Case:
    """One case, whose verdict differs between servers in a fixed pattern."""
    id_ = f"{area}-{number:02}"
    level = LEVELS[number % len(LEVELS)]
    python = arm != "node"
    verdict, closed, actual, reason = "pass", None, None, None
    if number == 17 and arm == "eventlet":
        verdict, actual, closed = "fail", "still open after 2.0 s; answers a fresh event", "not at all"
    elif number % 9 == 4 and python:
        verdict, actual = "known deviation", "200 with body ok"
        reason = "python-engineio 4.15 falls back to polling when the parameter is missing"
    elif number % 11 == 6 and python:
        verdict = "non-strict" if level in ("reference", "gap") else "known deviation"
        closed = {"threading": "websocket 1000", "eventlet": "websocket 1011"}.get(arm, "TCP reset")
        actual, reason = "the answer has no space after the colon", "the specification is silent here"
    elif number == 21 and arm == "gunicorn-gthread":
        verdict, actual = "inconclusive", "the server answered after 9.8 s, the deadline is 2.0 s"
    elif level == "gap":
        verdict, actual = "info", "the second value wins"
    elif number % 13 == 12 and transport == "polling":
        verdict, reason = "not applicable", "the server does not offer this transport"
    if area == "EIO-CL" and verdict == "pass":
        closed = {"threading": "websocket 1000", "eventlet": "websocket 1011", "node": "websocket 1005"}.get(
            arm, "TCP reset"
        )
    return {
        "id": id_,
        "requirement": title,
        "level": level,  # type: ignore[typeddict-item]
        "case": f"test_{area.lower().replace('-', '_')}.py::test_case_{number}[{transport}]",
        "transport": transport,
        "verdict": verdict,  # type: ignore[typeddict-item]
        "closed": closed,
        "expected": ["session closed before 2.0 s", "HTTP status 400"],
        "actual": actual,
        "reason": reason,
        "transcript": transcript(id_) if verdict != "pass" else [],  # type: ignore[typeddict-item]
        "reproduce": f"sioprobe conform --url http://127.0.0.1:5000 -- -k {id_}",
    }


def conformance_document(arm: str, requirements: int = 46) -> Conformance:
    """About `requirements` × 1.5 cases of one server."""
    cases: list[Case] = []
    areas = list(AREAS.items())
    for number in range(1, requirements + 1):
        area, titles = areas[(number - 1) * len(areas) // requirements]
        title = titles[number % 2]
        for transport in TRANSPORTS[: 1 + number % 2]:
            cases.append(case(arm, number, area, title, transport))
    counts: dict[str, int] = {}
    for one in cases:
        counts[one["verdict"]] = counts.get(one["verdict"], 0) + 1
    failed = counts.get("fail", 0) > 0
    outcome = "failures" if failed else "known deviations" if counts.get("known deviation") else "conformant"
    library, version = ("socket.io", "4.8.4") if arm == "node" else ("flask-socketio", "5.7.0")
    return {
        "schema": 1,
        "kind": "conformance",
        "suite": {"version": "0.1.0", "requirements": requirements, "cases": len(cases)},
        "target": {
            "url": "http://127.0.0.1:5000",
            "library": library,
            "version": version,
            "mode": None if arm == "node" else arm,
            "title": ARMS[arm]["title"] if arm in ARMS else arm,
            "handshake": {
                "pingInterval": 25000,
                "pingTimeout": 20000,
                "maxPayload": 1000000,
                "upgrades": ["websocket"],
            },
        },
        "started_at": "2026-10-19T08:30:05+00:00",
        "seconds": 8.1,
        "conformant": outcome == "conformant",
        "outcome": outcome,  # type: ignore[typeddict-item]
        "counts": counts,
        "cases": cases,
    }


def write_folder(
    folder: Path, rounds: int = 3, arms: dict[str, Arm] | None = None, conformance: bool = True
) -> Path:
    """Write a whole folder; `arms` limits it to some of ARMS."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = ARMS if arms is None else arms
    write_run(folder / "run.json", run_document(chosen))
    for one in blocks(rounds, chosen):
        append_block(folder / "rounds.jsonl", one)
    if conformance:
        for arm in chosen:
            if chosen[arm]["status"] == "measured":
                write_conformance(conformance_path(folder, arm), conformance_document(arm))
    return folder


if __name__ == "__main__":
    write_folder(Path(sys.argv[1]))
