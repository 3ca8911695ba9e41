"""Judges the real references with one break at a time, each in a server process of its own.

Only the cases of the requirements that a break names are asked: what a part of the suite notices, the suite
notices. A break counts as noticed where a case that had another verdict on the unbroken reference, judged in
the same way, says that a requirement is broken. A case that cannot be asked any more, and a known deviation
that goes away, do not count: they end a run as failures, but say nothing of what is wrong.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from conformance.collect import all_questions
from conformance.runner import Question
from conformance.target import Profile, Target, find_target, parse_url
from conformance.verdicts import Verdict
from tests.conformance.mutation import Answered, one
from tests.reference_breaks.python import BREAKS as PYTHON_BREAKS
from tests.reference_breaks.registry import Break
from tests.servers import ROOT, Server, kill_group, start_command

FOLDER = ROOT / "tests" / "reference_breaks"
NODE_SERVER = ROOT / "server_under_test" / "node" / "server.mjs"

PING_SECONDS = 1
PONG_SECONDS = 3  # room for a busy machine
WORDS = ["--port", "0", "--ping-interval", str(PING_SECONDS), "--ping-timeout", str(PONG_SECONDS),
         "--max-payload", "100000"]  # fmt: skip
SETTINGS = {"ping_interval": float(PING_SECONDS), "ping_timeout": float(PONG_SECONDS)}

UNBROKEN = "none"
BROKEN = (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO)

Verdicts = Mapping[str, Verdict]


def node_breaks() -> dict[str, Break]:
    """The registry of the JavaScript reference, as it prints itself."""
    listed = subprocess.run(
        ["node", str(FOLDER / "node.mjs")], capture_output=True, text=True, check=True, timeout=60
    )
    return {
        name: Break(name, entry["breaks"], tuple(entry["requirements"]))
        for name, entry in json.loads(listed.stdout).items()
    }


def python_breaks() -> dict[str, Break]:
    return dict(PYTHON_BREAKS)


def start_node(name: str) -> Server:
    if name == UNBROKEN:
        return start_command(["node", str(NODE_SERVER), *WORDS])
    preload = ["--import", (FOLDER / "node.mjs").as_uri()]
    return start_command(["node", *preload, str(NODE_SERVER), *WORDS], environment={"REFERENCE_BREAK": name})


def start_python(name: str) -> Server:
    return start_command([sys.executable, "-m", "tests.reference_breaks.python", name, *WORDS])


STARTERS = {"node": start_node, "python": start_python}


@dataclass(slots=True)
class Judged:
    """What the cases say of one server, beside what they said of the unbroken one."""

    entry: Break
    answered: list[Answered] = field(default_factory=list)
    baseline: Verdicts = field(default_factory=dict)

    @property
    def noticed_by(self) -> list[Answered]:
        return [
            item
            for item in self.answered
            if (verdict := item.outcome.judgement.verdict) in BROKEN
            and verdict is not self.baseline.get(item.question.label)
        ]

    @property
    def fails(self) -> bool:
        """Whether what was noticed makes a run fail, or is only reported."""
        return any(item.outcome.judgement.verdict is Verdict.FAIL for item in self.noticed_by)

    def __str__(self) -> str:
        seen = [str(item) for item in self.answered if item.outcome.judgement.verdict is not Verdict.PASS]
        return f"{self.entry.name} ({', '.join(self.entry.requirements)}): {seen or 'all pass'}"


def asked_of(entry: Break, every: Iterable[Question]) -> list[Question]:
    """The cases of the requirements that a break names."""
    return [question for question in every if question.requirement.id.startswith(entry.requirements)]


def judge_all(
    reference: str, entries: Iterable[Break], *, servers_at_once: int, cases_at_once: int
) -> tuple[Judged, list[Judged]]:
    """What the cases say of the unbroken reference, and of each break; in the order given."""
    every = [question for question in all_questions() if question.requirement.contract < 3]

    async def run() -> tuple[Judged, list[Judged]]:
        servers = asyncio.Semaphore(servers_at_once)
        cases = asyncio.Semaphore(cases_at_once)

        async def judge(entry: Break, asked: list[Question], model: Target | None) -> tuple[Judged, Target]:
            async with servers:
                server = await asyncio.to_thread(STARTERS[reference], entry.name)
                try:
                    target = await target_at(server, model)
                    together = [one(item, target, cases) for item in asked if not item.exclusive]
                    answered = list(await asyncio.gather(*together))
                    for item in asked:
                        if item.exclusive:
                            answered.append(await one(item, target, cases))
                finally:
                    # It need not say goodbye: a broken one might not.
                    await asyncio.to_thread(end, server)
                return Judged(entry, answered), target

        unbroken = Break(UNBROKEN, "nothing", ("",))
        baseline, model = await judge(unbroken, every, None)
        verdicts = {item.question.label: item.outcome.judgement.verdict for item in baseline.answered}
        judged = await asyncio.gather(*(judge(entry, asked_of(entry, every), model) for entry in entries))
        return baseline, [replace(found, baseline=verdicts) for found, _ in judged]

    return asyncio.run(run())


async def target_at(server: Server, model: Target | None) -> Target:
    """The server as a target; a broken one is taken for what the unbroken one was found to be."""
    address = parse_url(server.url)
    processes = (server.process.pid,)
    if model is not None:
        return replace(model, address=address, processes=processes, title=server.url)
    return await find_target(address, Profile(settings=SETTINGS))


def end(server: Server) -> None:
    kill_group(server.process.pid)
    with suppress(OSError):
        server.stop()
