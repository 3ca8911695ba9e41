"""Runs pytest over the cases for the command, and writes all forms of the result."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import click
import pytest

from conformance.running.plugin import GivenRun
from conformance.running.progress_line import ProgressLine
from conformance.running.suite_run import SuiteRun
from conformance.telling.console import fitted, header
from conformance.telling.outputs import Outputs
from conformance.telling.result_file import program
from conformance.telling.summary import TWO_SCREENS, WIDTH

__all__ = ["run_cases"]

PYTESTS_OWN = 2  # lines: the number of cases by verdict, and an empty one
ROOM = Path(__file__).parents[1]


def run_cases(
    run: SuiteRun, words: list[str], wanted: Outputs, command: str, *, as_json: bool, verbose: bool
) -> int:
    """Run pytest with these words, and write the files. Returns the exit code.

    The pages show `command` as the command that gave the result. If not `verbose`, the output is two screens
    long at most.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as kept:
        file = wanted.report or Path(folder) / "result.json"
        arguments = [str(ROOM), "-c", str(ROOM / "pytest.ini"), "--rootdir", str(ROOM), "-q"]
        # The folder of the cases may be read-only.
        arguments += ["-p", "no:cacheprovider", "--no-header", "-rN", *words]
        head = "\n".join(header(run.subject))
        if sys.stderr.isatty() and (as_json or sys.stdout.isatty()):
            arguments += _use_terminal(run, kept)
            head = fitted(head, run.width or 80)
        click.echo(head, err=as_json)
        if not verbose:
            arguments.insert(0, "--tb=no")
            run.room = TWO_SCREENS - len(fitted(head, run.width or WIDTH).splitlines()) - PYTESTS_OWN
        quiet = open(os.devnull, "w") if as_json and not sys.stderr.isatty() else None  # noqa: SIM115 - closed below
        try:
            with contextlib.redirect_stdout(quiet or sys.stderr) if as_json else contextlib.nullcontext():
                code = int(pytest.main(arguments, plugins=[GivenRun(run)]))
        finally:
            if quiet is not None:
                quiet.close()
        if problem := run.write(file):
            click.echo(f"{program()}: error: {problem}", err=True)
            return 2
        if as_json and run.results:
            click.echo(file.read_text("utf-8"), nl=False)
        # pytest's code for wrong usage is 4, which here means that there is no server.
        wrong = code == pytest.ExitCode.USAGE_ERROR and not run.results
        code = 2 if wrong or code == pytest.ExitCode.INTERNAL_ERROR else code
        if run.results:
            code = wanted.write(file, run.subject, run.results, run.started, command) or code
        return 130 if run.interrupted else code


def _use_terminal(run: SuiteRun, kept: contextlib.ExitStack) -> list[str]:
    """Show progress in place of pytest's letters. Returns the words for pytest."""
    # A stream of its own, because pytest captures standard error.
    stream = kept.enter_context(os.fdopen(os.dup(sys.stderr.fileno()), "w"))
    width = os.get_terminal_size(stream.fileno()).columns or 80
    run.width = width
    run.progress = lambda total: ProgressLine(stream, total, width)
    return ["-o", "console_output_style=classic"]
