"""`python -m load.bench`: the generator's CPU per ack round trip, ours and `locust.contrib.socketio`'s.

Both run under Locust, with its statistics, against the null server; every figure is a ratio of one run, on
one machine, and no test of anything. Left out: latency, which on a shared machine does not repeat.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sioprobe.harness import harness_environment, module_command

__all__ = ["Contender", "main"]

HERE = Path(__file__).resolve().parent
GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One client over one transport."""

    name: str
    locustfile: str
    transport: str
    operation: tuple[str, str]
    arguments: tuple[str, ...] = ()


CONTENDERS = tuple(
    contender
    for transport in ("websocket", "polling")
    for contender in (
        Contender(
            "sioprobe",
            "swarm.py",
            transport,
            ("SIO ack", "message-with-ack"),
            ("--transport", transport, "--scenario", "ack"),
        ),
        Contender("locust.contrib.socketio", "bench_contrib.py", transport, ("WSC", "message-with-ack")),
    )
)


def start_null_server() -> tuple[subprocess.Popen[str], str]:
    """The server and its URL."""
    process = subprocess.Popen(
        module_command("load.null_server", "--port", "0"),
        env=harness_environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    return process, json.loads(ready.removeprefix("READY "))["urls"][0]


def run(contender: Contender, url: str, users: int, seconds: float) -> dict[str, Any]:
    """The window of one contender: operations, CPU seconds, wall seconds, RSS, failures."""
    with tempfile.TemporaryDirectory(prefix="sioprobe-bench-") as folder:
        result = Path(folder) / "window.json"
        plan = {"file": str(result), "operation": contender.operation, "seconds": seconds}
        command = module_command(
            "locust",
            *("-f", f"{HERE / contender.locustfile},{HERE / 'bench_window.py'}"),
            *("--headless", "--only-summary", "--skip-log", "-u", str(users), "-r", str(users)),
            *("--host", url, *contender.arguments),
        )
        done = subprocess.run(
            command,
            env=harness_environment(SIOPROBE_BENCH=json.dumps(plan), SIOPROBE_TRANSPORT=contender.transport),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
        )
        if not result.exists():
            last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise click.ClickException(f"{contender.name} over {contender.transport}: {last}")
        window: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        window["us_per_operation"] = window["cpu_seconds"] / max(1, window["operations"]) * 1e6
        return {"name": contender.name, "transport": contender.transport, **window}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--users", type=click.IntRange(1), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=4.0, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
def main(users: int, seconds: float, rounds: int, as_json: bool) -> None:
    """Compare the CPU of the generator per ack round trip."""
    results = []
    server, url = start_null_server()
    try:
        for _ in range(rounds):
            for contender in CONTENDERS:
                results.append(run(contender, url, users, seconds))
                if not as_json:
                    click.echo(line(results))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    if as_json:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        click.echo(json.dumps({"machine": machine, "users": users, "results": results}))


def line(results: list[dict[str, Any]]) -> str:
    """The last result, and its ratio to the one of ours before it."""
    last = results[-1]
    text = (
        f"{last['transport']:<10} {last['name']:<26} {last['us_per_operation']:9.1f} us CPU/ack"
        f" {last['operations'] / last['seconds']:8.0f} acks/s  {last['failures']} failures"
    )
    if last["name"] != "sioprobe" and len(results) > 1:
        text += f"  {last['us_per_operation'] / results[-2]['us_per_operation']:.1f} times ours"
    return text


if __name__ == "__main__":
    sys.exit(main(prog_name=os.environ.get("SIOPROBE_PROG") or "python -m load.bench"))
