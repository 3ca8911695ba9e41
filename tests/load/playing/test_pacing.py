"""When the turns of an open loop are taken, by a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest

from load.playing import pacing
from load.playing.pacing import Pacer

MS = 1_000_000


class Timer:
    """A timer of the hub's loop."""

    def __init__(self, loop: Loop, after: float, repeat: float) -> None:
        self._loop = loop
        self.at = loop.now + ceil(after * 1e9)
        self.repeat = round(repeat * 1e9)
        self.callback: Callable[[], None] | None = None

    def start(self, callback: Callable[[], None], *, update: bool) -> None:
        assert update
        self.callback = callback
        self._loop.active.append(self)

    def stop(self) -> None:
        if self in self._loop.active:
            self._loop.active.remove(self)


class Loop:
    """The loop and its clock."""

    def __init__(self) -> None:
        self.now = 1_000 * MS
        self.active: list[Timer] = []
        self.made = 0

    def timer(self, after: float, repeat: float = 0.0) -> Timer:
        self.made += 1
        return Timer(self, after, repeat)

    def go_on(self, nanoseconds: int, *, late: int = 0) -> None:
        """Let time pass. Each timer fires `late` nanoseconds after it should."""
        end = self.now + nanoseconds
        while self.active and min(timer.at for timer in self.active) <= end:
            timer = min(self.active, key=lambda timer: timer.at)
            self.now = max(self.now, timer.at + late)
            if timer.repeat:
                timer.at += timer.repeat
            else:
                self.active.remove(timer)
            assert timer.callback is not None
            timer.callback()
        self.now = max(self.now, end)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    monkeypatch.setattr(pacing, "monotonic_ns", lambda: made.now)
    return made


class Turns:
    """What a pacer called, and when."""

    def __init__(self, loop: Loop, rate: float, kind: str = "constant") -> None:
        engine: Any = SimpleNamespace(loop=loop, count_internal=lambda error: None)
        self.intended: list[int] = []
        self.lags: list[int] = []
        self._loop = loop
        self.pacer = Pacer(engine, rate, kind, self._take)

    def _take(self, intended: int) -> None:
        self.intended.append(intended)
        self.lags.append(self._loop.now - intended)


@pytest.mark.parametrize("rate", [7, 100, 999, 1000, 1001, 5000, 20_000])
@pytest.mark.parametrize("late", [0, 300_000, 4 * MS])
def test_every_turn_is_taken_and_none_early(loop: Loop, rate: int, late: int) -> None:
    turns = Turns(loop, rate)

    turns.pacer.start()
    begin = loop.now
    loop.go_on(1000 * MS, late=late)

    gap = 1e9 / rate
    passed = loop.now - begin
    assert (passed - late - MS) / gap <= len(turns.intended) <= passed / gap + 1
    assert turns.intended == [int(begin + number * gap) for number in range(len(turns.intended))]
    assert min(turns.lags) >= 0
    assert max(turns.lags) <= late + max(MS, late)


@pytest.mark.parametrize(("rate", "made"), [(100, 12), (20_000, 1)])
def test_a_fast_schedule_keeps_its_timer(loop: Loop, rate: int, made: int) -> None:
    turns = Turns(loop, rate)

    turns.pacer.start()
    loop.go_on(100 * MS)

    assert loop.made == made


def test_the_rate_may_change_in_both_directions(loop: Loop) -> None:
    turns = Turns(loop, 5000)

    turns.pacer.start()
    loop.go_on(10 * MS)
    fast = len(turns.intended)
    turns.pacer.set_rate(100)
    loop.go_on(100 * MS)
    slow = len(turns.intended) - fast
    (timer,) = loop.active
    assert not timer.repeat
    turns.pacer.set_rate(5000)
    loop.go_on(20 * MS)

    assert (fast, slow) == (51, 10)
    assert len(turns.intended) - fast - slow > 40
    assert min(turns.lags) >= 0
    assert len(loop.active) == 1


def test_random_gaps_have_the_same_mean(loop: Loop) -> None:
    turns = Turns(loop, 2000, "poisson")

    turns.pacer.start()
    loop.go_on(10_000 * MS)

    assert 0.9 < len(turns.intended) / 20_000 < 1.1
    assert min(turns.lags) >= 0
    assert max(turns.lags) <= 2 * MS


@pytest.mark.parametrize("rate", [100, 5000])
def test_nothing_is_taken_after_the_end(loop: Loop, rate: int) -> None:
    turns = Turns(loop, rate)

    turns.pacer.start()
    loop.go_on(50 * MS)
    turns.pacer.stop()
    taken = len(turns.intended)
    loop.go_on(50 * MS)

    assert len(turns.intended) == taken
    assert loop.active == []
