"""The suite can fail: every fault of the strict server is noticed, and every case notices one."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from conformance.runner import Question
from conformance.verdicts import Verdict
from tests.conformance.mutation import Answered, cases, judge, of_requirement
from tests.strict_server.faults import FAULTS, Fault

# At a time, over all servers: most of them wait. More would make two cores late for the heartbeats.
CASES_AT_ONCE = 64
SERVERS_AT_ONCE = 128

# What no fault of its own requirement breaks: the general fault that shows that the case can fail.
BY_ANOTHER = {
    "test_refuses_a_websocket_with_an_unknown_eio": "version-may-be-unknown",
    "test_closes_on_connect_with_broken_data": "wrong-json-is-ignored",
    "test_closes_on_a_binary_packet_of_its_type_only": "undecodable-packet-is-ignored",
    "test_an_ack_without_binary_is_a_plain_ack": "ack-is-sent-as-event",
}


def ask_all() -> tuple[list[Answered], dict[str, list[Answered]]]:
    """What all cases say of the faultless server, and the cases of each fault of that fault."""

    async def run() -> tuple[list[Answered], dict[str, list[Answered]]]:
        places = asyncio.Semaphore(CASES_AT_ONCE)
        servers = asyncio.Semaphore(SERVERS_AT_ONCE)
        every = cases()

        async def one(fault: Fault) -> tuple[str, list[Answered]]:
            asked = of_requirement(every, fault.requirement)
            asked += [case for case in every if BY_ANOTHER.get(case.name) == fault.name]
            async with servers:
                return fault.name, await judge(fault.name, asked, places)

        faultless, *faulty = await asyncio.gather(
            judge(None, every, places), *(one(fault) for fault in FAULTS)
        )
        return faultless, dict(faulty)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def answers() -> tuple[list[Answered], dict[str, list[Answered]]]:
    return ask_all()


Answers = tuple[list[Answered], dict[str, list[Answered]]]


def test_the_faultless_server_passes_every_case(answers: Answers) -> None:
    faultless, _ = answers
    assert [str(item) for item in faultless if item.outcome.judgement.verdict is not Verdict.PASS] == []


def test_every_fault_is_noticed(answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    _, by_fault = answers
    missed = [
        f"{fault.requirement} {fault.name}: {[str(item) for item in by_fault[fault.name]]}"
        for fault in FAULTS
        if not any(item.noticed for item in by_fault[fault.name])
    ]
    with capsys.disabled():
        noticed = len(FAULTS) - len(missed)
        print(f"\nkill rate: {noticed} of {len(FAULTS)} faults ({noticed / len(FAULTS):.1%})")
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


def test_each_fault_breaks_a_requirement_of_the_catalogue() -> None:
    known = {case.requirement.id for case in cases()}
    assert sorted({fault.requirement for fault in FAULTS} - known) == []
