"""`sioprobe compare`: start each server, judge it, put the same load on all, and write the report."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from load.comparing.comparison import Comparison, stop_asked
from load.comparing.plan import ProfileError, read_profile
from load.comparing.progress import Progress
from load.profiles.reading import built_in_profiles
from load.servers.processes import ChildError, known_servers, run_child
from sioprobe.commandline.help_pages import GroupedCommand, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.one_line import run_command

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load.comparing"


def _stop(number: int, frame: object) -> NoReturn:
    """Stop once: a second Ctrl-C must not cut short the end of the children or the report."""
    stop_asked.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _command(profile: str, arms: tuple[str, ...], rounds: int | None, no_conformance: bool) -> str:
    """The command in the report. A report may be published, so it holds no path of this machine."""
    words = ["sioprobe compare --profile", Path(profile).name]
    words += [f"--arm {arm}" for arm in arms]
    words += [f"--rounds {rounds}"] if rounds else []
    words += ["--no-conformance"] if no_conformance else []
    return " ".join(words)


OWN_FILES = ("run.json", "rounds.jsonl", "results.json", "summary.md", "report.html", "cells.csv")
AGAINST = ("against.json", "against.md", "against.html")
"""What `sioprobe report --against` wrote about the earlier comparison."""


def _prepare(folder: Path) -> None:
    """Make the folder, and remove the files of an earlier comparison. Other files stay."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
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


EXAMPLES = (
    "{program}",
    "{program} --profile standard --out result",
    "{program} --arm gevent --arm eventlet",
)
EXIT_CODES = {
    0: "the report is written",
    2: "bad input, or no server could be started",
    3: "the report is written, but the machine was too busy and no figure can be believed",
    130: "stopped by Ctrl-C; the report shows what was measured until then",
}
COMPARED = "What is compared"


@click.command(cls=GroupedCommand, examples=EXAMPLES, exit_codes=EXIT_CODES)
@option(
    "--profile",
    "profile_name",
    group=COMPARED,
    default="quick",
    metavar="NAME|FILE",
    show_default=True,
    help=f"{', '.join(built_in_profiles(compares=True))}, or a TOML file.",
)
@option("--arm", "arms", group=COMPARED, multiple=True, metavar="ID", help="This server alone, repeatable.")
@option(
    "--rounds",
    group=COMPARED,
    metavar="N",
    type=WholeNumber(1),
    help="Passes over all servers. The default is the profile's.",
)
@option("--no-conformance", group=COMPARED, is_flag=True, help="Measure only, judge nothing.")
@option(
    "--out",
    default=Path("reports/out"),
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    show_default=True,
    help="Folder for the results and the report.",
)
@option("--json", "as_json", is_flag=True, help="Print results.json and nothing else.")
def main(
    profile_name: str,
    out: Path,
    arms: tuple[str, ...],
    rounds: int | None,
    no_conformance: bool,
    as_json: bool,
) -> None:
    """Compare async modes and transports on this machine, and write the report."""
    try:
        profile = read_profile(profile_name)
        if arms:
            profile = profile.only(arms)
        profile.check_servers(*known_servers())
    except (ProfileError, ChildError) as error:
        raise click.UsageError(str(error)) from None
    if rounds:
        load = replace(profile.load, rounds=rounds, minimum_rounds=rounds)
        profile = replace(profile, load=load)
    _prepare(out)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    progress = Progress()
    comparison = Comparison(
        profile=profile,
        folder=out,
        command=_command(profile_name, arms, rounds, no_conformance),
        conformance=not no_conformance,
        progress=progress,
    )
    interrupted = False
    try:
        with progress:
            comparison.measure()
        # From here on there is nothing to stop. The report takes seconds.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except KeyboardInterrupt:
        interrupted = True
        click.echo("stopped; writing the report of the blocks so far", err=True)
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
