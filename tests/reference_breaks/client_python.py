"""Single breaks of the clients of python-engineio and python-socketio, made at run time.

    python -m tests.reference_breaks.client_python NAME

runs the agent of the asynchronous client with one function patched. NAME `none` patches nothing.
Each is a regression or an implementer's mistake. Those of `client_python_first` came before
the cases were read.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tests.reference_breaks import client_python_first, client_python_second
from tests.reference_breaks.registry import Break

AGENT = Path(__file__).parents[2] / "conformance" / "agents" / "python" / "async-agent.py"
UNBROKEN = "none"
FIRST: dict[str, Break] = client_python_first.BREAKS
BREAKS: dict[str, Break] = {**FIRST, **client_python_second.BREAKS}


def main() -> None:
    name = sys.argv[1]
    if name != UNBROKEN:
        BREAKS[name].patch()
    runpy.run_path(str(AGENT), run_name="__main__")


if __name__ == "__main__":
    main()
