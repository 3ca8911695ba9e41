"""Blocks with reservations: what is equal is told once."""

from __future__ import annotations

from typing import Any

from reports.comparison.reservations import flags, grouped, judgements, reservations

NARROW = "\u202f"


def block(verdict: str, *reasons: str) -> Any:
    return {"verdict": verdict, "reasons": list(reasons)}


def test_reasons_that_differ_in_numbers_are_one_with_their_range() -> None:
    blocks = [
        block("SUSPECT", "run delay 5%: others ran on its core", "CPU pressure 96%: some process waited"),
        block("SUSPECT", "run delay 18%: others ran on its core"),
        block("SUSPECT", "run delay 7%: others ran on its core"),
        block("INVALID", "3 errors"),
    ]
    assert reservations(blocks, 84) == [
        "1 of 84 blocks INVALID: 3 errors (1)",
        f"3 of 84 blocks SUSPECT: run delay 5–18{NARROW}% (3), CPU pressure 96{NARROW}% (1)",
    ]


def test_every_number_of_a_reason_has_a_range_of_its_own() -> None:
    lags = ["hub lag p99 12.1 ms, more than 10 ms", "hub lag p99 11 ms, more than 10 ms"]
    assert grouped(lags) == [("hub lag p99 11–12.1 ms, more than 10 ms", 2)]


def test_judgements_and_flags_of_one_kind_are_one_line() -> None:
    counts = [
        {"pass": 536, "known deviation": 34},
        {"pass": 534, "known deviation": 35},
        {"pass": 9, "fail": 1},
    ]
    results: Any = {
        "conformance": [
            {"arm": arm, "outcome": "failures" if "fail" in count else "known deviations", "counts": count}
            for arm, count in zip("abc", counts, strict=True)
        ],
        "cells": [
            {"arm": "a", "flags": {"server not saturated": f"25{NARROW}% of a core"}},
            {"arm": "a", "flags": {"server not saturated": f"40{NARROW}% of a core"}},
            {"arm": "b", "flags": {"server not saturated": f"33{NARROW}% of a core", "few samples": "72"}},
        ],
    }
    assert judgements(results) == [
        "Conformance of a and b: known deviations (534–536 pass, 34–35 known deviation)",
        "Conformance of c: failures (9 pass, 1 fail)",
    ]
    assert flags(results) == [
        f"a and b: server not saturated: 25–40{NARROW}% of a core",
        "b: few samples: 72",
    ]


def test_a_block_without_a_reason_is_counted() -> None:
    assert reservations([block("SUSPECT")], 1) == ["1 of 1 block SUSPECT: no reason was recorded"]
    assert reservations([], 84) == []


def test_failed_blocks_of_one_kind_are_one_line() -> None:
    lines = [f"round {n}: gevent, websocket: no block: no answer within 12 s" for n in (2, 5, 3)]
    assert grouped(lines) == [("round 2–5: gevent, websocket: no block: no answer within 12 s", 3)]
