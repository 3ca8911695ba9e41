"""The options of `sioprobe load --find-max`, and what it prints, writes and ends with."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from load.capacity.document import HEAD, document, render, row
from load.capacity.search import Probe
from load.capacity.trials import DEFAULT_OBJECTIVES, Plan, find_max, full_objective
from load.profiles.run_plan import RunPlan
from load.running.fail_if import Condition, ConditionError
from load.scenarios import make_options, scenarios_with
from load.servers.placement import problem_with_server
from load.servers.processes import ChildError
from load.watching.locating import locate, parse_server_pids
from sioprobe.harness import harness_environment, module_command
from sioprobe.results.environment import fingerprint
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_maximum

__all__ = ["Search", "find_max_options", "run_search"]

FIGURE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Search:
    """The options that only a search has."""

    objective: tuple[str, ...]
    budget: float
    probe_seconds: float
    start_rate: float
    report: Path | None
    figure: Path | None


def conditions_of(option: str, texts: tuple[str, ...]) -> tuple[Condition, ...]:
    """The conditions, or a usage error that names the option."""
    try:
        return tuple(Condition.parse(text) for text in texts)
    except ConditionError as error:
        raise click.UsageError(f"{option} {error}") from None


def find_max_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options, as the innermost decorator; it gets a flag `find_max` and a `search`."""

    def with_search(
        *,
        objective: tuple[str, ...],
        budget: float,
        probe_seconds: float,
        start_rate: float,
        report: Path | None,
        figure: Path | None,
        **options: Any,
    ) -> None:
        conditions_of("--objective", objective)
        if not options["find_max"] and (objective or report or figure):
            given = "--objective" if objective else "--report" if report else "--figure"
            raise click.UsageError(f"{given} is of --find-max, which is missing")
        context = click.get_current_context()
        for name in ("budget", "probe_seconds", "start_rate"):
            given_here = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if given_here and not options["find_max"]:
                raise click.UsageError(f"--{name.replace('_', '-')} is of --find-max, which is missing")
        command(search=Search(objective, budget, probe_seconds, start_rate, report, figure), **options)

    with_search.__doc__ = command.__doc__
    path = click.Path(path_type=Path, dir_okay=False)
    added = with_search
    for option in reversed(
        (
            click.option(
                "--find-max",
                is_flag=True,
                help="Search the highest total rate that meets the objective.",
            ),
            click.option(
                "--objective",
                multiple=True,
                metavar="CONDITION",
                help="What must hold, repeatable; where no other says it, "
                + ", ".join(DEFAULT_OBJECTIVES)
                + ".",
            ),
            click.option(
                "--budget",
                type=click.FloatRange(5, 86400),
                default=120.0,
                show_default=True,
                help="Seconds that a search may take.",
            ),
            click.option(
                "--probe-seconds",
                type=click.FloatRange(0.5, 3600),
                default=3.0,
                show_default=True,
                help="Length of one probe, after a second of warming up.",
            ),
            click.option(
                "--start-rate",
                type=click.FloatRange(1, 1e6),
                default=100.0,
                show_default=True,
                help="Where a search begins, operations a second of all connections.",
            ),
            click.option("--report", type=path, metavar="FILE", help="Write what a search found, as JSON."),
            click.option(
                "--figure",
                type=path,
                metavar="FILE",
                help="Draw what a search found: FILE.png or FILE.svg (needs the extra `report`).",
            ),
        )
    ):
        added = option(added)
    return added


def run_search(
    search: Search,
    run_plan: RunPlan,
    urls: list[str],
    *,
    processes: int,
    server_pids: tuple[str, ...],
    calibrate: bool,
    as_json: bool,
) -> NoReturn:
    """Search, print, and end: 0 with a rate that was confirmed, 3 without, 2 for bad input."""
    plan = _plan(search, run_plan, urls, processes, server_pids, calibrate)
    _check_figure(search.figure)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    extras = {"started_at": datetime.now(UTC).isoformat(timespec="seconds"), "environment": fingerprint()}
    if not as_json:
        click.echo(HEAD)

    def told(probe: Probe) -> None:
        if not as_json:
            click.echo(row(probe))

    try:
        found, floor = find_max(plan, told)
    except ChildError as error:
        raise click.UsageError(str(error)) from None
    result = document(found, plan, floor, time.monotonic() - started, extras)
    click.echo(_json(result) if as_json else render(result))
    try:
        _write(result, search)
    except ResultFileError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(0 if found.knee is not None and found.confirmed else 3)


def _plan(
    search: Search,
    run_plan: RunPlan,
    urls: list[str],
    processes: int,
    server_pids: tuple[str, ...],
    calibrate: bool,
) -> Plan:
    scenario, parameters = run_plan.scenario, dict(run_plan.parameters)
    able = scenarios_with("rate")
    if scenario not in able:
        raise click.UsageError(
            f"--find-max: {scenario} has no rate; scenarios that have are {', '.join(able)}"
        )
    for name in ("rate", "total_rate"):
        if parameters.pop(name, 0):
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"{option} is what --find-max looks for; where to begin is --start-rate")
    namespace = str(make_options(scenario, parameters).namespace)
    for url in urls:
        problem = problem_with_server(
            url,
            transport=run_plan.transport,
            namespace=namespace,
            connection=run_plan.connection,
        )
        if problem is not None:
            raise click.UsageError(problem)
    block = {
        "urls": urls,
        "scenario": scenario,
        "transport": run_plan.transport,
        **run_plan.connection.to_json(),
        **parameters,
    }
    try:
        located = locate(urls, parse_server_pids(server_pids))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if not located.pids:
        click.echo(f"server: not sampled ({located.reason})", err=True)
    return Plan(
        block={**block, "server_pids": list(located.pids)},
        connections=run_plan.users,
        processes=min(processes, run_plan.users),
        objective=full_objective(conditions_of("--objective", search.objective)),
        start=search.start_rate,
        seconds=search.probe_seconds,
        budget=search.budget,
        calibrate=calibrate,
    )


def _check_figure(figure: Path | None) -> None:
    """Before minutes are spent on what cannot be drawn."""
    if figure is None:
        return
    if figure.suffix not in (".png", ".svg"):
        raise click.UsageError(f"--figure {figure}: ends in neither .png nor .svg")
    if not figure.absolute().parent.is_dir():
        raise click.UsageError(f"--figure {figure}: there is no folder {figure.parent}")


def _json(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)


def _write(result: dict[str, Any], search: Search) -> None:
    """The result file and the figure. Drawing is the business of `reports`, which runs as a process."""
    if search.report is not None:
        write_maximum(search.report, result)
    if search.figure is None:
        return
    with tempfile.TemporaryDirectory(prefix="sioprobe-load-") as folder:
        source = search.report or Path(folder) / "maximum.json"
        if search.report is None:
            write_maximum(source, result)
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                module_command("reports.maximum", str(source), str(search.figure)),
                env=harness_environment(SIOPROBE_PROG="sioprobe load"),
                capture_output=True,
                text=True,
                timeout=FIGURE_SECONDS,
            )
            if done.returncode == 0:
                return
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise click.UsageError(f"--figure {search.figure}: {said[-1].removeprefix('error: ')}")
        raise click.UsageError(f"--figure {search.figure}: not drawn within {FIGURE_SECONDS:.0f} s")
