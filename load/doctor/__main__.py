"""`sioprobe doctor`, or `python -m load.doctor`: examine a server and say what was found."""

from __future__ import annotations

import ipaddress
import json
import os
import sys
from typing import NoReturn

import click
from rich.console import Console

from load.doctor.findings import NOTE
from load.doctor.patient import NoServer, Patient
from load.doctor.registry import EXAMINATIONS, examine
from load.doctor.rendering import render
from load.running.command_options import server_pid_option
from load.watching.locating import locate
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_arguments import connection_options
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import GroupedCommand, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.one_line import run_command
from sioprobe.commandline.server_url import problem_with_url
from sioprobe.diagnosis import Visit, diagnose
from sioprobe.engine import Kind, SwarmError, Target
from sioprobe.engine.hub import raise_open_files_limit

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.doctor"
CONNECTIONS_ON_LOOPBACK = 1200
"""More than the limits that servers come with: 1000 and 1024."""

EXAMPLES = (
    "{program} http://127.0.0.1:5000",
    "{program} http://127.0.0.1:5000 --only nagle --only connections --json",
    "{program} https://chat.example --path /chat/ --max-connections 200",
)
EXIT_CODES = {
    0: "nothing was found that loses messages or costs latency, CPU or connections (there may be notes)",
    1: "something was found that does",
    2: "bad input",
    4: "no Socket.IO server of Engine.IO 4 at that URL",
    130: "stopped by Ctrl-C",
}
EXAMINED = "What is examined"


def _no_option(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(f"--url: the URL stands alone here: '{context.command_path} URL'")


@click.command(
    cls=GroupedCommand,
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
    more={"Examinations": {each.id: each.title for each in EXAMINATIONS.values()}},
)
@click.argument("url")
@option("--url", "url_option", hidden=True, expose_value=False, is_eager=True, callback=_no_option)
@option(
    "--only",
    group=EXAMINED,
    multiple=True,
    metavar="ID",
    type=OneOf("examination", EXAMINATIONS),
    help="Make this examination alone, repeatable.",
)
@option(
    "--max-connections",
    group=EXAMINED,
    metavar="N",
    type=WholeNumber(0, 50_000),
    help=f"Open up to so many at once. The default is {CONNECTIONS_ON_LOOPBACK} for a server on loopback, and"
    " none for others.",
)
@server_pid_option(EXAMINED)
@connection_options
@option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def main(
    url: str,
    only: tuple[str, ...],
    max_connections: int | None,
    asked_pids: str | tuple[int, ...],
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Examine a Socket.IO server: what do its settings cost, and which setting helps?

    It takes any server that speaks Engine.IO 4. The application needs nothing for it.
    """
    patient = _patient(url, asked_pids, connection)
    _limit_connections(patient, max_connections)
    raise_open_files_limit()
    console = Console(stderr=True)
    with console.status("handshakes") as status:
        try:
            patient.meet()
        except NoServer as error:
            _end_without_server(url, connection, error)
        result = examine(patient, only or tuple(EXAMINATIONS), status.update)
    costs = any(finding["severity"] != NOTE for finding in result["findings"])
    result = connection.redact_data(result)
    click.echo(json.dumps(result) if as_json else render(result))
    sys.exit(1 if costs else 0)


def _visit(url: str, connection: ConnectionOptions) -> Visit:
    return Visit(url, connection.path, auth=connection.auth, **connection.visit_arguments())


def _end_without_server(url: str, connection: ConnectionOptions, error: Exception) -> NoReturn:
    found = diagnose(_visit(url, connection), redact=connection.redact)
    line = found.sentence if found is not None else connection.redact(str(error))
    click.echo(f"{PROGRAM}: error: {line}", err=True)
    sys.exit(4)


def _patient(url: str, asked_pids: str | tuple[int, ...], connection: ConnectionOptions) -> Patient:
    problem = problem_with_url(url)
    if problem is not None:
        raise click.UsageError(problem)
    try:
        target = Target.from_url(url, connection.path, **connection.target_arguments())
    except SwarmError as error:
        if error.kind == Kind.UNKNOWN_HOST:
            _end_without_server(url, connection, error)
        raise click.UsageError(error.detail or error.kind) from None
    located = locate([url], asked_pids)
    return Patient(target, located, connection.auth, _visit(url, connection), connection.redact)


def _limit_connections(patient: Patient, asked: int | None) -> None:
    """Set the number of connections. A server on another host gets none unless the user says how many."""
    loopback = ipaddress.ip_address(str(patient.target.address[0]).partition("%")[0]).is_loopback
    if asked is not None:
        patient.max_connections = asked
        patient.why_no_connections = "--max-connections 0"
    elif loopback:
        patient.max_connections = CONNECTIONS_ON_LOOPBACK
    else:
        patient.why_no_connections = "the server is not on loopback; --max-connections says how many to open"


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
