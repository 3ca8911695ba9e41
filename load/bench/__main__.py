"""The command: `python -m load.bench`."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import click

from load.bench.contenders import CONTENDERS
from load.bench.history import machine, record
from load.bench.measuring import Failed, Plan, Window, measure
from load.bench.rows import ROWS, Row, judge, render
from load.servers.children import ChildError
from sioprobe.commandline.choices import OneOf

__all__ = ["main"]

FEW_USERS = 10
"""Memory of one user is the difference to a run with so many."""


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 measured, whatever the figures say; 1 nothing could be measured; 2 wrong usage.",
)
@click.option("--users", type=click.IntRange(1), default=50, show_default=True, help="Connections.")
@click.option(
    "--idle-users", type=click.IntRange(100), help="Connections in the row memory, for each contender."
)
@click.option("--seconds", type=click.FloatRange(0.5), default=4.0, show_default=True, help="Of a window.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--row",
    "only",
    type=OneOf("row", [row.id for row in ROWS]),
    multiple=True,
    help="This row only; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@click.option("--record", "recorded", is_flag=True, help="Append the figures to load/bench_history.jsonl.")
def main(
    users: int,
    idle_users: int | None,
    seconds: float,
    rounds: int,
    only: tuple[str, ...],
    as_json: bool,
    recorded: bool,
) -> None:
    """Compare what an operation costs the generator, in CPU and memory, with other generators.

    All run against the same null server, one at a time, in rounds of random order. No latency is compared.
    """
    rows = [row for row in ROWS if not only or row.id in only]
    names = dict.fromkeys(name for row in rows for name in row.contenders)
    absent = {name: why for name in names if (why := CONTENDERS[name].missing()) is not None}
    for name, why in absent.items():
        click.echo(f"not run: {name} {why}", err=True)
    results: list[dict[str, Any]] = []
    try:
        for number in range(1, rounds + 1):
            for row, name in blocks_of(rows, absent):
                result = {"round": number, "row": row.id, "contender": name}
                result |= run(row, name, dict(row.users).get(name, users), idle_users, seconds)
                results.append(result)
                click.echo(line(result), err=True)
    except KeyboardInterrupt:
        click.echo("stopped; what follows is of the blocks until then", err=True)
    judged = judge(results)
    described = {
        "machine": machine(),
        "users": users,
        "seconds": seconds,
        "rounds": len({result["round"] for result in results}),
        "not_run": absent,
        "results": results,
        "goals": judged,
    }
    click.echo(json.dumps(described) if as_json else render(results, judged, absent))
    if recorded:
        click.echo(f"recorded in {record(described)}", err=True)
    if not any("failed" not in result for result in results):
        raise SystemExit(1)


def blocks_of(rows: list[Row], absent: dict[str, str]) -> list[tuple[Row, str]]:
    """The blocks of one round. The contenders of a row stay together, in random order: they are compared."""
    blocks = []
    for row in random.sample(rows, len(rows)):
        names = [name for name in row.contenders if name not in absent]
        blocks += [(row, name) for name in random.sample(names, len(names))]
    return blocks


def run(row: Row, name: str, users: int, idle_users: int | None, seconds: float) -> dict[str, Any]:
    """One contender's figures in one row, or `failed` with the reason."""
    contender = CONTENDERS[name]
    if row.operation is None and idle_users is not None:
        users = idle_users

    def window(users: int) -> Window:
        return measure(
            contender.start,
            contender.count_failures,
            Plan(row.operation, row.transport, users, seconds, rate=row.rate),
        )

    try:
        found = window(users)
        figures = {"users": users, **found.to_json()}
        if row.operation is None:
            few = window(FEW_USERS)
            figures["bytes_per_user"] = (found.rss_bytes - few.rss_bytes) / (users - FEW_USERS)
    except (ChildError, Failed) as failed:
        return {"users": users, "failed": str(failed)}
    return figures


def line(result: dict[str, Any]) -> str:
    """One block, while the run goes on."""
    text = f"round {result['round']}  {result['row']:<10} {result['contender']:<24} "
    if "failed" in result:
        return text + f"failed: {result['failed']}"
    if "bytes_per_user" in result:
        return text + f"{result['bytes_per_user'] / 1000:9.1f} KB a user, {result['rss_bytes'] / 1e6:.0f} MB"
    us = result["us_per_operation"]
    shown = "no operation" if us is None else f"{us:9.1f} us"
    share = result["cpu_seconds"] / result["seconds"]
    return text + f"{shown}  {result['operations'] / result['seconds']:8.0f}/s  {share:4.0%} of a core"


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m load.bench"))
