"""Process trees read from outside: nothing counted twice, nothing negative, whoever comes and goes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from load.watching import proc
from load.watching.proc import Stat, descendants, process_cpu_ns, process_name
from load.watching.process_trees import SamplingError, TreeWatch, sample_trees

BURN = """
def burn(seconds):
    import time
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
# Says what it did last; a line on stdin lets it go on. Its children burn CPU and end.
FORKING = (
    BURN
    + """
import os, sys
for line in sys.stdin:
    word, _, number = line.strip().partition(" ")
    if word == "children":
        for _ in range(int(number)):
            child = os.fork()
            if child == 0:
                burn(0.05)
                os._exit(0)
            os.waitpid(child, 0)
    elif word == "nested":
        child = os.fork()
        if child == 0:
            grandchild = os.fork()
            if grandchild == 0:
                burn(0.2)
                os._exit(0)
            print("born", grandchild, flush=True)
            sys.stdin.readline()
            os.waitpid(grandchild, 0)
            os._exit(0)
        os.waitpid(child, 0)
    elif word == "burn":
        burn(float(number))
    elif word == "threads":
        import threading
        stay = threading.Event()
        for _ in range(int(number)):
            threading.Thread(target=stay.wait, daemon=True).start()
    print("done", flush=True)
"""
)


class Child:
    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            # Without a buffer: a forked child must not take lines that are the parent's.
            [sys.executable, "-u", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.pid = self.process.pid

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()


@contextmanager
def running(program: str = FORKING) -> Iterator[Child]:
    child = Child(program)
    try:
        assert child.ask("nothing") == "done"
        yield child
    finally:
        child.process.kill()
        child.process.communicate()


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_process_used_before_the_watch_is_not_counted() -> None:
    with running() as child:
        child.ask("burn 0.3")
        watch = TreeWatch([child.pid])
        before = watch.sample()
        child.ask("burn 0.1")
        after = watch.sample()

    assert before.cpu_ns < 100_000_000
    assert 100_000_000 <= after.cpu_ns - before.cpu_ns < 300_000_000
    assert after.rss_bytes > 1_000_000
    assert (after.processes, after.threads) == (1, 1)
    assert after.fds is not None
    assert after.fds >= 3
    assert after.context_switches is not None
    assert after.context_switches > 0


def test_children_that_no_sample_saw_are_counted_once() -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        child.ask("children 6")
        first = watch.sample()
        again = watch.sample()

    # Six times 50 ms; what the kernel adds up has ticks of 10 ms.
    assert 260_000_000 <= first.cpu_ns < 600_000_000
    assert again.cpu_ns - first.cpu_ns < 50_000_000


def test_children_of_before_the_watch_are_not_counted() -> None:
    with running() as child:
        child.ask("children 6")
        watch = TreeWatch([child.pid])

        assert watch.sample().cpu_ns < 50_000_000


def test_descendants_that_end_between_samples_are_counted_once() -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        child.tell("nested")
        grandchild = int(child.hear().removeprefix("born "))
        # It burns, and stays for its parent to reap: its clock can be read all the while.
        wait_for(lambda: process_cpu_ns(grandchild) >= 200_000_000)
        seen = watch.sample()
        child.tell("")
        assert child.hear() == "done"
        after = watch.sample()

    assert seen.processes == 3
    assert after.processes == 1
    assert 200_000_000 <= seen.cpu_ns <= after.cpu_ns < 380_000_000


def test_cpu_never_falls_while_children_come_and_go() -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        child.tell("children 20")
        samples = [watch.sample()]
        for _ in range(40):
            time.sleep(0.02)
            samples.append(watch.sample())
        assert child.hear() == "done"
        samples.append(watch.sample())

    cpu = [sample.cpu_ns for sample in samples]
    assert cpu == sorted(cpu)
    assert 900_000_000 <= cpu[-1] < 1_900_000_000


def test_two_roots_of_one_tree_are_one_tree() -> None:
    with running() as child:
        watch = TreeWatch([child.pid, os.getpid(), child.pid])
        single = TreeWatch([os.getpid()])

        assert watch.sample().processes == single.sample().processes


def test_a_process_that_ended_keeps_its_cpu_and_holds_nothing() -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        child.ask("burn 0.1")
        before = watch.sample()
        child.process.kill()
        child.process.wait()
        after = watch.sample()

    assert after.cpu_ns >= before.cpu_ns >= 100_000_000
    assert (after.processes, after.rss_bytes, after.threads, after.fds) == (0, 0, 0, 0)
    assert not watch.alive


def test_another_process_under_the_same_id_is_not_the_one_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        real = proc.stat

        def reborn(pid: int) -> Stat | None:
            stat = real(pid)
            return None if stat is None else replace(stat, born=stat.born + 1)

        monkeypatch.setattr(proc, "stat", reborn)

        assert watch.sample().processes == 0


def test_context_switches_of_many_threads_are_read_when_asked_for() -> None:
    with running() as child:
        watch = TreeWatch([child.pid])
        child.ask("threads 80")

        assert watch.sample().threads == 81
        assert watch.sample().context_switches is None
        switches = watch.sample(switches=True).context_switches
        assert switches is not None
        assert switches >= 80


def test_what_may_not_be_read_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str) -> list[str]:
        if path.endswith("/fd"):
            raise PermissionError(path)
        return real(path)

    real = os.listdir
    with running() as child:
        watch = TreeWatch([child.pid])
        monkeypatch.setattr(os, "listdir", denied)

        assert watch.sample().fds is None


def test_a_process_that_is_not_there_is_named() -> None:
    with running() as child:
        child.process.kill()
        child.process.wait()

        with pytest.raises(SamplingError, match=f"there is no process {child.pid} here"):
            TreeWatch([child.pid])


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SamplingError, match="on Linux only, not darwin"):
        TreeWatch([os.getpid()])
    assert not TreeWatch([]).watches


def test_one_look_counts_from_the_start_of_the_processes() -> None:
    with running() as child:
        child.ask("burn 0.1")
        child.ask("children 4")
        sample = sample_trees([child.pid, 2**30])

    # The kernel's ticks of 10 ms take some of four times 50 ms.
    assert sample.cpu_ns >= 260_000_000
    assert sample.processes == 1
    assert sample_trees([2**30]).processes == 0


def test_names_and_descendants() -> None:
    with running() as child:
        assert child.pid in descendants(os.getpid())
        assert process_name(child.pid).startswith("python")
    assert process_name(child.pid) == ""
