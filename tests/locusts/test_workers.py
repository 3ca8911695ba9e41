"""What a master says of its workers, from their reports alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sioprobe.locusts import workers as module
from sioprobe.locusts.workers import Workers
from sioprobe.measured.process_state import ProcessState
from sioprobe.results.loads import Finding
from sioprobe.results.types import Trust

INDEXES = {"a": 0, "b": 1}
WHO = "worker 0 (host, pid 1)"


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def state(*, run: str = "run", final: bool = False, left: bool = False, pid: int = 1) -> ProcessState:
    return ProcessState(
        "clock", host="host", pid=pid, run=run, final=final, left=left, users=3, counted=40, cpu_share=0.5
    )


def remark(verdict: Trust, reason: str) -> Finding:
    return Finding(verdict=verdict, reason=reason)


def test_workers_that_report_to_the_end_need_no_remark(clock: Clock) -> None:
    workers = Workers("run", INDEXES)
    for seconds in (1.0, 1.0, 1.0):
        clock.now += seconds
        assert workers.take("a", 0, state())
        assert workers.take("b", 1, state())
    assert not workers.halted(["a", "b"])
    workers.stopping = clock.now
    workers.take("a", 0, state(final=True))
    assert not workers.halted(["a", "b"])
    workers.take("b", 1, state(final=True))

    assert workers.halted(["a", "b"])
    workers.over = True
    assert workers.remarks(set()) == []
    assert not workers.incomplete
    assert [process.state for process in workers.generators(set())] == ["done", "done"]


def test_users_stay_until_every_worker_has_come_to_rest(clock: Clock) -> None:
    workers = Workers("run", INDEXES)
    workers.take("a", 0, state())
    workers.take("b", 1, replace(state(), rested=True))
    assert not workers.rested(["a", "b"])
    # One that is missing is not waited for, and one that has ended has rested too.
    assert workers.rested(["b"])
    workers.take("a", 0, state(final=True))
    assert workers.rested(["a", "b"])
    assert not workers.halted(["a", "b"])


def test_a_report_of_another_test_is_refused(clock: Clock) -> None:
    workers = Workers("run", INDEXES)
    assert not workers.take("a", 0, state(run="earlier"))
    assert not Workers().take("a", 0, state(run=""))
    assert len(workers) == 0


def test_a_lost_worker_is_told_with_what_its_last_report_covers(clock: Clock) -> None:
    workers = Workers("run", INDEXES)
    clock.now += 2.5
    workers.take("a", 0, state(pid=11))
    workers.take("b", 1, state(final=True))
    assert workers.remarks(set()) == []

    expected = remark(
        "INVALID",
        "worker 0 (host, pid 11) was lost: its last report came 2.5 s after the start and covers 40 counts of"
        " 3 users; what it counted later is missing",
    )
    # While the test runs, where the master hears nothing from it; after the test in any case.
    assert workers.remarks({"a"}) == [expected]
    assert workers.generators({"a"})[0].state == "lost"
    workers.over = True
    assert workers.remarks(set()) == [expected]
    assert workers.incomplete


def test_a_worker_that_never_reported_is_lost(clock: Clock) -> None:
    workers = Workers("run", INDEXES)
    workers.take("a", 0, state(final=True))
    assert not workers.halted(["a", "b"])
    # It is gone, and nobody waits for it.
    assert workers.halted(["a"])
    workers.over = True

    assert workers.remarks(set()) == [
        remark("INVALID", "worker 1 was lost before its first report: what it counted is missing")
    ]
    assert workers.incomplete


def test_a_worker_that_leaves_early_is_told_and_its_counts_are_complete(clock: Clock) -> None:
    workers = Workers("run", {"a": 0})
    clock.now += 4.0
    workers.take("a", 0, state(final=True, left=True))
    expected = remark(
        "SUSPECT", "worker 0 (host, pid 1) left 4.0 s after the start; its 40 counts are complete"
    )

    assert workers.remarks(set()) == [expected]
    workers.stopping = clock.now + 10.0
    workers.over = True
    assert workers.remarks(set()) == [expected]
    assert workers.incomplete


def test_ctrl_c_reaches_workers_and_master_together(clock: Clock) -> None:
    workers = Workers("run", {"a": 0})
    clock.now += 4.0
    workers.take("a", 0, state(final=True, left=True))
    workers.stopping = clock.now + 0.1
    workers.over = True

    assert workers.remarks(set()) == []
    assert not workers.incomplete


def test_one_that_joins_late_is_a_note(clock: Clock) -> None:
    workers = Workers("run", {"a": 0})
    clock.now += 3.0
    workers.take("c", 2, state(final=True))

    assert workers.remarks(set()) == ["worker 2 (host, pid 1) joined 3.0 s after the start"]


def test_a_silence_is_told(clock: Clock) -> None:
    workers = Workers("run", {"a": 0})
    workers.take("a", 0, state())
    clock.now += 7.0
    workers.take("a", 0, state(final=True))

    assert workers.remarks(set()) == [remark("SUSPECT", "worker 0 (host, pid 1) was silent for 7.0 s")]
