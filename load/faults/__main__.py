"""`sioprobe faults`, or `python -m load.faults`: the command line."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from load.faults.accounts import LATE_SECONDS
from load.faults.catalogue import FAULTS, Fault
from load.faults.playing import Timing, now_text
from load.faults.rounds import Plan, cells_of, foretold, play_all
from load.servers.processes import ChildError, ask_child, end_all, known_servers
from sioprobe import __version__
from sioprobe.commandline.choices import Listed, OneOf
from sioprobe.commandline.help_pages import HOW_MUCH, GroupedCommand, option
from sioprobe.commandline.nearest import unknown
from sioprobe.commandline.numbers import Number, WholeNumber
from sioprobe.commandline.one_line import run_command
from sioprobe.engine import TRANSPORTS
from sioprobe.harness import harness_root
from sioprobe.results.environment import LIBRARIES, fingerprint
from sioprobe.results.errors import ResultFileError
from sioprobe.results.faults import Faults, PlayedFault
from sioprobe.results.files import FAULTS_FILE, write_faults

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.faults"
PLAYED = "What is played"
LIST = "list"

EXAMPLES = (
    "{program} --mode gevent --queue redis",
    "{program} --mode threading --queue rabbitmq --fault queue-killed-3 --fault links-cut",
    "{program} --mode threading,eventlet,gevent --queue redis,rabbitmq --at-once 3",
    "{program} --fault list",
)
EXIT_CODES = {
    0: "after each fault all was well again",
    1: "some cluster was not well again at the limit",
    2: "bad input, or nothing could be played",
    3: "a repetition was not played to its end",
    130: "stopped by Ctrl-C; the report has what was played",
}


@click.command(
    cls=GroupedCommand,
    examples=EXAMPLES,
    more={"Faults": {fault.name: fault.title for fault in FAULTS.values()}},
    exit_codes=EXIT_CODES,
)
@option(
    "--mode",
    "modes",
    group=PLAYED,
    type=Listed(click.STRING),
    metavar="NAMES",
    default=(),
    help="Async modes of the servers: a,b.",
)
@option(
    "--queue",
    "queues",
    group=PLAYED,
    type=Listed(click.STRING),
    metavar="NAMES",
    default="redis",
    help="Queues that join the servers: a,b, as sioprobe serve knows them.",
)
@option(
    "--fault",
    "fault_names",
    group=PLAYED,
    type=Listed(OneOf("fault", (*FAULTS, LIST))),
    metavar="NAMES",
    multiple=True,
    help="Faults of the list below: a,b. Without it all of them; `list` lists them.",
)
@option(
    "--proxy",
    group=PLAYED,
    metavar="NAME",
    default="nginx",
    help="The proxy of proxy-restarted.",
)
@option(
    "--transport",
    group=PLAYED,
    metavar="NAME",
    type=OneOf("transport", TRANSPORTS),
    default="websocket",
    help=f"Of all clients: one of {', '.join(TRANSPORTS)}.",
)
@option(
    "--repeat",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1),
    default=3,
    help="Repetitions of each fault, each on a new cluster.",
)
@option(
    "--rate",
    group=HOW_MUCH,
    metavar="N",
    type=Number(5, 500),
    default=50.0,
    help="Events a second of each publisher; there is one at each server.",
)
@option(
    "--limit",
    group=HOW_MUCH,
    metavar="SECONDS",
    type=Number(1, 3600),
    default=60.0,
    help="How long after the mend a cluster may take to be well again.",
)
@option(
    "--at-once",
    group=HOW_MUCH,
    metavar="N",
    type=WholeNumber(1, 32),
    default=1,
    help="Clusters that run at the same time.",
)
@option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    default=Path("reports/out/faults"),
    help="Where faults.json and the report go.",
)
@option("--json", "as_json", is_flag=True, help="Print faults.json, and nothing else, on stdout.")
def main(
    modes: tuple[str, ...],
    queues: tuple[str, ...],
    fault_names: Sequence[tuple[str, ...]],
    proxy: str,
    transport: str,
    repeat: int,
    rate: float,
    limit: float,
    at_once: int,
    out: Path,
    as_json: bool,
) -> None:
    """Play faults on a cluster of the reference server, and say what was lost, doubled and late.

    Two servers are joined by a queue. Each has a publisher and a receiver with connections of their own.
    """
    names = tuple(dict.fromkeys(name for given in fault_names for name in given))
    if LIST in names:
        click.echo("\n".join(f"{fault.name:<18}{fault.title}" for fault in FAULTS.values()))
        return
    faults = _faults(names)
    _check(modes, queues, proxy if any(fault.proxy for fault in faults) else None)
    plan = Plan(
        modes=modes,
        queues=queues,
        faults=faults,
        proxy=proxy,
        repeat=repeat,
        at_once=at_once,
        transport=transport,
        timing=Timing(rate=rate, limit=limit),
    )
    document = _document(plan)
    _write(out, document)

    def changed(cell: PlayedFault) -> None:
        _write(out, document)
        if cell["runs"]:
            click.echo(progress_line(cell, plan.repeat), err=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    click.echo(foretold(plan), err=True)
    try:
        play_all(plan, document["faults"], changed)
        document["interrupted"] = False
    except KeyboardInterrupt:
        click.echo("stopped; writing the report of what was played", err=True)
    finally:
        end_all()
    document["finished_at"] = now_text()
    _write(out, document)
    if not any(cell["runs"] for cell in document["faults"]) and not document["interrupted"]:
        raise click.UsageError(str(document["faults"][0]["reason"]))
    _report(out, document, as_json=as_json)
    sys.exit(code_of(document))


def _faults(names: Sequence[str]) -> list[Fault]:
    # In the order of the catalogue: from mild to hard.
    return [fault for fault in FAULTS.values() if not names or fault.name in names]


def _check(modes: Sequence[str], queues: Sequence[str], proxy: str | None) -> None:
    """UsageError for a name that `sioprobe serve` does not know."""
    if not modes:
        raise click.UsageError("--mode is missing")
    try:
        serve = known_servers()
    except ChildError as error:
        raise click.UsageError(str(error)) from None
    for kind, names, known in (
        ("mode", modes, serve.modes),
        ("queue", [queue for queue in queues if "://" not in queue], serve.queues),
        ("proxy", [proxy] if proxy is not None else [], serve.proxies),
    ):
        for name in names:
            if name not in known:
                raise click.UsageError(unknown(kind, name, known))


def _document(plan: Plan) -> Faults:
    return {
        "schema": 1,
        "kind": "faults",
        "sioprobe": __version__,
        "command": f"{PROGRAM} {shlex.join(sys.argv[1:])}",
        "environment": fingerprint(harness_root(), (*LIBRARIES, "kombu")),
        "started_at": now_text(),
        "finished_at": None,
        "interrupted": True,
        "workers": plan.workers,
        "transport": plan.transport,  # type: ignore[typeddict-item]
        "rate": plan.timing.rate,
        "late_seconds": LATE_SECONDS,
        "limit_seconds": plan.timing.limit,
        "repeat": plan.repeat,
        "at_once": plan.at_once,
        "faults": cells_of(plan),
    }


def progress_line(cell: PlayedFault, repeat: int) -> str:
    """What became of the last run of a cell."""
    run = max(cell["runs"], key=lambda each: each["started_at"])
    well = run["well_after_mend_s"]
    said = run["problem"] or (
        "not well at the limit" if well is None else f"well {well:.1f} s after the mend"
    )
    return f"{cell['mode']}, {cell['queue']}, {cell['fault']}, {run['repetition']} of {repeat}: {said}"


def code_of(document: Faults) -> int:
    """The exit code."""
    runs = [run for cell in document["faults"] for run in cell["runs"]]
    if document["interrupted"]:
        return 130
    if any(run["problem"] is None and run["well_after_mend_s"] is None for run in runs):
        return 1
    return 3 if any(run["problem"] is not None for run in runs) else 0


def _write(out: Path, document: Faults) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_faults(out / FAULTS_FILE, document)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}") from None
    except ResultFileError as error:
        raise click.UsageError(f"--out {out}: {error}") from None


def _report(out: Path, document: Faults, *, as_json: bool) -> None:
    code, told, complaint = ask_child("reports", str(out), deadline=120.0)
    if code:
        raise click.UsageError(f"no report: {complaint}")
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else told.decode().rstrip())


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
