"""Where the top-level folders are, and how to start a process that runs one of them.

In a checkout `conformance/`, `load/`, `reports/` and `server_under_test/` stand beside this package;
an installed wheel carries them below it, because their names are too general for site-packages.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = [
    "harness_environment",
    "harness_root",
    "harness_variables",
    "module_command",
    "user_environment",
]


def harness_root() -> Path:
    """The folder that holds the top-level folders."""
    package = Path(__file__).resolve().parent
    carried = package / "_harness"
    return carried if carried.is_dir() else package.parent


def harness_variables(**extra: str) -> dict[str, str]:
    """What a child's environment needs beside that of this process, so that it can import our folders.

    PYTHONSAFEPATH keeps the working directory off the path of `python -m`: a folder `load/` or `reports/`
    there must not stand in front of ours.
    """
    paths = [str(harness_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1", **extra}


def harness_environment(**extra: str) -> dict[str, str]:
    """The environment of a child that can import the top-level folders."""
    return {**os.environ, **harness_variables(**extra)}


def user_environment() -> dict[str, str]:
    """The environment of a program of the user's: without what `harness_variables` added for ours.

    Our folders have general names, and would stand in front of modules of that program.
    """
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    while paths and paths[0] == str(harness_root()):
        del paths[0]
    ours = ("PYTHONPATH", "PYTHONSAFEPATH", "SIOPROBE_PROG")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | ({"PYTHONPATH": os.pathsep.join(paths)} if any(paths) else {})


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of the top-level folders, or a module of it, in this interpreter."""
    return [sys.executable, "-m", module, *arguments]
