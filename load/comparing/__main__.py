"""`sioprobe compare`: start each server, judge it, put the same load on each, write the report."""

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
from load.servers.processes import ChildError, known_modes, run_child
from sioprobe.commandline.one_line import run_command


def _refuse(line: str) -> NoReturn:
    click.echo(f"error: {line}", err=True)
    sys.exit(2)


def _stop(number: int, frame: object) -> NoReturn:
    """Once: a second Ctrl-C must cut short neither the end of the children nor the report."""
    stop_asked.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _command(profile: str, arms: tuple[str, ...], rounds: int | None, no_conformance: bool) -> str:
    """What the report says to type for the same run; it is published, so it holds no path of this machine."""
    words = ["sioprobe compare --profile", Path(profile).name]
    words += [f"--arm {arm}" for arm in arms]
    words += [f"--rounds {rounds}"] if rounds else []
    words += ["--no-conformance"] if no_conformance else []
    return " ".join(words)


OWN_FILES = ("run.json", "rounds.jsonl", "results.json", "summary.md", "report.html", "cells.csv")


def _prepare(folder: Path) -> None:
    """Make the folder and take out what an earlier run of ours left; other files stay."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        results = [*(folder / name for name in OWN_FILES), *folder.glob("conformance-*.json")]
        found = [path for path in results if path.exists()]
        if found and not (folder / "run.json").exists():
            _refuse(f"--out {folder}: holds {found[0].name}, but no run.json of an earlier comparison")
        for path in found:
            path.unlink()
    except OSError as error:
        _refuse(f"--out {folder}: {error.strerror}")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--profile",
    "profile_name",
    default="quick",
    metavar="NAME",
    show_default=True,
    help="quick, standard, or a path to a TOML file.",
)
@click.option(
    "--out",
    default=Path("reports/out"),
    type=click.Path(path_type=Path),
    show_default=True,
    help="Folder for the results and the report.",
)
@click.option(
    "--arm", "arms", multiple=True, metavar="ID", help="Only this server of the profile; repeatable."
)
@click.option("--rounds", type=click.IntRange(1), help="Passes over all servers, instead of the profile's.")
@click.option("--no-conformance", is_flag=True, help="Measure only, judge nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on standard output, nothing else.")
def main(
    profile_name: str,
    out: Path,
    arms: tuple[str, ...],
    rounds: int | None,
    no_conformance: bool,
    as_json: bool,
) -> None:
    """Compare async modes and transports on this machine, and write the report.

    \b
    Examples:
      sioprobe compare                                  every server of the profile quick
      sioprobe compare --profile standard --out result  more servers, more rounds
      sioprobe compare --arm gevent --arm eventlet      two servers only

    \b
    Exit codes:
      0    the report is written
      2    bad input, or no server could be started
      3    the report is written, but the machine was too busy for any block to be believed
      130  stopped by Ctrl-C; the report shows what was measured until then
    """
    try:
        profile = read_profile(profile_name)
        if arms:
            profile = profile.only(arms)
        profile.check_modes(known_modes())
    except (ProfileError, ChildError) as error:
        _refuse(str(error))
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
        # From here on there is nothing to stop: the report takes seconds.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except KeyboardInterrupt:
        interrupted = True
        click.echo("stopped; writing the report of what was measured", err=True)
    _, complaint = run_child("reports", str(out), deadline=120.0)
    if not (out / "report.html").exists():
        _refuse(f"no report: {complaint}")
    results = json.loads((out / "results.json").read_text("utf-8"))
    if as_json:
        click.echo(json.dumps(results, ensure_ascii=False))
    else:
        progress.table(results)
        click.echo(f"report: {out / 'report.html'}")
    if interrupted:
        sys.exit(130)
    if all(arm["status"] == "not run" for arm in results["arms"]):
        _refuse("no server could be started; the report says why")
    blocks = [cell["blocks"] for cell in results["cells"]]
    if blocks and not any(count["VALID"] + count["SUSPECT"] for count in blocks):
        click.echo("inconclusive: no block can be believed; the report says why", err=True)
        sys.exit(3)


if __name__ == "__main__":
    run_command(main.main, os.environ.get("SIOPROBE_PROG") or "python -m load.comparing")
