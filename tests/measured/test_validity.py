"""The verdict on the generator."""

from __future__ import annotations

from typing import Any

import pytest

from sioprobe.measured import Vitals, judge
from sioprobe.measured.arrivals import ArrivalFigures
from sioprobe.measured.validity import is_saturated
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Floor, Neighbours, Validity


def histogram(*values: float) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(value)
    return made


def vitals(**values: Any) -> Vitals:
    """Of a process that fared well for 10 s."""
    return Vitals(
        **{
            "seconds": 10.0,
            "cpu_seconds": 2.0,
            "max_cpu_share": 0.3,
            "run_delay_seconds": 0.01,
            "pressure_seconds": 0.5,
            "hub_lag": histogram(*[500.0] * 98, 2000.0, 2000.0),
            "send_lag": histogram(*[300.0] * 100),
            **values,
        }
    )


LATENCY = histogram(*[5000.0] * 97, 9000.0, 9000.0, 9000.0)
FLOOR = Floor(
    connections=10,
    rate=0.0,
    seconds=1.0,
    operations_per_second=9000.0,
    p50_us=500.0,
    p99_us=900.0,
    cpu_us_per_operation=10.0,
)
GOOD: dict[str, Any] = {
    "operations": 1000,
    "errors": 0,
    "vitals": [vitals(), vitals()],
    "latency": LATENCY,
    "floor": FLOOR,
}


def test_a_good_run_is_valid() -> None:
    assert judge(**GOOD) == Validity(verdict="VALID", reasons=[], findings=[])


def test_what_the_kernel_does_not_tell_lowers_nothing() -> None:
    silent = vitals(run_delay_seconds=None, pressure_seconds=None)

    assert judge(**{**GOOD, "vitals": [silent]}).verdict == "VALID"


@pytest.mark.parametrize(("users", "verdict"), [(20, "INVALID"), (100, "INVALID"), (101, "SUSPECT")])
def test_a_user_who_did_not_get_in_is_missing_from_the_load(users: int, verdict: str) -> None:
    arrivals = ArrivalFigures(users=users, connected=users - 1, outside=1, waited_seconds=4.04)

    # A scenario without operations is judged by it too.
    for operations in (1000, None):
        found = judge(**{**GOOD, "operations": operations}, arrivals=arrivals)
        assert (found.verdict, found.findings[0].cause) == (verdict, "errors")
        assert found.reasons == [f"1 of {users} users was not connected after 4.0 s"]
    everybody = ArrivalFigures(users=users, connected=users)
    assert judge(**GOOD, arrivals=everybody).verdict == "VALID"


@pytest.mark.parametrize(("count", "words"), [(1, "1 operation was"), (20, "20 operations were")])
def test_what_had_no_answer_at_the_end_is_in_no_percentile(count: int, words: str) -> None:
    found = judge(**GOOD, unanswered=count)

    assert found.verdict == "SUSPECT"
    assert found.reasons == [f"{words} under way at the end, and got no answer within 3 s"]


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"max_cpu_share": 0.95}, "INVALID", "95% of a core"),
        ({"max_cpu_share": 0.75}, "SUSPECT", "75% of a core"),
        ({"cpu_seconds": 9.6, "max_cpu_share": 0.0}, "INVALID", "96% of a core"),
        ({"hub_lag": histogram(*[500.0] * 90, *[12_000.0] * 10)}, "SUSPECT", "hub lag p99 12.0 ms"),
        ({"hub_lag": histogram(*[6000.0] * 100)}, "INVALID", "hub lag p50 6.0 ms"),
        ({"send_lag": histogram(*[12_000.0] * 10)}, "INVALID", "send lag p99 12.0 ms"),
        (
            {"stalls": 1, "stalled_seconds": 0.4, "longest_stall": 0.4},
            "SUSPECT",
            "stood still once, for 0.40",
        ),
        ({"stalls": 3, "stalled_seconds": 0.6, "longest_stall": 0.3}, "INVALID", "stood still 3 times"),
        ({"run_delay_seconds": 0.6}, "SUSPECT", "run delay 6%"),
        ({"run_delay_seconds": 2.5}, "INVALID", "run delay 25%"),
        ({"max_run_delay_share": 0.4}, "SUSPECT", "run delay 40% in one second"),
    ],
)
def test_one_process_that_fared_badly_lowers_the_verdict(
    change: dict[str, Any], verdict: str, reason: str
) -> None:
    """The other fared well: an average of both would hide it."""
    validity = judge(**{**GOOD, "vitals": [vitals(), vitals(**change)]})

    assert validity.verdict == verdict
    assert len(validity.reasons) == 1
    assert reason in validity.reasons[0]


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"operations": 0}, "INVALID", "no operation"),
        ({"errors": 1}, "SUSPECT", "1 error"),
        ({"errors": 100}, "INVALID", "100 errors"),
        ({"unsent": 1}, "SUSPECT", "1 intended operations (0.1%) could not be sent"),
        ({"unsent": 100}, "INVALID", "100 intended operations (9.1%) could not be sent"),
        (
            {"neighbours": Neighbours(share=0.12)},
            "SUSPECT",
            "other processes used 0.12 of a core that somebody waited for",
        ),
        (
            {"neighbours": Neighbours(share=0.9, most="find (pid 4711)")},
            "SUSPECT",
            "; most of it find (pid 4711)",
        ),
        ({"neighbours": Neighbours(share=0.08, busiest_second=0.5)}, "SUSPECT", "0.50 of a core"),
        ({"neighbours": Neighbours(share=0.08, busiest_second=0.2, most="find")}, "VALID", ""),
        ({"ledger_clean": False}, "SUSPECT", "lost, duplicated, reordered or late"),
        ({"operations": None, "latency": Histogram(), "errors": 3}, "SUSPECT", "3 errors"),
        ({"latency": histogram(*[5000.0] * 97, *[9000.0] * 3), "floor": None}, "VALID", ""),
        (
            {"latency": histogram(*[900.0] * 97, *[2000.0] * 3)},
            "SUSPECT",
            "mostly its own: p50 0.9 ms (floor 0.5 ms)",
        ),
    ],
)
def test_each_reason_lowers_the_verdict_and_is_named(
    change: dict[str, Any], verdict: str, reason: str
) -> None:
    validity = judge(**{**GOOD, **change})

    assert validity.verdict == verdict
    assert len(validity.reasons) == (1 if reason else 0)
    assert reason in "".join(validity.reasons)


def test_a_machine_that_a_server_with_threads_presses_itself_lowers_nothing() -> None:
    pressed = vitals(pressure_seconds=9.5)

    assert judge(**{**GOOD, "vitals": [pressed], "neighbours": Neighbours(share=0.02)}).verdict == "VALID"


@pytest.mark.parametrize(
    ("change", "neighbours", "verdict", "reason"),
    [
        # The server took it: it runs on the same core, and nobody else did anything.
        ({"run_delay_seconds": 2.5, "max_run_delay_share": 0.4}, Neighbours(share=0.02), "VALID", ""),
        ({"run_delay_seconds": 5.1}, Neighbours(share=0.02), "SUSPECT", "leave it 71% of the time"),
        ({"run_delay_seconds": 7.1}, Neighbours(share=0.02), "INVALID", "leave it 91% of the time"),
        ({"run_delay_seconds": 2.5}, Neighbours(share=0.08), "VALID", ""),
        # A neighbour can have taken as much as it used.
        ({"run_delay_seconds": 2.5}, Neighbours(share=0.12), "SUSPECT", "run delay 12%"),
        ({"run_delay_seconds": 2.5}, Neighbours(share=0.9), "INVALID", "run delay 25%"),
        (
            {"max_run_delay_share": 0.4},
            Neighbours(share=0.05, busiest_second=0.28),
            "SUSPECT",
            "run delay 28% in one second",
        ),
        ({"run_delay_seconds": 2.5}, None, "INVALID", "run delay 25%"),
    ],
)
def test_what_the_server_takes_from_a_generator_beside_it_is_no_neighbours(
    change: dict[str, Any], neighbours: Neighbours | None, verdict: str, reason: str
) -> None:
    """The generator uses 20 % of a core itself."""
    given = {**GOOD, "vitals": [vitals(**change)], "neighbours": neighbours}

    validity = judge(**given, beside=True)

    assert validity.verdict == verdict
    assert reason in "".join(finding.reason for finding in validity.findings if finding.cause == "run delay")
    # Workers keep each other waiting, and are elsewhere.
    elsewhere = [finding.reason for finding in judge(**given).findings if finding.cause == "run delay"]
    assert elsewhere
    assert "run delay" in elsewhere[0]


def test_a_late_schedule_beside_a_slow_server_is_suspect_only() -> None:
    """A second is the server's; the 12 ms within it are the generator's."""
    late = vitals(send_lag=histogram(*[12_000.0] * 10))

    assert judge(**{**GOOD, "vitals": [late], "latency": histogram(*[1e6] * 100)}).verdict == "SUSPECT"


def test_the_worst_of_several_reasons_counts() -> None:
    validity = judge(**{**GOOD, "vitals": [vitals(max_cpu_share=1.0)], "errors": 1})

    assert validity.verdict == "INVALID"
    assert len(validity.reasons) == 2


@pytest.mark.parametrize(
    ("share", "saturated"),
    [(0.5, False), (0.89, False), (0.9, True), (1.02, True), (1.3, False), (1.75, False), (1.85, True)],
)
def test_a_server_is_saturated_when_each_core_that_it_uses_is(share: float, saturated: bool) -> None:
    assert is_saturated(share) is saturated


def test_an_unknown_server_is_not_called_saturated() -> None:
    assert is_saturated(None) is None
