"""One case on one transport, as pytest sees it."""

from __future__ import annotations

import shutil
import traceback
from pathlib import Path
from typing import Any

import pytest

from conformance.judging.outcomes import Outcome, Question
from conformance.running.suite_run import SuiteRun
from conformance.telling.console import explain, fitted, transcript_text
from conformance.verdicts import Verdict, is_failure

__all__ = ["RUN", "CaseItem", "terminal_width"]

RUN = pytest.StashKey[SuiteRun]()


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
        run = self.config.stash[RUN]
        try:
            self.outcome = run.runner.outcome(self.question)
        except KeyboardInterrupt:
            pytest.exit("stopped by Ctrl-C")  # in place of a line of the loop
        run.results.append((self.question, self.outcome))
        judgement = self.outcome.judgement
        self.user_properties += [
            ("requirement", self.question.requirement.id),
            ("level", str(self.question.requirement.level)),
            ("verdict", str(judgement.verdict)),
            ("closed", self.outcome.closed or ""),
        ]
        # The only kind of section that reaches JUnit XML.
        self.add_report_section("call", "stdout", transcript_text(self.outcome.transcript))
        if judgement.verdict in (Verdict.NOT_APPLICABLE, Verdict.HIDDEN, Verdict.NOT_JUDGED):
            pytest.skip(judgement.reason or "")
        if judgement.verdict is Verdict.KNOWN_DEVIATION:
            pytest.xfail(judgement.reason or "")
        if is_failure(judgement.verdict):
            raise CaseFailed(self.question, self.outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if isinstance(error, pytest.xfail.Exception):
            # A known deviation. Its traceback would take a tenth of a second, during which no case goes on,
            # and a server may have a hundred of them.
            return str(error)
        if not isinstance(error, CaseFailed):
            return super().repr_failure(excinfo, style)
        run = self.config.stash[RUN]
        text = explain(self.question, error.outcome, run.subject)
        if width := terminal_width(self.config):
            text = fitted(text, width)
        if error.outcome.judgement.verdict is Verdict.HARNESS_ERROR and error.outcome.error is not None:
            trace = "".join(traceback.format_exception(error.outcome.error))
            text += "\n" + run.subject.redact(trace)
        return text

    def reportinfo(self) -> tuple[Path, int, str]:
        line = self.question.run.__code__.co_firstlineno
        return self.path, line, self.name


class CaseFailed(Exception):
    """Carries the outcome of a case that makes the run fail."""

    def __init__(self, question: Question, outcome: Outcome) -> None:
        super().__init__(question.label)
        self.outcome = outcome


def terminal_width(config: pytest.Config) -> int | None:
    """Columns of the terminal; None if the output goes to a file or a pipe."""
    run = config.stash.get(RUN, None)
    if run is not None and run.width is not None:
        return run.width
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    return shutil.get_terminal_size().columns if terminal is not None and terminal.isatty else None
