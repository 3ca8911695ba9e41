"""The runner: places, order, and what happens when the machine stands still."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from conformance.client.address import parse_url
from conformance.client.http import exchange
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording
from conformance.expect import connect
from conformance.judging.runner import UNDECIDED, Question, Runner, told
from conformance.judging.standstill import StandstillWatch
from conformance.requirements import CAPABILITIES, Requirement
from conformance.target import Target
from conformance.telling import result_file
from conformance.telling.summary import summary
from conformance.verdicts import Inconclusive, Level, Verdict, Violation
from conformance.waiting import PLACES, Places, waiting
from sioprobe.wire import OpenData
from tests.servers import start_command
from tests.standstill import undisturbed

Case = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with start_command([sys.executable, "-m", "tests.strict_server", "--port", "0"]) as server:
        opened = OpenData("unknown", ("websocket",), 1000, 1000, 1_000_000)
        yield Target(parse_url(server.url), opened, Timing(1, 3), level=2, capabilities=dict(CAPABILITIES))


def question(name: str, run: Case, *, contract: int = 0, exclusive: bool = False) -> Question:
    entry = Requirement("EIO-HS-01", Level.MUST, "a text", "a place", contract, (), ())
    return Question(name, "test_x.py", entry, None, run, exclusive)


def run(target: Target, *questions: Question, jobs: int = 16, others: Sequence[Target] = ()) -> Runner:
    runner = Runner(target, others, jobs=jobs, strict=False)
    runner.start(questions)
    return runner


def test_cases_wait_together_and_exclusive_ones_alone(target: Target) -> None:
    working: set[str] = set()
    seen: dict[str, set[str]] = {}

    def case(name: str) -> Case:
        async def body() -> None:
            working.add(name)
            await asyncio.sleep(0.05)
            seen[name] = set(working)
            working.discard(name)

        return body

    asked = [question(name, case(name), exclusive=name == "alone") for name in ("alone", "a", "b")]
    runner = run(target, *asked)
    for item in asked:
        assert runner.outcome(item).judgement.verdict is Verdict.PASS
    runner.stop()
    assert seen["alone"] == {"alone"}
    assert seen["a"] | seen["b"] == {"a", "b"}


def failing_once(stall: float, *, then: float = 0.3) -> Case:
    """A case that fails the first time, `then` seconds after it has blocked the whole process for `stall`."""
    tries: list[None] = []

    async def body() -> None:
        tries.append(None)
        await asyncio.sleep(0.3)  # the pulse beats meanwhile
        if len(tries) == 1:
            time.sleep(stall)
            await asyncio.sleep(then)
            raise Violation("an answer", "nothing")

    return body


@pytest.mark.parametrize("then", [0.3, 0.0])
def test_a_case_that_fails_in_a_stall_is_asked_again_and_says_so(target: Target, then: float) -> None:
    asked = question("late", failing_once(1.5, then=then))
    runner = run(target, asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert outcome.judgement.verdict is Verdict.PASS
    found = re.fullmatch(
        r"asked 2 times: try 1 failed while this machine stood still for (\d\.\d) s: nothing",
        outcome.earlier or "",
    )
    assert found is not None
    assert 1 <= float(found[1]) < 15
    case = result_file.build(target, [(asked, outcome)], result_file.now())["cases"][0]
    assert (case["verdict"], case["reason"]) == ("pass", outcome.earlier)
    assert any(outcome.earlier in line for line in summary(target, [(asked, outcome)]))


def test_an_unexpected_pass_in_a_stall_is_asked_again(target: Target) -> None:
    tries: list[None] = []

    async def body() -> None:
        tries.append(None)
        await asyncio.sleep(0.3)
        if len(tries) > 1:
            raise Violation("session closed", "still open")
        time.sleep(1.5)

    flask = replace(target, library="flask-socketio", version="5.7.0", mode="gevent")
    entry = Requirement("EIO-PL-12", Level.MUST, "a text", "a place", 0, (), ())
    asked = Question("test_closes", "test_x.py", entry, None, body)
    runner = run(flask, asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert outcome.judgement.verdict is Verdict.KNOWN_DEVIATION
    assert outcome.earlier is not None


def test_a_case_that_fails_without_a_stall_is_not_asked_again(target: Target) -> None:
    asked = question("wrong", failing_once(0))
    # No stall of this machine, which may be busy, is long enough to count with such a heartbeat.
    runner = run(replace(target, timing=Timing(1, 300)), asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert (outcome.judgement.verdict, outcome.earlier) == (Verdict.FAIL, None)


def undecided_once() -> Case:
    tries: list[None] = []

    async def body() -> None:
        tries.append(None)
        if len(tries) == 1:
            raise Inconclusive("CONNECT was not answered")

    return body


def test_a_case_that_did_not_reach_its_question_is_asked_again_and_says_so(target: Target) -> None:
    asked = question("undecided", undecided_once())
    runner = run(target, asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert outcome.judgement.verdict is Verdict.PASS
    assert outcome.earlier == (
        "asked 2 times: try 1 failed before it reached its question: CONNECT was not answered"
    )


def test_what_several_tries_found_alike_is_said_once(target: Target) -> None:
    async def body() -> None:
        raise Inconclusive("CONNECT was not answered")

    asked = question("undecided", body)
    runner = run(target, asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert outcome.earlier == (
        "asked 4 times: tries 1 to 3 failed before it reached its question: CONNECT was not answered"
    )
    text = "\n".join(summary(target, [(asked, outcome)], room=60))
    assert text.count(outcome.earlier) == 1  # with the failure
    assert "undecided: asked 4 times\n" in text


def test_a_try_that_found_the_same_for_another_reason_does_not_repeat_it() -> None:
    assert told([("while a", "x"), ("while b", "x"), ("while c", "y"), ("while c", "y")]) == (
        "try 1 failed while a: x; try 2 failed while b: the same; tries 3 to 4 failed while c: y"
    )


def test_many_cases_that_did_not_reach_their_question_are_left_so(target: Target) -> None:
    asked = [question(f"undecided-{number}", undecided_once()) for number in range(UNDECIDED + 1)]
    runner = run(target, *asked)
    outcomes = [runner.outcome(item) for item in asked]
    runner.stop()
    assert {outcome.judgement.verdict for outcome in outcomes} == {Verdict.INCONCLUSIVE}


def test_a_close_for_want_of_a_connect_is_no_failure_of_another_requirement() -> None:
    """A machine that was slow gave the server time to close a session that had joined no namespace."""

    async def slow_once(target: Target, *, joins: bool) -> None:
        session = await target.open("websocket")
        if joins:
            await connect(session)
        tries[joins] += 1
        if tries[joins] == 1:
            await session.until(lambda: session.closure is not None, 10 if not joins else 1.2)
            raise Violation("an answer", "session closed")

    def case(*, joins: bool) -> Question:
        async def body(target: Target) -> None:
            await slow_once(target, joins=joins)

        return question(f"joins-{joins}", body)

    tries = {True: 0, False: 0}
    words = ["--port", "0", "--connect-timeout", "1"]
    with start_command([sys.executable, "-m", "tests.strict_server", *words]) as server:
        opened = OpenData("unknown", ("websocket",), 25_000, 20_000, 1_000_000)
        # No stall of this machine is long enough to count with such a heartbeat.
        target = Target(parse_url(server.url), opened, Timing(1, 300), level=2, capabilities=CAPABILITIES)
        asked = [case(joins=False), case(joins=True)]
        runner = run(target, *asked)
        unjoined, joined = (runner.outcome(item) for item in asked)
        runner.stop()

    assert unjoined.judgement.verdict is Verdict.PASS
    assert re.fullmatch(
        r"asked 2 times: try 1 failed after the server closed a session that had joined no namespace for "
        r"\d+\.\d s: session closed",
        unjoined.earlier or "",
    )
    assert (joined.judgement.verdict, joined.earlier) == (Verdict.FAIL, None)


def test_what_a_cluster_loses_is_never_asked_again(target: Target) -> None:
    asked = question("lost", failing_once(1.5), contract=3)
    runner = run(target, asked, others=[target])
    outcome = runner.outcome(asked)
    runner.stop()
    assert (outcome.judgement.verdict, outcome.earlier) == (Verdict.FAIL, None)


def test_a_server_that_freezes_itself_is_no_stall_of_this_machine() -> None:
    """It answers nothing for as long as the case waits."""

    async def frozen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def look() -> float:
        RECORDING.set(Recording())
        server = await asyncio.start_server(frozen, "127.0.0.1", 0)
        address = parse_url(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        pulse = StandstillWatch(3)
        beating = asyncio.create_task(pulse.beat())
        started = time.monotonic()
        await exchange(address, "GET", "/socket.io/", seconds=2)
        beating.cancel()
        server.close()
        return pulse.stalled_since(started)

    assert undisturbed(lambda: asyncio.run(look())) == 0


def test_the_pulse_knows_when_the_stall_was() -> None:
    async def look() -> list[bool]:
        pulse = StandstillWatch(3)
        beating = asyncio.create_task(pulse.beat())
        started = time.monotonic()
        await asyncio.sleep(0.5)
        found = [pulse.stalled_since(started) > 0]
        time.sleep(1.5)
        found.append(pulse.stalled_since(started) > 1)  # still held up
        await asyncio.sleep(0.5)
        found += [pulse.stalled_since(started) > 1, pulse.stalled_since(time.monotonic()) > 0]
        beating.cancel()
        return found

    # A real stall would be seen too, and be no mistake; in none of five looks is that all there is.
    assert [False, True, True, False] in (asyncio.run(look()) for _ in range(5))


def test_a_mistake_of_a_case_is_a_harness_error(target: Target) -> None:
    async def mistaken() -> None:
        raise KeyError("sid")

    asked = question("mistaken", mistaken)
    runner = run(target, asked)
    outcome = runner.outcome(asked)
    runner.stop()
    assert outcome.judgement.verdict is Verdict.HARNESS_ERROR
    assert outcome.judgement.reason == "KeyError: 'sid'"


def test_a_waiting_case_gives_its_place_away() -> None:
    async def two_in_one_place() -> list[str]:
        places = Places(1)
        order: list[str] = []

        async def waits() -> None:
            await places.take()
            PLACES.set(places)
            async with waiting():
                while "works" not in order:
                    await asyncio.sleep(0)
            order.append("comes back")
            places.give()

        async def works() -> None:
            await places.take()
            order.append("works")
            places.give()

        async with asyncio.timeout(30):
            await asyncio.gather(waits(), works())
        return order

    assert asyncio.run(two_in_one_place()) == ["works", "comes back"]


def test_places_are_taken_in_the_order_of_asking() -> None:
    async def three() -> list[int]:
        places = Places(1)
        order: list[int] = []

        async def case(number: int) -> None:
            await places.take()
            order.append(number)
            await asyncio.sleep(0)
            places.give()

        await asyncio.gather(*(case(number) for number in range(3)))
        return order

    assert asyncio.run(three()) == [0, 1, 2]
