"""The account of an open loop."""

from __future__ import annotations

from sioprobe.measured import Schedule


def test_what_is_due_is_sent_or_has_a_reason() -> None:
    schedule = Schedule()
    schedule.send(3.0)
    schedule.send(20_000.0)
    schedule.miss("no connection")
    schedule.miss("no connection")

    assert (schedule.due, schedule.sent, schedule.late, schedule.unsent) == (4, 2, 1, {"no connection": 2})


def test_accounts_of_processes_add_up() -> None:
    first, second = Schedule(), Schedule()
    first.send(0.0)
    first.service.record(500.0)
    second.miss("no connection")
    second.miss("too many outstanding")
    first.merge(Schedule.of(second.figures()))

    assert (first.due, first.sent) == (3, 1)
    assert first.unsent == {"no connection": 1, "too many outstanding": 1}
    assert first.figures().service_latency == first.service.to_latency()


def test_no_service_time_is_none() -> None:
    assert Schedule().figures().service_latency is None
