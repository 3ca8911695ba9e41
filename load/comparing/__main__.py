"""`sioprobe compare`: start each server, judge it, put the same load on all, and write the report."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from load.comparing.arm_servers import check_played, run_setups
from load.comparing.axes import Axes, axis_options
from load.comparing.comparison import Comparison, OtherVersions, stop_asked
from load.comparing.going_on import difference, has_figures, unfinished
from load.comparing.options import COMPARED, LoadOptions, arm_options, command_line, load_options, with_arms
from load.comparing.plan import ProfileError, read_profile
from load.comparing.progress import Progress
from load.comparing.sections.registry import only_sections, read_sections
from load.profiles.reading import built_in_profiles
from load.servers.processes import ChildError, known_servers, run_child
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.help_pages import GroupedCommand, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.one_line import run_command
from sioprobe.results.comparison import SECTIONS
from sioprobe.results.errors import ResultFileError

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.comparing"


def _stop(number: int, frame: object) -> NoReturn:
    """Stop once: a second Ctrl-C must not cut short the end of the children or the report."""
    stop_asked.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


OWN_FILES = (
    "run.json",
    "rounds.jsonl",
    "lives.jsonl",
    "measurements.jsonl",
    "results.json",
    "summary.md",
    "report.html",
    "cells.csv",
    "sections.csv",
    "side_by_side.csv",
)
AGAINST = ("against.json", "against.md", "against.html")
"""What `sioprobe report --against` wrote about the earlier comparison."""


def _prepare(folder: Path) -> None:
    """Remove the files of an earlier comparison. Other files stay."""
    try:
        results = [*(folder / name for name in (*OWN_FILES, *AGAINST)), *folder.glob("conformance-*.json")]
        found = [path for path in results if path.exists()]
        if found and not (folder / "run.json").exists():
            raise click.UsageError(
                f"--out {folder}: holds {found[0].name}, but no run.json of an earlier comparison"
            )
        for path in found:
            path.unlink()
    except OSError as error:
        raise click.UsageError(f"--out {folder}: {error.strerror}") from None


def _claim(folder: Path) -> None:
    """Keep the folder for this process until it ends. UsageError if another comparison has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise click.UsageError(f"--out {folder}: another comparison is running there") from None
    except OSError as error:
        # Some file systems have no locks.
        if not folder.is_dir():
            raise click.UsageError(f"--out {folder}: {error.strerror}") from None


def _begin(comparison: Comparison, folder: Path, *, fresh: bool) -> None:
    """Go on with what the folder holds, or empty it."""
    before = None if fresh else unfinished(folder)
    other = difference(before, comparison.run) if before is not None else None
    if before is None or (other and not has_figures(folder)):
        _prepare(folder)
        return
    if other:
        raise click.UsageError(_not_the_same(folder, other))
    comparison.go_on(before)
    click.echo(f"going on with the comparison of {before['started_at']} in {folder}", err=True)


def _not_the_same(folder: Path, other: str) -> str:
    return (
        f"--out {folder}: a comparison was stopped there, and this one cannot go on with it: {other};"
        " --fresh starts anew"
    )


EXAMPLES = (
    "{program}",
    "{program} --profile standard --out result",
    "{program} --arm gevent --arm eventlet",
    "{program} --arm gevent --workers 1,2,4 --queue redis,rabbitmq",
    "{program} --arm-command 'chat=python app.py --async-mode {{mode}} --port {{port}}' --scenario idle",
    "{program} --profile full --out full",
    "{program} --profile full --section fanout --arm gevent --arm eventlet",
    "{program} --arm gevent --arm-url old=http://127.0.0.1:5000 --scenario idle",
)
EXIT_CODES = {
    0: "the report is written",
    2: "bad input, no server could be started, or an application of your own does not run",
    3: "the report is written, but the machine was too busy to believe any block",
    130: "stopped by Ctrl-C; the report shows what was measured until then",
}


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@option(
    "--profile",
    "profile_name",
    group=COMPARED,
    default="quick",
    metavar="NAME|FILE",
    help=f"{', '.join(built_in_profiles(compares=True))}, or a TOML file.",
)
@arm_options
@axis_options
@load_options
@option(
    "--section",
    "sections",
    group=COMPARED,
    multiple=True,
    metavar="NAME",
    help="Measure this section of the profile, repeatable: no blocks, no judging, and those it needs."
    f" The sections are {', '.join(SECTIONS)}.",
)
@option(
    "--lives",
    group=COMPARED,
    metavar="N",
    type=WholeNumber(0),
    help="How often all servers are measured at the same time; 0 is never. The default is the profile's.",
)
@option(
    "--no-priority",
    group=COMPARED,
    is_flag=True,
    help="Do not put these servers before other processes (nice -20) where that is allowed.",
)
@option("--no-conformance", group=COMPARED, is_flag=True, help="Measure only, judge nothing.")
@option(
    "--out",
    default=Path("reports/out"),
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder for the results and the report.",
)
@option(
    "--fresh",
    is_flag=True,
    help="Start anew. Without it, a comparison that was stopped in the folder goes on where it stopped.",
)
@option("--json", "as_json", is_flag=True, help="Print results.json and nothing else.")
def main(
    profile_name: str,
    out: Path,
    fresh: bool,
    sections: tuple[str, ...],
    arms: tuple[str, ...],
    arm_commands: tuple[str, ...],
    arm_urls: tuple[str, ...],
    ready: str,
    workers: tuple[int, ...],
    queues: tuple[str, ...],
    connection: ConnectionOptions,
    lives: int | None,
    no_priority: bool,
    no_conformance: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Compare async modes, or applications of your own, on this machine, and write the report."""
    progress = Progress()
    load, axes = LoadOptions.take(given), Axes(workers, queues)
    command = command_line(connection)
    try:
        profile = read_profile(profile_name)
        known = [arm.id for arm in profile.arms]
        profile = load.over(with_arms(profile, arms, arm_commands, arm_urls, ready))
        profile = axes.over(profile, sections)
        plans = read_sections(profile, known)
        if sections:
            plans = only_sections(plans, sections, profile.title)
            tables: dict[str, Any] = {name: profile.sections[name] for name in plans}
            profile = replace(profile, sections=tables, blocks=False)
        if not all(arm.own for arm in profile.arms):
            servers = known_servers()
            profile.check_servers(*servers)
            for queue in filter(servers.queues.get, profile.queues()):
                click.echo(f"no server starts behind --queue {queue}: {servers.queues[queue]}", err=True)
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        run_setups(profile.arms)
        connection = profile.connecting.under(connection)
        check_played(profile.load, connection)
    except (ProfileError, ChildError) as error:
        raise click.UsageError(str(error)) from None
    if lives is not None:
        side_by_side = replace(profile.side_by_side, lives=lives, minimum_lives=lives)
        profile = replace(profile, side_by_side=side_by_side)
    if no_priority:
        profile = replace(profile, side_by_side=replace(profile.side_by_side, priority=False))
    comparison = Comparison(
        profile=profile,
        folder=out,
        command=command,
        conformance=profile.blocks and not no_conformance,
        progress=progress,
        connection=connection,
        sections=plans,
    )
    _claim(out)
    _begin(comparison, out, fresh=fresh)
    interrupted = False
    try:
        with progress:
            comparison.measure()
        # From here on there is nothing to stop. The report takes seconds.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except KeyboardInterrupt:
        interrupted = True
        click.echo("stopped; writing the report of what was measured. The same command goes on", err=True)
    except OtherVersions as error:
        raise click.UsageError(_not_the_same(out, str(error))) from None
    except ResultFileError as error:
        raise click.UsageError(f"--out {out}: {error}") from None
    except ChildError as error:
        raise click.UsageError(str(error)) from None
    _, complaint = run_child("reports", str(out), deadline=120.0)
    if not (out / "report.html").exists():
        raise click.UsageError(f"no report: {complaint}")
    results = json.loads((out / "results.json").read_text("utf-8"))
    if as_json:
        click.echo(json.dumps(results, ensure_ascii=False))
    else:
        progress.table(results)
        click.echo(f"report: {out / 'report.html'}")
    if interrupted:
        sys.exit(130)
    if all(arm["status"] == "not run" for arm in results["arms"]):
        raise click.UsageError("no server could be started; the report says why")
    blocks = [cell["blocks"] for cell in results["cells"]]
    if blocks and not any(count["VALID"] + count["SUSPECT"] for count in blocks):
        click.echo("inconclusive: no block can be believed; the report says why", err=True)
        sys.exit(3)


if __name__ == "__main__":
    run_command(main.main, PROGRAM)
