"""Durations as text."""

from __future__ import annotations

import pytest

from load.playing.observations import duration


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "-"),
        (0.4, "0 µs"),
        (999, "999 µs"),
        (12_345, "12.3 ms"),
        (999_400, "999 ms"),
        (1.234e6, "1.23 s"),
    ],
)
def test_durations_have_three_digits(us: float | None, text: str) -> None:
    assert duration(us) == text
