"""The suite can fail: every fault of the strict server is noticed, and every case notices one."""

from __future__ import annotations

import asyncio
import warnings
from collections import defaultdict
from collections.abc import Callable

import pytest

from conformance.judging.runner import Question
from conformance.requirements import catalogue
from conformance.verdicts import Verdict
from tests.conformance.mutation import (
    Answered,
    cases,
    cluster_cases,
    judge,
    judge_alone,
    judge_cluster,
    of_requirement,
)
from tests.conformance.test_sentences import unreadable
from tests.figures import FIGURE
from tests.strict_server.faults import FAULTS, Fault

# At a time, over all servers: nearly all of them wait, and the loop works for a third of the time.
CASES_AT_ONCE = 144
SERVERS_AT_ONCE = 128
CLUSTERS_AT_ONCE = 40
# Asked again, alone, where the crowd may be to blame; more than so many have another reason.
MOST_AGAIN = 100

# What no fault of its own requirement breaks: the general fault that shows that the case can fail.
BY_ANOTHER = {
    "test_refuses_a_websocket_with_an_unknown_eio": "version-may-be-unknown",
    "test_closes_on_connect_with_broken_data": "wrong-json-is-ignored",
    "test_closes_on_a_binary_packet_of_its_type_only": "undecodable-packet-is-ignored",
    "test_an_ack_without_binary_is_a_plain_ack": "ack-is-sent-as-event",
}


# Of one server, and of what processes do for each other.
OF_CLUSTERS = [fault for fault in FAULTS if catalogue()[fault.requirement].contract == 3]
OF_ONE = [fault for fault in FAULTS if fault not in OF_CLUSTERS]

Answers = tuple[list[Answered], dict[str, list[Answered]]]
Clusters = dict[str | None, list[Answered]]


async def ask_all() -> Answers:
    """What all cases say of the faultless server, and the cases of each fault of that fault."""
    places = asyncio.Semaphore(CASES_AT_ONCE)
    servers = asyncio.Semaphore(SERVERS_AT_ONCE)
    every = cases()

    async def one(fault: Fault) -> tuple[str, list[Answered]]:
        asked = of_requirement(every, fault.requirement)
        asked += [case for case in every if BY_ANOTHER.get(case.name) == fault.name]
        async with servers:
            return fault.name, await judge(fault.name, asked, places)

    faultless, *faulty = await asyncio.gather(judge(None, every, places), *(one(fault) for fault in OF_ONE))
    return faultless, dict(faulty)


def ask_again(answers: Answers) -> Answers:
    """The same, with what is not as it should be asked again, alone: all of it runs in one crowded loop."""
    faultless, by_fault = answers
    noticed = {item.question.name for items in by_fault.values() for item in items if item.noticed}
    doubtful: list[tuple[str | None, list[Answered], int]] = [
        (None, faultless, place)
        for place, item in enumerate(faultless)
        if item.outcome.judgement.verdict is not Verdict.PASS
    ]
    for fault, items in by_fault.items():
        missed = not any(item.noticed for item in items)
        for place, item in enumerate(items):
            if missed or item.question.name not in noticed:
                doubtful.append((fault, items, place))
    for fault, items, place in doubtful[:MOST_AGAIN]:
        before, items[place] = items[place], asyncio.run(judge_alone(fault, items[place].question))
        # Said in pytest's summary, whichever came of it.
        warnings.warn(
            f"asked again, alone, of {fault or 'no fault'}: {before}; now {items[place]}", stacklevel=1
        )
    return answers


@pytest.fixture(scope="module")
def asked() -> tuple[Answers, Clusters]:
    """Both at the same time, as both mostly wait."""

    async def run() -> tuple[Answers, Clusters]:
        return await asyncio.gather(ask_all(), ask_clusters())

    return asyncio.run(run())


@pytest.fixture(scope="module")
def answers(asked: tuple[Answers, Clusters]) -> Answers:
    return ask_again(asked[0])


def test_the_faultless_server_passes_every_case(answers: Answers) -> None:
    faultless, _ = answers
    assert [str(item) for item in faultless if item.outcome.judgement.verdict is not Verdict.PASS] == []


def test_every_fault_is_noticed(
    answers: Answers, clusters: Clusters, record_property: Callable[[str, object], None]
) -> None:
    _, by_fault = answers
    missed = [
        f"{fault.requirement} {fault.name}: {[str(item) for item in by_fault[fault.name]]}"
        for fault in OF_ONE
        if not any(item.noticed for item in by_fault[fault.name])
    ]
    missed += [
        f"{fault.requirement} {fault.name}: {[*map(str, clusters[fault.name])]}"
        for fault in OF_CLUSTERS
        if not as_expected(fault.name, clusters[fault.name])
    ]
    noticed = len(FAULTS) - len(missed)
    record_property(FIGURE, f"kill rate: {noticed} of {len(FAULTS)} faults ({noticed / len(FAULTS):.1%})")
    assert missed == []


def test_every_case_notices_a_fault(answers: Answers) -> None:
    _, by_fault = answers
    killers: dict[str, set[str]] = defaultdict(set)
    for fault, items in by_fault.items():
        for item in items:
            if item.noticed:
                killers[item.question.name].add(fault)
    every: list[Question] = cases()
    assert sorted({case.name for case in every if case.name not in killers}) == []


def test_every_sentence_can_be_read(answers: Answers) -> None:
    """Whatever a server does: nothing of Python in what is said, and nothing that contradicts itself."""
    _, by_fault = answers
    items = [item for items in by_fault.values() for item in items]
    wrong = {f"{item.question.label}: {text}" for item in items for text in unreadable(item.outcome)}
    assert sorted(wrong)[:20] == []


def test_each_fault_breaks_a_requirement_of_the_catalogue() -> None:
    known = {case.requirement.id for case in (*cases(), *cluster_cases())}
    assert sorted({fault.requirement for fault in FAULTS} - known) == []


# The strict server is one process: given twice it is a cluster, and its faults are the cluster's.
# Cases that no fault of their own requirement breaks, and the fault that shows that they can fail.
CLUSTER_FAULTS = {
    "test_a_broadcast_reaches_the_other_process": "broadcast-misses-the-newest",
    "test_all_reaches_both_processes_once": "all-excludes-the-sender",
    "test_a_broadcast_reaches_every_process_once": "broadcast-comes-twice",
    "test_a_broadcast_between_processes_stays_in_its_namespace": "broadcast-crosses-namespaces",
    "test_a_room_spans_both_processes": "room-is-ignored",
    "test_a_room_between_processes_stays_in_its_namespace": "rooms-are-shared-by-namespaces",
    "test_questions_and_acks_work_at_both_processes": "event-asks-for-no-ack",
    "test_who_left_is_not_reached_by_the_other_process": "leave-does-nothing",
    "test_each_process_still_hears_the_others": "broadcast-misses-the-newest",
}


# An ack goes back to the client that asked: it needs no other process.
ALONE = {"SIO-CL-03"}
NOT_JOINED = "not joined"


def asked_of_clusters() -> dict[str | None, list[Question]]:
    """The cases by the fault of the cluster that is asked: none, one each, and servers that nothing joins."""
    every = cluster_cases()
    asked: dict[str | None, list[Question]] = {None: every, NOT_JOINED: every}
    for fault in OF_CLUSTERS:
        asked[fault.name] = of_requirement(every, fault.requirement)
    for case, fault in CLUSTER_FAULTS.items():
        asked[fault] = asked.get(fault, []) + [one for one in every if one.name == case]
    return asked


async def ask_cluster(
    name: str | None, questions: list[Question], places: asyncio.Semaphore
) -> list[Answered]:
    joined = name != NOT_JOINED
    return await judge_cluster(name if joined else None, questions, places, joined=joined)


async def ask_clusters() -> Clusters:
    asked = asked_of_clusters()
    places = asyncio.Semaphore(CLUSTERS_AT_ONCE)
    answered = await asyncio.gather(*(ask_cluster(name, cases, places) for name, cases in asked.items()))
    return dict(zip(asked, answered, strict=True))


@pytest.fixture(scope="module")
def clusters(asked: tuple[Answers, Clusters]) -> Clusters:
    clusters = asked[1]
    for name, answered in clusters.items():
        if not as_expected(name, answered):
            warnings.warn(
                f"cluster with {name} asked again, alone, after: {[*map(str, answered)]}", stacklevel=1
            )
            questions = [item.question for item in answered]
            clusters[name] = asyncio.run(ask_cluster(name, questions, asyncio.Semaphore(8)))
    return clusters


def as_expected(name: str | None, answered: list[Answered]) -> bool:
    if name is None:
        return all(item.outcome.judgement.verdict is Verdict.PASS for item in answered)
    if name == NOT_JOINED:
        return passed_by(answered) == ALONE
    by_case: dict[str, set[bool]] = defaultdict(set)
    for item in answered:
        by_case[item.question.name].add(item.noticed)
    named = [case for case, fault in CLUSTER_FAULTS.items() if fault == name]
    # A case that is named notices its fault on each transport; of a requirement, one case will do.
    return all(by_case[case] == {True} for case in named) and {True} in by_case.values()


def passed_by(answered: list[Answered]) -> set[str]:
    return {item.question.requirement.id for item in answered if not item.noticed}


def test_a_faultless_cluster_passes(clusters: Clusters) -> None:
    assert [str(item) for item in clusters[None] if item.outcome.judgement.verdict is not Verdict.PASS] == []


@pytest.mark.parametrize("fault", [name for name in asked_of_clusters() if name not in (None, NOT_JOINED)])
def test_each_fault_of_a_cluster_is_noticed(clusters: Clusters, fault: str) -> None:
    assert as_expected(fault, clusters[fault]), [*map(str, clusters[fault])]


def test_each_cluster_case_notices_a_fault(clusters: Clusters) -> None:
    faults = clusters.keys() - {None, NOT_JOINED}
    noticing = {item.question.name for fault in faults for item in clusters[fault] if item.noticed}
    assert {question.name for question in cluster_cases()} - noticing == set()


def test_processes_that_nothing_joins_are_noticed(clusters: Clusters) -> None:
    assert passed_by(clusters[NOT_JOINED]) == ALONE
