"""`sioprobe capacity`, or `python -m load.capacity`: the highest rate at which a server meets an objective.

Here are the options, and what is printed and written. The search itself is `load.capacity.trials`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from load.capacity.document import HEAD, document, render, row
from load.capacity.search import Probe
from load.capacity.trials import DEFAULT_OBJECTIVES, SearchPlan, find_capacity, full_objective
from load.profiles.run_plan import RunPlan
from load.running.command_options import (
    calibrate_option,
    check_conditions,
    conditions_of,
    plan_of,
    processes_option,
    profile_option,
    server_pid_option,
    transport_option,
    url_option,
    users_option,
)
from load.running.fail_if import Condition
from load.running.parameter_options import (
    origin_of,
    scenario_option,
    scenario_options,
)
from load.scenarios import make_options, scenarios_with
from load.servers.message_sizes import problem_with_scenario
from load.servers.processes import ChildError, run_child
from load.watching.locating import locate
from sioprobe.commandline.connection_arguments import packing_option, user_connection_options
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.commandline.help_pages import HOW_MUCH, VERDICT, GroupedCommand, option
from sioprobe.commandline.numbers import Number
from sioprobe.commandline.one_line import run_command
from sioprobe.results.environment import fingerprint
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_capacity

__all__ = ["block_of", "main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.capacity"
FIGURE_SECONDS = 60.0
RATES = ("rate", "total_rate")
"""Parameters that the search sets itself; `pause` is for users without a rate."""

EXAMPLES = (
    "{program} --url http://127.0.0.1:5000",
    "{program} --url http://127.0.0.1:5000 --objective 'p99<50ms' --figure knee.png",
    "{program} --url http://127.0.0.1:5000 --scenario fanout --room-size 50 --budget 300",
)
EXIT_CODES = {
    0: "a rate was confirmed",
    2: "bad input, or no Socket.IO server at that URL",
    3: "no rate was confirmed",
    130: "stopped by Ctrl-C",
}
FILE = click.Path(path_type=Path, dir_okay=False)


def _conditions(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Any:
    return full_objective(conditions_of("--objective", texts))


def _drawable(context: click.Context, option: click.Parameter, figure: Path | None) -> Path | None:
    """Checked before minutes are spent on what cannot be drawn."""
    if figure is None:
        return None
    if figure.suffix not in (".png", ".svg"):
        raise click.UsageError(f"--figure {figure}: ends in neither .png nor .svg")
    if not figure.absolute().parent.is_dir():
        raise click.UsageError(f"--figure {figure}: there is no folder {figure.parent}")
    return figure


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@url_option
@transport_option
@scenario_option(scenarios_with("rate"))
@profile_option
@users_option
@option(
    "--budget",
    group=HOW_MUCH,
    metavar="S",
    type=Number(5, 86400),
    default=120,
    help="Seconds that the search may take.",
)
@option(
    "--probe-seconds",
    group=HOW_MUCH,
    metavar="S",
    type=Number(0.5, 3600),
    default=3,
    help="Length of one probe, after a second of warming up.",
)
@option(
    "--start-rate",
    group=HOW_MUCH,
    metavar="R",
    type=Number(1, 1e6),
    default=100,
    help="Where the search begins: operations a second of all connections together.",
)
@processes_option
@user_connection_options
@packing_option
@option(
    "--objective",
    group=VERDICT,
    multiple=True,
    callback=_conditions,
    metavar="CONDITION",
    help="What must hold at a rate, repeatable. The defaults are " + ", ".join(DEFAULT_OBJECTIVES) + "; one"
    " that is given takes the place of the default for its figure.",
)
@calibrate_option
@server_pid_option()
@option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@option("--report", type=FILE, metavar="FILE", help="Write the result as JSON.")
@option(
    "--figure",
    type=FILE,
    metavar="FILE",
    callback=_drawable,
    help="Draw the probes: FILE.png or FILE.svg (needs the extra `report`).",
)
@scenario_options(scenarios_with("rate"), without=(*RATES, "pause"))
@option("--rate", hidden=True)
@option("--total-rate", hidden=True)
def main(
    urls: list[str],
    profile: str | None,
    connection: ConnectionOptions,
    processes: int,
    asked_pids: str | tuple[int, ...],
    objective: tuple[Condition, ...],
    budget: float,
    probe_seconds: float,
    start_rate: float,
    calibrate: bool,
    report: Path | None,
    figure: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Search the highest rate at which a server meets an objective, by short runs in an open loop."""
    for name in RATES:
        if given.pop(name):
            raise click.UsageError(
                f"{origin_of(name)}: the search finds it; --start-rate says where it begins"
            )
    run_plan = plan_of(connection, **given)
    if run_plan.scenario not in scenarios_with("rate"):
        able = ", ".join(scenarios_with("rate"))
        raise click.UsageError(f"--scenario {run_plan.scenario} has no rate to search for; valid are {able}")
    check_conditions("--objective", objective, run_plan.scenario)
    processes = min(processes, run_plan.users)
    plan = SearchPlan(
        block=block_of(run_plan, urls, asked_pids, processes),
        connections=run_plan.users,
        processes=processes,
        objective=objective,
        start=start_rate,
        seconds=probe_seconds,
        budget=budget,
        calibrate=calibrate,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    extras = {"started_at": datetime.now(UTC).isoformat(timespec="seconds"), "environment": fingerprint()}
    if not as_json:
        click.echo(HEAD)

    def told(probe: Probe) -> None:
        if not as_json:
            click.echo(row(probe))

    try:
        found, floor = find_capacity(plan, told)
    except ChildError as error:
        raise click.UsageError(str(error)) from None
    result = document(found, plan, floor, time.monotonic() - started, extras)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else render(result))
    try:
        _write(result, report, figure)
    except ResultFileError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(0 if found.knee is not None and found.confirmed else 3)


def block_of(
    run_plan: RunPlan, urls: list[str], asked_pids: str | tuple[int, ...], processes: int = 1
) -> dict[str, Any]:
    """What each probe asks of `load.blocks`, without connections, rate and times. Raises UsageError.

    It is what `SearchPlan.block` holds. A server that is none, or refuses the namespace, is a UsageError.
    """
    played = make_options(run_plan.scenario, run_plan.parameters)
    try:
        run_plan.connection.check_users(-(-run_plan.users // processes) * processes)
    except OptionError as error:
        raise click.UsageError(str(error)) from None

    def warn(warning: str) -> None:
        click.echo(f"{PROGRAM}: warning: {warning}", err=True)

    for url in urls:
        problem = problem_with_scenario(
            url,
            run_plan.scenario,
            played,
            transport=run_plan.transport,
            connection=run_plan.connection,
            warn=warn,
        )
        if problem is not None:
            raise click.UsageError(problem)
    located = locate(urls, asked_pids)
    if not located.pids:
        click.echo(f"server: not sampled ({located.reason})", err=True)
    return {
        "urls": urls,
        "scenario": run_plan.scenario,
        "transport": run_plan.transport,
        **run_plan.connection.to_json(),
        **run_plan.parameters,
        "server_pids": list(located.pids),
    }


def _write(result: dict[str, Any], report: Path | None, figure: Path | None) -> None:
    """The result file and the figure. Drawing is the business of `reports`, which runs as a process."""
    if report is not None:
        write_capacity(report, result)
    if figure is None:
        return
    with tempfile.TemporaryDirectory(prefix="sioprobe-capacity-") as folder:
        source = report or Path(folder) / "capacity.json"
        if report is None:
            write_capacity(source, result)
        try:
            code, complaint = run_child("reports.capacity", str(source), str(figure), deadline=FIGURE_SECONDS)
        except ChildError as error:
            raise click.UsageError(f"--figure {figure}: {error}") from None
        if code:
            raise click.UsageError(f"--figure {figure}: {complaint.rpartition(': error: ')[2]}")


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
