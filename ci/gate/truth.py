"""`python -m ci.gate.truth`: does the gate say the truth? Many gates of servers whose difference is known.

Equal code must not be a regression; CPU that was added must be one. How much CPU a loop adds in a cell is
measured first, with many lives. Every gate is a process of its own, as a user starts it, and adds a line to
`truth.jsonl`; `truth.md` is the table of all lines. A stopped run goes on where it was.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ci.gate.settings import DEFAULT_CELLS, GateError
from load.servers.children import ChildError
from load.servers.processes import Driver
from reports.statistics.lives import CPU, log_change
from reports.statistics.signed_rank import hodges_lehmann
from sioprobe.commandline.one_line import run_command
from sioprobe.harness import harness_environment, module_command
from sioprobe.host.dying import die_with_parent

INJECTED = Path(__file__).with_name("injected")
BURDENS: dict[str, tuple[str | float, str]] = {
    "equal": ("none", "equal code"),
    "plus5": (0.05, "+5 % of CPU per message"),
    "plus10": (0.10, "+10 % of CPU per message"),
    "sleep": ("sleep:0.001", "a sleep of 1 ms per message"),
    "fsync": ("fsync", "a write and fsync per message"),
}
VERDICTS = ("REGRESSION", "PASS", "INCONCLUSIVE", "ERROR")
HEADINGS = ("head", "cell", "condition", "gates", *VERDICTS, "estimate", "smallest visible", "minutes a gate")
"""Of the table; estimate and smallest visible change are those of the middle gate."""
CALIBRATION_ROUNDS, CALIBRATION_LIVES = 3000, 6


def server(mode: str, burden: str) -> str:
    """The command of a server with a burden."""
    path = os.pathsep.join((str(INJECTED), harness_environment()["PYTHONPATH"]))
    words = ["env", f"SIOPROBE_INJECT={burden}", f"PYTHONPATH={path}"]
    return shlex.join([*words, sys.executable, "-m", "server_under_test", "--mode", mode, "--port", "0"])


def calibrate(cell: str, *, realtime: bool) -> float:
    """How many rounds of an empty loop add 1 % of CPU per message in a cell. Raises GateError."""
    mode, transport = cell.split(":")
    burdens = {"base": "none", "head": f"spin:{CALIBRATION_ROUNDS}"}
    sides = [{"name": name, "command": shlex.split(server(mode, burden))} for name, burden in burdens.items()]
    logs = []
    with Driver("load.side_by_side") as driver:
        for seed in range(CALIBRATION_LIVES):
            life = driver.ask(
                {"sides": sides, "transport": transport, "realtime": realtime, "seed": seed}, 120
            )
            if "error" in life:
                raise GateError(f"{cell}: {life['error']}")
            logs.append(log_change(life, "head", "base", CPU))
    added = math.expm1(hodges_lehmann(logs))
    if added <= 0.05:
        raise GateError(
            f"{cell}: a loop of {CALIBRATION_ROUNDS} rounds adds {added:.1%} only; nothing to go by"
        )
    return CALIBRATION_ROUNDS / (added * 100)


def run_one(cell: str, burden: str, *, budget: str, realtime: bool, seed: int) -> dict[str, Any]:
    """One gate of one cell, as a user starts it: its document."""
    mode, transport = cell.split(":")
    with tempfile.TemporaryDirectory(prefix="sioprobe-truth-") as out:
        command = module_command(
            "ci.gate", "--base-command", server(mode, "none"), "--head-command", server(mode, burden),
            "--cell", transport, "--budget", budget, "--out", out, "--seed", str(seed), "--json",
            "--no-conformance", "--no-counters", *([] if realtime else ["--no-realtime"]),
        )  # fmt: skip
        done = subprocess.run(
            command, env=harness_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False,
            preexec_fn=die_with_parent,
        )  # fmt: skip
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise GateError(f"the gate said {done.stderr.decode(errors='replace').strip()[-200:]}") from None
    return document


@contextmanager
def _hogs(count: int) -> Iterator[None]:
    """So many processes that use all the CPU they get."""
    hogs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=die_with_parent)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def table(lines: Sequence[dict[str, Any]]) -> str:
    """truth.md: a row for each burden and condition."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line["burden"], line["cell"], line["condition"]), []).append(line)
    rows = [
        f"| {' | '.join(HEADINGS)} |",
        "|---" * len(HEADINGS) + "|",
    ]
    for (burden, cell, condition), group in sorted(groups.items()):
        verdicts = Counter(line["verdict"] for line in group)
        counts = " | ".join(str(verdicts[name]) for name in VERDICTS)
        minutes = sum(line["seconds"] for line in group) / len(group) / 60
        rows.append(
            f"| {BURDENS[burden][1]} | {cell} | {condition} | {len(group)} | {counts} "
            f"| {_middle(group, 'estimate')} | {_middle(group, 'smallest_visible')} | {minutes:.1f} |"
        )
    totals: dict[str, Counter[str]] = {}
    for line in lines:
        totals.setdefault(line["burden"], Counter())[line["verdict"]] += 1
    rows.append("")
    rows += [
        f"{BURDENS[burden][1]}: {sum(verdicts.values())} gates: "
        + ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()))
        + "."
        for burden, verdicts in totals.items()
    ]
    return "\n".join(rows) + "\n"


def _middle(group: Sequence[dict[str, Any]], name: str) -> str:
    values = sorted(line[name] for line in group if line[name] is not None)
    return f"{values[len(values) // 2] * 100:+.1f} %" if values else "–"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--burden", "burdens", multiple=True, type=click.Choice(list(BURDENS)), help="Default all.")
@click.option("--cell", "cells", multiple=True, help=f"Default {', '.join(DEFAULT_CELLS)}.")
@click.option("--gates", type=click.IntRange(1), default=10, show_default=True, help="Of each kind.")
@click.option("--budget", default="2m", show_default=True, help="Of one gate.")
@click.option("--no-realtime", is_flag=True, help="As on a machine without the right to SCHED_RR.")
@click.option("--hogs", type=click.IntRange(0), default=0, help="Processes that compete for the CPU.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("gate-truth"))
def main(
    burdens: tuple[str, ...], cells: tuple[str, ...], gates: int, budget: str, no_realtime: bool, hogs: int,
    out: Path,
) -> int:  # fmt: skip
    """Run gates whose truth is known, and print how often each verdict came."""
    condition = f"{'no SCHED_RR' if no_realtime else 'SCHED_RR'}, {hogs} hogs"
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = out / "truth.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        with _hogs(hogs):
            for cell in cells or DEFAULT_CELLS:
                per_percent = None
                for burden in burdens or BURDENS:
                    done = sum(
                        (line["burden"], line["cell"], line["condition"]) == (burden, cell, condition)
                        for line in lines
                    )
                    for number in range(done, gates):
                        burdened = BURDENS[burden][0]
                        if isinstance(burdened, float):
                            per_percent = per_percent or calibrate(cell, realtime=not no_realtime)
                            how = f"spin:{round(per_percent * burdened * 100)}"
                        else:
                            how = burdened
                        started = time.monotonic()
                        gate = run_one(cell, how, budget=budget, realtime=not no_realtime, seed=number)
                        cpu = gate["cells"][0]["cpu"] if gate["cells"] else None
                        line = {
                            "burden": burden,
                            "cell": cell,
                            "condition": condition,
                            "how": how,
                            "verdict": gate["verdict"],
                            "sentence": gate["sentence"],
                            "lives": gate["cells"][0]["lives"] if gate["cells"] else 0,
                            "estimate": cpu["estimate"] if cpu else None,
                            "smallest_visible": cpu["smallest_visible"] if cpu else None,
                            "seconds": round(time.monotonic() - started, 1),
                            "load": gate["environment"]["load_1m"],
                        }
                        lines.append(line)
                        with file.open("a") as appended:
                            appended.write(json.dumps(line, ensure_ascii=False) + "\n")
                        (out / "truth.md").write_text(table(lines))
                        said = f"{cell}, {BURDENS[burden][1]}: {line['verdict']}: {line['sentence']}"
                        click.echo(f"{said} ({line['lives']} lives, {line['seconds']:.0f} s)")
    except (ChildError, GateError, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(table(lines))
    return 0


if __name__ == "__main__":
    run_command(main.main, "python -m ci.gate.truth")
