"""What neighbours took, with a kernel that is made up, and beside real processes."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from load.watching import neighbours, proc
from load.watching.neighbours import NeighbourWatch
from load.watching.process_trees import TreeWatch
from sioprobe.measured.vitals import KernelClocks

TICKS = os.sysconf("SC_CLK_TCK")
FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class Pressure(KernelClocks):
    """How long somebody waited, as a test says."""

    def __init__(self) -> None:
        self.waited: float | None = 0.0

    def pressure(self) -> float | None:
        return self.waited


@dataclass(slots=True)
class Second:
    """What happens in a second of a machine with two cores; what is left of it they are idle."""

    server: float = 0.0
    generator: float = 0.0
    others: float = 0.0
    waited: float = 0.0
    softirq: float = 0.0
    steal: float = 0.0


class Machine:
    """A machine with two cores, whose clocks a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.now = self.server = 0.0
        self.generators: dict[int, float] = {7: 0.0}
        self.partners: tuple[int, ...] = ()
        self.known = True
        self.counts = self.times_interrupts = True
        self.ticks = dict.fromkeys(FIELDS, 0.0)
        self.stat = folder / "stat"
        self.pressure = Pressure()
        monkeypatch.setattr(neighbours, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(neighbours, "partners", lambda pids: self.partners)
        clock = proc.process_cpu_ns
        monkeypatch.setattr(
            proc,
            "process_cpu_ns",
            lambda pid: round(self.generators[pid] * 1e9) if pid in self.generators else clock(pid),
        )
        self.begin()

    def begin(self, *also: int) -> None:
        self.watch = NeighbourWatch(
            TreeWatch([os.getpid()]), self._generators, also=also, stat=str(self.stat), clocks=self.pressure
        )

    def _generators(self) -> Collection[int] | None:
        return self.generators if self.known else None

    def take(self) -> float | None:
        words = " ".join(str(round(self.ticks[name] * TICKS)) for name in FIELDS)
        self.stat.write_text(f"cpu  {words} 0 0\ncpu0 {words} 0 0\ncpu1 {words} 0 0\nintr 4711\n")
        return self.watch.take(round(self.server * 1e9))

    def turn(self, second: Second) -> float | None:
        """Let a second pass; what was taken until its end."""
        self.now += 1.0
        self.server += second.server
        for pid in self.generators:
            self.generators[pid] += second.generator / len(self.generators)
        if self.counts:
            work = second.server + second.generator + second.others
            self.ticks["user"] += work / 2
            self.ticks["system"] += work / 2
            self.ticks["irq"] += 0.01 if self.times_interrupts else 0.0
            self.ticks["softirq"] += second.softirq
            self.ticks["steal"] += second.steal
            self.ticks["idle"] += 2.0 - work - second.softirq - second.steal
        if self.pressure.waited is not None:
            self.pressure.waited += second.waited
        return self.take()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("second", "taken"),
    [
        (Second(server=1.2, generator=0.4, waited=0.9), 0.0),
        (Second(server=0.5, generator=0.3, others=1.0, waited=0.8), 0.8),
        (Second(server=0.5, generator=0.3, others=0.4, waited=0.8), 0.4),
        (Second(server=0.5, generator=0.3, others=1.0, waited=0.0), 0.0),
        (Second(server=1.0, generator=0.5, softirq=0.3, waited=0.8), 0.0),
        (Second(server=1.0, generator=0.5, steal=0.2), 0.2),
        (Second(server=0.5, generator=0.25, others=0.75, steal=0.2), 0.1),
        (Second(server=1.1, generator=0.9, others=-0.1, waited=0.5), 0.0),
    ],
    ids=[
        "a server with threads waits for itself",
        "a neighbour used a core and somebody waited",
        "somebody waited longer than the neighbour ran",
        "nobody waited",
        "the packets of the load",
        "stolen",
        "stolen from a neighbour as well",
        "clocks that do not quite agree",
    ],
)
def test_what_was_taken(machine: Machine, second: Second, taken: float) -> None:
    assert machine.take() == 0.0

    assert machine.turn(second) == pytest.approx(taken, abs=0.02)
    assert machine.turn(second) == pytest.approx(2 * taken, abs=0.03)


def test_a_kernel_that_does_not_time_interrupts_has_them_in_the_clocks_of_processes(machine: Machine) -> None:
    machine.times_interrupts = False
    machine.take()

    # 0.3 of what the server and the generator used is not in user and system, but in softirq.
    assert machine.turn(
        Second(server=1.0, generator=0.5, others=0.4 - 0.3, softirq=0.3, waited=0.8)
    ) == pytest.approx(0.4, abs=0.03)


def test_waiting_in_one_second_and_a_neighbour_in_another_do_not_meet(machine: Machine) -> None:
    machine.take()
    machine.turn(Second(server=1.1, generator=0.4, waited=1.0))

    assert machine.turn(Second(server=0.5, generator=0.3, others=1.0)) == pytest.approx(0.0, abs=0.02)


def test_nothing_is_said_where_the_system_does_not_tell(machine: Machine) -> None:
    busy = Second(server=0.5, generator=0.3, others=1.0, waited=1.0)
    machine.take()
    machine.known = False
    assert machine.turn(busy) is None
    machine.known = True
    assert machine.turn(busy) == 0.0
    assert machine.turn(busy) == pytest.approx(1.0, abs=0.02)
    machine.counts = False
    assert machine.turn(busy) is None
    machine.counts, machine.pressure.waited = True, None
    assert machine.turn(busy) is None
    machine.stat = machine.stat.with_name("other")
    assert machine.turn(busy) is None


def test_a_server_that_is_not_seen_may_be_the_neighbour(machine: Machine) -> None:
    unseen = NeighbourWatch(TreeWatch(()), stat=str(machine.stat), clocks=machine.pressure)
    machine.take()

    assert unseen.take(0) is None


def test_a_generator_that_comes_or_goes_is_no_neighbour(machine: Machine) -> None:
    machine.take()
    machine.generators[8] = 5.0
    # It may have used anything since the last sample.
    assert machine.turn(Second(server=0.5, generator=0.3, others=1.0, waited=1.0)) == 0.0
    assert machine.turn(Second(server=0.5, generator=0.8, waited=1.0)) == pytest.approx(0.0, abs=0.02)
    del machine.generators[8]
    assert machine.turn(Second(server=0.5, generator=0.3, others=1.0, waited=1.0)) == pytest.approx(
        0.0, abs=0.02
    )


@pytest.mark.parametrize(
    ("later", "named"),
    [
        ({(9, 1): 61.5}, True),
        ({(9, 2): 1.5}, True),
        ({(9, 1): 60.3, (10, 1): 0.3}, False),
        ({(7, 1): 63.0}, False),
        ({}, False),
    ],
    ids=["one", "a new one with the id of an ended one", "two of many", "a generator", "ended ones"],
)
def test_the_neighbour_that_used_most_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, later: dict[tuple[int, int], float], named: bool
) -> None:
    clocks = {(9, 1): 60.0, (7, 1): 60.0}
    used_by_all = lambda: {key: round(seconds * 1e9) for key, seconds in clocks.items()}  # noqa: E731
    monkeypatch.setattr(proc, "used_by_all", used_by_all)
    monkeypatch.setattr(proc, "process_name", lambda pid: "compiler")
    machine.take()
    machine.turn(Second(server=0.5, generator=0.3, others=1.0, waited=1.0))
    clocks = later

    assert machine.watch.most() == ("compiler (pid 9)" if named else None)


@pytest.mark.parametrize("named", [False, True], ids=["found", "named"])
def test_a_partner_of_the_server_is_no_neighbour(machine: Machine, named: bool) -> None:
    """A proxy is named: the server is not connected to it."""
    machine.partners = () if named else (os.getpid(),)
    machine.begin(*((os.getpid(),) if named else ()))
    machine.take()
    before = time.process_time()
    while time.process_time() < before + 0.3:
        pass
    used = time.process_time() - before

    taken = machine.turn(Second(server=0.5, generator=0.3, others=used, waited=1.0))

    assert taken == pytest.approx(0.0, abs=0.02)
