"""Where the top-level folders are, and how to start a process that runs one of them.

In a checkout `conformance/`, `load/`, `reports/` and `server_under_test/` stand beside this package;
an installed wheel carries them below it, because their names are too general for site-packages.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["harness_environment", "harness_root", "module_command"]


def harness_root() -> Path:
    """The folder that holds the top-level folders."""
    package = Path(__file__).resolve().parent
    carried = package / "_harness"
    return carried if carried.is_dir() else package.parent


def harness_environment(**extra: str) -> dict[str, str]:
    """The environment of a child that can import the top-level folders.

    PYTHONSAFEPATH keeps the working directory off the path of `python -m`: a folder `load/` or `reports/`
    there must not stand in front of ours.
    """
    paths = [str(harness_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1", **extra}


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of the top-level folders, or a module of it, in this interpreter."""
    return [sys.executable, "-m", module, *arguments]
