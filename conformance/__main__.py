"""`python -m conformance --url URL`: the suite as one command, which `sioprobe conform` runs.

Judging is pytest's work; this adds the help, the listing, JSON on standard output and the other forms of
a result.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from conformance import listing, report
from conformance.official import as_json as tests_as_json
from conformance.official import as_text as tests_as_text
from conformance.official import official_tests
from conformance.outputs import Outputs, print_difference, write_pages
from conformance.plugin import LEVELS, GivenRun, Run, begin
from conformance.progress import Progress
from conformance.requirements import catalogue, nearest
from conformance.target import NoServer, UsageError
from sioprobe.commandline.connection_options import ConnectionOptions, connection_options
from sioprobe.commandline.one_line import run_command

HERE = Path(__file__).parent
FILE = click.Path(path_type=Path)

EPILOG = """\b
Examples:
  {program} --url http://127.0.0.1:5000
  {program} --url http://127.0.0.1:5000 --id EIO-HS-05 --id SIO-EV-01
  {program} --url http://127.0.0.1:5000 --level MUST --report result.json
  {program} --url http://127.0.0.1:5000 --json > result.json
  {program} --url http://127.0.0.1:5000 --html page.html --junit junit.xml --badge badge.json
  {program} --matrix gevent.json node.json --html matrix.html --markdown matrix.md
  {program} --diff gevent.json threading.json
  {program} --url http://127.0.0.1:5001 --url http://127.0.0.1:5002   (a cluster of two)
  {program} --url http://127.0.0.1:5000 -- -k upgrade -x -v
  {program} --url http://127.0.0.1:5000 --ping-default   (the heartbeat of 25 s, which other runs leave out)
  {program} --list --level SHOULD --area EIO-PL

\b
Exit codes:
  0    conformant, or nothing but known deviations
  1    failures: a requirement is broken, a deviation no longer occurs, or a case came to no conclusion;
       with --diff: something differs
  2    wrong usage, or an error of the suite itself: nothing was judged; a page or a badge was not written
  4    no Socket.IO server there
  130  stopped by Ctrl-C; what was judged until then is reported
"""


def _levels(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value not in (*LEVELS, "0", "1", "2"):
            known = f"{', '.join(LEVELS)}, 0, 1 or 2"
            raise click.BadParameter(f"unknown level {value!r}; known are {known}{nearest(value, LEVELS)}")
    return values


def _ids(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value not in catalogue():
            raise click.BadParameter(f"{value!r} is not in the catalogue{nearest(value, catalogue())}")
    return values


def _areas(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    known = dict.fromkeys(entry.area for entry in catalogue().values())
    for value in values:
        if value not in known:
            hint = nearest(value, known)
            raise click.BadParameter(f"no id begins with {value!r}; areas are {', '.join(known)}{hint}")
    return values


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG.format(program=report.program())
)
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Server; twice: two processes of one cluster."
)
@click.option(
    "--id", "ids", multiple=True, metavar="ID", callback=_ids, help="Only this requirement (repeatable)."
)
@click.option(
    "--area",
    "areas",
    multiple=True,
    metavar="AREA",
    callback=_areas,
    help="Only requirements whose id begins so, e.g. EIO-HS (repeatable).",
)
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="LEVEL",
    callback=_levels,
    help="Only requirements of this level (MUST, SHOULD, MAY, reference, gap; repeatable), "
    "or a number: the contract level of the server.",
)
@click.option("--strict", is_flag=True, help="Count SHOULD as failure.")
@click.option(
    "--ping-default",
    is_flag=True,
    help="Only the heartbeat, of a server whose times are the default 25 s and 20 s: takes 80 seconds.",
)
@click.option("--jobs", default=16, show_default=True, type=click.IntRange(1), help="Cases at a time.")
@click.option(
    "--profile",
    type=FILE,
    metavar="FILE.toml",
    help="What is declared about the server.",
)
@click.option("--target-library", metavar="NAME", help="Whose known deviations apply, e.g. flask-socketio.")
@click.option("--target-version", metavar="VERSION", help="Version of that library.")
@click.option("--target-mode", metavar="MODE", help="Async mode, e.g. gevent.")
@click.option(
    "--report",
    "report_file",
    type=FILE,
    metavar="FILE.json",
    help="Write the result file.",
)
@click.option("--html", type=FILE, metavar="FILE", help="Write the page: one file, no external address.")
@click.option("--markdown", type=FILE, metavar="FILE", help="Write a summary in Markdown.")
@click.option("--badge", type=FILE, metavar="FILE", help="Write a badge, as JSON for a shields.io endpoint.")
@click.option("--junit", type=FILE, metavar="FILE", help="Write JUnit XML.")
@click.option("--matrix", is_flag=True, help="Judge nothing: put the result files side by side.")
@click.option("--diff", is_flag=True, help="Judge nothing: print what differs between two result files.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the result, or the list, as JSON and nothing else."
)
@click.option("--list", "as_list", is_flag=True, help="List the requirements and the number of their cases.")
@click.option(
    "--contract",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, wanted: _print_contract(context) if wanted else None,
    help="Print which events a server should answer, and stop.",
)
@click.option(
    "--official",
    is_flag=True,
    help="With --list: the tests of the official suites and what asks for the same.",
)
@click.option("--without-cases", is_flag=True, help="With --list: only what no case asks for, and why.")
@connection_options
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[RESULT.json]... [-- PYTEST ARGS]")
def main(
    urls: tuple[str, ...],
    ids: tuple[str, ...],
    areas: tuple[str, ...],
    levels: tuple[str, ...],
    report_file: Path | None,
    html: Path | None,
    markdown: Path | None,
    badge: Path | None,
    junit: Path | None,
    matrix: bool,
    diff: bool,
    as_json: bool,
    as_list: bool,
    official: bool,
    without_cases: bool,
    words: tuple[str, ...],
    connection: ConnectionOptions,
    **options: Any,
) -> None:
    """Judge whether the Socket.IO server at URL keeps the protocol."""
    if as_list and official:
        tests = official_tests()
        click.echo(tests_as_json(tests) if as_json else tests_as_text(tests))
        return
    if as_list:
        rows = listing.statements(ids, areas, levels, without_cases=without_cases)
        click.echo(listing.as_json(rows) if as_json else listing.as_text(rows))
        return
    if without_cases or official:
        flag = "--official" if official else "--without-cases"
        raise click.UsageError(f"{flag} goes with --list")
    wanted = Outputs(report_file, html, markdown, badge, junit)
    if problem := wanted.problem():
        raise click.UsageError(problem)
    if (matrix or diff) and urls:
        raise click.UsageError(f"{'--matrix' if matrix else '--diff'} judges nothing: leave --url out")
    if matrix or diff:
        sys.exit(_compare(words, wanted, matrix=matrix, diff=diff, as_json=as_json))
    if not urls:
        files = ", or --matrix or --diff for result files" if any(".json" in word for word in words) else ""
        raise click.UsageError(f"give --url URL of the server{files}")
    if areas:
        ids = tuple(row.entry.id for row in listing.statements(ids, areas) if row.cases)
        if not ids:
            raise click.UsageError(f"no case asks for a requirement of {', '.join(areas)}; see --list")
    option = SimpleNamespace(url=urls, id=ids, level=levels, **options)
    try:
        run = begin(option, connection)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    except NoServer as error:
        click.echo(f"{report.program()}: error: {error}", err=True)
        sys.exit(4)
    given = _words({"url": urls, "id": ids, "level": levels, **options})
    sys.exit(_run(run, given + list(words), wanted, as_json=as_json))


def _print_contract(context: click.Context) -> None:
    click.echo(Path(__file__).with_name("CONTRACT.md").read_text("utf-8"), nl=False)
    context.exit()


def _compare(words: tuple[str, ...], wanted: Outputs, *, matrix: bool, diff: bool, as_json: bool) -> int:
    """`--matrix` and `--diff`; the exit code."""
    files = [Path(word) for word in words]
    for file in files:
        if not file.is_file():
            raise click.UsageError(f"there is no result file {file}")
    if matrix and diff:
        raise click.UsageError("--matrix and --diff do not go together")
    if diff:
        if len(files) != 2:
            raise click.UsageError(f"--diff takes two result files, not {len(files)}")
        return print_difference(files, as_json=as_json)
    if not files:
        raise click.UsageError("--matrix takes result files, as --report writes them")
    if not (wanted.html or wanted.markdown):
        raise click.UsageError("--matrix writes a page: give --html FILE or --markdown FILE")
    command = shlex.join([*report.program().split(), "--matrix", *words])
    return write_pages(files, wanted.html, wanted.markdown, command)


def _words(options: dict[str, Any]) -> list[str]:
    """Options as the pytest plugin takes them."""
    words: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, tuple):
            for item in value:
                words += [flag, item]
        elif value not in (None, False):
            words += [flag, str(value)]
    return words


def _run(run: Run, words: list[str], wanted: Outputs, *, as_json: bool) -> int:
    """Run pytest over the cases and write what is wanted; the exit code."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as kept:
        file = wanted.report or Path(folder) / "result.json"
        arguments = [str(HERE), "-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), "-q"]
        # Nothing is written beside the cases, which may lie where nobody may write.
        arguments += ["-p", "no:cacheprovider", "--no-header", "-rN", *words]
        head = "\n".join(report.header(run.target))
        if sys.stderr.isatty() and (as_json or sys.stdout.isatty()):
            arguments += _use_terminal(run, kept)
            head = report.fitted(head, run.width or 80)
        click.echo(head, err=as_json)
        quiet = open(os.devnull, "w") if as_json and not sys.stderr.isatty() else None  # noqa: SIM115 - closed below
        try:
            with contextlib.redirect_stdout(quiet or sys.stderr) if as_json else contextlib.nullcontext():
                code = int(pytest.main(arguments, plugins=[GivenRun(run)]))
        finally:
            if quiet is not None:
                quiet.close()
        if problem := run.write(file):
            click.echo(f"Error: {problem}", err=True)
            return 2
        if as_json and run.results:
            click.echo(file.read_text("utf-8"), nl=False)
        # Pytest's own usage error is 4, which here says that no server is there.
        code = 2 if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR) else code
        command = _command([*words, *run.target.address.connection.given])
        written = wanted.write(file, run, command) if run.results else 0
        return 130 if run.interrupted else written or code


def _use_terminal(run: Run, kept: contextlib.ExitStack) -> list[str]:
    """Progress on the terminal in place of pytest's letters; words for pytest."""
    # A stream of its own, as pytest captures what is written to standard error.
    stream = kept.enter_context(os.fdopen(os.dup(sys.stderr.fileno()), "w"))
    width = os.get_terminal_size(stream.fileno()).columns or 80
    run.width = width
    run.progress = lambda total: Progress(stream, total, width)
    return ["-o", "console_output_style=classic"]


def _command(words: list[str]) -> str:
    """The command as its caller may give it again, without what is so by default."""
    given = shlex.join([*report.program().split(), *words])
    return given.replace(" --jobs 16", "")


if __name__ == "__main__":
    run_command(main.main, report.program())
