"""`sioprobe load`, or `python -m load`: runs the locustfile headless and prints the figures at its end.

A thin front: Locust runs as a child, because it monkey-patches its process. Who wants the web page, workers
or shapes runs `locust -f load/swarm.py` itself.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from load.names import nearest
from load.scenarios import SCENARIOS
from sioprobe.harness import harness_environment, module_command
from sioprobe.swarm import TRANSPORTS
from sioprobe.swarm.summary import render

__all__ = ["main"]

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m load"
GRACE_SECONDS = 30.0
"""What Locust may need beyond the run: starting, coming to rest, closing."""

EXAMPLES = f"""\b
Examples:
  {PROGRAM} --url http://127.0.0.1:5000
  {PROGRAM} --url http://127.0.0.1:5000 --transport upgrade --scenario fanout --room-size 20
  {PROGRAM} --url https://chat.example --namespace /chat --users 200 --seconds 60 --json

\b
Exit codes:
  0  no operation failed
  1  some failed
  2  bad input, or no Socket.IO server at that URL
  130  stopped by Ctrl-C
"""


class Choice(click.ParamType[str]):
    """One of some names; a wrong one is answered with the nearest."""

    name = "name"

    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        self._kind = kind
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self._names:
            return str(value)
        near = nearest(value, self._names)
        hint = f"the nearest is {near!r}; " if near else ""
        raise click.UsageError(f"unknown {self._kind} {value!r} ({hint}valid are {', '.join(self._names)})")

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[" + "|".join(self._names) + "]"


def _finite(context: click.Context, option: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.UsageError(f"{option.opts[0]} {value} is no number to wait or count by")
    return value


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url", required=True, help="The server, such as http://127.0.0.1:5000; several with commas between."
)
@click.option("--transport", type=Choice("transport", TRANSPORTS), default="websocket", show_default=True)
@click.option("--scenario", type=Choice("scenario", tuple(SCENARIOS)), default="ack", show_default=True)
@click.option("--users", type=click.IntRange(1), default=50, show_default=True, help="Connections.")
@click.option("--seconds", type=click.FloatRange(1), callback=_finite, default=10.0, show_default=True)
@click.option(
    "--source-addresses",
    default="",
    metavar="FROM-TO",
    help="Connect from these local addresses in turn, such as 127.0.0.1-127.0.0.8.",
)
@click.option("--namespace", default="/", show_default=True)
@click.option("--path", default="/socket.io/", show_default=True, help="Of the Socket.IO endpoint.")
@click.option("--payload-bytes", type=click.IntRange(0), default=32, show_default=True)
@click.option("--room-size", type=click.IntRange(1), default=10, show_default=True, help="For fanout.")
@click.option(
    "--rate",
    type=click.FloatRange(0),
    callback=_finite,
    default=0.0,
    show_default=True,
    help="Operations a second and connection (ack) or room (fanout); 0: closed loop.",
)
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="Of the generator.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
def main(url: str, users: int, seconds: float, processes: int, as_json: bool, **options: Any) -> None:
    """Put a measured load on a server and print what it carried."""
    with tempfile.TemporaryDirectory(prefix="sioprobe-load-") as folder:
        summary_file = Path(folder) / "summary.json"
        arguments = [
            *("-f", str(Path(__file__).with_name("swarm.py")), "--headless", "--only-summary"),
            *("--host", url.partition(",")[0], "--users", str(users), "--spawn-rate", str(min(users, 100))),
            *("--run-time", f"{max(1, round(seconds))}s", "--summary-json", str(summary_file)),
        ]
        options["urls"] = url.partition(",")[2]
        for name, value in options.items():
            if value != "":
                arguments += ["--" + name.replace("_", "-"), str(value)]
        if processes > 1:
            arguments += ["--processes", str(processes), "--master-bind-host", "127.0.0.1"]
            # A port of this run: another may have Locust's default.
            port = str(_free_port())
            arguments += ["--master-bind-port", port, "--master-port", port]
        code, errors = run(module_command("locust", *arguments), f"{users} users for {seconds:g} s on {url}")
        if not summary_file.exists():
            raise click.UsageError(_reason(errors, code))
        summary = json.loads(summary_file.read_text(encoding="utf-8"))
    if as_json:
        click.echo(json.dumps(summary))
    else:
        click.echo(render(summary))
    sys.exit(code)


def run(command: list[str], title: str) -> tuple[int, str]:
    """Run Locust to its end; its exit code (130 after Ctrl-C) and what it wrote to stderr."""
    console = Console(stderr=True)
    with tempfile.TemporaryFile() as errors:
        # A session of its own: Ctrl-C is handed on once, and the figures so far are still printed.
        child = subprocess.Popen(
            command,
            env=harness_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )

        def hand_on(number: int, frame: Any) -> None:
            child.send_signal(signal.SIGTERM)

        previous = signal.signal(signal.SIGTERM, hand_on)
        interrupted = False
        try:
            with console.status(title):
                code = child.wait()
        except KeyboardInterrupt:
            interrupted = True
            child.send_signal(signal.SIGTERM)
            try:
                code = child.wait(GRACE_SECONDS)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                code = 1
        finally:
            signal.signal(signal.SIGTERM, previous)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        errors.seek(0)
        return (130 if interrupted else code), errors.read().decode(errors="replace")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _reason(errors: str, code: int) -> str:
    """The line in which Locust, or the locustfile, says why it did not run."""
    lines = [line for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        head, found, reason = line.partition("error: ")
        if found and head.endswith(": "):
            return reason
    return f"locust ended with {code}: {lines[-1] if lines else 'it said nothing'}"


def run_program() -> None:
    """The command line, with bad input told in one line."""
    try:
        main.main(prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"{PROGRAM}: error: {error.format_message()}", err=True)
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


if __name__ == "__main__":
    run_program()
