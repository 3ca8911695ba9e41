"""`sioprobe gate`, or `python -m ci.gate`: the options, the gate, and what is printed of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from ci.gate.gating import run_gate
from ci.gate.github import annotation_lines
from ci.gate.reading import settings_of
from ci.gate.settings import (
    DEFAULT_CELLS,
    TRANSPORTS,
    GateError,
    parse_duration,
    parse_share,
    read_config,
)
from ci.gate.telling import Teller
from load.servers.processes import ChildError
from reports.gate.rule import Thresholds
from reports.gate.simulation import simulate
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_arguments import connection_options, packing_option
from sioprobe.commandline.help_pages import HOW_MUCH, VERDICT, WHAT, GroupedCommand, option
from sioprobe.commandline.one_line import run_command
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, read_gate

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m ci.gate"

EXAMPLES = (
    "{program} --base-with python-engineio==4.11.2 --head-with python-engineio==4.12.3 --mode gevent",
    "{program} --base v1.2 --setup 'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt' "
    "--command '.venv/bin/python app.py --port {{port}}' --event chat --arguments '[\"hello\"]'",
    "{program} --base-command 'python old.py {{port}}' --head-command 'python new.py {{port}}' --event chat",
    "{program} --base v1.2 --command 'python app.py --port {{port}}' --locustfile chat.py",
    "{program} --simulate --noise 3%",
)
MORE = {
    "Files": {
        "sioprobe.toml": "[gate] may hold the same options, without the dashes in front",
        "pyproject.toml": "so may [tool.sioprobe.gate]",
    }
}
EXIT_CODES = {
    0: "PASS",
    1: "REGRESSION",
    2: "ERROR: bad input, a side that cannot be built or does not answer, or nothing was measured",
    3: "INCONCLUSIVE: a change as large as the tolerance cannot be excluded",
    130: "stopped by Ctrl-C; what was measured until then is kept",
}
COMPARED = "What is compared"
FAIL_ON = ("regression", "inconclusive", "never")


def _config(context: click.Context, _option: click.Parameter, value: Path | None) -> None:
    """Values of the file become defaults: the command line wins."""
    try:
        found = read_config(value, Path(context.params.get("repository") or "."))
    except GateError as error:
        raise click.UsageError(str(error)) from None
    context.default_map = found


def _duration(_context: click.Context, option: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.UsageError(f"{option.opts[0]} {error}") from None


def _share(_context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    try:
        return parse_share(value) if value is not None else None
    except ValueError as error:
        raise click.UsageError(f"{option.opts[0]} {error}") from None


@click.command(cls=GroupedCommand, examples=EXAMPLES, more=MORE, exit_codes=EXIT_CODES)
@option("--base", group=COMPARED, metavar="REV", help="Default the merge base with the default branch.")
@option("--head", group=COMPARED, metavar="REV", help="Default the working tree.")
@option("--setup", group=COMPARED, metavar="SHELL", help="Prepares a checkout; run in each.")
@option("--command", group=COMPARED, metavar="COMMAND", help="Starts the server of a checkout.")
@option("--base-with", group=COMPARED, multiple=True, metavar="PACKAGE", help="For pip; repeatable.")
@option("--head-with", group=COMPARED, multiple=True, metavar="PACKAGE", help="For pip; repeatable.")
@option("--base-command", group=COMPARED, metavar="COMMAND", help="Starts the base's server.")
@option("--head-command", group=COMPARED, metavar="COMMAND", help="Starts the head's server.")
@option(
    "--ready",
    group=COMPARED,
    metavar="READY|port|/PATH",
    help="When a server is ready: a line READY {...}, its port accepts, or a path answers 2xx."
    " Default port where the command has {port}, which is a free port; else READY.",
)
@option(
    "--repository",
    group=COMPARED,
    type=click.Path(file_okay=False, exists=True),
    default=".",
    is_eager=True,
    help="Folder of the git repository.",
)
@option(
    "--config",
    group=COMPARED,
    type=click.Path(path_type=Path, dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=_config,
    help="Default sioprobe.toml or pyproject.toml of the repository.",
)
@option(
    "--cell",
    group=WHAT,
    multiple=True,
    metavar="[MODE:]TRANSPORT[:SCENARIO]",
    help=f"Repeatable; default {', '.join(DEFAULT_CELLS)}, for an application {' and '.join(TRANSPORTS)}."
    " {mode} in a command is the cell's mode.",
)
@option("--mode", group=WHAT, multiple=True, metavar="MODE", help="The cell MODE:websocket; repeatable.")
@option("--event", group=WHAT, metavar="NAME", help="The event that loads an application.")
@option("--arguments", group=WHAT, metavar="JSON", default="[]", help="Of the event, a JSON array.")
@option("--answer", group=WHAT, metavar="ack|EVENT", default="ack", help="What answers the event.")
@option("--match", group=WHAT, metavar="PATH=VALUE", default="", help="What the right answer holds: 0.n={n}.")
@option(
    "--on-start",
    group=WHAT,
    multiple=True,
    metavar="EVENT[:JSON]",
    help='What each connection sends before: join:["lobby"]; repeatable.',
)
@option("--namespace", group=WHAT, metavar="NAME", default="/")
@option(
    "--locustfile",
    group=WHAT,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="In place of --event: tasks of its SocketIOUser classes, the same on both sides.",
)
@connection_options
@packing_option
@option(
    "--budget",
    group=HOW_MUCH,
    metavar="TIME",
    default="5m",
    callback=_duration,
    help="To judge, count and measure, builds not counted; half is always there to measure.",
)
@option("--no-conformance", group=HOW_MUCH, is_flag=True, help="Do not judge the two sides.")
@option("--no-counters", group=HOW_MUCH, is_flag=True, help="Do not count calls and bytes.")
@option("--no-realtime", group=HOW_MUCH, is_flag=True, help="Do not use SCHED_RR where it is allowed.")
@option("--seed", group=HOW_MUCH, type=int, default=0, help="Of the random orders.")
@option(
    "--tolerance",
    group=VERDICT,
    metavar="SHARE",
    default="5%",
    callback=_share,
    help="Change of CPU per message that PASS excludes.",
)
@option(
    "--fail-on",
    group=VERDICT,
    metavar="|".join(FAIL_ON),
    type=OneOf("verdict", FAIL_ON),
    default="inconclusive",
    help="The least that ends with a code other than 0 or 2.",
)
@option(
    "--exact",
    group=VERDICT,
    multiple=True,
    metavar="wire",
    type=OneOf("count", ("wire",)),
    help="Fail when the server sends other numbers of packets or bytes.",
)
@option(
    "--simulate",
    "simulating",
    group=VERDICT,
    is_flag=True,
    help="Measure nothing; say how often the rule errs with the noise of the last gate.",
)
@option("--noise", group=VERDICT, metavar="SHARE", callback=_share, help="Another noise for --simulate.")
@option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("gate-out"),
    help="For gate.json, gate.html, summary.md, junit.xml and lives.jsonl.",
)
@option("--json", "as_json", is_flag=True, help="Print gate.json and nothing else.")
def main(**given: Any) -> int:
    """Say whether head costs more than base, breaks a requirement, or does other work for a message."""
    try:
        thresholds = Thresholds().with_tolerance(given["tolerance"])
        if given["simulating"]:
            return _simulate(given, thresholds)
        settings = settings_of(given, thresholds)
        teller = Teller(quiet=given["as_json"], alpha=thresholds.alpha, unit=settings.unit)
        gate = run_gate(settings, teller)
    except (GateError, ChildError, ResultFileError) as error:
        raise click.UsageError(str(error)) from None
    if given["as_json"]:
        click.echo(json.dumps(gate, ensure_ascii=False, indent=1))
    else:
        teller.done(gate)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo("\n".join(annotation_lines(gate)))
    if gate["problem"] is not None:
        click.echo(f"{PROGRAM}: error: {gate['problem']}", err=True)
    return gate["exit_code"]


def _simulate(given: dict[str, Any], thresholds: Thresholds) -> int:
    """Print what the rule does with the noise that was given, or that the last gate measured."""
    if given["noise"] is not None:
        noises = {"given": given["noise"]}
    else:
        gate = read_gate(given["out"] / GATE_FILE)
        noises = {cell["id"]: cell["cpu_again"]["sd"] for cell in gate["cells"] if cell["cpu_again"]}
        if not noises:
            raise GateError(f"{given['out'] / GATE_FILE} measured nothing; give --noise 3%")
    tolerance = thresholds.tolerance
    for name, noise in noises.items():
        click.echo(f"{name}: lives vary by {noise * 100:.1f} %")
        click.echo("  true change  REGRESSION    PASS  INCONCLUSIVE  lives")
        for change in (0.0, thresholds.smallest, tolerance, 2 * tolerance):
            done = simulate(noise, change, thresholds)
            shares = f"{done.regression:10.1%}  {done.passed:6.1%}  {done.inconclusive:12.1%}"
            click.echo(f"  {change * 100:+9.1f} %  {shares}  {done.mean_lives:5.1f}")
    return 0


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    run_command(main.main, PROGRAM)
