"""One run of the suite: its servers, the runner of its cases, and their outcomes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.agent.listener import Listener
from conformance.agent.programs import command_of
from conformance.client.address import parse_url
from conformance.finding.client import find_client, find_pulled
from conformance.finding.profile import ServerProfile, read_profile
from conformance.finding.server import find_target
from conformance.judging.client_runner import ClientRunner
from conformance.judging.declared import declared, listed_mode
from conformance.judging.outcomes import Outcome, Question
from conformance.judging.question_loop import QuestionLoop
from conformance.judging.runner import Runner
from conformance.requirements import Requirement, catalogue
from conformance.running.progress_line import ProgressLine
from conformance.subject import Subject
from conformance.telling import result_file
from conformance.usage_error import UsageError
from conformance.verdicts import HarnessError, Level
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.nearest import unknown
from sioprobe.results.errors import ResultFileError

__all__ = ["LEVELS", "LEVELS_AND_CONTRACT", "SuiteRun", "begin"]

LEVELS = [str(level) for level in Level]
CONTRACT_LEVELS = ["0", "1", "2", "3"]
LEVELS_AND_CONTRACT = [*LEVELS, *CONTRACT_LEVELS]

# The default times of a server, in seconds, for `--ping-default`.
DEFAULT_PINGS = {"ping_interval": 25.0, "ping_timeout": 20.0}

JOBS = 16  # cases at a time
CLIENT_JOBS = 8  # each with a process of its own
FRESH_JOBS = 16  # with a process for each case: what starts that fast is small
MOST_JOBS = 64  # where a request takes a second, so that they mostly wait for the way


class SuiteRun:
    """What one pytest session has: who is judged, the runner, the outcomes."""

    def __init__(self, subject: Subject, runner: QuestionLoop) -> None:
        self.subject = subject
        self.runner = runner
        self.results: list[tuple[Question, Outcome]] = []
        self.started = result_file.now()
        self.ended = False  # nobody stopped it, and nothing broke
        self.interrupted = False  # by Ctrl-C
        self.progress: Callable[[int], ProgressLine] | None = None  # in place of pytest's letters
        self.width: int | None = None  # of the terminal, if the caller knows it
        self.room: int | None = None  # lines for the summary; None if each failure is explained before it
        self.problem: str | None = None  # why nothing was judged, or the result file was not written

    def write(self, path: Path) -> str | None:
        """Write the result file if anything was judged. Returns why that failed, in one line."""
        if not self.results:
            return None
        try:
            result_file.write(path, self.subject, self.results, self.started, ended=self.ended)
        except ResultFileError as error:
            return str(error)
        return None


def begin(option: Any, connection: ConnectionOptions) -> SuiteRun:
    """Find out who it is that the options name. Raises UsageError and NoServer."""
    if option.client or option.client_listen:
        return _begin_client(option, connection)
    if not option.url:
        raise UsageError("give --url URL of the server (once for each process of a cluster)")
    _check(option, catalogue())
    if "3" in option.level and len(option.url) < 2:
        raise UsageError("level 3 is about two processes of a cluster: give --url twice, once for each")
    profile = read_profile(option.profile) if option.profile else ServerProfile()
    # Each of two processes has at most level 2.
    contract = [min(int(level), 2) for level in option.level if level in CONTRACT_LEVELS]
    profile = declared(
        replace(
            profile,
            library=option.target_library or profile.library,
            version=option.target_version or profile.version,
            mode=option.target_mode or profile.mode,
        )
    )
    profile = replace(
        profile,
        contract_level=contract[-1] if contract else profile.contract_level,
    )
    if option.ping_default:
        profile = replace(profile, settings=profile.settings | DEFAULT_PINGS)
    try:
        addresses = [parse_url(url, connection) for url in option.url]
        urls = [address.url for address in addresses]
        if again := next((url for url in urls if urls.count(url) > 1), None):
            raise UsageError(f"--url {again} is given twice: each process of a cluster has one of its own")
        clustered = len(urls) > 1
        targets = [asyncio.run(find_target(address, profile, clustered=clustered)) for address in addresses]
    except HarnessError as error:
        raise UsageError(str(error)) from None
    targets = [replace(target, mode=listed_mode(target.mode, target.library)) for target in targets]
    if option.ping_default:
        targets = [replace(target, timing=replace(target.timing, patient=True)) for target in targets]
    others = targets[1:]
    first = replace(targets[0], others=tuple(urls[1:]), options=_that_count(option))
    jobs = option.jobs or jobs_for(first.timing.round_trip)
    return SuiteRun(first, Runner(first, others, jobs=jobs, strict=option.strict))


def jobs_for(round_trip: float) -> int:
    """How many cases work at a time, if nobody says it. The farther a server is, the more of them wait."""
    return max(JOBS, round(MOST_JOBS * min(round_trip, 1.0)))


def _check(option: Any, statements: Mapping[str, Requirement]) -> None:
    """Raises UsageError for an option that is wrong for servers and clients alike."""
    if option.jobs is not None and option.jobs < 1:
        raise UsageError(f"--jobs {option.jobs} is below 1")
    for level in option.level:
        if level not in LEVELS_AND_CONTRACT:
            raise UsageError(unknown("level", level, LEVELS_AND_CONTRACT))
    for requirement_id in option.id:
        if requirement_id not in statements:
            raise UsageError(unknown("requirement", requirement_id, statements))
        if reason := statements[requirement_id].reason:
            raise UsageError(f"requirement {requirement_id!r} has no case: {reason}")


def _begin_client(option: Any, connection: ConnectionOptions) -> SuiteRun:
    """Find out what the client is that the options name."""
    flag = "--client-listen" if option.client_listen else "--client"
    if option.url:
        raise UsageError(f"--url judges a server and {flag} a client: give one of them")
    for name in ("profile", "ping_default", "target_mode"):
        if getattr(option, name):
            raise UsageError(f"--{name.replace('_', '-')} is about a server: leave it out with {flag}")
    if connection.given:
        raise UsageError(f"{connection.given[0]} is for requests to a server: leave it out with {flag}")
    _check(option, catalogue("client"))
    contract = [int(level) for level in option.level if level in CONTRACT_LEVELS]
    if contract and contract[-1] > 1:
        raise UsageError("the contract level of a client is 0 or 1")
    loop = asyncio.Runner()  # an agent that comes stays in it
    agents = None
    try:
        if option.client_listen:
            agents = _listen(option, contract, loop)
            target = loop.run(find_pulled(agents))
        else:
            level = contract[-1] if contract else None
            command, note = command_of(option.client)
            target = replace(loop.run(find_client(option.client, command, level)), note=note)
    except BaseException as error:
        if agents is not None:
            loop.run(agents.close())
        loop.close()
        if isinstance(error, HarnessError):
            raise UsageError(str(error)) from None
        raise
    if option.target_library == "none":
        target = replace(target, library=None, unlisted=True)
    elif option.target_library or option.target_version:
        named = {"library": option.target_library, "version": option.target_version}
        target = replace(target, **{name: value for name, value in named.items() if value})
    target = replace(target, options=_that_count(option))
    jobs = option.jobs or (FRESH_JOBS if target.fresh else CLIENT_JOBS)
    runner = ClientRunner(target, jobs=jobs, strict=option.strict, agents=agents, loop=loop.get_loop())
    return SuiteRun(target, runner)


def _listen(option: Any, contract: list[int], loop: asyncio.Runner) -> Listener:
    """Begin to listen for agents, and say how they come. Raises UsageError."""
    if option.client:
        raise UsageError("--client starts a client and --client-listen waits for one: give one of them")
    if option.jobs:
        raise UsageError("--client-listen runs as many cases at a time as agents come: leave --jobs out")
    if 0 in contract:
        raise UsageError("--level 0 judges a program that is started: leave it out with --client-listen")
    try:
        agents = Listener(option.client_listen)
        loop.run(agents.listen())
    except (ValueError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"--client-listen {option.client_listen}: {why}") from None
    print(agents.invitation(), file=sys.stderr, flush=True)
    return agents


def _that_count(option: Any) -> tuple[str, ...]:
    """The options that a verdict depends on, as words of the command."""
    words: list[str] = []
    for name in ("profile", "target_library", "target_version", "target_mode"):
        if (value := getattr(option, name)) is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    if contract := [level for level in option.level if level in CONTRACT_LEVELS]:
        words += ["--level", min(contract[-1], "2")]
    for name in ("strict", "ping_default"):
        if getattr(option, name):
            words.append(f"--{name.replace('_', '-')}")
    return tuple(words)
