"""The programs in C, each compiled once a run."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["NotCompiled", "compiled"]

HERE = Path(__file__).resolve().parent
COMPILERS = ("cc", "gcc", "clang")


class NotCompiled(Exception):
    """There is no program; the text says why."""


@cache
def compiled(name: str) -> Path:
    """The program of `NAME.c` in this folder. Raises NotCompiled."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise NotCompiled("needs a C compiler")
    folder = tempfile.mkdtemp(prefix="sioprobe-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = Path(folder) / name
    command = [compiler, "-O2", "-std=c11", "-Wall", "-o", str(program), str(HERE / f"{name}.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotCompiled(f"could not be compiled: {done.stderr.strip().splitlines()[-1]}")
    return program
