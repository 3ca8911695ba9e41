"""`sioprobe gate`, or `python -m ci.gate`: options and configuration to one `Settings`, and the gate."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import click

from ci.gate.gating import run_gate
from ci.gate.github import annotation_lines
from ci.gate.settings import (
    DEFAULT_CELLS,
    TRANSPORTS,
    Cell,
    GateError,
    Plan,
    Settings,
    parse_cell,
    parse_duration,
    parse_share,
    read_config,
    words_of,
)
from ci.gate.telling import Teller
from load.servers.processes import ChildError, known_servers
from reports.gate.rule import Thresholds
from reports.gate.simulation import simulate
from sioprobe.commandline.auth_payload import AuthError, parse_auth, read_text
from sioprobe.commandline.one_line import run_command
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, read_gate

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m ci.gate"

EPILOG = f"""\b
Examples:
  {PROGRAM} --base-with python-engineio==4.11.2 --head-with python-engineio==4.12.3 --cell gevent:websocket
  {PROGRAM} --base v1.2 --setup 'python -m venv .venv && .venv/bin/pip install -r requirements.txt'
      --command '.venv/bin/python app.py --port {{port}}' --event chat --arguments '["hello"]' --answer ack
  {PROGRAM} --base-command 'python old.py {{port}}' --head-command 'python new.py {{port}}' --event ping
  {PROGRAM} --simulate --noise 3%

\b
The same options, without the dashes in front, may stand in [gate] of sioprobe.toml or in
[tool.sioprobe.gate] of pyproject.toml.

\b
Exit codes:
  0    PASS
  1    REGRESSION
  2    ERROR: wrong usage, a side that cannot be built or does not answer, or nothing was measured
  3    INCONCLUSIVE: a regression as large as the tolerance cannot be excluded
  130  stopped by Ctrl-C; what was measured until then is kept
"""


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


@click.command(
    epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--repository",
    type=click.Path(file_okay=False, exists=True),
    default=".",
    is_eager=True,
    help="Folder of the git repository; default the current one.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=_config,
    help="File with the options; default sioprobe.toml or pyproject.toml of the repository.",
)
@click.option(
    "--base", metavar="REV", help="Revision to compare with; default the merge base with the default branch."
)
@click.option("--head", metavar="REV", help="Revision to judge; default the working tree.")
@click.option("--setup", metavar="SHELL", help="Shell command that prepares a checkout, run in each.")
@click.option("--command", metavar="COMMAND", help="Starts the server; {port} and {mode} are replaced.")
@click.option(
    "--base-with", multiple=True, metavar="PACKAGE", help="Packages of the base, for pip; repeatable."
)
@click.option(
    "--head-with", multiple=True, metavar="PACKAGE", help="Packages of the head, for pip; repeatable."
)
@click.option("--base-command", metavar="COMMAND", help="Starts the base's server.")
@click.option("--head-command", metavar="COMMAND", help="Starts the head's server.")
@click.option(
    "--ready",
    metavar="READY|port|/PATH",
    help="When the server is ready: a line READY {...}, its port accepts, or a path answers 2xx."
    " Default port where the command has {port}, else READY.",
)
@click.option(
    "--cell", multiple=True, metavar="MODE:TRANSPORT[:SCENARIO]", help="What is measured; repeatable."
)
@click.option("--mode", multiple=True, metavar="MODE", help="Measure this mode over WebSocket; repeatable.")
@click.option("--event", metavar="NAME", help="The event that loads an application.")
@click.option("--arguments", metavar="JSON", default="[]", help="Its arguments, a JSON array.")
@click.option("--answer", metavar="ack|EVENT", default="ack", show_default=True, help="What answers it.")
@click.option("--path", default="/socket.io/", show_default=True, help="Of the Socket.IO endpoint.")
@click.option("--namespace", default="/", show_default=True)
@click.option("--auth", metavar="JSON|@FILE", help="Auth payload of CONNECT.")
@click.option(
    "--budget",
    default="5m",
    show_default=True,
    callback=_duration,
    help="Time to judge, count and measure, builds not counted; half is always there to measure.",
)
@click.option(
    "--tolerance", default="5%", show_default=True, callback=_share, help="Change of CPU that PASS excludes."
)
@click.option(
    "--fail-on",
    type=click.Choice(["regression", "inconclusive", "never"]),
    default="inconclusive",
    show_default=True,
    help="What ends with a code other than 0; an ERROR always does.",
)
@click.option(
    "--exact", multiple=True, type=click.Choice(["wire"]), help="Also fail when these counts differ."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("gate-out"), show_default=True
)
@click.option("--no-realtime", is_flag=True, help="Do not use SCHED_RR where it is allowed.")
@click.option("--no-conformance", is_flag=True, help="Do not judge the two sides.")
@click.option("--no-counters", is_flag=True, help="Do not count calls and bytes.")
@click.option("--seed", type=int, default=0, help="Of the random orders.")
@click.option("--json", "as_json", is_flag=True, help="Print gate.json and nothing else.")
@click.option(
    "--simulate", "simulating", is_flag=True, help="Measure nothing: say what the rule does with a noise."
)
@click.option(
    "--noise", callback=_share, help="With --simulate: sd of a life; default that of gate.json in --out."
)
def main(**given: Any) -> int:
    """Say whether head costs more than base, breaks a requirement, or does other work for a message."""
    try:
        thresholds = Thresholds().with_tolerance(given["tolerance"])
        if given["simulating"]:
            return _simulate(given, thresholds)
        settings = _settings(given, thresholds)
        teller = Teller(quiet=given["as_json"], alpha=thresholds.alpha)
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


def _settings(given: dict[str, Any], thresholds: Thresholds) -> Settings:
    plan = _plan(given)
    reference = given["event"] is None
    cells = _cells(given, reference=reference)
    return Settings(
        plan=plan,
        cells=cells,
        message=None if reference else _message(given),
        path=given["path"],
        auth=_auth(given["auth"]),
        namespace=given["namespace"],
        budget=given["budget"],
        thresholds=thresholds,
        fail_on=given["fail_on"],
        exact=given["exact"],
        out=given["out"],
        realtime=not given["no_realtime"],
        conformance=not given["no_conformance"],
        counters=not given["no_counters"],
        seed=given["seed"],
        command_line=shlex.join(["sioprobe", "gate", *sys.argv[1:]]),
    )


def _plan(given: dict[str, Any]) -> Plan:
    ready = given["ready"]
    if ready is not None and ready not in ("READY", "port") and not ready.startswith("/"):
        raise GateError(f"--ready {ready!r} is neither READY nor port nor a path such as /health")
    commands = given["base_command"], given["head_command"]
    packages = given["base_with"], given["head_with"]
    if any(commands) and any(packages):
        raise GateError("--base-command and --base-with say two different things; give one pair")
    if any(commands):
        if not all(commands):
            raise GateError("--base-command and --head-command go together")
        base, head = (
            words_of(command, option)
            for command, option in zip(commands, ("--base-command", "--head-command"), strict=True)
        )
        return Plan("commands", base, head, ready=ready)
    if any(packages):
        # Without an event it is the reference server, whatever a file says of an application.
        command = given["command"] if given["event"] is not None else None
        if command is not None and "/" in words_of(command, "--command")[0]:
            raise GateError(f"--command {command!r} would not see the packages: begin it with `python`")
        return Plan("packages", *packages, command=command, ready=ready)
    base_revision, head_revision = given["base"] or "", given["head"] or ""
    return Plan(
        "revisions", (base_revision,), (head_revision,), given["command"], given["setup"], ready,
        Path(given["repository"]),
    )  # fmt: skip


def _cells(given: dict[str, Any], *, reference: bool) -> tuple[Cell, ...]:
    if not reference:
        if given["mode"]:
            raise GateError("--mode is for the reference server; an application's cells are transports")
        wanted = given["cell"] or TRANSPORTS
        return tuple(parse_cell(text, reference=False, modes=()) for text in dict.fromkeys(wanted))
    wanted = [*given["cell"], *(f"{mode}:websocket" for mode in given["mode"])]
    if not wanted and given["base_command"] and "{mode}" not in given["base_command"]:
        # One server with the contract, of whatever mode.
        return (Cell(None, "websocket", "ack"),)
    if given["base_command"] and "{mode}" not in given["base_command"]:
        moded = next((text for text in wanted if text.split(":")[0] not in TRANSPORTS), None)
        if moded is not None:
            raise GateError(f"--cell {moded!r} names a mode, but --base-command has no {{mode}}")
        cells = (parse_cell(f"threading:{text}", reference=True, modes=("threading",)) for text in wanted)
        return tuple(Cell(None, cell.transport, cell.scenario) for cell in cells)
    modes = tuple(known_servers()[0])
    return tuple(
        parse_cell(text, reference=True, modes=modes) for text in dict.fromkeys(wanted or DEFAULT_CELLS)
    )


def _message(given: dict[str, Any]) -> dict[str, Any]:
    try:
        arguments = json.loads(given["arguments"])
    except ValueError as error:
        raise GateError(f"--arguments {given['arguments']!r} is not JSON: {error}") from None
    if not isinstance(arguments, list):
        raise GateError(f"--arguments {given['arguments']!r} is no JSON array")
    answer = None if given["answer"] == "ack" else given["answer"]
    return {"event": given["event"], "arguments": arguments, "answer": answer}


def _auth(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return parse_auth(read_text(text))
    except AuthError as error:
        raise GateError(f"--auth {error}") from None


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
