"""`sioprobe survey`, or `python -m load.survey`: every scenario on one server, one after the other."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click
from rich.console import Console

from load.running.command_options import (
    server_pid_option,
    url_option,
)
from load.running.parameter_options import (
    ParameterType,
)
from load.scenarios import all_parameters
from load.servers.placement import problem_with_server
from load.servers.processes import BlockGenerator, ChildError
from load.survey.short_runs import (
    HEAD,
    MORE,
    RunOutcome,
    ShortRun,
    code_of,
    heartbeat_of,
    later_runs,
    render,
    row,
    runs,
)
from load.watching.locating import locate
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_arguments import packing_option, user_connection_options
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.commandline.help_pages import HOW_MUCH, WHAT, WHO, GroupedCommand, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.one_line import run_command
from sioprobe.engine import TRANSPORTS

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.survey"

EXAMPLES = (
    "{program} --url http://127.0.0.1:5000",
    "{program} --url http://127.0.0.1:5000 --transport websocket --json",
    "{program} --url https://chat.example --namespace /chat --auth @token.json",
)
EXIT_CODES = {
    0: "every run is clean",
    1: "a run is not clean, or could not be measured",
    2: "bad input, or no Socket.IO server at that URL",
    130: "stopped by Ctrl-C; the runs so far are printed",
}


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@url_option
@option(
    "--transport",
    group=WHAT,
    metavar="NAME",
    type=OneOf("transport", TRANSPORTS),
    help=f"One of {', '.join(TRANSPORTS)}; where none is given, each in turn.",
)
@option(
    "--users",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1),
    help="Connections of every run; 12 to 20 where not given.",
)
@option(
    "--namespace",
    group=WHO,
    type=ParameterType(all_parameters()["namespace"]),
    default="/",
    help="Namespace of every run.",
)
@user_connection_options
@packing_option
@server_pid_option()
@option("--json", "as_json", is_flag=True, help="Print the runs as one JSON object.")
def main(
    urls: list[str],
    transport: str | None,
    users: int | None,
    namespace: str,
    connection: ConnectionOptions,
    asked_pids: str | tuple[int, ...],
    as_json: bool,
) -> None:
    """Play every scenario for some seconds over each transport, and say which are clean."""
    transports = (transport,) if transport is not None else TRANSPORTS
    try:
        connection.check_users(users or MORE)
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    _find_server(urls, transports, namespace, connection)
    located = locate(urls, asked_pids)
    if not located.pids:
        click.echo(f"server: not sampled ({located.reason})", err=True)
    common: dict[str, Any] = {
        **connection.to_json(),
        "namespace": namespace,
        **({"connections": users} if users is not None else {}),
        "server_pids": list(located.pids),
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not as_json:
        click.echo(HEAD)
    outcomes: list[RunOutcome] = []
    code = None
    try:
        for outcome in _outcomes(urls, transports, common):
            outcomes.append(outcome)
            if not as_json:
                click.echo(row(outcome))
    except KeyboardInterrupt:
        code = 130
    if as_json:
        result = {"url": ",".join(urls), "runs": [each.to_json() for each in outcomes]}
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo(render(outcomes))
    sys.exit(code_of(outcomes) if code is None else code)


def _find_server(
    urls: list[str], transports: tuple[str, ...], namespace: str, connection: ConnectionOptions
) -> None:
    """UsageError where there is no server, or none that takes the namespace.

    A server with one of the transports is one. The runs say what the other transports come to.
    """
    for url in urls:
        problem = None
        for transport in transports:
            told = problem_with_server(url, transport=transport, namespace=namespace, connection=connection)
            if told is None:
                break
            problem = problem or told
        else:
            raise click.UsageError(str(problem))


def _outcomes(urls: list[str], transports: tuple[str, ...], common: dict[str, Any]) -> Iterator[RunOutcome]:
    """Each run's outcome, as soon as it has ended."""
    heartbeat = None
    with closing(Generator()) as generator:
        for run, transport in runs(transports):
            outcome = generator.measure(run, transport, urls, common)
            heartbeat = heartbeat or heartbeat_of(outcome)
            yield outcome
        for run, transport, why_not in later_runs(transports, *(heartbeat or (0.0, 0.0))):
            if why_not:
                yield RunOutcome(run, transport, skipped=why_not)
            else:
                yield generator.measure(run, transport, urls, common)


class Generator:
    """The process that measures, and another where one has ended."""

    def __init__(self) -> None:
        self._process = BlockGenerator()
        self._console = Console(stderr=True)

    def measure(self, run: ShortRun, transport: str, urls: list[str], common: dict[str, Any]) -> RunOutcome:
        """The outcome of one run."""
        if not self._process.alive:
            self.close()
            self._process = BlockGenerator()
        try:
            with self._console.status(f"{run.title} over {transport}"):
                block = self._process.measure(run.request(urls, transport, **common), run.deadline)
        except ChildError as error:
            return RunOutcome(run, transport, problems=(f"not measured: {error}",))
        return RunOutcome.of_block(run, transport, block)

    def close(self) -> None:
        """End the process."""
        self._process.close()


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
