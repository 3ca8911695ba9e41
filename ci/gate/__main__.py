"""`sioprobe gate`, or `python -m ci.gate`: options and configuration to one `Settings`, and the gate."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from ci.gate.children import check_locustfile
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
from load.playing.messages import NONE, Message, starts_of
from load.playing.parameters import ParameterError
from load.servers.command import CommandError, check_ready
from load.servers.processes import ChildError, known_servers
from reports.gate.rule import Thresholds
from reports.gate.simulation import simulate
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.connection_options import connection_options
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
    help="Folder of the git repository; default the current one.",
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
@option("--answer", group=WHAT, metavar="ack|EVENT", default="ack", help="Default ack.")
@option("--match", group=WHAT, metavar="PATH=VALUE", default="", help="What the right answer holds: 0.n={n}.")
@option(
    "--on-start",
    group=WHAT,
    multiple=True,
    metavar="EVENT[:JSON]",
    help='What each connection sends before: join:["lobby"]; repeatable.',
)
@option("--namespace", group=WHAT, metavar="NAME", default="/", show_default=True)
@option(
    "--locustfile",
    group=WHAT,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="In place of --event: tasks of its SocketIOUser classes, the same on both sides.",
)
@connection_options
@option(
    "--budget",
    group=HOW_MUCH,
    metavar="TIME",
    default="5m",
    show_default=True,
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
    show_default=True,
    callback=_share,
    help="Change of CPU per message that PASS excludes.",
)
@option(
    "--fail-on",
    group=VERDICT,
    metavar="|".join(FAIL_ON),
    type=OneOf("verdict", FAIL_ON),
    default="inconclusive",
    show_default=True,
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
    show_default=True,
    help="For gate.json, gate.html, summary.md, junit.xml and lives.jsonl.",
)
@option("--json", "as_json", is_flag=True, help="Print gate.json and nothing else.")
def main(**given: Any) -> int:
    """Say whether head costs more than base, breaks a requirement, or does other work for a message."""
    try:
        thresholds = Thresholds().with_tolerance(given["tolerance"])
        if given["simulating"]:
            return _simulate(given, thresholds)
        settings = _settings(given, thresholds)
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


def _settings(given: dict[str, Any], thresholds: Thresholds) -> Settings:
    if given["exact"] and given["no_counters"]:
        raise GateError("--exact wire needs the counts; leave out --no-counters")
    reference = given["event"] is None and given["locustfile"] is None
    plan = _plan(given, reference=reference)
    cells = _cells(given, reference=reference)
    return Settings(
        plan=plan,
        cells=cells,
        message=_message(given) if given["event"] is not None else None,
        on_start=() if reference else _starts(given),
        locustfile=_locustfile(given),
        connection=given["connection"],
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
        command_line=given["connection"].redact(shlex.join(["sioprobe", "gate", *sys.argv[1:]])),
    )


def _locustfile(given: dict[str, Any]) -> Path | None:
    """Where it is. Raises GateError where it cannot be played, or other options say what is played."""
    if given["locustfile"] is None:
        return None
    if given["event"] is not None:
        raise GateError("--event and --locustfile say two different things; give one")
    plain = {"arguments": "[]", "answer": "ack", "match": "", "on_start": (), "namespace": "/"}
    for name, default in plain.items():
        if given[name] != default:
            option = name.replace("_", "-")
            raise GateError(f"--{option} goes with --event; the tasks of --locustfile say it themselves")
    if given["connection"].auth is not None:
        raise GateError("--auth goes with --event; users of --locustfile call self.connect(auth=...)")
    path: Path = given["locustfile"].resolve()
    check_locustfile(path)
    return path


def _plan(given: dict[str, Any], *, reference: bool) -> Plan:
    ready = given["ready"]
    if ready is not None:
        try:
            check_ready(ready)
        except CommandError as error:
            raise GateError(f"--ready {error}") from None
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
        # Without an event or tasks it is the reference server, whatever a file says of an application.
        command = None if reference else given["command"]
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
        cells = [parse_cell(text, reference=False, modes=()) for text in dict.fromkeys(wanted)]
        return tuple(replace(cell, scenario="tasks") if given["locustfile"] else cell for cell in cells)
    wanted = [*given["cell"], *(f"{mode}:websocket" for mode in given["mode"])]
    if not wanted and given["base_command"] and "{mode}" not in given["base_command"]:
        # One server with the contract, of whatever mode.
        return (Cell(None, "websocket", "ack"),)
    if given["base_command"] and "{mode}" not in given["base_command"]:
        moded = next((text for text in wanted if text.split(":")[0] not in TRANSPORTS), None)
        if moded is not None:
            raise GateError(f"--cell {moded!r} names a mode, but --base-command has no {{mode}}")
        cells = [parse_cell(f"threading:{text}", reference=True, modes=("threading",)) for text in wanted]
        return tuple(replace(cell, mode=None) for cell in cells)
    modes = tuple(known_servers()[0])
    return tuple(
        parse_cell(text, reference=True, modes=modes) for text in dict.fromkeys(wanted or DEFAULT_CELLS)
    )


def _message(given: dict[str, Any]) -> dict[str, Any]:
    try:
        keys = ("event", "arguments", "answer", "match")
        message = Message.of({key: given[key] for key in keys}, given["namespace"])
        if message.answer == NONE:
            raise ParameterError("answer", "none leaves nothing to measure")
    except ParameterError as error:
        raise GateError(f"--{error.name} {error.problem}") from None
    return asdict(message)


def _starts(given: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    texts = given["on_start"]
    try:
        # One text, that of a file, may be an array itself.
        found = starts_of(texts[0] if len(texts) == 1 else json.dumps(texts), given["namespace"])
    except ParameterError as error:
        raise GateError(f"--on-start {error.problem}") from None
    return tuple(map(asdict, found))


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
