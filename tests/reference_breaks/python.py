"""Single breaks of python-engineio, python-socketio and what stands below and above them, made at run time.

    python -m tests.reference_breaks.python NAME --ping-interval 1 --ping-timeout 3 [--port 0]

runs the reference server in threading mode with one function patched.
Each is a regression or an implementer's mistake that shows on the wire. NAME `none` patches nothing.
NAME `-` reads names from standard input, one a line, and starts a server for each in a process of its own,
which shares what has been imported: a server takes a tenth of the time then.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from server_under_test.launchers import threading_mode
from server_under_test.starting.options import Options
from tests.children import fork
from tests.reference_breaks import python_engine, python_second, python_socket
from tests.reference_breaks.registry import Break

BREAKS: dict[str, Break] = {**python_engine.BREAKS, **python_socket.BREAKS, **python_second.BREAKS}
UNBROKEN = "none"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["-", UNBROKEN, *BREAKS], metavar="NAME")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ping-interval", type=float, default=25.0)
    parser.add_argument("--ping-timeout", type=float, default=20.0)
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    given = vars(parser.parse_args())
    name = given.pop("name")
    os.environ.update(Options(**given).to_environment())
    if name == "-":
        serve_each_line()
    else:
        serve(name)


def serve(name: str) -> None:
    if name != UNBROKEN:
        BREAKS[name].patch()
    threading_mode.main()


def serve_each_line() -> None:
    # Nobody waits for the children: they are killed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Not by iterating over sys.stdin: it reads ahead, and a child would inherit what was read.
    while line := sys.stdin.buffer.raw.readline():
        if fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(line.decode().strip())
            os._exit(0)


if __name__ == "__main__":
    main()
