"""`sioprobe load`, or `python -m load`: runs the locustfile headless and prints the figures at its end.

A thin front: Locust runs as a child, because it monkey-patches its process. Who wants the web page, workers
or shapes runs `locust -f load/swarm.py` itself.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from load.capacity.command import Search, conditions_of, find_max_options, run_search
from load.running.command_options import (
    DEFAULTS,
    Choice,
    list_scenarios,
    locust_arguments,
    plan_of,
    scenario_options,
    use_profile,
)
from load.running.outcome import EXIT_CODES, exit_code
from load.running.shape_stages import SHAPE_NAMES, ShapeError, check_rate
from load.running.shape_stages import plan as stages_of
from load.scenarios import SCENARIOS, make_options
from load.survey.command import run_all
from load.survey.short_runs import ALL
from sioprobe.commandline.connection_options import (
    ConnectionOptions,
    connection_options,
)
from sioprobe.commandline.one_line import run_command
from sioprobe.engine import TRANSPORTS
from sioprobe.harness import harness_environment, module_command
from sioprobe.measured.summary import render

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load"
LOCUSTFILE = Path(__file__).resolve().with_name("swarm.py")
GRACE_SECONDS = 30.0
"""What Locust may need beyond the run: starting, coming to rest, closing."""

EXAMPLES = f"""\b
Examples:
  {PROGRAM} --url http://127.0.0.1:5000
  {PROGRAM} --url http://127.0.0.1:5000 --transport upgrade --scenario fanout --room-size 20
  {PROGRAM} --url http://127.0.0.1:5000 --profile ack --users 200
  {PROGRAM} --list
  {PROGRAM} --url https://chat.example --namespace /chat --users 200 --seconds 60 --json
  {PROGRAM} --url http://127.0.0.1:5000 --scenario all
  {PROGRAM} --url http://127.0.0.1:5000 --find-max --objective 'p99<50ms' --figure knee.png
  {PROGRAM} --url https://chat.example --auth @token.json --header 'X-Tenant: a'
  {PROGRAM} --url http://127.0.0.1:5000 --rate 20 --fail-if 'p99>50ms' --fail-if 'errors>0.1%'

{EXIT_CODES}"""


def _finite(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.UsageError(f"{option.opts[0]} {value} is no number to wait or count by")
    return value


def _tell_locustfile(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(LOCUSTFILE)
        context.exit(0)


def _named(context: click.Context, option: click.Parameter, url: str) -> str:
    if not url.strip():
        raise click.UsageError("--url is empty: give the server's, such as http://127.0.0.1:5000")
    return url


def _readable(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    conditions_of(option.opts[0], values)
    return values


@click.command(
    epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--list",
    "listing",
    is_flag=True,
    callback=list_scenarios,
    expose_value=False,
    is_eager=True,
    help="Print every scenario with its parameters, and the profiles.",
)
@click.option(
    "--locustfile",
    is_flag=True,
    callback=_tell_locustfile,
    expose_value=False,
    is_eager=True,
    help="Print where the locustfile is, for `locust -f`, and stop.",
)
@click.option(
    "--url",
    required=True,
    callback=_named,
    help="The server, such as http://127.0.0.1:5000; several with commas between.",
)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    is_eager=True,
    callback=use_profile,
    help="Take what is not given here from a profile; --list names them.",
)
@click.option(
    "--transport", type=Choice("transport", TRANSPORTS), default=DEFAULTS.transport, show_default=True
)
@click.option(
    "--scenario",
    type=Choice("scenario", (*SCENARIOS, ALL)),
    default=DEFAULTS.scenario,
    show_default=True,
    help=f"{ALL}: each of them, short, over each transport, in turn.",
)
@click.option(
    "--users", type=click.IntRange(1), default=DEFAULTS.users, show_default=True, help="Connections."
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=DEFAULTS.seconds,
    show_default=True,
    callback=_finite,
    help="Length of the run.",
)
@click.option(
    "--source-addresses",
    default="",
    metavar="FROM-TO",
    help="Connect from these local addresses in turn, such as 127.0.0.1-127.0.0.8.",
)
@connection_options
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Of the generator.")
@click.option(
    "--server-pid",
    "server_pids",
    multiple=True,
    metavar="PID",
    help="Process of the server to sample with its children, repeatable; auto, the default, finds what"
    " listens at the port of a server on this host; none samples nothing.",
)
@click.option(
    "--shape",
    default="",
    metavar="NAME",
    help="Load over time, instead of --seconds: " + ", ".join(SHAPE_NAMES) + ".",
)
@click.option("--shape-users", default="", metavar="N,N", help="Users of each level; --users where not said.")
@click.option(
    "--shape-rate", default="", metavar="R,R", help="Total rate of each level, operations a second."
)
@click.option("--shape-seconds", default="", metavar="S,S", help="Length of each stage, or one for all.")
@click.option(
    "--fail-if",
    "thresholds",
    multiple=True,
    callback=_readable,
    metavar="CONDITION",
    help="End with 3 when this holds, such as 'p99>50ms', 'reach<100%', 'rate<1000/s'; repeatable.",
)
@click.option(
    "--calibrate/--no-calibrate",
    default=True,
    show_default=True,
    help="Measure the generator's own floor against the null server first (3 s).",
)
@click.option(
    "--server-command",
    metavar="COMMAND",
    help="Start the server at --url by this command, and end it afterwards; for storm see --drop.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@scenario_options
@find_max_options
def main(
    url: str,
    profile: str | None,
    source_addresses: str,
    connection: ConnectionOptions,
    processes: int,
    server_command: str | None,
    server_pids: tuple[str, ...],
    shape: str,
    shape_users: str,
    shape_rate: str,
    shape_seconds: str,
    thresholds: tuple[str, ...],
    calibrate: bool,
    find_max: bool,
    search: Search,
    as_json: bool,
    **given: Any,
) -> None:
    """Put a measured load on a server and print what it carried."""
    if given["scenario"] == ALL:
        names = ("transport", "users", "namespace")
        run_all(
            url.split(","),
            **{
                name: given[name]
                if click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
                else None
                for name in names
            },
            connection=connection,
            server_pids=server_pids,
            as_json=as_json,
        )
    plan = plan_of(given, connection)
    shaping = [shape, shape_users, shape_rate, shape_seconds]
    try:
        check_rate(shape_rate, plan.scenario)
        stages_of(shape, shape_users, shape_rate, shape_seconds, plan.users)
    except ShapeError as error:
        raise click.UsageError(str(error)) from None
    if find_max:
        if shape:
            raise click.UsageError("--find-max makes its own rates, and takes no --shape")
        run_search(
            search,
            plan,
            url.split(","),
            processes=processes,
            server_pids=server_pids,
            calibrate=calibrate,
            as_json=as_json,
        )
    with tempfile.TemporaryDirectory(prefix="sioprobe-load-") as folder:
        summary_file = Path(folder) / "summary.json"
        arguments = [
            *("-f", str(LOCUSTFILE), "--headless", "--only-summary"),
            *("--host", url.partition(",")[0], f"--urls={url.partition(',')[2]}"),
            *("--users", str(plan.users), "--spawn-rate", str(min(plan.users, 100))),
            *("--summary-json", str(summary_file)),
            *locust_arguments(plan),
            *plan.connection.arguments(Path(folder)),
        ]
        if source_addresses:
            arguments.append(f"--source-addresses={source_addresses}")
        if shape:
            for name, value in zip(("", "-users", "-rate", "-seconds"), shaping, strict=True):
                arguments.append(f"--shape{name}={value}")
        else:
            arguments += ["--run-time", f"{max(1, round(plan.seconds))}s"]
        for pid in server_pids:
            arguments += ["--server-pid", pid]
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
        title = f"{plan.users} users for {plan.seconds:g} s on {url}"
        scenario = SCENARIOS[plan.scenario]
        # After Ctrl-C too the server is looked at for as long as a leak needs; a second Ctrl-C ends that.
        more = make_options(plan.scenario, plan.parameters).cool_down if scenario.cools_down else 0.0
        code, errors = run(module_command("locust", *arguments), title, GRACE_SECONDS + more)
        if not summary_file.exists():
            raise click.UsageError(_reason(errors, code))
        summary = json.loads(summary_file.read_text(encoding="utf-8"))
    if as_json:
        click.echo(json.dumps(summary))
    else:
        click.echo(render(summary))
    # The one that Locust makes for a run that was stopped knows less.
    sys.exit(exit_code(summary) if code in (0, 1, 3) else code)


def run(command: list[str], title: str, grace: float = GRACE_SECONDS) -> tuple[int, str]:
    """Run Locust to its end; its exit code (130 after Ctrl-C) and what it wrote to stderr."""
    console = Console(stderr=True)
    with tempfile.TemporaryFile() as errors:
        # A session of its own: Ctrl-C is handed on once, and the figures so far are still printed.
        child = subprocess.Popen(
            command,
            env=harness_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )

        def hand_on(number: int, frame: Any) -> None:
            child.send_signal(signal.SIGTERM)

        previous = signal.signal(signal.SIGTERM, hand_on)
        interrupted = False
        try:
            with console.status(title):
                code = child.wait()
        except KeyboardInterrupt:
            interrupted = True
            child.send_signal(signal.SIGTERM)
            try:
                code = child.wait(grace)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                code = 1
        finally:
            signal.signal(signal.SIGTERM, previous)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        errors.seek(0)
        return (130 if interrupted else code), errors.read().decode(errors="replace")


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
