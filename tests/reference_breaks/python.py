"""Single breaks of python-engineio, python-socketio and what stands below and above them, made at run time.

    python -m tests.reference_breaks.python NAME --ping-interval 1 --ping-timeout 3 [--port 0]

runs the reference server in threading mode with one function patched.
Each is a regression or an implementer's mistake that shows on the wire. NAME `none` patches nothing.
"""

from __future__ import annotations

import argparse
import os

from server_under_test.launchers import threading_mode
from server_under_test.options import Options
from tests.reference_breaks import python_engine, python_second, python_socket
from tests.reference_breaks.registry import Break

BREAKS: dict[str, Break] = {**python_engine.BREAKS, **python_socket.BREAKS, **python_second.BREAKS}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["none", *BREAKS])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ping-interval", type=float, default=25.0)
    parser.add_argument("--ping-timeout", type=float, default=20.0)
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    given = vars(parser.parse_args())
    name = given.pop("name")
    if name != "none":
        BREAKS[name].patch()
    os.environ.update(Options(**given).to_environment())
    threading_mode.main()


if __name__ == "__main__":
    main()
