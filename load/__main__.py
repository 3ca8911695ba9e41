"""`sioprobe load`, or `python -m load`: runs the locustfile headless and prints the figures at its end.

A thin front: Locust runs as a child, because it monkey-patches its process. For the web page, for workers on
other machines and for shapes of your own, run `locust -f load/swarm.py`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from load.running.child import GRACE_SECONDS, INTERRUPTED, run
from load.running.command_options import (
    DEFAULTS,
    calibrate_option,
    check_conditions,
    conditions_of,
    list_option,
    plan_of,
    processes_option,
    profile_option,
    server_pid_option,
    transport_option,
    url_option,
    users_option,
)
from load.running.outcome import EXIT_CODES, exit_code
from load.running.parameter_options import (
    scenario_option,
    scenario_options,
)
from load.running.shape_stages import SHAPE_NAMES, ShapeError, check_rate
from load.running.shape_stages import plan as stages_of
from load.scenarios import SCENARIOS, make_options, words_of
from sioprobe.commandline.connection_arguments import packing_option, user_connection_options
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.commandline.help_pages import HOW_MUCH, VERDICT, WHAT, GroupedCommand, option
from sioprobe.commandline.numbers import Number
from sioprobe.commandline.one_line import run_command
from sioprobe.harness import module_command
from sioprobe.measured.rendering import render
from sioprobe.results.files import read_load
from sioprobe.results.loads import to_json

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load"
LOCUSTFILE = Path(__file__).resolve().with_name("swarm.py")

EXAMPLES = (
    "{program} --url http://127.0.0.1:5000",
    "{program} --url http://127.0.0.1:5000 --transport upgrade --scenario fanout --room-size 20",
    "{program} --url http://127.0.0.1:5000 --profile ack --users 200",
    "{program} --url http://127.0.0.1:5000 --scenario call --event say --arguments '[\"hello {{n}}\"]'",
    "{program} --list",
    "{program} --url https://chat.example --namespace /chat --users 200 --seconds 60 --json",
    "{program} --url https://chat.example --auth @tokens.jsonl --header 'X-Tenant: a'",
    "{program} --url http://127.0.0.1:5000 --rate 20 --fail-if 'p99>50ms' --fail-if 'errors>0.1%'",
)


def _tell_locustfile(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(LOCUSTFILE)
        context.exit(0)


def _readable(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    conditions_of(option.opts[0], values)
    return values


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@url_option
@transport_option
@scenario_option(SCENARIOS)
@profile_option
@option(
    "--server-command",
    group=WHAT,
    metavar="COMMAND",
    help="Start the server at --url by this command, and end it afterwards. For storm see --drop.",
)
@users_option
@option(
    "--seconds",
    group=HOW_MUCH,
    metavar="S",
    type=Number(1),
    default=DEFAULTS.seconds,
    help="Length of the run.",
)
@option(
    "--shape",
    group=HOW_MUCH,
    default="",
    metavar="NAME",
    help=f"Load over time, instead of --seconds: {', '.join(SHAPE_NAMES)}.",
)
@option(
    "--shape-users",
    group=HOW_MUCH,
    default="",
    metavar="N,N",
    help="Users of each level; --users where not given.",
)
@option(
    "--shape-rate",
    group=HOW_MUCH,
    default="",
    metavar="R,R",
    help="Total rate of each level, operations a second.",
)
@option(
    "--shape-seconds",
    group=HOW_MUCH,
    default="",
    metavar="S,S",
    help="Length of each stage, or one for all.",
)
@processes_option
@option(
    "--source-addresses",
    group=HOW_MUCH,
    default="",
    metavar="FROM-TO",
    help="Connect from these local addresses in turn, such as 127.0.0.1-127.0.0.8.",
)
@user_connection_options
@packing_option
@option(
    "--fail-if",
    "thresholds",
    group=VERDICT,
    multiple=True,
    callback=_readable,
    metavar="CONDITION",
    help="End with 3 (errors: 1) when this holds, such as 'p99>50ms', 'reach<100%', 'rate<1000/s'"
    " or, with churn, 'memory_per_life>10KB'. Repeatable.",
)
@calibrate_option
@server_pid_option()
@option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
@list_option
@option(
    "--locustfile",
    is_flag=True,
    callback=_tell_locustfile,
    expose_value=False,
    is_eager=True,
    help="Print where the locustfile is, for `locust -f`, and stop.",
)
@scenario_options(SCENARIOS)
def main(
    urls: list[str],
    profile: str | None,
    source_addresses: str,
    connection: ConnectionOptions,
    processes: int,
    server_command: str | None,
    asked_pids: str | tuple[int, ...],
    shape: str,
    shape_users: str,
    shape_rate: str,
    shape_seconds: str,
    thresholds: tuple[str, ...],
    calibrate: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Put a measured load on a server and print what it carried."""
    plan = plan_of(connection, **given)
    check_conditions("--fail-if", conditions_of("--fail-if", thresholds), plan.scenario)
    shaping = [shape, shape_users, shape_rate, shape_seconds]
    try:
        check_rate(shape_rate, plan.scenario)
        stages = stages_of(shape, shape_users, shape_rate, shape_seconds, plan.users)
        connection.check_users(round(max([max(stage.users) for stage in stages] or [plan.users])))
    except (ShapeError, OptionError) as error:
        raise click.UsageError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="sioprobe-load-") as folder:
        summary_file = Path(folder) / "summary.json"
        arguments = [
            *("-f", str(LOCUSTFILE), "--headless", "--only-summary"),
            *("--host", urls[0], f"--urls={','.join(urls[1:])}"),
            *("--users", str(plan.users), "--spawn-rate", str(min(plan.users, 100))),
            *("--scenario", plan.scenario, "--transport", plan.transport),
            *("--summary-json", str(summary_file)),
            *plan.connection.arguments(Path(folder)),
            *words_of(plan.parameters),
        ]
        if source_addresses:
            arguments.append(f"--source-addresses={source_addresses}")
        if shape:
            for name, value in zip(("", "-users", "-rate", "-seconds"), shaping, strict=True):
                arguments.append(f"--shape{name}={value}")
        else:
            arguments += ["--run-time", f"{max(1, round(plan.seconds))}s"]
        for pid in [asked_pids] if isinstance(asked_pids, str) else asked_pids:
            arguments += ["--server-pid", str(pid)]
        for threshold in thresholds:
            arguments.append(f"--fail-if={threshold}")
        arguments += ["--calibrate"] if calibrate else []
        if server_command is not None:
            arguments.append(f"--server-command={server_command}")
        if processes > 1:
            arguments += ["--processes", str(processes), "--master-bind-host", "127.0.0.1"]
            # A port of this run: another may have Locust's default.
            port = str(_free_port())
            arguments += ["--master-bind-port", port, "--master-port", port]
        title = f"{plan.users} users for {plan.seconds:g} s on {', '.join(urls)}"
        scenario = SCENARIOS[plan.scenario]
        # After Ctrl-C too the server is looked at for as long as a leak needs; a second Ctrl-C ends that.
        more = make_options(plan.scenario, plan.parameters).cool_down if scenario.cools_down else 0.0
        code, errors = run(module_command("locust", *arguments), title, GRACE_SECONDS + more)
        if not summary_file.exists():
            if code == INTERRUPTED:
                click.echo(f"{PROGRAM}: stopped before anything was measured", err=True)
                sys.exit(code)
            raise click.UsageError(_reason(errors, code))
        result = read_load(summary_file)
    click.echo(json.dumps(to_json(result)) if as_json else render(result))
    # The one that Locust makes for a run that was stopped knows less.
    sys.exit(exit_code(result) if code in (0, 1, 3) else code)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _reason(errors: str, code: int) -> str:
    """The line in which Locust, or the locustfile, says why it did not run."""
    lines = [line for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        head, found, reason = line.partition("error: ")
        if found and head.endswith(": "):
            return reason
    return f"locust ended with {code}: {lines[-1] if lines else 'it said nothing'}"


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
