"""The summary: figures for each server, and no latency across clocks that cannot be compared."""

from __future__ import annotations

from typing import Literal

import pytest

from sioprobe.measured import Recorder
from sioprobe.measured.arrivals import ArrivalFigures
from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.rendering import render
from sioprobe.measured.server_figures import server_figures
from sioprobe.measured.summary import Around, Remark, summarise
from sioprobe.measured.vitals import Vitals
from sioprobe.results.loads import Finding, LedgerFigures, ScheduleFigures, ServerMoment, UrlFigures

DELIVER = ("SIO deliver", "m")


def state(clock: str, *, between: bool) -> ProcessState:
    return ProcessState(clock, timed_between=between)


def recorder() -> Recorder:
    made = Recorder()
    for us in (100, 200, 300):
        made.series(*DELIVER).record(us)
    made.take()
    return made


@pytest.mark.parametrize(
    ("clocks", "between", "timed"),
    [(("a", "a"), True, True), (("a", "b"), False, True), (("a", "b"), True, False)],
)
def test_latency_between_hosts_is_refused(clocks: tuple[str, str], between: bool, timed: bool) -> None:
    states = [state(clock, between=between) for clock in clocks]

    summary = summarise(recorder(), states, 1.0, DELIVER)

    (series,) = summary.series
    assert (series.latency is not None) is timed
    assert (series.mean_us is not None) is timed
    refused = "times were taken between processes on 2 hosts, whose clocks cannot be compared"
    assert (refused in summary.validity.reasons) is not timed
    assert summary.operations == 3
    assert summary.hosts == len(set(clocks))


def test_each_server_has_figures_of_its_own() -> None:
    made = Recorder()
    series = made.series("SIO ack", "x")
    for us in (100, 100, 100):
        series.part("http://a").record(us)
    series.part("http://b").record(5000)
    made.series("SIO connect", "websocket").part("http://b").error("connection refused")
    made.take()

    summary = summarise(made, [state("a", between=False)], 1.0, ("SIO ack", "x"))

    assert summary.urls == {
        "http://a": UrlFigures(operations=3, errors=0, p50=100, p99=100),
        "http://b": UrlFigures(operations=1, errors=1, p50=5000, p99=5000),
    }
    assert summary.operations == 4
    assert "  http://b: 1 operations, 1 errors, p50 5000, p99 5000" in render(summary)


def test_each_server_has_the_deliveries_of_all_processes_to_its_clients() -> None:
    made = recorder()
    for url in ("http://a", "http://b"):
        made.series(*DELIVER).part(url).record(100)
    made.take()
    clean, lossy = (
        LedgerFigures(expected=2, received=2, reach=1.0),
        LedgerFigures(expected=2, lost=2, reach=0.0),
    )
    states = [
        ProcessState("a", ledger=LedgerFigures(published=2), ledgers={"http://a": clean, "http://b": lossy}),
        ProcessState("a", ledger=LedgerFigures(published=2), ledgers={"http://b": clean}),
    ]

    summary = summarise(made, states, 1.0, DELIVER)

    assert summary.urls["http://a"].ledger == clean
    assert summary.urls["http://b"].ledger == LedgerFigures(expected=4, received=2, lost=2, reach=0.5)
    line = (
        "reach 50.0000% (2 of 4 deliveries; lost 2, duplicated 0, reordered 0, late 0; missed while away 0)"
    )
    assert f"  http://b: 1 operations, 0 errors, p50 100, p99 100; {line}" in render(summary).splitlines()


def test_users_who_did_not_get_in_are_told_at_once() -> None:
    states = [
        ProcessState("a", arrivals=ArrivalFigures(users=10, connected=7, outside=3, waited_seconds=6.0)),
        ProcessState("a", arrivals=ArrivalFigures(users=10, connected=10)),
    ]

    summary = summarise(recorder(), states, 1.0, DELIVER)

    assert (summary.users, summary.connected) == (20, 17)
    told = render(summary).splitlines()
    assert told[0] == "sioprobe: 17 of 20 connections, 3 operations in 1.0 s (3/s), times in µs"
    assert "    INVALID: 3 of 20 users were not connected after 6.0 s" in told
    all_in = summarise(recorder(), states[1:], 1.0, DELIVER)
    assert render(all_in).splitlines()[0] == "sioprobe: 3 operations in 1.0 s (3/s), times in µs"


def test_what_came_after_the_last_take_is_in_no_figure() -> None:
    made = recorder()
    made.series(*DELIVER).record(400)
    made.series("SIO session", "websocket").error("timeout")

    summary = summarise(made, [state("a", between=False)], 1.0, DELIVER)

    assert summary.operations == 3
    assert summary.errors == {}


def test_remarks_lower_the_verdict_or_are_notes() -> None:
    remarks: list[Remark] = [Finding(verdict="SUSPECT", reason="one left"), "one joined"]

    summary = summarise(recorder(), [state("a", between=False)], 1.0, DELIVER, remarks=remarks)

    assert summary.validity.verdict == "SUSPECT"
    assert summary.validity.reasons == ["one left"]
    assert summary.notes == ["one joined"]
    assert "  note: one joined" in render(summary)


WORKERS: tuple[tuple[Literal["SUSPECT", "INVALID"], str], ...] = (
    ("SUSPECT", "one left"),
    ("INVALID", "one was lost"),
)


@pytest.mark.parametrize(("beside", "verdict"), [(True, "VALID"), (False, "INVALID")])
def test_a_single_generator_beside_the_server_is_told_who_kept_it_waiting(beside: bool, verdict: str) -> None:
    waiting = Vitals(seconds=10.0, cpu_seconds=1.0, run_delay_seconds=3.0)
    moments = [
        ServerMoment(
            at=at,
            cpu_seconds=at,
            rss_bytes=1,
            threads=1,
            fds=1,
            processes=1,
            context_switches=None,
            connections=1,
            operations=None,
            messages=None,
            neighbours_cpu_seconds=at / 100,
        )
        for at in (0.0, 10.0)
    ]
    server = server_figures(moments[:1], connected=None, first=0, end=moments[1], window="whole run")
    around = Around(server=server, beside=beside)

    summary = summarise(recorder(), [ProcessState("a", vitals=waiting)], 10.0, DELIVER, around)

    assert summary.validity.verdict == verdict


def test_what_made_a_run_invalid_stands_first_each_reason_on_a_line() -> None:
    remarks = [Finding(verdict=verdict, reason=reason) for verdict, reason in WORKERS]

    summary = summarise(recorder(), [state("a", between=False)], 1.0, DELIVER, remarks=remarks)

    assert render(summary).splitlines()[-3:] == [
        "  verdict: INVALID",
        "    INVALID: one was lost",
        "    SUSPECT: one left",
    ]


def test_the_table_of_series_fits_80_columns() -> None:
    told = render(summarise(recorder(), [state("a", between=False)], 1.0, DELIVER)).splitlines()

    assert [len(line) for line in told[1:3]] == [80, 80]


def test_the_schedule_is_told_in_a_line() -> None:
    schedule = ScheduleFigures(due=4, sent=2, late=1, unsent={"no connection": 2})
    result = summarise(recorder(), [ProcessState("a", schedule=schedule)], 1.0, DELIVER)

    line = "  schedule: 4 due, 2 sent (1 of them more than 10 ms late), 2 not sent (no connection 2)"
    assert line in render(result).splitlines()
    assert result.unsent == 2
