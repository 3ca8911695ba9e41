"""The first screen: what is answered from which evidence, and how sure it is."""

from __future__ import annotations

from typing import Any

import pytest

from reports.comparison.answers import answers_of, message_evidence
from reports.comparison.evidence import modes_of
from tests.reports.comparison.modes import only_blocks, paired_costs, with_everything


def answer(results: Any, user: str) -> Any:
    [found] = [one for one in answers_of(results) if one["user"] == user]
    return found


def more_of(found: Any) -> str:
    return " ".join(one["text"] for one in found["more"])


def standing(found: Any) -> dict[str, str]:
    return {one["arm"]: one["standing"] for one in found["standings"]}


def test_ratios_of_servers_that_ran_together_are_sure() -> None:
    found = answer(paired_costs(gevent=100, eventlet=118, threading=240), "messages")
    assert found["sureness"] == "sure"
    assert found["answer"]["text"] == (
        "Over WebSocket gevent needs the least server CPU for a message: 100 µs. "
        "eventlet needs 1.18 times as much [1.14, 1.22] and threading 2.40 times [2.33, 2.47]."
    )
    assert "ratios inside 8 lives" in found["basis"]["text"]
    assert "98.4 %" in found["basis"]["text"]


def test_what_cannot_be_told_apart_is_named_together() -> None:
    found = answer(paired_costs(gevent=100, eventlet=101, threading=250), "messages")
    assert standing(found) == {"gevent": "best", "eventlet": "alike", "threading": "behind"}
    assert found["answer"]["text"].startswith(
        "Over WebSocket gevent and eventlet need the least server CPU for a message: "
        "100 µs with gevent; they cannot be told apart."
    )
    found = answer(paired_costs(gevent=100, eventlet=101), "messages")
    assert found["sureness"] == "alike"
    assert "the modes cannot be told apart" in found["answer"]["text"]


def test_ratios_go_before_blocks_that_say_something_else() -> None:
    results = with_everything()
    blocks = only_blocks()
    for one in (results, blocks):
        for cell in one["cells"]:
            if (cell["arm"], cell["transport"]) == ("threading", "websocket"):
                cell["metrics"]["server_cpu_us_per_message"] |= {"estimate": 10.0, "low": 9.0, "high": 11.0}
    assert standing(answer(blocks, "messages"))["threading"] == "best"
    assert standing(answer(results, "messages"))["threading"] == "behind"


def test_blocks_alone_are_likely_at_most() -> None:
    found = answer(only_blocks(), "messages")
    assert found["sureness"] == "likely"
    assert "No two of these blocks ran at the same time" in found["basis"]["text"]
    # 4 % apart, and the intervals overlap or not: that is no order.
    assert standing(found) == {
        "gevent": "best",
        "gevent-simple": "alike",
        "eventlet": "behind",
        "gunicorn-gthread": "behind",
        "threading": "behind",
    }


def test_too_few_blocks_or_lives_rank_nobody() -> None:
    results = paired_costs(gevent=100, eventlet=118)
    results["side_by_side"][0]["ratios"][0] |= {"low": None, "high": None, "claimed": None}
    assert standing(answer(results, "messages")) == {"gevent": "best", "eventlet": "unranked"}
    results = only_blocks()
    for cell in results["cells"]:
        cell["metrics"]["rss_bytes_per_connection"]["values"] = [1.0, 2.0]
    found = answer(results, "connections")
    assert set(standing(found).values()) == {"best", "unranked"}
    assert "There are too few blocks of" in found["answer"]["text"]


def test_only_modes_of_flask_socketio_with_the_fewest_processes_are_named() -> None:
    results = with_everything()
    results["arms"].append({**results["arms"][0], "id": "mine", "versions": {}})
    names = modes_of(results)
    assert "node" not in names
    assert "gevent-2" not in names
    assert "mine" in names
    results["arms"] = [arm for arm in results["arms"] if arm["id"] == "node"]
    assert modes_of(results) == ["node"]


def test_idle_connections_are_compared_where_most_modes_held_them() -> None:
    found = answer(with_everything(), "connections")
    assert found["basis"]["text"].startswith("one measurement of each mode at idle connections 1\u202f000.")
    assert set(standing(found)) == {"gevent", "eventlet", "threading"}
    assert found["sureness"] == "measured once"
    assert "5\u202f000 such connections would take 219 MiB with gevent" in more_of(found)
    assert "They would need 20\u202f000 threads with threading." in more_of(found)


def test_a_room_answers_for_rooms_and_without_one_the_answer_says_what_it_rests_on() -> None:
    found = answer(with_everything(), "rooms")
    assert found["answer"]["text"].startswith("Over WebSocket gevent and eventlet deliver the most messages")
    assert "Half of the messages have reached everybody after" in more_of(found)
    found = answer(paired_costs(gevent=100, eventlet=118), "rooms")
    assert found["sureness"] == "indirect"
    assert "one message to 200 members takes this much CPU: 20.0 ms with gevent" in more_of(found)
    assert found["answer"]["text"].startswith("No room was measured.")
    assert more_of(found).startswith("A guess:")


def test_blocks_of_a_room_scenario_answer_for_rooms() -> None:
    results = only_blocks()
    for cell in results["cells"]:
        cell["scenario"] = "fanout"
    found = answer(results, "rooms")
    assert found["sureness"] == "likely"
    assert found["figure"] == "deliveries"


def test_users_are_counted_at_the_rate_that_met_an_objective_or_else_at_the_highest() -> None:
    within = more_of(answer(with_everything(), "messages"))
    assert within.startswith("Within p99<100ms and errors<=0 one process carried this many messages a second")
    assert "gevent 6\u202f640 (110 users)" in within
    most = more_of(answer(only_blocks(), "messages"))
    assert most.startswith("Over 50 connections that never paused one process carried")
    assert "gevent 8\u202f" in most


def test_the_latency_at_a_light_load_is_told_where_servers_ran_together() -> None:
    assert "half of the answers come within 0.117 ms with gevent" in more_of(
        answer(with_everything(), "messages")
    )
    assert "light load" not in more_of(answer(only_blocks(), "messages"))


def test_an_equal_order_over_polling_is_said_in_one_sentence() -> None:
    text = more_of(answer(with_everything(), "messages"))
    assert text.endswith("Over polling the order is the same, and the best needs 440 µs.")


def test_larger_messages_that_change_the_order_are_told_with_their_size() -> None:
    results = with_everything()
    assert "Larger messages" not in more_of(answer(results, "messages"))
    [payload] = [part for part in results["sections"] if part["name"] == "payload"]
    for row in payload["rows"]:
        if row["arm"] == "gevent" and row["at"]["payload_bytes"] == 65536:
            row["figures"]["cpu_us_per_message"] = 5000.0
    text = more_of(answer(results, "messages"))
    assert "Larger messages change the order (measured once): with 65\u202f536 bytes of text" in text


def test_a_full_load_is_told_beside_short_bursts() -> None:
    assert "At full load a message costs gevent" in more_of(answer(with_everything(), "messages"))
    assert "At full load" not in more_of(answer(only_blocks(), "messages"))


def test_a_search_that_the_time_ended_is_told() -> None:
    results = with_everything()
    assert "The time ended" not in more_of(answer(results, "messages"))
    [capacity] = [part for part in results["sections"] if part["name"] == "capacity"]
    for row in capacity["rows"]:
        if row["arm"] == "gevent" and row["at"]["point"] == "capacity":
            row["at"]["limit"] = "budget"
    text = more_of(answer(results, "messages"))
    assert text.count("The time ended those of gevent, which may carry more.") == 1


def test_what_was_not_measured_is_named_with_its_command() -> None:
    found = answer(only_blocks(), "messages")
    assert "larger messages" in found["not_measured"]
    assert found["command"] == (
        "sioprobe compare --profile full --section capacity --section latency --section payload "
        "--section processes"
    )
    own = only_blocks()
    own["arms"][0] |= {"mode": None}
    assert answer(own, "messages")["not_measured"]
    assert answer(own, "messages")["command"] is None
    assert answer(with_everything(), "messages")["not_measured"] == []
    assert answer(with_everything(), "messages")["command"] is None


def test_one_mode_is_compared_with_nothing() -> None:
    found = answer(paired_costs(gevent=100), "messages")
    assert found["sureness"] == "not measured"
    results = only_blocks()
    results["cells"] = [cell for cell in results["cells"] if cell["arm"] == "eventlet"]
    found = answer(results, "messages")
    assert found["sureness"] == "one mode"
    assert "only eventlet was measured" in found["answer"]["text"]


def test_nothing_measured_is_no_answer() -> None:
    results = only_blocks()
    for cell in results["cells"]:
        for metric in cell["metrics"].values():
            metric["estimate"] = None
    for found in answers_of(results):
        assert found["sureness"] == "not measured"
        assert found["answer"]["text"] == "This run did not measure it."
        assert found["standings"] == []


@pytest.mark.parametrize(
    "costs", [{"gevent": 100.0, "eventlet": 118.0}, {"gevent": 118.0, "eventlet": 100.0}]
)
def test_two_modes_alone_can_be_asked_for(costs: dict[str, float]) -> None:
    found = message_evidence(paired_costs(**costs, threading=90.0), "websocket", ("gevent", "eventlet"))
    assert found is not None
    assert [one["arm"] for one in found.standings] == sorted(costs, key=lambda arm: costs[arm])
    assert found.standings[1]["times"] == pytest.approx(1.18)
