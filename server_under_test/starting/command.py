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
    """A fresh interpreter with the launcher of the mode, which patches before it imports anything else."""
    launcher = MODES[options.mode].launcher if options.mode else "detected_mode"
    return [sys.executable, "-m", f"server_under_test.launchers.{launcher}"]


def environment(options: Options) -> dict[str, str]:
    """This process's environment with the options, and with this package on the path from any folder."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **options.to_environment(), "PYTHONPATH": path}


def become(options: Options) -> NoReturn:
    """Turn this process into the server. Signals and the process id stay those of the command."""
    words = command(options)
    os.execve(words[0], words, environment(options))
