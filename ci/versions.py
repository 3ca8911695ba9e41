"""The version that a program prints."""

from __future__ import annotations

import re
import subprocess


def version_of(program: str, word: str = "--version") -> str:
    """The first number of the kind 1.22.1 that it prints with this word; `unknown` if it prints none."""
    try:
        done = subprocess.run([program, word], capture_output=True, text=True, timeout=30.0)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
    return found[0] if found else "unknown"
