"""A faults.json as `sioprobe faults` writes it, with known figures."""

from __future__ import annotations

from typing import Any

from sioprobe.results.faults import Direction, FaultRun, Faults, PlayedFault


def direction(sender: int, receiver: int, **more: Any) -> Direction:
    found: Direction = {
        "sender": sender, "receiver": receiver, "own": sender == receiver, "sent": 300, "received": 300,
        "lost": 0, "doubled": 0, "reordered": 0, "away": 0, "late": 0, "slowest_s": 0.02, "deaf_s": 0.0,
        "deaf_until_s": None, "deaf_until_mend_s": None, "deaf_for_ever": False,
    }  # fmt: skip
    return found | more  # type: ignore[return-value]


def run(repetition: int, *, well: float | None = 0.0, ack: float = 0.01, **more: Any) -> FaultRun:
    """`more` belongs to the direction from 2 to 1; a run without `well` leaves worker 1 deaf."""
    deaf = direction(2, 1, **more, deaf_for_ever=well is None)
    return {
        "repetition": repetition, "started_at": "2026-11-29T12:00:00+00:00", "problem": None, "mend_s": 3.0,
        "observed_s": 9.0, "well_after_mend_s": well, "deaf_workers": [1] if well is None else [],
        "directions": [direction(1, 1), direction(1, 2), deaf, direction(2, 2)],
        "senders": [
            {"worker": worker, "sent": 300, "large": 0, "acked": 300, "cut_off": 0, "unanswered": 0,
             "blocked": 0, "slowest_ack_s": ack * worker}
            for worker in (1, 2)
        ],
        "lost_connections": [{"client": "receiver 1", "after_s": 0.1, "reason": "connection closed"}],
        "tracebacks": 0, "log": [{"text": "Cannot <publish> | to redis", "count": 7}],
        "cpu_pressure": 3.0, "pace_lag_s": 0.0,
    }  # fmt: skip


def cell(fault: str, *runs: FaultRun, mode: str = "eventlet", **more: Any) -> PlayedFault:
    found: PlayedFault = {
        "mode": mode, "queue": "redis", "proxy": None, "fault": fault, "title": f"what {fault} does",
        "stopped_worker": None, "versions": {"python-socketio": "5.18.1"}, "status": "played",
        "reason": None, "runs": list(runs),
    }  # fmt: skip
    return found | more  # type: ignore[return-value]


def faults(*cells: PlayedFault, **more: Any) -> Faults:
    found: Faults = {
        "schema": 1, "kind": "faults", "sioprobe": "0.1.0", "command": "sioprobe faults --mode eventlet",
        "environment": {"cpu_model": "a CPU", "cores": 2, "kernel": "Linux 6", "load_1m": 0.5},
        "started_at": "2026-11-29T12:00:00+00:00", "finished_at": "2026-11-29T12:10:00+00:00",
        "interrupted": False, "workers": 2, "transport": "websocket", "rate": 50.0, "late_seconds": 0.5,
        "limit_seconds": 60.0, "repeat": 3, "at_once": 2, "faults": list(cells),
    }  # fmt: skip
    return found | more  # type: ignore[return-value]
