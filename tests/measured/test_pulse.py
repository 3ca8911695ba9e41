"""What a process measures of itself, with a kernel that is made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sioprobe.measured import pulse
from sioprobe.measured.pulse import PULSE_SECONDS, Pulse
from sioprobe.measured.travelling import pack, unpack
from sioprobe.measured.vitals import KernelClocks, Vitals


class FakeKernel(KernelClocks):
    """Clocks that a test turns."""

    def __init__(self) -> None:
        self.now: list[Any] = [100.0, 5.0, 1.0, 2.0]

    def wall(self) -> float:
        return float(self.now[0])

    def cpu(self) -> float:
        return float(self.now[1])

    def run_delay(self) -> float | None:
        return self.now[2]  # type: ignore[no-any-return]

    def pressure(self) -> float | None:
        return self.now[3]  # type: ignore[no-any-return]


class Turned:
    """A pulse whose beats and clocks a test makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kernel = FakeKernel()
        monotonic_ns = lambda: round(self.kernel.now[0] * 1e9)  # noqa: E731
        monkeypatch.setattr(pulse, "time", SimpleNamespace(monotonic_ns=monotonic_ns))
        self.pulse = Pulse(self.kernel)

    def turn(self, wall: float, cpu: float = 0.0, delay: float = 0.0, pressure: float = 0.0) -> None:
        """Let time pass until the next beat."""
        steps = (wall, cpu, delay, pressure)
        for index, step in enumerate(steps):
            if self.kernel.now[index] is not None:
                self.kernel.now[index] += step
        self.pulse._beat()

    def run(self, seconds: int, cpu: float, delay: float) -> None:
        """Beats in time, with these shares."""
        for _ in range(int(seconds / PULSE_SECONDS)):
            self.turn(PULSE_SECONDS, cpu * PULSE_SECONDS, delay * PULSE_SECONDS)


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> Turned:
    return Turned(monkeypatch)


def test_the_busiest_second_is_kept_beside_the_whole(turned: Turned) -> None:
    turned.run(3, cpu=0.1, delay=0.0)
    turned.run(2, cpu=0.95, delay=0.3)
    turned.run(5, cpu=0.1, delay=0.0)

    vitals = turned.pulse.vitals()

    assert vitals.seconds == pytest.approx(10.0)
    assert vitals.cpu_seconds == pytest.approx(2.7)
    assert vitals.busiest_share == pytest.approx(0.95, abs=0.02)
    assert vitals.max_run_delay_share == pytest.approx(0.3, abs=0.02)
    assert vitals.share(vitals.run_delay_seconds) == pytest.approx(0.06)
    assert (vitals.stalls, vitals.hub_lag.max) == (0, pytest.approx(0.0, abs=1.0))


def test_a_hub_that_stood_still_is_seen(turned: Turned) -> None:
    turned.run(2, cpu=0.1, delay=0.0)
    turned.turn(0.42)
    turned.turn(0.09)

    vitals = turned.pulse.vitals()

    assert vitals.stalls == 1
    assert vitals.longest_stall == pytest.approx(0.4)
    assert vitals.stalled_seconds == pytest.approx(0.4)


def test_a_span_ends_where_it_is_taken_and_all_of_them_make_the_whole(turned: Turned) -> None:
    turned.run(2, cpu=0.2, delay=0.1)
    turned.pulse.send_lag.record(70.0)
    first = turned.pulse.take()
    turned.run(1, cpu=0.4, delay=0.0)
    turned.pulse.send_lag.record(90.0)
    second = turned.pulse.take()

    assert (first.seconds, second.seconds) == (pytest.approx(2.0), pytest.approx(1.0))
    assert (first.send_lag.count, second.send_lag.count) == (1, 1)
    whole = turned.pulse.vitals()
    assert whole.cpu_seconds == pytest.approx(first.cpu_seconds + second.cpu_seconds)
    assert whole.send_lag.count == 2
    assert whole.run_delay_seconds == pytest.approx(0.2)


def test_nothing_is_said_of_what_the_kernel_does_not_tell(turned: Turned) -> None:
    turned.kernel.now[2] = turned.kernel.now[3] = None
    turned.pulse.reset()
    turned.run(2, cpu=0.1, delay=0.0)

    vitals = turned.pulse.vitals()

    assert (vitals.run_delay_seconds, vitals.pressure_seconds) == (None, None)
    assert vitals.share(vitals.run_delay_seconds) is None


def test_vitals_survive_the_way_to_a_master(turned: Turned) -> None:
    turned.run(2, cpu=0.2, delay=0.1)
    turned.turn(0.5)
    turned.pulse.send_lag.record(12.0)
    vitals = turned.pulse.vitals()

    again = unpack(pack(vitals), Vitals)

    assert pack(again) == pack(vitals)
    assert again.stalls == 1


def test_the_kernels_files_are_read(tmp_path: Path) -> None:
    schedstat, pressure = tmp_path / "schedstat", tmp_path / "cpu"
    schedstat.write_text("300000000 1500000000 42\n")
    pressure.write_text(
        "some avg10=1.00 avg60=2.00 avg300=3.00 total=2500000\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )

    clocks = KernelClocks(str(schedstat), str(pressure))

    assert (clocks.run_delay(), clocks.pressure()) == (1.5, 2.5)


@pytest.mark.parametrize("text", ["", "words", None])
def test_a_kernel_without_these_files_or_with_others_says_nothing(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)

    clocks = KernelClocks(str(file), str(file))

    assert (clocks.run_delay(), clocks.pressure()) == (None, None)
