"""The sentences: who is named, and that nothing is claimed that the intervals do not carry."""

from __future__ import annotations

from typing import Any

import pytest

from reports.statistics.derivation import derive
from reports.statistics.result_folder import Inputs
from reports.statistics.sentences import cpu_sentence, memory_sentence, sentences_about
from sioprobe.results.files import Rounds
from tests.reports import synthetic
from tests.reports.statistics.test_derivation import block, derived, rates


def headline(*blocks: Any, arms: list[Any] | None = None, **run: Any) -> str:
    return derived(*blocks, arms=arms or [], **run)["findings"][0]


def test_ranges_apart_are_told_as_what_they_are() -> None:
    blocks = [*rates("a", 400, 402, 402), *rates("b", 200, 200, 200)]
    assert headline(*blocks) == (
        "Over WebSocket, every block of a was above every block of b: 201 messages/s (200–201 in 3 blocks)."
    )
    assert "above every block of the 2 others: 201" in headline(*blocks, *rates("c", 2, 2, 2))


def test_ranges_that_overlap_name_no_winner() -> None:
    blocks = [*rates("a", 400, 402, 402), *rates("b", 300, 300, 401), *rates("c", 2, 2, 2)]
    assert headline(*blocks) == (
        "Over WebSocket, a has the highest median: 201 messages/s (200–201 in 3 blocks); "
        "b cannot be told apart from it."
    )


def test_intervals_with_coverage_carry_a_winner() -> None:
    blocks = [*rates("a", 400, 402, 402, 404, 404), *rates("b", 200, 200, 200, 200, 200)]
    assert headline(*blocks) == (
        "Over WebSocket, a carries the most: 201 messages/s (200–202, 93 % interval of 5 blocks)."
    )
    assert headline(*blocks, *rates("c", 1, 2, 3, 4, 401)).endswith("; c cannot be told apart from it.")


def test_many_names_are_counted_instead() -> None:
    tied = [one for arm in "bcde" for one in rates(arm, 300, 300, 401)]
    blocks = [*rates("a", 400, 402, 402), *tied, *rates("f", 2, 2, 2)]
    assert headline(*blocks).endswith("; 4 others cannot be told apart from it.")
    assert of({arm: ["fail"] for arm in "abcd"})[0].startswith("4 servers break requirements")


@pytest.mark.parametrize("rounds", [3, 5])
def test_when_all_overlap_nobody_carries_the_most(rounds: int) -> None:
    blocks = [one for arm in "abc" for one in rates(arm, *range(400, 400 + rounds))]
    assert "carries the most" not in headline(*blocks)
    assert headline(*blocks).endswith("; none of the others can be told apart from it.")


def test_who_has_too_few_blocks_is_not_said_to_be_behind() -> None:
    blocks = [*rates("a", 400, 402, 402), *rates("b", 200, 200, 200), *rates("c", 2, 2)]
    assert headline(*blocks).endswith(
        "every block of b: 201 messages/s (200–201 in 3 blocks); too few blocks to rank c."
    )
    assert headline(*blocks, *rates("d", 400, 400, 401)).endswith("; d and c cannot be told apart from it.")


def test_two_blocks_carry_no_order() -> None:
    blocks = [*rates("a", 400, 401), *rates("b", 200, 201)]
    assert headline(*blocks) == "Over WebSocket, there are too few blocks to rank the servers."
    cells = derived(*blocks)["cells"]
    assert memory_sentence(cells, "websocket") is None


def processes(count: int, arm: str) -> Any:
    return {**synthetic.ARMS["gevent-2"], "id": arm, "workers": count}


def test_servers_with_more_processes_are_left_aside_and_it_is_said() -> None:
    pairs = [processes(2, "pair"), processes(2, "pair too")]
    blocks = [*rates("pair", 90, 91, 92), *rates("pair too", 80, 80, 91)]
    singles = [*rates("a", 40, 41, 42), *rates("b", 20, 21, 22)]
    # The pairs come first, carry more, and are ranked among themselves.
    assert headline(*blocks, *singles, arms=pairs) == (
        "Over WebSocket, among servers with one process, every block of a was above every block of b: "
        "20.5 messages/s (20.0–21.0 in 3 blocks)."
    )
    close = [*singles, *rates("c", 1, 2, 40)]
    assert "a has the highest median of the servers with one process" in headline(*blocks, *close, arms=pairs)
    assert headline(*blocks, *singles[:3], arms=pairs).startswith(
        "Over WebSocket, a, the only server with one process, carries 20.5 messages/s"
    )


def test_where_all_have_several_processes_the_fewest_are_told() -> None:
    arms = [processes(3, "c"), processes(2, "a"), processes(2, "b")]
    blocks = [*rates("c", 900, 901, 902), *rates("a", 90, 91, 92), *rates("b", 80, 80, 91)]
    told = headline(*blocks, arms=arms, environment={"cores": 8})
    assert "a has the highest median of the servers with 2 processes: 45.5" in told


def test_the_lowest_is_sought_among_servers_with_one_process() -> None:
    def cpu(arm: str, *seconds: float) -> list[Any]:
        return [block(arm, round_=n, server={"cpu_seconds": s}) for n, s in enumerate(seconds, start=1)]

    pairs = [processes(2, "pair"), processes(2, "pair too")]
    blocks = [*cpu("pair", 0.1, 0.1, 0.1), *cpu("pair too", 0.1, 0.1, 0.1)]
    apart = [*blocks, *cpu("a", 0.4, 0.4, 0.4), *cpu("b", 0.5, 0.5, 0.5)]
    assert cpu_sentence(derived(*apart, arms=pairs)["cells"], "websocket") == (
        "WebSocket, servers with one process: every block of a has lower server CPU than any of b, "
        "200 µs a message"
    )
    close = [*blocks, *cpu("a", 0.4, 0.4, 0.5), *cpu("b", 0.5, 0.5, 0.5), *cpu("c", 1.0, 1.0, 1.0)]
    assert cpu_sentence(derived(*close, arms=pairs)["cells"], "websocket") == (
        "WebSocket: a has the lowest median server CPU of the servers with one process, 200 µs a message; "
        "b cannot be told apart from it"
    )


def test_one_server_alone_is_told_without_a_comparison() -> None:
    assert derived(*rates("gevent", 400))["findings"][0] == (
        "Over WebSocket, gevent carries 200 messages/s (one block)."
    )


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


def judged(outcome: str, verdicts: list[str]) -> Any:
    cases = [{**synthetic.conformance_document("gevent")["cases"][0], "verdict": one} for one in verdicts]
    return {**synthetic.conformance_document("gevent"), "outcome": outcome, "cases": cases}


def of(verdicts: dict[str, list[str]], outcome: str = "failures") -> list[str]:
    conformances = {arm: judged(outcome, own) for arm, own in verdicts.items()}
    return derive(Inputs(None, Rounds([]), conformances))["findings"]


BREAKS = "gevent breaks requirements in a way that is not a known deviation (1 of 2 servers)."
STALE = "A listed deviation no longer occurs on gevent: the list is stale."
UNCLEAR = "Not every case could be judged on gevent."


@pytest.mark.parametrize(
    ("verdicts", "sentences"),
    [
        (["pass", "fail"], [BREAKS]),
        (["unexpected pass", "known deviation"], [STALE]),
        (["inconclusive"], [UNCLEAR]),
        (["fail", "unexpected pass", "inconclusive"], [BREAKS, STALE, UNCLEAR]),
        (["pass"], ["gevent did not pass, and no case says why."]),
    ],
)
def test_what_made_a_server_fail_is_said(verdicts: list[str], sentences: list[str]) -> None:
    conformances = {"gevent": judged("failures", verdicts), "node": judged("conformant", ["pass"])}
    assert derive(Inputs(None, Rounds([]), conformances))["findings"] == sentences


def test_a_judge_that_failed_is_named() -> None:
    assert of({"gevent": ["harness error"]}, "harness error") == ["The judge itself failed on gevent."]


def test_known_deviations_are_no_news() -> None:
    conformances = {
        "gevent": judged("known deviations", ["known deviation"]),
        "node": judged("conformant", ["pass"]),
    }
    assert derive(Inputs(None, Rounds([]), conformances))["findings"] == [
        "No server of 2 deviates from the protocol in a way that was not known before; "
        "1 has known deviations."
    ]


def test_nothing_measured_is_said() -> None:
    assert sentences_about(derived()) == ["Nothing was measured."]


def test_sections_alone_speak_by_their_first_findings() -> None:
    results = derived()
    results["sections"] = [
        {"name": "fanout", "findings": ["gevent delivers most.", "Half of it later."]},
        {"name": "payload", "findings": []},
    ]

    assert sentences_about(results) == ["gevent delivers most."]
