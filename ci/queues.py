"""`python -m ci.queues [QUEUE...]`: judges two processes behind each queue in each mode; writes the table.

A cell is "works" when all cases about several processes pass, or fail as a known deviation says. Queues that
are known not to work are started all the same: the table shows what was seen.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from ci.fetching import CLIENTS
from ci.pages import line, with_lines
from ci.versions import version_of
from ci.wide.table import FEW
from load.servers.children import ChildError, end_all
from load.servers.processes import ask_child, run_child, server_command
from load.servers.started import StartedServer
from server_under_test.queues.amqp import find_rabbitmq
from server_under_test.queues.kafka import find_tansu
from server_under_test.queues.redis_server import find_redis, find_valkey
from server_under_test.queues.registry import ASYNC_MODES, QUEUES, Queue
from server_under_test.starting.modes import MODES
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.one_line import run_command
from sioprobe.results.files import read_conformance, write_text

AT_ONCE = 2  # clusters at a time; each has a broker, two servers and the judge
START_SECONDS = 200.0
DEADLINE = 300.0
PAGE = Path(__file__).resolve().parent.parent / "docs/reference/queues.md"
HEAD = ("queue", "what it is", *ASYNC_MODES, "why not everywhere")
BROADCAST = "SIO-CL-01"
# An emit of a process without clients is of contract level 2: the queue alone joins it.
BESIDES = ("FSIO-71",)


@dataclass(frozen=True, slots=True)
class Cell:
    """What two processes of one mode did behind one queue."""

    queue: str
    mode: str
    works: str
    why: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.works}: {self.why}" if self.why else self.works


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is as `sioprobe serve --list` says; 1 something is otherwise; 2 wrong usage.",
)
@click.argument("queues", nargs=-1, type=OneOf("queue", QUEUES), metavar="[QUEUE]...")
@click.option(
    "--mode", "modes", multiple=True, type=OneOf("mode", MODES), help="This mode alone; repeatable."
)
@click.option("--record", is_flag=True, help="Put what was seen into docs/reference/queues.md.")
@click.option("--jobs", type=click.IntRange(1), default=AT_ONCE, show_default=True, help="Cells at a time.")
def main(queues: tuple[str, ...], modes: tuple[str, ...], record: bool, jobs: int) -> None:
    """Judge two processes behind these queues, or all, in one mode of each kind, or in these."""
    if record and modes:
        raise click.UsageError("--record takes no --mode: the table has all of them")
    # Clients beside the environment: with them inside, every server would start later.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(CLIENTS), os.environ.get("PYTHONPATH"))))
    ids = cluster_ids()
    here = lacking()
    chosen = [queue for queue in QUEUES.values() if not queues or queue.name in queues]
    cells: list[Cell] = []
    pool = ThreadPoolExecutor(jobs)
    try:
        coming = [
            pool.submit(look, queue, mode, ids, here[queue.name])
            for queue in chosen
            for mode in modes or ASYNC_MODES
        ]
        for future in coming:
            cell = future.result()
            cells.append(cell)
            click.echo(f"{cell.queue:<16}{cell.mode:<26}{cell.seconds:>4.0f} s  {cell}")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        if sys.exc_info()[0] is not None:
            end_all()
    if record:
        lines = {queue.name: _line(queue, cells) for queue in chosen}
        write_text(PAGE, with_lines(PAGE.read_text("utf-8"), "rows", HEAD, lines, QUEUES))
    surprises = [cell for cell in cells if is_surprise(cell)]
    for cell in surprises:
        said = QUEUES[cell.queue].works_in(MODES[cell.mode].async_mode)
        click.echo(
            f"{cell.queue} in mode {cell.mode}: the registry says {said!r}, and we saw {cell}", err=True
        )
    sys.exit(bool(surprises))


def look(queue: Queue, mode: str, ids: list[str], lack: str | None) -> Cell:
    """Start two processes, and judge them."""
    if lack is not None:
        return Cell(queue.name, mode, "not run", lack)
    started = time.monotonic()
    words = ("--workers", "2", "--queue", queue.name, "--mode", mode, "--anyway")
    try:
        with StartedServer(server_command(*words)) as servers, tempfile.TemporaryDirectory() as folder:
            servers.ready(time.monotonic() + START_SECONDS)
            report = Path(folder, "result.json")
            asked = [word for url in servers.urls for word in ("--url", url)]
            asked += [word for each in ids for word in ("--id", each)]
            code, complaint = run_child("conformance", *asked, "--report", str(report), deadline=DEADLINE)
            if not report.exists():
                raise ChildError(f"the judge could not judge it (exit code {code}): {complaint}")
            works, why = verdict(
                {(case["id"], case["verdict"]) for case in read_conformance(report)["cases"]}
            )
    except ChildError as error:
        works, why = "no", str(error)
    return Cell(queue.name, mode, works, why, time.monotonic() - started)


def verdict(seen: set[tuple[str, str]]) -> tuple[str, str]:
    """Whether the queue works, and which requirements it breaks."""
    broken = sorted({id_ for id_, said in seen if said not in ("pass", "known deviation", "not applicable")})
    if BROADCAST in broken or not any(said == "pass" for _, said in seen):
        return "no", "a broadcast does not reach the other process"
    return ("partly", ", ".join(broken)) if broken else ("yes", "")


def is_surprise(cell: Cell) -> bool:
    """Whether it is otherwise than the registry says. What works partly may pass or fail by chance."""
    said = QUEUES[cell.queue].works_in(MODES[cell.mode].async_mode)
    return cell.works != "not run" and said not in ("partly", "not tried") and cell.works != said


def cluster_ids() -> list[str]:
    """The requirements about several processes that have cases. Raises click.ClickException."""
    code, told, complaint = ask_child("conformance", "--list", "--json", deadline=60.0)
    if code:
        raise click.ClickException(complaint)
    return [
        each["id"]
        for each in json.loads(told)["requirements"]
        if each["cases"] and (each["contract"] == 3 or each["id"] in BESIDES)
    ]


def lacking() -> dict[str, str | None]:
    """What is missing here for each queue, as `sioprobe serve` says it."""
    code, told, complaint = ask_child("server_under_test", "--list", "--json", deadline=60.0)
    if code:
        raise click.ClickException(complaint)
    return {name: row["missing"] for name, row in json.loads(told)["queues"].items()}


def _line(queue: Queue, cells: list[Cell]) -> str:
    seen = [
        _told(cell) for mode in ASYNC_MODES for cell in cells if (cell.queue, cell.mode) == (queue.name, mode)
    ]
    version = _version(queue.name)
    return line(
        (f"`{queue.name}`", f"{queue.title} ({version})" if version else queue.title, *seen, queue.reason)
    )


def _told(cell: Cell) -> str:
    if cell.works == "yes":
        by_chance = QUEUES[cell.queue].works_in(MODES[cell.mode].async_mode) == "partly"
        return "works, this time" if by_chance else "works"
    if cell.works != "partly":
        return cell.works
    ids = cell.why.split(", ")
    rest = f" and {len(ids) - FEW} more" if len(ids) > FEW else ""
    return f"partly: {', '.join(ids[:FEW])}{rest}"


def _version(queue: str) -> str | None:
    """Of the program that was started, where it says one."""
    if queue in ("rabbitmq", "rabbitmq-mended") and (found := find_rabbitmq()):
        return next(
            iter(re.findall(r"rabbitmq_server-([\d.]+)", str(Path(found[0], "rabbitmq-server").resolve()))),
            None,
        )
    programs = {"redis": find_redis, "redis-kombu": find_redis, "sentinel": find_redis}
    programs |= {"valkey": find_valkey, "kafka": find_tansu, "kafka-mended": find_tansu}
    program = programs[queue]() if queue in programs else None
    return None if program is None else version_of(program)


if __name__ == "__main__":
    run_command(main.main, "python -m ci.queues")
