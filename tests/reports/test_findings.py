"""The sentences: who is named, and that nothing is claimed that the intervals do not carry."""

from __future__ import annotations

from typing import Any

from reports.derive import derive
from reports.findings import findings
from reports.inputs import Inputs
from sioprobe.results.files import Rounds
from tests.reports import synthetic
from tests.reports.test_derive import block, derived, rate


def test_the_headline_names_the_server_that_carries_the_most() -> None:
    results = derived(rate(400, "a"), rate(402, "a", 2), rate(200, "b"), rate(200, "b", 2))
    assert results["findings"][0] == "Over WebSocket, a carries the most: 200 messages/s (200–201)."


def test_the_headline_names_who_cannot_be_told_apart() -> None:
    blocks = [
        rate(400, "a"),
        rate(402, "a", 2),
        rate(300, "b"),
        rate(401, "b", 2),
        rate(2, "c"),
        rate(2, "c", 2),
    ]
    assert derived(*blocks)["findings"][0].endswith("; b cannot be told apart from it.")


def test_many_names_are_counted_instead() -> None:
    tied = [rate(messages, arm, n) for arm in "bcde" for n, messages in ((1, 300), (2, 401))]
    blocks = [rate(400, "a"), rate(402, "a", 2), *tied, rate(2, "f"), rate(2, "f", 2)]
    assert derived(*blocks)["findings"][0].endswith("; 4 others cannot be told apart from it.")
    assert of(dict.fromkeys("abcd", "failures"))[0].startswith("4 servers break requirements")


def test_when_all_overlap_nobody_carries_the_most() -> None:
    results = derived(rate(400, "a"), rate(402, "a", 2), rate(300, "b"), rate(401, "b", 2))
    assert "carries the most" not in results["findings"][0]
    assert "all 2 servers overlap" in results["findings"][0]


def test_single_blocks_carry_no_order() -> None:
    assert "nothing can be said" in derived(rate(400, "a"), rate(200, "b"))["findings"][0]


def test_servers_with_more_processes_are_said_to_be_left_aside() -> None:
    pair = {**synthetic.ARMS["gevent-2"], "id": "pair"}
    blocks = [
        rate(4, "a"),
        rate(4, "a", 2),
        rate(2, "b"),
        rate(2, "b", 2),
        rate(9, "pair"),
        rate(9, "pair", 2),
    ]
    assert (
        "a carries the most of the servers with one process" in derived(*blocks, arms=[pair])["findings"][0]
    )


def test_one_server_alone_is_told_without_a_comparison() -> None:
    assert derived(rate(400))["findings"][0] == "Over WebSocket, gevent carries 200 messages/s."


def test_polling_is_the_headline_when_there_is_nothing_else() -> None:
    assert derived(block(transport="polling"))["findings"][0].startswith("Over Polling, gevent")


def test_the_cost_of_polling_is_the_median_ratio_over_servers_that_have_both() -> None:
    def pair(arm: str, polling_cpu: float) -> list[Any]:
        return [block(arm), block(arm, "polling", server={"cpu_seconds": polling_cpu})]

    results = derived(*pair("a", 1.0), *pair("b", 1.5), *pair("c", 2.5), block("d", "polling"))
    assert (
        "A polled message costs 3.0 times the server CPU of a WebSocket one (2.00–5.00 over 3 servers)."
        in results["findings"]
    )


def of(outcomes: dict[str, str]) -> list[str]:
    conformances: dict[str, Any] = {
        arm: synthetic.conformance_document(arm) | {"outcome": outcome} for arm, outcome in outcomes.items()
    }
    return derive(Inputs(None, Rounds([]), conformances))["findings"]


def test_a_server_that_fails_is_named() -> None:
    assert of({"gevent": "failures", "node": "conformant"}) == [
        "gevent breaks requirements in a way that is not a known deviation (1 of 2 servers)."
    ]


def test_a_judge_that_failed_is_named() -> None:
    assert of({"gevent": "harness error"}) == ["The judge itself failed on gevent."]


def test_known_deviations_are_no_news() -> None:
    assert of({"gevent": "known deviations", "node": "conformant"}) == [
        "No server of 2 deviates from the protocol in a way that was not known before; "
        "1 has known deviations."
    ]


def test_nothing_measured_is_said() -> None:
    assert findings(derived()) == ["Nothing was measured."]
