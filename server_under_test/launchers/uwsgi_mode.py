"""Turns this process into uWSGI with its gevent loop and its own WebSocket. uWSGI loads `uwsgi_app`.

uWSGI has its own rules for binary: see the known deviations of `gevent_uwsgi`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from server_under_test.starting.listener import backlog_limit, listening_socket
from server_under_test.starting.programs import find_program

ROOT = Path(__file__).resolve().parents[2]

# Connections at a time. uWSGI reserves address space for each of them when it starts.
MAX_CONNECTIONS = 4000


def main() -> None:
    options, listener = listening_socket("gevent_uwsgi")
    listener.set_inheritable(True)
    # uWSGI writes its own log to the descriptor of standard output.
    ready_fd = os.dup(sys.stdout.fileno())
    os.set_inheritable(ready_fd, True)
    os.environ.update(replace(options, ready_fd=ready_fd).to_environment())

    program = find_program("uwsgi") or "uwsgi"
    command = [program, "--http-socket", f"fd://{listener.fileno()}"]
    command += ["--gevent", str(MAX_CONNECTIONS), "--listen", str(backlog_limit())]
    command += ["--module", "server_under_test.launchers.uwsgi_app:app", "--pythonpath", str(ROOT)]
    # The worker loads the application, so that the master stays without patches.
    # --no-orphans has the kernel kill the worker with its master, also while SIGSTOP holds it.
    command += ["--master", "--processes", "1", "--lazy-apps", "--no-orphans", "--die-on-term"]
    command += ["--disable-logging", "--need-app"]
    if sys.prefix != sys.base_prefix:
        command += ["--virtualenv", sys.prefix]
    os.execv(program, command)


if __name__ == "__main__":
    main()
