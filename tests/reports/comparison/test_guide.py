"""What the guide says beside what was measured, and the table of choices."""

from __future__ import annotations

from typing import Any

import pytest

from reports.comparison.choices import NATURES, choices_of, meanings_of
from reports.comparison.guide import guide_lines
from server_under_test.starting.modes import MODES
from tests.reports import synthetic
from tests.reports.comparison.modes import only_blocks, paired_costs, with_everything

HOLDS, FAILS, OPEN, NOTHING = "holds here", "does not hold here", "cannot be told here", "not measured"


@pytest.mark.parametrize(
    ("costs", "verdicts"),
    [
        ({"eventlet": 100, "gevent": 110, "threading": 200}, [HOLDS, HOLDS, HOLDS, HOLDS]),
        ({"eventlet": 118, "gevent": 100, "threading": 200}, [FAILS, FAILS, HOLDS, HOLDS]),
        ({"eventlet": 100, "gevent": 101, "threading": 200}, [OPEN, OPEN, HOLDS, HOLDS]),
        ({"eventlet": 100, "gevent": 150, "threading": 200}, [HOLDS, FAILS, HOLDS, HOLDS]),
        ({"eventlet": 100, "gevent": 120, "threading": 101}, [OPEN, HOLDS, OPEN, FAILS]),
        ({"gevent": 100, "threading": 200}, [NOTHING, NOTHING, HOLDS, HOLDS]),
        ({"eventlet": 100, "gevent": 110}, [HOLDS, HOLDS, NOTHING, NOTHING]),
    ],
)
def test_a_claim_holds_if_the_ratios_say_so(costs: dict[str, float], verdicts: list[str]) -> None:
    best, slightly, development, polling, begin = guide_lines(paired_costs(**costs))
    assert [one["verdict"] for one in (best, slightly, development, begin)] == verdicts
    assert polling["verdict"] == FAILS  # threading carried messages over WebSocket


def test_a_claim_must_hold_over_each_transport() -> None:
    lines = guide_lines(with_everything())
    assert lines[0]["measured"]["text"] == (
        "Over WebSocket eventlet needs 1.16 times the CPU of gevent [1.13, 1.20]. "
        "Over polling eventlet needs 1.16 times the CPU of gevent [1.13, 1.20]."
    )
    assert lines[3]["measured"]["text"].startswith("With simple-websocket it carried 3\u202f")


def test_without_a_mode_of_the_guide_there_is_no_guide() -> None:
    assert guide_lines(paired_costs(mine=1, theirs=2)) == []


def test_every_mode_of_the_reference_server_says_what_it_is() -> None:
    assert set(NATURES) == set(MODES)


def choices(results: Any, **documents: Any) -> dict[str, Any]:
    results["conformance"] = [{"arm": arm} for arm in documents]
    return {one["arm"]: one for one in choices_of(results, meanings_of(results, documents))}


def texts(said: list[Any]) -> list[str]:
    return [one["text"] for one in said]


def test_a_mode_is_good_for_what_no_other_does_better() -> None:
    found = choices(with_everything())
    assert found["threading"]["good_for"] == []
    assert texts(found["gevent"]["good_for"])[0] == "many small messages over WebSocket: 117 µs a message"
    assert any(
        text.startswith("many idle connections over WebSocket: 4")
        for text in texts(found["gevent"]["good_for"])
    )
    assert texts(found["gevent"]["good_for"])[-1].startswith("deliveries in a room of 100 over WebSocket: ")
    # Behind, but near the best where others are far off.
    near = texts(found["eventlet"]["good_for"])
    assert near[0] == "many small messages over WebSocket: 136 µs a message, 1.16 times that of gevent"
    assert any(text.startswith("messages of 65\u202f536 bytes over WebSocket: ") for text in near)
    # Where nobody is behind, nobody is ahead.
    alike = choices(paired_costs(gevent=100, eventlet=101))["gevent"]["good_for"]
    assert not any(text.startswith("many small messages") for text in texts(alike))


def test_a_mode_ends_where_it_carried_most_failed_or_was_not_tried() -> None:
    found = choices(with_everything())
    ends = texts(found["threading"]["breaks_at"])
    assert "2\u202f720 messages/s over WebSocket within p99<100ms and errors<=0" in ends
    assert "3 errors over polling" in ends
    assert "10\u202f000 idle connections: not tried: 1,000 connections had 4.0 threads each" in ends[-1]
    blocks = texts(choices(only_blocks())["threading"]["breaks_at"])
    assert any("messages/s" in end and "over WebSocket: p99" in end for end in blocks)
    assert any(end.endswith("it was not at its maximum") for end in texts(found["gevent-2"]["breaks_at"]))


def test_several_processes_are_good_for_more_than_one_carries() -> None:
    results = only_blocks()
    rates = {
        cell["arm"]: cell["metrics"]["messages_per_second"]
        for cell in results["cells"]
        if cell["transport"] == "websocket"
    }
    rates["gevent-2"]["estimate"] = 2 * rates["gevent"]["estimate"]
    for cell in results["cells"]:
        if cell["transport"] == "polling":
            cell["metrics"]["messages_per_second"]["estimate"] = 100.0
    # Two servers, queue and generator on two cores show how they share them.
    assert results["environment"]["cores"] == 2
    assert texts(choices(results)["gevent-2"]["good_for"]) == []
    results["environment"]["cores"] = 4
    assert texts(choices(results)["gevent-2"]["good_for"]) == [
        "2.00 times the messages of gevent over WebSocket"
    ]


def test_connections_that_were_not_there_and_leaks_are_ends() -> None:
    results = with_everything()
    named = {section["name"]: section for section in results["sections"]}
    for row in named["connections"]["rows"]:
        if row["arm"] == "eventlet" and row["at"].get("idle_connections") == 10_000:
            row["figures"] |= {"connected": 1024.0, "failed": 8976.0}
    for row in named["life"]["rows"]:
        if row["arm"] == "eventlet" and row["at"]["scenario"] == "churn":
            row["figures"] |= {"leaked_threads": 12.0, "leaked_bytes_per_life": 54.0 * 1024}
    for row in named["capacity"]["rows"]:
        if row["arm"] == "eventlet" and row["at"]["point"] == "capacity":
            row["at"]["limit"] = "generator"
    ends = texts(choices(results)["eventlet"]["breaks_at"])
    assert "1\u202f024 of 10\u202f000 idle connections were there" in ends
    assert "12 threads kept of clients that had left over WebSocket" in ends
    assert "54.0 KiB of memory kept of each client that had left over WebSocket" in ends
    assert any(end.endswith("; the generator was the limit, so it may carry more") for end in ends)


def test_servers_that_were_not_loaded_are_no_choice() -> None:
    assert not {"node", "gevent_uwsgi"} & set(choices(only_blocks()))
    assert choices(only_blocks())["gevent-2"]["nature"].endswith("2 processes behind a queue (redis).")


def test_deviations_become_what_they_mean_to_users() -> None:
    document = synthetic.conformance_document("threading", 3)
    order: Any = {
        **document["cases"][0],
        "id": "SIO-OR-02",
        "verdict": "known deviation",
        "reason": "threads",
    }
    threading: Any = {**document, "cases": [order]}
    gevent: Any = {**document, "cases": [{**order, "id": "EIO-PL-11"}]}
    results = only_blocks()
    meanings = meanings_of(results, {"threading": threading, "gevent": gevent, "node": threading})
    assert [(one["id"], one["arms"]) for one in meanings] == [
        ("order", ["threading"]),
        ("lost-pushes", ["gevent"]),
    ]
    found = choices(results, threading=threading, gevent=gevent)
    assert found["threading"]["meanings"] == ["order"]
    assert found["threading"]["judged"]
    assert not found["eventlet"]["judged"]
