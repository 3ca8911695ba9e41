"""The sections of a comparison: rows and sentences follow from the measurements, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from reports.statistics.sections.deriving import sections_of
from reports.writing.wording import NARROW_SPACE
from sioprobe.results.comparison import SECTIONS, Measurement, Section, SectionRow
from tests.reports import synthetic
from tests.reports.measurements import (
    ERRORS,
    NEIGHBOUR,
    PRESSURE,
    block,
    capacity,
    measurement,
    series,
)

OBJECTIVE = {"objective": ["p99<100ms", "errors<=0"]}


def run(*planned: tuple[str, int], **changes: Any) -> Any:
    """run.json of a comparison that plans so many measurements of each section."""
    sections = {"sections": {name: {} for name, _ in planned}, "planned": dict(planned)}
    return synthetic.run_document(profile=sections, **changes)


def section_of(name: str, *measurements: Measurement, **changes: Any) -> Section:
    sections = sections_of(run((name, len(measurements)), **changes), measurements)
    return next(section for section in sections if section["name"] == name)


def figures(row: SectionRow) -> dict[str, float]:
    return {name: value for name, value in row["figures"].items() if value is not None}


def test_a_section_that_the_profile_lacks_says_which_command_measures_it() -> None:
    sections = sections_of(synthetic.run_document(), [])

    assert [section["name"] for section in sections] == list(SECTIONS)
    assert {section["status"] for section in sections} == {"not measured"}
    assert sections[2]["reason"] == (
        "this comparison does not measure it; sioprobe compare --profile full --section fanout does"
    )


def test_a_comparison_without_load_has_no_sections() -> None:
    assert sections_of(synthetic.run_document(cells=[]), []) == []
    assert sections_of(None, []) == []


def test_a_stopped_run_says_how_to_go_on() -> None:
    one = measurement("settings", "gevent", {}, {"findings": [], "not_examined": []}, transport=None)
    begun = sections_of(run(("settings", 3), ("fanout", 2), interrupted=True), [one])
    named = {section["name"]: section for section in begun}

    assert named["settings"]["status"] == "partly"
    assert named["settings"]["reason"] == "2 measurements of 3 not made; the same command goes on"
    assert named["fanout"]["status"] == "not measured"
    assert named["fanout"]["reason"] == "the run was stopped before; the same command goes on with it"


def test_capacity_has_the_highest_rate_and_the_rates_on_the_way() -> None:
    section = section_of(
        "capacity",
        measurement("capacity", "eventlet", {}, capacity(1000.0), asked=OBJECTIVE, kind="capacity"),
        measurement("capacity", "gevent", {}, capacity(4000.0), asked=OBJECTIVE, kind="capacity"),
        measurement(
            "capacity", "threading", {}, capacity(None, limit="machine"), asked=OBJECTIVE, kind="capacity"
        ),
    )

    assert section["status"] == "measured"
    found = [row for row in section["rows"] if row["at"]["point"] == "capacity"]
    # In the order of the run's arms.
    assert [row["arm"] for row in found] == ["threading", "eventlet", "gevent"]
    assert figures(found[0]) == {}
    assert figures(found[2])["capacity_per_second"] == 4000.0
    assert figures(found[2])["server_cpu_cores"] == 0.95
    probes = [row for row in section["rows"] if row["at"]["point"] == "probe" and row["arm"] == "gevent"]
    assert [row["at"]["offered_per_second"] for row in probes] == [2000.0, 4000.0, 8000.0]
    assert [row["figures"]["achieved_per_second"] for row in probes] == [2000.0, 4000.0, 6400.0]
    assert probes[-1]["notes"] == ["not met, because of the server: p99<100ms not met: 300 ms"]
    assert section["findings"] == [
        f"Over WebSocket within p99<100ms and errors<=0, operations a second: gevent 4{NARROW_SPACE}000,"
        f" eventlet 1{NARROW_SPACE}000 (one search each).",
        "Over WebSocket, threading: other processes took the CPU, so the server may carry more.",
    ]


def test_latency_stands_beside_its_rate() -> None:
    def at(arm: str, load: float | str, us: float) -> Measurement:
        found = block("ack", latency=measured(us))
        return measurement("latency", arm, {"load": load}, found, asked={"total_rate": 500.0})

    def measured(us: float) -> dict[str, Any]:
        return block("ack", latency=series("", "", [us] * 2000)["latency"])["latency"]

    section = section_of(
        "latency", at("gevent", 0.25, 2000.0), at("gevent", 0.9, 40_000.0), at("gevent", "common", 3000.0)
    )

    assert [row["at"] for row in section["rows"]] == [
        {"load": "25%", "offered_per_second": 500.0},
        {"load": "90%", "offered_per_second": 500.0},
        {"load": "common", "offered_per_second": 500.0},
    ]
    first = figures(section["rows"][0])
    assert first["achieved_per_second"] == 1000.0
    assert first["server_cpu_cores"] == 0.25
    assert first["p99_us"] == pytest.approx(2000.0, rel=0.01)
    # 2,000 samples have 2 beyond their p99.9: too few.
    assert "p999_us" not in first
    assert (
        section["findings"][0]
        == "Over WebSocket at 500/s for each, the p99 is: gevent 3.00 ms (one measurement each)."
    )
    assert section["findings"][1].startswith("Over WebSocket, the p99 of gevent is 2.0")
    assert " ms at 25% of its capacity, and 40." in section["findings"][1]


def test_fanout_has_first_median_and_last_delivery() -> None:
    spread = [
        series("SIO fan-out", f"{which} delivery", [us] * 20)
        for which, us in (("first", 1000.0), ("median", 2000.0), ("last", 6000.0))
    ]
    ledger = {"published": 20, "expected": 2000, "received": 2000, "reach": 1.0}
    found = block("fanout", published=20, series=spread, ledger=ledger)

    section = section_of("fanout", measurement("fanout", "gevent", {"room_size": 100}, found))

    [row] = section["rows"]
    told = figures(row)
    assert row["at"] == {"room_size": 100}
    assert (told["deliveries_per_second"], told["published_per_second"], told["reach"]) == (1000.0, 10.0, 1.0)
    assert told["cpu_us_per_delivery"] == 250.0
    assert told["first_p50_us"] < told["median_p50_us"] < told["last_p50_us"]
    assert "last_p99_us" not in told
    assert section["findings"] == [
        f"Over WebSocket in a room of 100, deliveries a second: gevent 1{NARROW_SPACE}000.",
        "Over WebSocket in a room of 100, half of the messages have reached everybody after: gevent 6.00 ms.",
    ]


def idle(arm: str, number: int, opened: int, threads: float = 0.0) -> Measurement:
    found = {"server_bytes_per_connection": 50 * 1024.0, "server_threads_per_connection": threads}
    missing = {"connect timeout": number - opened} if opened < number else {}
    result = block(
        "idle", connections=number, connected=opened, error_kinds=missing, found=found, operations=0
    )
    return measurement("connections", arm, {"idle": number}, result)


def test_connections_have_memory_threads_and_what_is_missing() -> None:
    section = section_of(
        "connections",
        idle("gevent", 1000, 1000),
        idle("threading", 1000, 1000, threads=4.0),
        idle("eventlet", 1000, 900),
        measurement("connections", "gevent", {"connecting": 20}, churning()),
    )

    first = {row["arm"]: row for row in section["rows"] if "idle_connections" in row["at"]}
    assert figures(first["gevent"])["rss_bytes_per_connection"] == 51_200.0
    assert figures(first["eventlet"])["failed"] == 100.0
    assert first["eventlet"]["notes"] == ["900 of 1000 connections were there: connect timeout 100"]
    connecting = figures(section["rows"][-1])
    assert connecting["connects_per_second"] == 1000.0
    assert connecting["connect_p99_us"] == pytest.approx(4000.0, rel=0.01)
    assert section["findings"] == [
        f"Memory of each of 1{NARROW_SPACE}000 idle connections over WebSocket: threading 50.0 KiB,"
        " gevent 50.0 KiB.",
        "Threads of each of them: threading 4.00.",
        f"eventlet held 900 of 1{NARROW_SPACE}000 connections over WebSocket.",
        f"Over WebSocket, 20 clients that come and go connect at: gevent 1{NARROW_SPACE}000/s.",
    ]


def churning(*, cooled: bool = True, **leak: Any) -> dict[str, Any]:
    look = {"sessions": 0, "threads": 2, "fds": 9}
    verdict = {"verdict": "clean", "kept": {}, "memory": "settled", "rss_bytes_per_life": 12.0}
    verdict |= {"before": look, "after": look} if cooled else {"verdict": "unknown"}
    return block(
        "churn",
        series=[series("SIO connect", "websocket", [4000.0] * 2000)],
        found={"lives": 2000, "failed": {}, "leak": {**verdict, **leak}, "words": ["2,000 lives"]},
    )


def test_life_tells_leaks_storms_and_slow_clients() -> None:
    waves = [
        {"dropped": 100, "back": 100, "p50_us": 2e5, "all_us": 4e5, "errors": {}},
        {"dropped": 100, "back": 100, "p50_us": 3e5, "all_us": 9e5, "errors": {"connection refused": 7}},
    ]
    slow = {
        "healthy_latency_us": {"before": {"p99": 5000.0}, "slow": {"p99": 50_000.0}},
        "server_rss_bytes": {"before": 60_000_000, "slow": 75_000_000},
        "slow": {"members": 4, "dropped": 1},
    }
    section = section_of(
        "life",
        measurement("life", "gevent", {"scenario": "churn"}, churning()),
        measurement("life", "threading", {"scenario": "churn"}, churning(kept={"threads": 40})),
        measurement(
            *("life", "eventlet", {"scenario": "churn"}),
            churning(verdict="leaks", memory="grows", rss_bytes_per_life=54.0 * 1024),
        ),
        measurement("life", "gevent", {"scenario": "storm"}, block("storm", found={"waves": waves})),
        measurement("life", "gevent", {"scenario": "slow"}, block("slow", found=slow)),
    )

    by = {(row["arm"], row["at"]["scenario"]): figures(row) for row in section["rows"]}
    assert by["threading", "churn"]["leaked_threads"] == 40.0
    assert by["gevent", "churn"]["leaked_threads"] == 0.0
    memory = {arm: by[arm, name]["leaked_bytes_per_life"] for arm, name in by if name == "churn"}
    assert memory == {"threading": 0.0, "gevent": 0.0, "eventlet": 54 * 1024}
    assert (by["gevent", "storm"]["all_back_us"], by["gevent", "storm"]["failed_attempts"]) == (9e5, 7.0)
    assert by["gevent", "slow"]["rss_growth_bytes"] == 15_000_000.0
    assert section["findings"] == [
        "Of clients that came and went over WebSocket, nothing is left on gevent.",
        "Of clients that came and went over WebSocket, threading kept 40 threads.",
        "Of clients that came and went over WebSocket, eventlet kept 54.0 KiB of memory for each of them.",
        "When all clients are dropped at once over WebSocket, everybody is back after: gevent 0.900 s.",
        "Over WebSocket, clients that do not read slow down the others on gevent: their p99 goes from 5.00"
        " to 50.0 ms.",
        "Over WebSocket, slow clients that the server dropped: gevent 1.",
    ]


def test_without_a_cool_down_nobody_saw_what_is_left() -> None:
    section = section_of("life", measurement("life", "gevent", {"scenario": "churn"}, churning(cooled=False)))

    assert not {"leaked_sessions", "leaked_threads", "leaked_files"} & set(figures(section["rows"][0]))
    assert section["findings"] == []


def test_memory_that_nobody_could_judge_is_not_called_nothing() -> None:
    section = section_of(
        "life", measurement("life", "gevent", {"scenario": "churn"}, churning(memory="too few lives"))
    )

    assert "leaked_bytes_per_life" not in figures(section["rows"][0])
    assert section["findings"] == [
        "Of clients that came and went over WebSocket, no session, thread or open file is left on gevent."
        " It is not known whether memory grows there."
    ]


def test_clients_that_did_not_come_back_are_counted_and_nobody_says_all() -> None:
    wave = {"dropped": 100, "back": 60, "p50_us": 2e5, "all_us": None, "errors": {}}
    section = section_of(
        "life", measurement("life", "gevent", {"scenario": "storm"}, block("storm", found={"waves": [wave]}))
    )

    assert "all_back_us" not in figures(section["rows"][0])
    assert section["findings"] == ["On gevent, 40 dropped clients over WebSocket did not come back."]


def test_payload_has_cpu_for_each_size_and_content() -> None:
    section = section_of(
        "payload",
        measurement("payload", "gevent", {"payload_bytes": 32, "content": "text"}, block("ack")),
        measurement("payload", "gevent", {"payload_bytes": 65_536, "content": "binary"}, block("binary")),
    )

    assert [row["at"] for row in section["rows"]] == [
        {"payload_bytes": 32, "content": "text"},
        {"payload_bytes": 65_536, "content": "binary"},
    ]
    assert figures(section["rows"][0])["cpu_us_per_message"] == 125.0
    assert section["findings"] == [
        "Over WebSocket, server CPU of a message with 32 bytes of text: gevent 125 µs.",
        f"Over WebSocket, server CPU of a message with 65{NARROW_SPACE}536 bytes of binary: gevent 125 µs.",
    ]


def in_processes(
    count: int, queue: str | None, scenario: str, messages: int, *findings: Any, **changes: Any
) -> Measurement:
    """A measurement of gevent; a cluster of a release before there was a choice does not name its queue."""
    changes |= {"operations": messages // 2, "published": 50 if scenario == "fanout" else 0}
    found = block(scenario, messages=messages, findings=findings, **changes)
    named = {"queue": queue} if queue else {}
    return measurement("processes", "gevent", {"scenario": scenario, **named, "processes": count}, found)


def with_queue(cpu: float, **server: Any) -> dict[str, Any]:
    queue = {"cpu_seconds": cpu, "rss_bytes": 8_000_000, "processes": 1}
    return {
        "server": {"cpu_seconds": 0.5, "rss_under_load_bytes": 90_000_000, **server},
        "partners": {"queue": queue},
    }


def test_processes_are_compared_with_one_behind_the_same_queue() -> None:
    section = section_of(
        "processes",
        in_processes(1, "none", "ack", 4400),
        in_processes(1, None, "ack", 4000),
        in_processes(2, None, "ack", 7000),
        in_processes(4, None, "ack", 6000, NEIGHBOUR),
    )

    assert [row["figures"]["speedup"] for row in section["rows"]] == [None, 1.0, 1.75, 1.5]
    assert [row["figures"]["of_ideal"] for row in section["rows"]] == [None, 1.0, 0.875, 0.375]
    # Four servers, generator and queue on two cores wait for each other: that is the answer, with a note.
    assert section["rows"][0]["notes"] == []
    assert section["rows"][3]["notes"] == [
        "INVALID: run delay 26%",
        "the queue's process was not seen, so it is in no figure",
        "oversubscribed: 6 processes with generator and queue on 2 cores",
    ]
    assert section["findings"] == [
        "Where servers, queue and generator have too few cores, the figures do not show how these would"
        " scale on more, and no number of processes rests on them.",
    ]


def test_with_cores_enough_the_section_says_how_many_processes_and_which_queue_cost_what() -> None:
    across = {
        "series": [
            series("SIO fan-out", "same-server delivery", [2000.0] * 10),
            series("SIO fan-out", "other-server delivery", [3000.0] * 10),
        ]
    }
    section = section_of(
        "processes",
        *(in_processes(n, "redis", "ack", rate) for n, rate in ((1, 4000), (2, 7000), (4, 8000))),
        in_processes(1, "none", "fanout", 4000),
        in_processes(2, "redis", "fanout", 4000, **with_queue(0.1), **across),
        in_processes(2, "rabbitmq", "fanout", 4000, **with_queue(0.3), **across),
        in_processes(4, "rabbitmq", "fanout", 4000, ERRORS, **with_queue(0.3)),
        environment={"cores": 8},
    )

    rows = {
        (row["at"]["scenario"], row["at"]["queue"], row["at"]["processes"], row["at"].get("part")): row
        for row in section["rows"]
    }
    whole, queue = rows["fanout", "redis", 2, None], rows["fanout", "redis", 2, "queue"]
    # The queue has a row of its own, and is in the CPU and the memory of the whole.
    assert figures(queue) == pytest.approx(
        {
            "cpu_us_per_message": 25.0,
            "cpu_us_per_delivery": 50.0,
            "cpu_us_per_published": 2000.0,
            "cpu_cores": 0.05,
            "rss_bytes": 8e6,
        }
    )
    assert whole["figures"]["cpu_us_per_delivery"] == pytest.approx(300.0)
    assert whole["figures"]["rss_bytes"] == 98e6
    assert whole["figures"]["same_process_p50_us"] == pytest.approx(2000, rel=0.01)
    assert whole["figures"]["other_process_p50_us"] == pytest.approx(3000, rel=0.01)
    assert figures(rows["fanout", "rabbitmq", 4, None]) == {}
    assert section["findings"] == [
        "Over WebSocket, 2 processes carry this many times the acks of one: gevent behind redis 1.75.",
        "Over WebSocket, 4 processes carry this many times the acks of one: gevent behind redis 2.00.",
        "Over WebSocket, of the numbers tried these are enough for the acks, and more carry at most a fifth"
        f" more: gevent 2 processes behind redis (3{NARROW_SPACE}500 messages a second, 1.75 times one,"
        f" 88{NARROW_SPACE}% of the ideal).",
        "Over WebSocket with 1 process, a delivery in a room costs this much CPU with that of the queue:"
        " gevent without a queue 250 µs.",
        "Over WebSocket with 2 processes, a delivery in a room costs this much CPU with that of the queue:"
        " gevent behind redis 300 µs (queue 50.0), gevent behind rabbitmq 400 µs (queue 150).",
        "Over WebSocket with 2 processes, half of the deliveries come within this time to clients of the"
        " publisher's process and of another one: gevent behind redis 2.00 and 3.00 ms,"
        " gevent behind rabbitmq 2.00 and 3.00 ms.",
    ]


def test_settings_have_a_price() -> None:
    nagle = {
        "id": "nagle-polling",
        "severity": "costs latency",
        "certainty": "measured",
        "seen": "12 of 12 answers came in two parts",
        "means": "Nagle's algorithm is on",
        "mend": [{"server": "gevent", "setting": "TCP_NODELAY"}],
        "figures": {"call_p50_ms": 44.0, "call_immediate_ack_p50_ms": 1.5},
    }
    packed = {
        **nagle,
        "id": "compresses-polling",
        "severity": "note",
        "figures": {"packed_cpu_us": 90.0, "plain_cpu_us": 80.0},
    }
    left = [
        {"id": "log", "asked": True, "reason": "no rights"},
        {"id": "closing", "asked": False, "reason": ""},
    ]
    section = section_of(
        "settings",
        measurement(
            "settings", "gevent", {}, {"findings": [nagle, packed], "not_examined": left}, transport=None
        ),
        measurement("settings", "node", {}, {"findings": [], "not_examined": []}, transport=None),
    )

    rows = section["rows"]
    assert [row["at"]["finding"] for row in rows] == ["nagle-polling", "compresses-polling", None, None]
    assert figures(rows[0]) == {"added_latency_us": 42_500.0}
    assert figures(rows[1]) == {"added_cpu_us": 10.0}
    assert rows[0]["notes"][-1] == "What helps: gevent: TCP_NODELAY"
    assert rows[2]["notes"] == ["not examined: no rights"]
    assert section["findings"] == [
        "gevent: nagle-polling (42.5 ms of latency).",
        "Nothing that loses messages or costs anything was found on node.",
    ]

    costly = {**packed, "severity": "costs CPU"}
    dearer = {**costly, "figures": {"packed_cpu_us": 110.0, "plain_cpu_us": 80.0}}
    everywhere = section_of(
        "settings",
        *(
            measurement("settings", arm, {}, {"findings": [one], "not_examined": []}, transport=None)
            for arm, one in (("gevent", costly), ("node", dearer))
        ),
    )
    assert (
        everywhere["findings"][0]
        == "What the doctor found on every server: compresses-polling (10.0 to 30.0 µs of CPU)."
    )


@pytest.mark.parametrize(
    ("finding", "problem", "notes"),
    [
        (NEIGHBOUR, "run delay 26%", ["INVALID: run delay 26%"]),
        (ERRORS, "12 errors", ["INVALID: 12 errors"]),
        (PRESSURE, None, ["SUSPECT: CPU pressure 60%"]),
    ],
)
def test_what_cannot_be_believed_has_no_figures(
    finding: dict[str, str], problem: str | None, notes: list[str]
) -> None:
    found = block("ack", findings=[finding])
    section = section_of(
        "payload", measurement("payload", "gevent", {"payload_bytes": 32, "content": "text"}, found)
    )

    [row] = section["rows"]
    assert row["problem"] == problem
    assert row["notes"] == notes
    assert bool(figures(row)) is (problem is None)
    assert section["status"] == ("measured" if problem is None else "not measured")
    assert bool(section["findings"]) is (problem is None)


def test_a_leak_is_told_although_the_generator_was_held_up() -> None:
    found = {**churning(kept={"sessions": 3}), "validity": block("ack", findings=[NEIGHBOUR])["validity"]}
    section = section_of("life", measurement("life", "gevent", {"scenario": "churn"}, found))

    told = figures(section["rows"][0])
    assert told["leaked_sessions"] == 3.0
    assert "lives_per_second" not in told


@pytest.mark.parametrize(
    ("section", "situation"),
    [
        ("capacity", {}),
        ("latency", {"load": 0.5}),
        ("fanout", {"room_size": 10}),
        ("connections", {"idle": 100}),
        ("connections", {"connecting": 20}),
        ("life", {"scenario": "storm"}),
        ("payload", {"payload_bytes": 32, "content": "text"}),
        ("processes", {"scenario": "ack", "processes": 2}),
        ("settings", {}),
    ],
)
def test_a_measurement_that_failed_is_a_row_with_its_problem(section: Any, situation: dict[str, Any]) -> None:
    found = section_of(section, measurement(section, "gevent", situation, None, problem="not ready in 60 s"))

    [row] = found["rows"]
    assert row["problem"] == "not ready in 60 s"
    assert figures(row) == {}
    assert list(row["figures"]) == list(found["units"])
    assert found["status"] == "not measured"
    assert found["reason"] == "1 row without figures, with the reason"
    assert found["findings"] == []
