"""Exclusive cases of a crowd run beside one another if the server is far away, and judge as they do alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from conformance.client.address import parse_url
from conformance.client.timing import Timing
from conformance.crowd import BROADCASTS, LARGE_MESSAGES
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Outcome, Question
from conformance.judging.runner import Runner
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.verdicts import Verdict
from sioprobe.wire import OpenData
from tests.servers import start_command

FAR = 0.15
"""A round trip, in seconds, of which cases say that they mostly wait."""
CROWD = [one for one in all_questions() if one.crowd == BROADCASTS and one.requirement.revision != 3]
FAULTS = {
    "broadcast-includes-the-sender": "SIO-BC-01",
    "broadcast-comes-twice": "SIO-BC-01",
    "broadcast-crosses-namespaces": "SIO-BC-03",
    "disconnect-is-ignored": "SIO-DC-01",
}


def judged(
    questions: Iterable[Question], *, round_trip: float, fault: str | None = None
) -> dict[str, tuple[Question, Outcome]]:
    """The outcomes of these cases against a strict server with this fault, by their labels."""
    faults = ["--fault", fault] if fault else []
    command = [sys.executable, "-m", "tests.strict_server", "--port", "0", "--ping-interval", "1"]
    opened = OpenData("unknown", ("websocket",), 1000, 3000, 1_000_000)
    with start_command([*command, "--ping-timeout", "3", *faults]) as server:
        timing = Timing(1, 3, round_trip=round_trip)
        target = Target(parse_url(server.url), opened, timing, level=2, capabilities=dict(CAPABILITIES))
        runner = Runner(target, (), jobs=64, strict=False)
        runner.at_once = True
        asked = [*questions]
        runner.start(asked)
        outcomes = {one.label: (one, runner.outcome(one)) for one in asked}
        runner.stop()
    return outcomes


def test_cases_that_broadcast_do_not_hear_one_another() -> None:
    found = judged(CROWD, round_trip=FAR)

    assert len(found) > 15
    assert [
        f"{label}: {one.judgement}"
        for label, (_, one) in found.items()
        if one.judgement.verdict is not Verdict.PASS
    ] == []
    spans = sorted((one.started, one.started + one.seconds) for _, one in found.values())
    assert spans[-1][0] < spans[0][1], "the last began before the first ended"


def passed(outcome: Outcome) -> bool:
    return outcome.judgement.verdict is Verdict.PASS


def test_a_crowd_notices_what_each_of_its_cases_notices_alone() -> None:
    missed = []
    for fault, requirement in FAULTS.items():
        found = judged(CROWD, round_trip=FAR, fault=fault)
        if not any(
            question.requirement.id == requirement and one.judgement.verdict is Verdict.FAIL
            for question, one in found.values()
        ):
            missed.append(fault)

    assert missed == []


def test_a_crowd_is_beside_nobody_else_and_near_by_nobody_is_beside_anybody() -> None:
    assert order(FAR) == [{"a", "b"}, {"large 1", "large 2"}, {"cast 1", "cast 2"}, {"alone"}]
    assert order(0.0) == [{"a", "b"}, {"alone"}, {"cast 1"}, {"large 1"}, {"cast 2"}, {"large 2"}]


def order(round_trip: float) -> list[set[str]]:
    """Which of these cases worked at the same time, from the first to the last."""
    working: set[str] = set()
    seen: list[set[str]] = []

    def case(name: str) -> Callable[[], Awaitable[None]]:
        async def body() -> None:
            if not working:
                seen.append(set())
            working.add(name)
            seen[-1].add(name)
            await asyncio.sleep(0.05)
            working.discard(name)

        return body

    model = replace(all_questions()[0], transport=None, slow=False, exclusive=True, crowd=None)
    crowds = {"large": LARGE_MESSAGES, "cast": BROADCASTS}
    names = ("alone", "cast 1", "large 1", "a", "cast 2", "b", "large 2")
    asked = [
        replace(
            model,
            name=name,
            run=case(name),
            crowd=crowds.get(name.split()[0]),
            exclusive=name not in ("a", "b"),
        )
        for name in names
    ]
    found = judged(asked, round_trip=round_trip)
    assert {one.judgement.verdict for _, one in found.values()} == {Verdict.PASS}
    return seen
