"""Runs a command of ours as a child and gives its output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["output"]


def output(root: Path, *arguments: str) -> str:
    """What `python ARGUMENTS` prints in the checkout, on a narrow terminal. Raises CalledProcessError."""
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout
