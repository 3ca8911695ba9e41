"""The command line: checks the options, binds the port, and turns into the launcher of the mode."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from server_under_test.listener import bind
from server_under_test.modes import MODES
from server_under_test.options import TRANSPORTS, Options


@click.command()
@click.option("--mode")
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=5000)
@click.option("--transports", default="polling,websocket")
@click.option("--ping-interval", type=float, default=25)
@click.option("--ping-timeout", type=float, default=20)
@click.option("--max-payload", default=1_000_000)
@click.option("--always-connect", is_flag=True)
@click.option("--nagle", is_flag=True)
def main(transports, **values):
    options = Options(transports=tuple(transports.split(",")), **values)
    listener = bind(options.host, options.port, nagle=options.nagle)
    options = replace(options, listen_fd=listener.fileno(), port=listener.getsockname()[1])
    os.environ.update(options.to_environment())
    os.execv(
        sys.executable, [sys.executable, "-m", f"server_under_test.launchers.{MODES[options.mode].launcher}"]
    )


if __name__ == "__main__":
    main()
