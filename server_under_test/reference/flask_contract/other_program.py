"""A program without clients, which emits one event through the queue of a server and ends.

    python -m server_under_test.reference.flask_contract.other_program CHANNEL

It reads `{"event", "values", "named"}` from standard input, the server options from its environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from flask_socketio import SocketIO

from server_under_test.queues.joining import arguments
from server_under_test.starting.command import environment
from server_under_test.starting.options import Options


def run(options: Options, channel: str, body: dict[str, Any]) -> None:
    """Start the program, and return when it has ended."""
    # Under uWSGI sys.executable is uWSGI.
    python = f"{sys.exec_prefix}/bin/python"
    subprocess.run(
        [python, "-m", __name__, channel],
        input=json.dumps(body).encode(),
        env=environment(options),
        check=True,
    )


def main() -> None:
    options = Options.from_environment()
    body = json.load(sys.stdin)
    outside = SocketIO(**arguments(options, sys.argv[1], write_only=True), async_mode="threading")
    outside.emit(body["event"], *body["values"], **body["named"])


if __name__ == "__main__":
    main()
