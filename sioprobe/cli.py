"""The command line: `sioprobe serve`, `conform`, `load`, and the other commands below.

Each command becomes the process of the folder that does the work and has the options. Nothing of those
folders is imported here: an async mode, the judge and Locust must never share a process.
"""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from typing import Any

import click

from sioprobe import __version__
from sioprobe.commandline.nearest import unknown
from sioprobe.commandline.one_line import run_command
from sioprobe.harness import harness_environment, module_command

__all__ = ["main"]


class _Room(click.Command):
    """A command that hands every argument, `--help` included, to a module of a top-level folder."""

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
            install = f"pip install 'sioprobe[{self._extra or 'all'}]'"
            raise click.UsageError(f"{self.name} needs {', '.join(lacking)}: {install}")
        # The servers import nothing of ours.
        starting = [] if self.name == "serve" else ["sioprobe.commandline.starting"]
        command = module_command(*starting, self._module, *arguments)
        # Replacing this process keeps its id: signals and exit codes need no forwarding.
        os.execve(command[0], command, harness_environment(SIOPROBE_PROG=f"sioprobe {self.name}"))


class _Program(click.Group):
    """Answers bad input with one line, as the commands do."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click's, but with one line for an error."""
        run = partial(super().main, *args)
        return run_command(run, "sioprobe") if standalone_mode else run(standalone_mode=False, **extra)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click's, but for the line about an unknown one."""
        if args[0] not in self.commands:
            raise click.UsageError(unknown("command", args[0], self.commands))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are declared."""
        return list(self.commands)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sioprobe")
def main() -> None:
    """Judges whether a Socket.IO server keeps the protocol, and measures what it carries.

    \b
    Examples:
      sioprobe serve --mode gevent --port 5000
      sioprobe conform --url http://127.0.0.1:5000
      sioprobe load --url http://127.0.0.1:5000 --transport websocket --users 50
      sioprobe capacity --url http://127.0.0.1:5000 --objective 'p99<50ms'
      sioprobe survey --url http://127.0.0.1:5000
      sioprobe doctor http://127.0.0.1:5000
      sioprobe compare --profile quick
      sioprobe faults --mode gevent --queue redis
      sioprobe gate --base-with flask-socketio==5.6.0 --head-with flask-socketio==5.7.0
      sioprobe report --against old new

    \b
    Exit codes:
      0    done, and nothing failed
      1    conform: the server failed, or two results differ; load: operations failed;
           survey: a run is not clean; doctor: something was found; gate: REGRESSION;
           faults: some cluster was not well again at the limit
      2    bad input, or a part is missing; load, capacity, survey: no Socket.IO server there
      3    load: the run is INVALID, or a --fail-if holds; capacity: no rate was confirmed;
           compare: the machine was too busy, and no figure can be believed;
           gate: INCONCLUSIVE; faults: a repetition was not played to its end
      4    conform, doctor: no Socket.IO server there
      130  stopped by Ctrl-C

    Every command has a --help of its own.
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
        "capacity",
        "load.capacity",
        "load",
        "gevent httptools psutil",
        "Search the highest rate at which a server meets an objective.",
    ),
    _Room(
        "survey",
        "load.survey",
        "load",
        "gevent httptools psutil",
        "Play every scenario on a server, and say which are clean.",
    ),
    _Room(
        "doctor",
        "load.doctor",
        "load",
        "gevent httptools psutil",
        "Find the settings of a server that cost latency or connections.",
    ),
    _Room(
        "compare",
        "load.comparing",
        "all",
        "flask_socketio gevent httptools jinja2 locust matplotlib psutil",
        "Compare async modes and transports, and report.",
    ),
    _Room(
        "faults",
        "load.faults",
        "all",
        "flask_socketio gevent httptools jinja2 psutil",
        "Kill, freeze and cut parts of a cluster, and say what was lost.",
    ),
    _Room(
        "gate",
        "ci.gate",
        "all",
        "gevent httptools jinja2 psutil",
        "Compare two versions of a server, and fail where the new one is worse.",
    ),
    _Room(
        "report",
        "reports",
        "report",
        "matplotlib jinja2",
        "Write a report again, compare two results, or draw many over time.",
    ),
):
    main.add_command(_room)
