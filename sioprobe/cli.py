"""The command line: `sioprobe serve | conform | load | doctor | compare | report`.

Each subcommand becomes the process of the folder that does the work, which owns its options:
an async mode, the judge and Locust must never share a process, and importing them here would do that.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import partial
from typing import Any

import click

from sioprobe import __version__
from sioprobe.commandline.one_line import run_command
from sioprobe.harness import harness_environment, module_command

__all__ = ["main"]


class _Room(click.Command):
    """A subcommand that hands every argument, `--help` included, to a module of the harness."""

    def __init__(self, name: str, module: str, extra: str | None, needs: str, help: str) -> None:
        super().__init__(name, help=help, add_help_option=False, callback=self._run)
        self._module = module
        self._extra = extra
        self._needs = needs.split()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = list(args)
        return []

    def _run(self, arguments: list[str]) -> Any:
        lacking = [name for name in self._needs if importlib.util.find_spec(name) is None]
        if lacking:
            click.echo(
                f"error: sioprobe {self.name} needs {', '.join(lacking)}: "
                f"pip install 'sioprobe[{self._extra or 'all'}]'",
                err=True,
            )
            sys.exit(2)
        command = module_command(self._module, *arguments)
        # Replacing this process keeps its id: signals and exit codes need no forwarding.
        os.execve(command[0], command, harness_environment(SIOPROBE_PROG=f"sioprobe {self.name}"))


class _Program(click.Group):
    """Tells bad input in one line, as the subcommands do."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click's, but for what is printed of an error."""
        run = partial(super().main, *args)
        return run_command(run, "sioprobe") if standalone_mode else run(standalone_mode=False, **extra)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sioprobe")
def main() -> None:
    """Judges whether a Socket.IO server keeps the protocol, and measures what it carries.

    \b
    Examples:
      sioprobe serve --mode gevent --port 5000
      sioprobe conform --url http://127.0.0.1:5000
      sioprobe load --url http://127.0.0.1:5000 --transport websocket --users 50
      sioprobe doctor http://127.0.0.1:5000
      sioprobe compare --profile quick
      sioprobe report reports/out

    \b
    Exit codes:
      0    done, and nothing failed
      1    a server was judged and failed, two results differ, operations of a load failed, or the
           doctor found something
      2    bad input, a part that is missing, or (load) no Socket.IO server at that address
      3    load: the run is INVALID, a --fail-if holds, or --find-max confirmed no rate;
           compare: the machine was too busy for any block to be believed
      4    conform, doctor: no Socket.IO server at that address, or nothing at all
      130  stopped by Ctrl-C

    Every subcommand has a --help of its own.
    """


for _room in (
    _Room(
        "serve",
        "server_under_test",
        "server",
        "flask flask_socketio psutil socketio",
        "Run the reference Flask-SocketIO server in an async mode.",
    ),
    _Room("conform", "conformance", None, "pytest", "Judge a server against the protocol."),
    _Room("load", "load", "load", "locust gevent httptools psutil", "Put a measured load on a server."),
    _Room(
        "doctor",
        "load.doctor",
        "load",
        "gevent httptools psutil",
        "Find out what a server's settings cost, and which setting mends it.",
    ),
    _Room(
        "compare",
        "load.comparing",
        "all",
        "flask_socketio gevent httptools jinja2 locust matplotlib psutil",
        "Compare async modes and transports, and report.",
    ),
    _Room("report", "reports", "report", "matplotlib jinja2", "Write the report of a result folder again."),
):
    main.add_command(_room)
