"""`sioprobe load --scenario all`: what it takes, the runs one after the other, and how it ends."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NoReturn

import click
from click.core import ParameterSource
from rich.console import Console

from load.scenarios import ParameterError, make_options
from load.servers.placement import problem_with_server
from load.servers.processes import BlockGenerator, ChildError
from load.survey.short_runs import (
    ALL,
    HEAD,
    Outcome,
    ShortRun,
    code_of,
    heartbeat_of,
    later_runs,
    render,
    row,
    runs,
)
from load.watching.locating import locate, parse_server_pids
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.engine import TRANSPORTS

__all__ = ["run_all"]

CONNECTION = ("auth", "header", "cookie", "query", "ca_file", "no_verify")
TAKEN = (
    *("url", "scenario", "transport", "users", "namespace", "path"),
    *CONNECTION,
    *("server_pids", "as_json"),
)


def run_all(
    urls: list[str],
    *,
    transport: str | None,
    users: int | None,
    namespace: str | None,
    connection: ConnectionOptions,
    server_pids: tuple[str, ...],
    as_json: bool,
) -> NoReturn:
    """Run, print each when it has ended, and end as `load.running.outcome` says. Raises click.UsageError."""
    _refuse_others(click.get_current_context())
    transports = (transport,) if transport is not None else TRANSPORTS
    common: dict[str, Any] = {**connection.to_json()}
    if namespace is not None:
        common["namespace"] = namespace
    if users is not None:
        common["connections"] = users
    try:
        asked = parse_server_pids(server_pids)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _check(urls, transports, common, connection)
    located = locate(urls, asked)
    if not located.pids:
        click.echo(f"server: not sampled ({located.reason})", err=True)
    common["server_pids"] = list(located.pids)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not as_json:
        click.echo(HEAD)
    outcomes: list[Outcome] = []
    code = None
    try:
        for outcome in _outcomes(urls, transports, common):
            outcomes.append(outcome)
            if not as_json:
                click.echo(row(outcome))
    except KeyboardInterrupt:
        code = 130
    if as_json:
        click.echo(
            json.dumps(
                {"url": ",".join(urls), "scenario": ALL, "runs": [each.to_json() for each in outcomes]},
                ensure_ascii=False,
            )
        )
    else:
        click.echo(render(outcomes))
    sys.exit(code_of(outcomes) if code is None else code)


def _refuse_others(context: click.Context) -> None:
    """An option that these runs do not take is not left out of account."""
    options = {option.name: option for option in context.command.params if option.name is not None}
    for name, option in options.items():
        if name not in TAKEN and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            taken = ", ".join(options[each].opts[0] for each in TAKEN)
            raise click.UsageError(f"{option.opts[0]}: --scenario {ALL} does not know it; it knows {taken}")


def _check(
    urls: list[str], transports: tuple[str, ...], common: dict[str, Any], connection: ConnectionOptions
) -> None:
    """UsageError where there is no server, or no namespace of that name."""
    given = {name: value for name, value in common.items() if name == "namespace"}
    try:
        namespace = str(make_options("idle", given).namespace)
    except ParameterError as error:
        raise click.UsageError(f"--namespace: {error.problem}") from None
    for url in urls:
        problem = None
        for transport in transports:
            told = problem_with_server(
                url,
                transport=transport,
                namespace=namespace,
                connection=connection,
            )
            if told is None:
                # A server with one of the transports is one; what the others come to, their runs say.
                break
            problem = problem or told
        else:
            raise click.UsageError(str(problem))


def _outcomes(urls: list[str], transports: tuple[str, ...], common: dict[str, Any]) -> Iterator[Outcome]:
    """Each run's outcome, as soon as it has ended."""
    heartbeat = None
    with closing(Generator()) as generator:
        for run, transport in runs(transports):
            outcome = generator.measure(run, transport, urls, common)
            heartbeat = heartbeat or heartbeat_of(outcome)
            yield outcome
        for run, transport, why_not in later_runs(transports, *(heartbeat or (0.0, 0.0))):
            if why_not:
                yield Outcome(run, transport, skipped=why_not)
            else:
                yield generator.measure(run, transport, urls, common)


class Generator:
    """The process that measures, and another where one has ended."""

    def __init__(self) -> None:
        self._process = BlockGenerator()
        self._console = Console(stderr=True)

    def measure(self, run: ShortRun, transport: str, urls: list[str], common: dict[str, Any]) -> Outcome:
        """The outcome of one run."""
        if not self._process.alive:
            self.close()
            self._process = BlockGenerator()
        try:
            with self._console.status(f"{run.title} over {transport}"):
                block = self._process.measure(run.request(urls, transport, **common), run.deadline)
        except ChildError as error:
            return Outcome(run, transport, problems=(f"not measured: {error}",))
        return Outcome.of_block(run, transport, block)

    def close(self) -> None:
        """End the process."""
        self._process.close()
