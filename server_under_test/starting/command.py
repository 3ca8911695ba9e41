"""The command and the environment that start one server process in its async mode."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from server_under_test.starting.modes import MODES
from server_under_test.starting.options import Options

ROOT = Path(__file__).resolve().parents[2]


def command(options: Options) -> list[str]:
    """A fresh interpreter with the launcher of the mode, which patches before it imports anything else.

    Or the foreign program.
    """
    if options.program:
        return [*options.program, *arguments(options)]
    launcher = MODES[options.mode].launcher if options.mode else "detected_mode"
    return [sys.executable, "-m", f"server_under_test.launchers.{launcher}"]


def arguments(options: Options) -> list[str]:
    """The options that every foreign program takes. Times are in seconds, sizes in bytes."""
    words = ["--host", options.host, "--port", str(options.port)]
    words += ["--transports", ",".join(options.transports), "--max-payload", str(options.max_payload)]
    words += ["--ping-interval", str(options.ping_interval), "--ping-timeout", str(options.ping_timeout)]
    flags = {
        "--nagle": options.nagle,
        "--allow-eio3": options.allow_eio3,
        "--recovery": options.recovery,
        "--permessage-deflate": options.permessage_deflate,
    }
    words += [flag for flag, given in flags.items() if given]
    if options.queue is not None:
        words += ["--queue", options.queue, "--workers", str(options.workers)]
    for flag, value in (("--queue-url", options.queue_url), ("--listen-fd", options.listen_fd)):
        words += [] if value is None else [flag, str(value)]
    return words


def environment(options: Options) -> dict[str, str]:
    """This process's environment with the options, and with this package on the path from any folder."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **options.to_environment(), "PYTHONPATH": path}


def become(options: Options) -> NoReturn:
    """Turn this process into the server. Signals and the process id stay those of the command."""
    words = command(options)
    os.execve(words[0], words, environment(options))
