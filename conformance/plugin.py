"""The pytest side: options, collection of cases, and their verdicts as pytest outcomes.

Imported by `conftest.py`, whose folder it serves; nothing else of pytest's is touched.
"""

from __future__ import annotations

import asyncio
import inspect
import shutil
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import report
from conformance.client.address import AddressError, parse_url
from conformance.collect import CASES, CaseError, questions
from conformance.progress import Progress
from conformance.requirements import catalogue, with_cases
from conformance.runner import Outcome, Question, Runner
from conformance.target import NoServer, Profile, Target, UsageError, find_target, read_profile
from conformance.verdicts import Level, Verdict, exit_code, is_failure
from sioprobe.commandline.connection_options import (
    ConnectionOptions,
    OptionError,
    add_connection_options,
)
from sioprobe.commandline.nearest import unknown
from sioprobe.results.errors import ResultFileError

LEVELS = [str(level) for level in Level]
LEVELS_AND_CONTRACT = (*LEVELS, "0", "1", "2")

# What every server has whose times nobody has set, in seconds: `--ping-default` asks for it.
DEFAULT_PINGS = {"ping_interval": 25.0, "ping_timeout": 20.0}


def of_the_heartbeat() -> list[str]:
    """The requirements that `--ping-default` asks for."""
    return ["EIO-HS-12", *(entry.id for entry in with_cases().values() if entry.area == "EIO-HB")]


KEY = pytest.StashKey["Run"]()


class CaseItem(pytest.Item):
    """One case on one transport, as pytest sees it."""

    def __init__(self, *, question: Question, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.question = question
        self.outcome: Outcome | None = None
        # `-k` takes ids and transports, `-m` takes levels and transports.
        self.extra_keyword_matches.add(question.requirement.id)
        level = str(question.requirement.level).lower()
        for mark in (level, question.transport, "exclusive" if question.exclusive else None):
            if mark:
                self.add_marker(getattr(pytest.mark, mark))

    def runtest(self) -> None:
        run = self.config.stash[KEY]
        self.outcome = run.runner.outcome(self.question)
        run.results.append((self.question, self.outcome))
        judgement = self.outcome.judgement
        self.user_properties += [
            ("requirement", self.question.requirement.id),
            ("level", str(self.question.requirement.level)),
            ("verdict", str(judgement.verdict)),
            ("closed", self.outcome.closed or ""),
        ]
        # The only kind of section that reaches JUnit XML.
        self.add_report_section("call", "stdout", report.transcript_text(self.outcome.transcript))
        if judgement.verdict is Verdict.NOT_APPLICABLE:
            pytest.skip(judgement.reason or "")
        if judgement.verdict is Verdict.KNOWN_DEVIATION:
            pytest.xfail(judgement.reason or "")
        if is_failure(judgement.verdict):
            raise CaseFailed(self.question, self.outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if isinstance(error, pytest.xfail.Exception):
            # A known deviation. Its traceback would hold up the loop in which all cases wait: a tenth of a
            # second each, and a server may have a hundred.
            return str(error)
        if not isinstance(error, CaseFailed):
            return super().repr_failure(excinfo, style)
        run = self.config.stash[KEY]
        text = report.explain(self.question, error.outcome, run.target.address)
        if width := terminal_width(self.config):
            text = report.fitted(text, width)
        if error.outcome.judgement.verdict is Verdict.HARNESS_ERROR and error.outcome.error is not None:
            trace = "".join(traceback.format_exception(error.outcome.error))
            text += "\n" + run.target.address.connection.redact(trace)
        return text

    def reportinfo(self) -> tuple[Path, int, str]:
        line = self.question.run.__code__.co_firstlineno
        return self.path, line, self.name


class CaseFailed(Exception):
    """Carries the outcome of a case that makes the run fail."""

    def __init__(self, question: Question, outcome: Outcome) -> None:
        super().__init__(question.label)
        self.outcome = outcome


class Run:
    """What one pytest session holds: the targets, the runner, the outcomes."""

    def __init__(self, target: Target, second: Target | None, runner: Runner) -> None:
        self.target = target
        self.second = second
        self.runner = runner
        self.results: list[tuple[Question, Outcome]] = []
        self.started = report.now()
        self.ended = False  # by itself: neither interrupted nor broken off
        self.interrupted = False  # by Ctrl-C
        self.progress: Callable[[int], Progress] | None = None  # in place of pytest's letters
        self.width: int | None = None  # of the terminal, where its caller knows better than pytest
        self.problem: str | None = None  # why the result file was not written

    def write(self, path: Path) -> str | None:
        """Write the result file if anything was judged. Why that failed, in one line."""
        if not self.results:
            return None
        try:
            report.write(path, self.target, self.results, self.started, ended=self.ended)
        except ResultFileError as error:
            return str(error)
        return None


def terminal_width(config: pytest.Config) -> int | None:
    """Columns of the terminal that is written to; None for a file or a pipe."""
    run = config.stash.get(KEY, None)
    if run is not None and run.width is not None:
        return run.width
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    return shutil.get_terminal_size().columns if terminal is not None and terminal.isatty else None


class GivenRun:
    """Hands a run whose servers are probed already to the plugin."""

    def __init__(self, run: Run) -> None:
        self.run = run


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "Socket.IO conformance")
    group.addoption(
        "--url", action="append", default=[], metavar="URL", help="server; twice: two of a cluster"
    )
    # `--strict` is pytest's own flag, which every version has; here it counts SHOULD as well.
    group.addoption(
        "--ping-default",
        action="store_true",
        help="only the heartbeat, of a server with the default 25 s and 20 s",
    )
    group.addoption("--jobs", type=int, default=16, metavar="N", help="cases at a time (default 16)")
    group.addoption("--report", type=Path, metavar="FILE.json", help="write the result file")
    group.addoption(
        "--level", action="append", default=[], metavar="LEVEL",
        help=f"only this level ({', '.join(LEVELS)}), or 0-2: the contract level of the server",
    )  # fmt: skip
    group.addoption("--id", action="append", default=[], metavar="ID", help="only this requirement")
    group.addoption("--profile", type=Path, metavar="FILE.toml", help="what is declared about the server")
    group.addoption(
        "--target-library", metavar="NAME", help="whose known deviations apply, e.g. flask-socketio"
    )
    group.addoption("--target-version", metavar="VERSION", help="version of that library")
    group.addoption("--target-mode", metavar="MODE", help="async mode, e.g. gevent")
    add_connection_options(group.addoption)


def pytest_configure(config: pytest.Config) -> None:
    for mark in (*LEVELS, "polling", "websocket", "upgraded", "exclusive"):
        config.addinivalue_line("markers", f"{mark.lower()}: set by the suite")


def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> Any:
    if CASES not in collector.path.parents or not name.startswith("test_") or not inspect.isfunction(obj):
        return None
    try:
        return [
            CaseItem.from_parent(collector, name=question.label, question=question)
            for question in questions(collector.path.name, name, obj)
        ]
    except CaseError as error:
        raise collector.CollectError(str(error)) from None


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    given = [plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, GivenRun)]
    try:
        if given:
            config.stash[KEY] = given[0].run
        else:
            config.stash[KEY] = begin(config.option, ConnectionOptions.read(config.option))
    except (UsageError, OptionError) as error:
        pytest.exit(str(error), returncode=2)
    except NoServer as error:
        pytest.exit(str(error), returncode=4)


def begin(option: Any, connection: ConnectionOptions) -> Run:
    """Probe the servers that the options name. Raises UsageError and NoServer."""
    if not 1 <= len(option.url) <= 2:
        raise UsageError("give --url URL of the server (twice for two processes of a cluster)")
    if option.jobs < 1:
        raise UsageError(f"--jobs {option.jobs} is below 1")
    for requirement_id in option.id:
        if requirement_id not in catalogue():
            raise UsageError(unknown("requirement", requirement_id, catalogue()))
        if reason := catalogue()[requirement_id].reason:
            raise UsageError(f"requirement {requirement_id!r} has no case: {reason}")
    for level in option.level:
        if level not in LEVELS_AND_CONTRACT:
            raise UsageError(unknown("level", level, LEVELS_AND_CONTRACT))
    profile = read_profile(option.profile) if option.profile else Profile()
    contract = [int(level) for level in option.level if level in ("0", "1", "2")]
    profile = replace(
        profile,
        library=option.target_library or profile.library,
        version=option.target_version or profile.version,
        mode=option.target_mode or profile.mode,
        contract_level=contract[-1] if contract else profile.contract_level,
    )
    if option.ping_default:
        profile = replace(profile, settings=profile.settings | DEFAULT_PINGS)
    try:
        addresses = [parse_url(url, connection) for url in option.url]
        targets = [asyncio.run(find_target(address, profile)) for address in addresses]
    except AddressError as error:
        raise UsageError(str(error)) from None
    except NoServer as error:
        raise NoServer(connection.redact(str(error))) from None
    if option.ping_default:
        targets = [replace(target, timing=replace(target.timing, patient=True)) for target in targets]
    second = targets[1] if len(targets) > 1 else None
    return Run(targets[0], second, Runner(targets[0], second, jobs=option.jobs, strict=option.strict))


def pytest_report_header(config: pytest.Config) -> list[str]:
    run = config.stash.get(KEY, None)
    return report.header(run.target) if run else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ids = set(config.option.id or (of_the_heartbeat() if config.option.ping_default else ()))
    levels = {level for level in config.option.level if level in LEVELS}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        if isinstance(item, CaseItem):
            entry = item.question.requirement
            wanted = (not ids or entry.id in ids) and (not levels or str(entry.level) in levels)
            (kept if wanted else dropped).append(item)
        else:
            kept.append(item)
    items[:] = sorted(kept, key=lambda item: isinstance(item, CaseItem) and item.question.exclusive)
    if dropped:
        config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Any:
    run = session.config.stash.get(KEY, None)
    if run is None or session.testsfailed:
        return (yield)
    questions = [item.question for item in session.items if isinstance(item, CaseItem)]
    if session.config.option.verbose >= 0:
        run.progress = None  # pytest names each case itself
    progress = run.progress(len(questions)) if run.progress else None
    if progress is not None:
        run.runner.on_progress = progress.show
    run.runner.start(questions)
    try:
        return (yield)
    finally:
        if progress is not None:
            progress.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    test_report = yield
    if isinstance(item, CaseItem) and call.when == "call" and item.outcome is not None:
        verdict = item.outcome.judgement.verdict
        test_report.verdict = str(verdict)
        test_report.duration = item.outcome.seconds
    return test_report


LETTERS = {
    Verdict.NON_STRICT: "n",
    Verdict.INFO: "i",
    Verdict.NOT_APPLICABLE: "-",
    Verdict.KNOWN_DEVIATION: "d",
    Verdict.INCONCLUSIVE: "?",
    Verdict.HARNESS_ERROR: "E",
    Verdict.UNEXPECTED_PASS: "U",
}


def pytest_report_teststatus(report: Any, config: pytest.Config) -> Any:
    verdict = getattr(report, "verdict", None)
    if verdict is None or report.when != "call":
        return None
    # "failed" keeps pytest's own listing of failures; the word tells them apart.
    category = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}.get(Verdict(verdict), verdict)
    if report.outcome == "failed":
        category = "failed"
    letter = LETTERS.get(Verdict(verdict), "." if report.outcome == "passed" else "F")
    run = config.stash.get(KEY, None)
    if run is not None and run.progress is not None:
        letter = ""
    return category, letter, verdict.upper()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(KEY, None)
    if run is None or not run.results:
        return
    text = "\n".join(report.summary(run.target, run.results, ended=run.ended))
    if width := terminal_width(config):
        text = report.fitted(text, width)
    terminalreporter.write_line(text)
    if run.problem:
        terminalreporter.write_line(f"Error: {run.problem}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    run = session.config.stash.get(KEY, None)
    if run is None:
        return
    run.runner.stop()
    verdicts = [outcome.judgement.verdict for _, outcome in run.results]
    run.ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    run.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    if exitstatus == pytest.ExitCode.TESTS_FAILED and exit_code(verdicts) == 0:
        run.ended = False  # something failed that is no case
    if session.config.option.report is not None:
        run.problem = run.write(session.config.option.report)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = exit_code(verdicts) if run.ended and not run.problem else 2
    elif exitstatus != pytest.ExitCode.INTERRUPTED:
        session.exitstatus = 2  # nothing selected, an error at collection: nothing was judged
