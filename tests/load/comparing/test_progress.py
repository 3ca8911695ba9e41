"""The tables on standard output at the end of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from load.comparing.progress import Progress


def ratio(
    arm: str, value: float, claimed: str | None, low: float | None, high: float | None
) -> dict[str, Any]:
    return {"arm": arm, "over": "gevent", "ratio": value, "claimed": claimed, "low": low, "high": high}


def printed(capsys: pytest.CaptureFixture[str], **results: Any) -> list[str]:
    Progress().table({"cells": [], "arms": [], **results})
    return [line for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_ratios_stand_with_their_intervals_and_what_is_alike_is_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    part = {
        "transport": "websocket",
        "figure": "cpu_us_per_message",
        "medians": {"gevent": 200.0, "gevent-simple": 202.0, "eventlet": 282.0, "threading": 460.0},
        "ratios": [
            ratio("gevent-simple", 1.01, None, 0.99, 1.03),
            ratio("eventlet", 1.41, "more", 1.36, 1.47),
            ratio("threading", 2.3, None, None, None),
            {**ratio("threading", 1.63, "more", 1.5, 1.7), "over": "eventlet"},
        ],
    }

    head, *rows = printed(capsys, side_by_side=[part])

    assert head.split(maxsplit=4)[3:] == ["transport", "CPU, times the lowest  p50, times the lowest"]
    assert [row.split(maxsplit=2) for row in rows] == [
        ["gevent", "websocket", "1                      –"],
        ["gevent-simple", "websocket", "≈ 1.01 [0.99, 1.03]                      –"],
        ["eventlet", "websocket", "1.41 [1.36, 1.47]                      –"],
        ["threading", "websocket", "≈ 2.30                      –"],
    ]


def test_without_lives_and_blocks_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == []
