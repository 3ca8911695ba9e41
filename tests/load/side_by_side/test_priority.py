"""Servers and driver come before others where that is allowed, and everything is as before afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from load.side_by_side import priority as priorities
from load.side_by_side.priority import Priority, held, highest_allowed, raise_threads

OWN_GROUP = Path("/proc/self/autogroup")


def may_be_nice() -> bool:
    return highest_allowed(Priority.NICE) is Priority.NICE


def state() -> tuple[int, int, str]:
    group = OWN_GROUP.read_text() if OWN_GROUP.exists() else ""
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), group


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session, and so in an autogroup, of its own."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    yield child
    child.communicate(b"\n")


@pytest.mark.parametrize("priority", list(Priority))
def test_it_is_given_back(priority: Priority) -> None:
    before = state()
    if highest_allowed(priority) is not priority:
        pytest.skip(f"this process may not have {priority.value}")
    assert state() == before

    with held(priority):
        policy, nice, group = state()
        assert (policy == os.SCHED_RR) is (priority is Priority.REALTIME)
        if priority is Priority.NICE:
            assert nice == -20
            assert not group or group.endswith("nice -20\n")

    assert state() == before


def test_a_server_and_its_group_are_put_first(child: subprocess.Popen[bytes]) -> None:
    if not may_be_nice():
        pytest.skip("this process may not have nice -20")

    raise_threads(child.pid, [child.pid], Priority.NICE)

    assert os.getpriority(os.PRIO_PROCESS, child.pid) == -20
    group = Path(f"/proc/{child.pid}/autogroup")
    assert not group.exists() or group.read_text().endswith("nice -20\n")


def test_a_thread_that_has_gone_is_no_error(child: subprocess.Popen[bytes]) -> None:
    if not may_be_nice():
        pytest.skip("this process may not have nice -20")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    raise_threads(child.pid, [gone.pid], Priority.NICE)


@pytest.mark.parametrize(("group", "after"), [("", ""), ("/autogroup-7 nice 0\n", "-20")])
def test_only_a_group_that_is_there_is_raised(
    group: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a CI runner starts may have no session, and so no group: its file is empty and takes no value."""
    (tmp_path / "42").mkdir()
    file = tmp_path / "42" / "autogroup"
    file.write_text(group)
    monkeypatch.setattr(priorities, "PROC", tmp_path)

    raise_threads(42, [], Priority.NICE)

    assert file.read_text() == after


def test_where_it_is_not_allowed_all_is_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", refused)
    monkeypatch.setattr(os, "sched_setscheduler", refused)

    assert highest_allowed(Priority.REALTIME, Priority.NICE) is Priority.AS_OTHERS
    assert highest_allowed() is Priority.AS_OTHERS
