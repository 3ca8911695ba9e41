"""`python -m conformance --url URL`: the suite as one command, which `sioprobe conform` runs.

`--client COMMAND` judges a client in place of a server.

pytest does the judging. This module adds the help, the lists, JSON on standard output and the other forms
of a result.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from conformance.agent.programs import as_text
from conformance.finding.server import NoServer
from conformance.requirements import Role, catalogue
from conformance.running.suite_run import LEVELS_AND_CONTRACT, begin
from conformance.running.under_pytest import run_cases
from conformance.telling import listing, official_suites
from conformance.telling.outputs import Outputs, print_difference, write_pages
from conformance.telling.result_file import program
from conformance.usage_error import UsageError
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_arguments import connection_options
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import GroupedCommand, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.one_line import run_command

FILE = click.Path(path_type=Path)

EXAMPLES = (
    "{program} --url http://127.0.0.1:5000",
    "{program} --url http://127.0.0.1:5000 --id EIO-HS-05 --id SIO-EV-01",
    "{program} --url http://127.0.0.1:5000 --level MUST --report result.json",
    "{program} --url http://127.0.0.1:5000 --json > result.json",
    "{program} --url http://127.0.0.1:5000 --html page.html --junit junit.xml --badge badge.json",
    "{program} --url https://chat.example --auth @token.json --header @headers",
    "{program} --matrix gevent.json node.json --html matrix.html --markdown matrix.md",
    "{program} --diff gevent.json threading.json",
    "{program} --url http://127.0.0.1:5001 --url http://127.0.0.1:5002",
    "{program} --url http://127.0.0.1:5000 -- -k upgrade -x -v",
    "{program} --list --level SHOULD --area EIO-PL",
    "{program} --client 'node my_client.mjs'",
    "{program} --client js --area CLI-UP --verbose",
    "{program} --client-listen 192.168.1.20:8900",
)
EXIT_CODES = {
    0: "conformant, or nothing but known deviations",
    1: "a requirement is broken, a deviation no longer occurs, or a case came to no conclusion; with --diff:"
    " something differs",
    2: "wrong usage, or an error of the suite itself: nothing was judged; a page or a badge was not written",
    4: "no Socket.IO server there, or none that can be judged; no client that connects; or one cause left"
    " nothing to judge",
    130: "stopped by Ctrl-C; what was judged until then is reported",
}
STATEMENTS = catalogue() | catalogue("client")
JUDGED, KNOWN, INSTEAD = "What is judged", "What is known of the server", "Instead of judging"


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@option(
    "--url",
    "urls",
    group=JUDGED,
    multiple=True,
    metavar="URL",
    help="The server. Given several times: the processes of one cluster.",
)
@option(
    "--client",
    group=JUDGED,
    metavar="COMMAND",
    help="Judge a client: the command that starts it, or a name. `list` lists the names.",
)
@option(
    "--client-listen",
    group=JUDGED,
    metavar="[HOST:]PORT",
    help="Judge a client that no command can start, such as an app on a phone: wait for its agent, which asks"
    " for its commands over HTTP. Without a HOST only programs of this host can come. With one, the ports of"
    " the cases are open to whoever reaches that address.",
)
@option(
    "--id",
    "ids",
    group=JUDGED,
    multiple=True,
    metavar="ID",
    type=OneOf("requirement", STATEMENTS),
    help="This requirement alone, repeatable.",
)
@option(
    "--area",
    "areas",
    group=JUDGED,
    multiple=True,
    metavar="AREA",
    type=OneOf("area", dict.fromkeys(entry.area for entry in STATEMENTS.values())),
    help="Only requirements of this area, such as EIO-HS, repeatable.",
)
@option(
    "--level",
    "levels",
    group=JUDGED,
    multiple=True,
    metavar="LEVEL",
    type=OneOf("level", LEVELS_AND_CONTRACT),
    help="Only requirements of this level: MUST, SHOULD, MAY, reference or gap; repeatable. A number is the"
    " contract level of the server; 0 is one of a client, too.",
)
@option("--strict", group=JUDGED, is_flag=True, help="Count SHOULD as failure.")
@option(
    "--ping-default",
    group=JUDGED,
    is_flag=True,
    help="The heartbeat alone, of a server with the default times of 25 s and 20 s. Takes 80 seconds.",
)
@option(
    "--jobs",
    group=JUDGED,
    metavar="N",
    type=WholeNumber(1),
    help="Cases at a time (default: 16, and up to 64 if the server is far away; 8 of a client).",
)
@connection_options
@option("--profile", group=KNOWN, type=FILE, metavar="FILE.toml", help="What is declared about the server.")
@option(
    "--target-library",
    group=KNOWN,
    metavar="NAME",
    help="Whose known deviations apply (flask-socketio). Without it the server says it, or its process if it"
    " runs on this host. none: no known deviation applies.",
)
@option("--target-version", group=KNOWN, metavar="VERSION", help="Version of that library.")
@option("--target-mode", group=KNOWN, metavar="MODE", help="Async mode, such as gevent.")
@option("--matrix", group=INSTEAD, is_flag=True, help="Put result files side by side, on a page.")
@option("--diff", group=INSTEAD, is_flag=True, help="Print what differs between two result files.")
@option(
    "--list",
    "as_list",
    group=INSTEAD,
    is_flag=True,
    help="List the requirements and the number of their cases; with --client those of clients.",
)
@option(
    "--official",
    group=INSTEAD,
    is_flag=True,
    help="With --list: the tests of the official suites, and what asks for the same.",
)
@option(
    "--without-cases",
    group=INSTEAD,
    is_flag=True,
    help="With --list: the requirements that no case asks for, and why.",
)
@option(
    "--contract",
    group=INSTEAD,
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, wanted: _print(context, "CONTRACT.md") if wanted else None,
    help="Print which events a server should answer.",
)
@option(
    "--client-contract",
    group=INSTEAD,
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, wanted: _print(context, "CLIENT_CONTRACT.md") if wanted else None,
    help="Print what an agent of a client should do, with agents to copy.",
)
@option("--verbose", is_flag=True, help="Explain each failure with its packets, and list everything.")
@option("--report", "report_file", type=FILE, metavar="FILE.json", help="Write the result file.")
@option("--html", type=FILE, metavar="FILE", help="Write the page: one file, no external address.")
@option("--markdown", type=FILE, metavar="FILE", help="Write a summary in Markdown.")
@option("--badge", type=FILE, metavar="FILE", help="Write a badge, as JSON for a shields.io endpoint.")
@option("--junit", type=FILE, metavar="FILE", help="Write JUnit XML.")
@option("--json", "as_json", is_flag=True, help="Print the result, or the list, as JSON and nothing else.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[RESULT.json]... [-- PYTEST ARGS]")
def main(
    urls: tuple[str, ...],
    client: str | None,
    client_listen: str | None,
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
    verbose: bool,
    as_json: bool,
    as_list: bool,
    official: bool,
    without_cases: bool,
    words: tuple[str, ...],
    connection: ConnectionOptions,
    **options: Any,
) -> None:
    """Judge whether the Socket.IO server at URL keeps the protocol, or whether a client does."""
    role: Role = "client" if client or client_listen else "server"
    if client == "list" and not as_list:
        click.echo(as_text())
        return
    if as_list and official:
        tests = official_suites.official_tests()
        click.echo(official_suites.as_json(tests) if as_json else official_suites.as_text(tests))
        return
    if as_list:
        rows = listing.statements(ids, areas, levels, without_cases=without_cases, role=role)
        text = listing.as_text(rows, with_sentences=bool(ids), role=role)
        click.echo(listing.as_json(rows, role) if as_json else text)
        return
    if without_cases or official:
        flag = "--official" if official else "--without-cases"
        raise click.UsageError(f"{flag} goes with --list")
    wanted = Outputs(report_file, html, markdown, badge, junit)
    if problem := wanted.problem():
        raise click.UsageError(problem)
    if (matrix or diff) and (urls or role == "client"):
        given = "--url" if urls else "--client" if client else "--client-listen"
        raise click.UsageError(f"{'--matrix' if matrix else '--diff'} judges nothing: leave {given} out")
    if matrix or diff:
        sys.exit(_compare(words, wanted, matrix=matrix, diff=diff, as_json=as_json))
    if not urls and role == "server":
        files = ", or --matrix or --diff for result files" if any(".json" in word for word in words) else ""
        raise click.UsageError(f"give --url URL of the server, or --client COMMAND{files}")
    if areas:
        within = tuple(row.entry.id for row in listing.statements(ids, areas, role=role) if row.cases)
        if not within:
            of = f"{', '.join(areas)} that is {' or '.join(ids)}" if ids else ", ".join(areas)
            raise click.UsageError(f"no case asks for a requirement of {of}; see --list")
        ids = within
    asked: dict[str, Any] = {"url": urls, "client": client, "client_listen": client_listen}
    asked |= {"id": ids, "level": levels, **options}
    try:
        run = begin(SimpleNamespace(**asked), connection)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    except NoServer as error:
        click.echo(f"{program()}: error: {error}", err=True)
        sys.exit(4)
    command = shlex.join([*program().split(), *_words(asked), *connection.given, *words])
    code = run_cases(run, [*_words(asked), *words], wanted, command, as_json=as_json, verbose=verbose)
    sys.exit(code)


def _print(context: click.Context, name: str) -> None:
    click.echo(Path(__file__).with_name(name).read_text("utf-8"), nl=False)
    context.exit()


def _compare(words: tuple[str, ...], wanted: Outputs, *, matrix: bool, diff: bool, as_json: bool) -> int:
    """Do `--matrix` or `--diff`. Returns the exit code."""
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
    command = shlex.join([*program().split(), "--matrix", *words])
    return write_pages(files, wanted.html, wanted.markdown, command)


def _words(options: dict[str, Any]) -> list[str]:
    """The options in the form that the pytest plugin takes."""
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


if __name__ == "__main__":
    run_command(main.main, program())
