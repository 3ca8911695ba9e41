"""The hooks of pytest: options, collection of cases, and their verdicts as outcomes.

`conftest.py` imports them, so they serve its folder alone.
"""

from __future__ import annotations

import contextlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from conformance.finding.server import NoServer
from conformance.judging.collecting import CaseError, questions, role_of
from conformance.requirements import Role, with_cases
from conformance.running.case_item import RUN, CaseItem, terminal_width
from conformance.running.suite_run import LEVELS, SuiteRun, begin
from conformance.telling.console import fitted, header
from conformance.telling.summary import summary
from conformance.usage_error import UsageError
from conformance.verdicts import Verdict, exit_code
from sioprobe.commandline.connection_arguments import add_connection_options
from sioprobe.commandline.connection_options import (
    ConnectionOptions,
    OptionError,
)


def of_the_heartbeat() -> list[str]:
    """The requirements that `--ping-default` asks for."""
    return ["EIO-HS-12", *(entry.id for entry in with_cases().values() if entry.area == "EIO-HB")]


class GivenRun:
    """Gives the plugin a run whose servers are known already."""

    def __init__(self, run: SuiteRun) -> None:
        self.run = run


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "Socket.IO conformance")
    group.addoption(
        "--url",
        action="append",
        default=[],
        metavar="URL",
        help="the server; given several times: the processes of one cluster",
    )
    group.addoption(
        "--client",
        metavar="COMMAND",
        help="judge a client: the command that starts it, or a name of --client list",
    )
    group.addoption(
        "--client-listen",
        metavar="[HOST:]PORT",
        help="judge a client whose agent comes by itself, and asks for its commands over HTTP",
    )
    # `--strict` is a flag of pytest's own. Here it counts SHOULD as failure.
    group.addoption(
        "--ping-default",
        action="store_true",
        help="only the heartbeat, of a server with the default 25 s and 20 s",
    )
    group.addoption("--jobs", type=int, metavar="N", help="cases at a time (16, or up to 64 if it is far)")
    group.addoption("--report", type=Path, metavar="FILE.json", help="write the result file")
    group.addoption(
        "--level", action="append", default=[], metavar="LEVEL",
        help=f"only this level ({', '.join(LEVELS)}), or 0-2: the contract level of the server",
    )  # fmt: skip
    group.addoption("--id", action="append", default=[], metavar="ID", help="only this requirement")
    group.addoption("--profile", type=Path, metavar="FILE.toml", help="what you declare about the server")
    group.addoption("--target-library", metavar="NAME", help="whose known deviations apply; none: of nobody")
    group.addoption("--target-version", metavar="VERSION", help="version of that library")
    group.addoption("--target-mode", metavar="MODE", help="async mode, such as gevent")
    # pytest takes a word that begins with @ as a file of options.
    connection = parser.getgroup("conformance-connection", "Who comes to the server (a file: --auth=@FILE)")
    add_connection_options(connection.addoption)


def pytest_configure(config: pytest.Config) -> None:
    for mark in (*LEVELS, "polling", "websocket", "upgraded", "exclusive"):
        config.addinivalue_line("markers", f"{mark.lower()}: set by the suite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the cases of the other side."""
    judged: Role = "client" if config.option.client or config.option.client_listen else "server"
    role = role_of(collection_path / "cases")
    return True if role is not None and role != judged else None


def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> Any:
    role = role_of(collector.path)
    if role is None or not name.startswith("test_") or not inspect.isfunction(obj):
        return None
    try:
        return [
            CaseItem.from_parent(collector, name=question.label, question=question)
            for question in questions(collector.path.name, name, obj, role)
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
            config.stash[RUN] = given[0].run
        else:
            capture = config.pluginmanager.getplugin("capturemanager")
            # Somebody may be told where to come.
            with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
                config.stash[RUN] = begin(config.option, ConnectionOptions.read(config.option))
    except (UsageError, OptionError) as error:
        pytest.exit(str(error), returncode=2)
    except NoServer as error:
        pytest.exit(str(error), returncode=4)


def pytest_report_header(config: pytest.Config) -> list[str]:
    run = config.stash.get(RUN, None)
    return header(run.subject) if run else []


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
    items[:] = sorted(kept, key=_turn)
    if dropped:
        config.hook.pytest_deselected(items=dropped)


def _turn(item: pytest.Item) -> tuple[bool, bool]:
    """As the runner asks them: what is asked alone later, and what may do harm at the end."""
    if not isinstance(item, CaseItem):
        return False, False
    return item.question.exclusive, item.question.last


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Any:
    run = session.config.stash.get(RUN, None)
    if run is None or session.testsfailed:
        return (yield)
    questions = [item.question for item in session.items if isinstance(item, CaseItem)]
    if session.config.option.verbose >= 0:
        run.progress = None  # pytest names each case itself
    progress = run.progress(len(questions)) if run.progress else None
    if progress is not None:
        run.runner.on_progress = progress.show
    run.runner.at_once = bool(session.config.option.maxfail)
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
    Verdict.HIDDEN: "h",
    Verdict.KNOWN_DEVIATION: "d",
    Verdict.INCONCLUSIVE: "?",
    Verdict.HARNESS_ERROR: "E",
    Verdict.UNEXPECTED_PASS: "U",
    Verdict.NOT_JUDGED: "/",
}


LETTERS_IN_LINE = 72  # of pytest


def pytest_report_teststatus(report: Any, config: pytest.Config) -> Any:
    verdict = getattr(report, "verdict", None)
    if verdict is None or report.when != "call":
        return None
    # pytest lists what is "failed" as a failure. The word tells the kinds apart.
    category = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}.get(Verdict(verdict), verdict)
    if report.outcome == "failed":
        category = "failed"
    letter = LETTERS.get(Verdict(verdict), "." if report.outcome == "passed" else "F")
    run = config.stash.get(RUN, None)
    if run is not None and run.progress is not None:
        letter = ""
    return category, letter, verdict.upper()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is None:
        return
    if run.results:
        width = terminal_width(config)
        room = run.room
        if room is not None and run.progress is None:
            room -= len(run.results) // LETTERS_IN_LINE + 1
        lines = summary(run.subject, run.results, ended=run.ended, room=room, width=width)
        text = "\n".join(lines)
        if width:
            text = fitted(text, width)
        terminalreporter.write_line(text)
    # The failures stand above. What pytest counts in its last line has the name of its verdict.
    for report in terminalreporter.stats.pop("failed", []):
        kind = getattr(report, "verdict", Verdict.FAIL)
        category = "failed" if kind == Verdict.FAIL else kind
        terminalreporter.stats.setdefault(category, []).append(report)
    if run.problem:
        terminalreporter.write_line(f"Error: {run.problem}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        # A failure waits for all other cases, in case one cause explains them. Now it waits no more.
        told = {question for question, _ in run.results}
        run.results += [one for one in run.runner.outcomes_so_far() if one[0] not in told]
    run.runner.stop()
    verdicts = [outcome.judgement.verdict for _, outcome in run.results]
    run.ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    run.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    if exitstatus == pytest.ExitCode.TESTS_FAILED and exit_code(verdicts) == 0:
        run.ended = False  # something failed that is not a case
    if session.config.option.report is not None:
        run.problem = run.write(session.config.option.report)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = exit_code(verdicts) if run.ended and not run.problem else 2
    elif exitstatus != pytest.ExitCode.INTERRUPTED:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            words = "--list --client NAME" if run.subject.role == "client" else "--list"
            run.problem = f"these options choose no case; 'sioprobe conform {words}' has all of them"
        session.exitstatus = 2  # nothing selected, an error at collection: nothing was judged
