"""Judges the real references with one break at a time, each in a server process of its own.

Only the cases of the requirements that a break names are asked: what a part of the suite notices, the suite
notices. A break is noticed where a case says that a requirement is broken, which it did not say of the
unbroken reference, and says so again when it is asked again.
A case that cannot be asked any more, and a known deviation that goes away, do not count: they make a run
fail, but say nothing of what is wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Container, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from conformance.client.address import parse_url
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Question
from conformance.target import Target
from conformance.verdicts import is_failure
from tests.conformance.broken import BROKEN, TRIES, Judged, printed_by
from tests.conformance.mutation import Answered, one
from tests.reference_breaks.python import BREAKS, UNBROKEN
from tests.reference_breaks.registry import Break

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "reference_breaks"
NODE_SERVER = ROOT / "server_under_test" / "foreign" / "node" / "server.mjs"
NODE_WORDS = ("--permessage-deflate",)

PING_SECONDS = 1
PONG_SECONDS = 3  # room for a busy machine
WORDS = ("--port", "0", "--ping-interval", str(PING_SECONDS), "--ping-timeout", str(PONG_SECONDS),
         "--max-payload", "100000")  # fmt: skip
SETTINGS = {"ping_interval": float(PING_SECONDS), "ping_timeout": float(PONG_SECONDS)}

# Of each reference; nearly all of them wait.
SERVERS_AT_ONCE = 20
CASES_AT_ONCE = 64
START_SECONDS = 60.0
MOST_AGAIN = 20  # servers; more that surprise have another reason
READY = b"READY "

# What the Python reference itself breaks by chance: when it looks at its sessions, whether a failed probe
# leaves its polls alone, and whether a poll or the WebSocket gets the NOOP of an upgrade.
BY_CHANCE = (
    "test_sends_no_noop_after_the_upgrade",
    "test_closes_a_client_that_does_not_answer",
    "test_a_wrong_probe_closes_the_websocket_only",
    "test_a_poll_that_waits_when_the_upgrade_completes_is_ended",
)


def node_breaks() -> dict[str, Break]:
    """The registry of the JavaScript reference, as it prints itself."""
    return printed_by(FOLDER / "node.mjs")[0]


def python_breaks() -> dict[str, Break]:
    return dict(BREAKS)


class Servers(Protocol):
    """Where the servers of a reference come from."""

    def server(self, name: str) -> AbstractAsyncContextManager[tuple[str, int]]: ...


class NodeServers:
    """The JavaScript reference, a process of its own for each name. Those of `recovering` recover."""

    def __init__(self, recovering: Container[str]) -> None:
        self._recovering = recovering

    @asynccontextmanager
    async def server(self, name: str) -> AsyncIterator[tuple[str, int]]:
        """Its address and process id."""
        breaks = [] if name == UNBROKEN else ["--import", (FOLDER / "node.mjs").as_uri()]
        words = [*WORDS, *NODE_WORDS, *(["--recovery"] if name in self._recovering else [])]
        process = await _start(["node", *breaks, str(NODE_SERVER), *words], {"REFERENCE_BREAK": name})
        try:
            about = await _ready(process)
            yield about["urls"][0], process.pid
        finally:
            # It need not say goodbye: a broken one might not.
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class PythonServers:
    """The Python reference: one process that has imported everything forks one for each name."""

    def __init__(self, parent: asyncio.subprocess.Process) -> None:
        self._parent = parent
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[PythonServers]:
        command = [sys.executable, "-m", "tests.reference_breaks.python", "-", *WORDS]
        parent = await _start(command, {})
        try:
            yield cls(parent)
        finally:
            parent.kill()
            await parent.wait()

    @asynccontextmanager
    async def server(self, name: str) -> AsyncIterator[tuple[str, int]]:
        """Its address and process id."""
        async with self._turn:
            assert self._parent.stdin is not None
            self._parent.stdin.write(name.encode() + b"\n")
            about = await _ready(self._parent)
        try:
            yield about["urls"][0], about["pids"][0]
        finally:
            with suppress(ProcessLookupError):
                os.kill(about["pids"][0], signal.SIGKILL)


async def judge_node(entries: Iterable[Break]) -> tuple[Judged, list[Judged]]:
    """What the cases say of the unbroken reference, all of them, and of each break; in the order given."""
    entries = list(entries)
    recovering = {entry.name for entry in entries if entry.is_of_recovery}
    return await _judge_all(NodeServers(recovering), entries, ())


async def judge_python(entries: Iterable[Break]) -> tuple[Judged, list[Judged]]:
    """The same of the Python reference."""
    async with PythonServers.open() as servers:
        return await _judge_all(servers, entries, BY_CHANCE)


async def _judge_all(
    servers: Servers, entries: Iterable[Break], by_chance: tuple[str, ...]
) -> tuple[Judged, list[Judged]]:
    every = [
        question
        for question in all_questions()
        if question.requirement.contract < 3 and question.name not in by_chance
    ]
    places = asyncio.Semaphore(SERVERS_AT_ONCE)
    cases = asyncio.Semaphore(CASES_AT_ONCE)

    async with servers.server(UNBROKEN) as (url, pid):
        model = replace(await find_target(parse_url(url), ServerProfile(settings=SETTINGS)), processes=(pid,))
        unbroken = Judged(Break(UNBROKEN, "nothing", ("",)), await _ask(model, every, cases))
        # What a busy machine has made fail is asked again alone, as a run of the suite does.
        for number, item in enumerate(unbroken.answered):
            for _ in range(TRIES):
                if is_failure(unbroken.answered[number].outcome.judgement.verdict):
                    unbroken.answered[number] = await one(item.question, model, cases)
    # What the reference itself breaks says nothing of a break.
    kept = [item.question for item in unbroken.answered if item.outcome.judgement.verdict not in BROKEN]
    jobs = (_judge(servers, entry, kept, model, places, cases) for entry in entries)
    judged = list(await asyncio.gather(*jobs))
    # In the crowd a session may end for want of a pong, and its case with it. So what surprises is judged
    # once more, by itself: a break that showed nothing, and the first, the control, if it showed anything.
    surprising = [number for number, found in enumerate(judged) if bool(found.noticed) == (number == 0)]
    for number in surprising[:MOST_AGAIN]:
        judged[number] = await _judge(servers, judged[number].entry, kept, model, places, cases)
    return unbroken, judged


async def _judge(
    servers: Servers,
    entry: Break,
    questions: list[Question],
    model: Target,
    places: asyncio.Semaphore,
    cases: asyncio.Semaphore,
) -> Judged:
    """What the cases of the requirements that a break names say of it."""
    asked = [question for question in questions if question.requirement.id.startswith(entry.requirements)]
    judged = Judged(entry, [])
    together: list[asyncio.Task[Answered]] = []
    async with places, servers.server(entry.name) as (url, pid):
        # The broken one is taken for what the unbroken one was found to be.
        capabilities = model.capabilities | {"recovery": entry.is_of_recovery}
        target = replace(
            model, address=parse_url(url), processes=(pid,), title=url, capabilities=capabilities
        )

        async def notices(item: Answered) -> bool:
            judged.answered.append(item)
            if item.outcome.judgement.verdict not in BROKEN:
                return False
            # A server that has ended cannot be asked again, and has not ended by chance.
            again = await one(item.question, target, cases) if _runs(pid) else item
            judged.noticed += [again] if again.outcome.judgement.verdict in BROKEN else []
            return bool(judged.noticed)

        # One that notices is enough.
        together += [
            asyncio.create_task(one(question, target, cases)) for question in asked if not question.exclusive
        ]
        for answer in asyncio.as_completed(together):
            if await notices(await answer):
                break
        else:
            # Those that run alone come last.
            for question in asked:
                if question.exclusive and await notices(await one(question, target, cases)):
                    break
    for task in together:
        task.cancel()
    await asyncio.gather(*together, return_exceptions=True)
    return judged


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _ask(target: Target, questions: list[Question], cases: asyncio.Semaphore) -> list[Answered]:
    together = (one(question, target, cases) for question in questions if not question.exclusive)
    answered = list(await asyncio.gather(*together))
    for question in questions:
        if question.exclusive:
            answered.append(await one(question, target, cases))
    return answered


async def _start(command: list[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # what a broken server says of itself
    )


async def _ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What stands behind the next READY."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = await process.stdout.readline()
    assert line.startswith(READY), f"no READY line but {line!r}"
    about: dict[str, Any] = json.loads(line.removeprefix(READY))
    return about
