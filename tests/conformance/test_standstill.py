"""A server that does not get to work: it closes sessions whose pong it has not read yet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.client.address import parse_url
from conformance.client.session import Session, Transport
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING
from conformance.expect import connect
from conformance.judging.runner import DOUBTED, Outcome, Question, Runner
from conformance.judging.standstill import StandstillWatch, heartbeat_overdue
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.verdicts import Verdict, Violation
from sioprobe.wire import EnginePacketType, OpenData
from tests.conformance.test_runner import question
from tests.servers import start_command

TRANSPORTS: tuple[Transport, ...] = ("polling", "websocket", "upgraded")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    words = ["--port", "0", "--ping-interval", "1", "--ping-timeout", "1"]
    with start_command([sys.executable, "-m", "tests.strict_server", *words]) as server:
        opened = OpenData("unknown", ("websocket",), 1000, 1000, 1_000_000)
        yield Target(parse_url(server.url), opened, Timing(1, 1), level=2, capabilities=dict(CAPABILITIES))


def closing(target: Target, transport: Transport, times: int) -> Question:
    """A case whose pong comes too late so many times, as it does for a server that stood still."""
    tries: list[None] = []

    async def body() -> None:
        tries.append(None)
        session = await target.open(transport, answer_pings=len(tries) > times)
        await connect(session)
        await session.until(lambda: session.closure is not None, 3 * target.timing.heartbeat)
        if session.closure:
            raise Violation("session stays open", f"session closed ({session.closure})")

    return question(f"closed-{transport}-{times}", body)


def judged(target: Target, *questions: Question) -> list[Outcome]:
    runner = Runner(target, jobs=16, strict=False)
    runner.start(questions)
    outcomes = [runner.outcome(asked) for asked in questions]
    runner.stop()
    return outcomes


def test_a_session_that_is_closed_while_its_ping_waits_is_asked_again_and_says_so(target: Target) -> None:
    """If it is closed each time, it fails."""
    once = [closing(target, transport, 1) for transport in TRANSPORTS]

    *passed, failed = judged(target, *once, closing(target, "websocket", 9))

    for outcome in passed:
        assert outcome.judgement.verdict is Verdict.PASS, outcome
        assert (outcome.earlier or "").startswith(
            "asked 2 times: try 1 failed while a ping was still to be answered, as far as the server knew: "
            "session closed ("
        )
    assert failed.judgement.verdict is Verdict.FAIL
    assert (failed.earlier or "").startswith("asked 4 times: ")


class Closed(SimpleNamespace):
    """What `heartbeat_overdue` reads of a session, which pinged and closed at these seconds."""

    def packets(self, kind: EnginePacketType) -> list[SimpleNamespace]:
        return self.came if kind is self.kind else []


def session_of(
    closed: float | None, pings: tuple[float, ...] = (), transport: str = "polling",
    beaten: float | None = None, *, refused: float | None = None, client_pings: bool = False,
) -> Session:  # fmt: skip
    return cast(
        Session,
        Closed(
            closure=None if closed is None else SimpleNamespace(at=closed),
            timing=Timing(1, 3),
            revision=SimpleNamespace(client_pings=client_pings),
            kind=EnginePacketType.PONG if client_pings else EnginePacketType.PING,
            came=[SimpleNamespace(at=at, transport=transport) for at in pings],
            started=0.0,
            beaten=beaten,
            refused=refused,
        ),
    )


@pytest.mark.parametrize(
    ("session", "overdue"),
    [
        (session_of(None), False),
        (session_of(0.5), False),  # before any ping
        (session_of(4.0), True),  # no ping came through at all
        (session_of(1.1, (1.0,)), True),  # the pong is still under way
        (session_of(1.5, (1.0,), beaten=1.2), False),
        (session_of(1.5, (1.0, 1.4), beaten=1.2), True),
        (session_of(4.3, (1.0,), beaten=1.2), True),  # the next ping did not come through
        (session_of(None, (1.0,), refused=1.1), True),  # a poll of the case's own was refused
        (session_of(None, (1.0,), beaten=1.2, refused=1.5), False),
        (session_of(1.5, (1.0,), "websocket"), False),
        (session_of(3.0, (1.0,), "websocket"), True),
        (session_of(4.0, (3.0,), "websocket"), True),  # the ping had waited for the end of the upgrade
        (session_of(4.0, (2.0, 3.0), "websocket"), False),
        (session_of(1.5, (1.0,), client_pings=True), False),
        (session_of(4.0, (1.0,), client_pings=True), True),
    ],
)
def test_a_ping_is_outstanding_as_long_as_nobody_saw_that_its_pong_came(
    session: Session, overdue: bool
) -> None:
    assert heartbeat_overdue(session) is overdue


def failing_once(fails: int, *, waits: bool) -> Question:
    """A case that fails so many times; `waits`: because something did not come in time."""
    tries: list[None] = []

    async def body() -> None:
        tries.append(None)
        RECORDING.get().in_vain = waits
        if len(tries) <= fails:
            raise Violation("an answer", "nothing within 5.0 s")

    return question(f"waits-{waits}-{id(tries)}", body)


def starving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandstillWatch, "starved_since", lambda *_: "processes waited for a CPU")


def test_what_did_not_come_in_time_on_a_starved_machine_is_asked_again(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what came and was wrong is not."""
    starving(monkeypatch)

    late, wrong = judged(target, failing_once(1, waits=True), failing_once(1, waits=False))

    assert (late.judgement.verdict, wrong.judgement.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert late.earlier == (
        "asked 2 times: try 1 failed while processes waited for a CPU: nothing within 5.0 s"
    )
    assert wrong.earlier is None


def test_where_many_cases_fail_on_a_starved_machine_none_is_asked_again(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    starving(monkeypatch)

    outcomes = judged(target, *(failing_once(1, waits=True) for _ in range(DOUBTED + 1)))

    assert {outcome.judgement.verdict for outcome in outcomes} == {Verdict.FAIL}
    assert {outcome.earlier for outcome in outcomes} == {None}


@pytest.mark.parametrize(
    ("delay", "pressure", "said"),
    [
        (0.0, 0.0, None),
        (0.2, 0.5, None),
        (0.5, 0.0, "the judge waited for a CPU in 50% of the time"),
        (0.0, 0.9, "processes of this machine waited for a CPU in 90% of the time"),
        (None, None, None),
    ],
)
def test_a_starved_machine_is_known_by_its_run_delay_or_its_pressure(
    delay: float | None, pressure: float | None, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = StandstillWatch(
        3,
        run_delay=lambda: None if delay is None else delay * now[0],
        pressure=lambda: None if pressure is None else pressure * now[0],
    )
    assert watch.starved_since(100.0) is None  # nothing was seen yet

    now[0] = 105.0
    assert watch.starved_since(101.0) == said


def test_the_clocks_of_this_kernel_are_read() -> None:
    watch = StandstillWatch(3)
    assert watch.starved_since(time.monotonic()) is None
    [(_, sums)] = watch._seen
    for path, value in zip(("/proc/thread-self/schedstat", "/proc/pressure/cpu"), sums, strict=True):
        assert (value is not None and value >= 0) is os.path.exists(path)
