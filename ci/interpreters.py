"""Finds the other Pythons of this machine: one of each version that sioprobe runs on, on PATH or under pyenv.

`python ci/interpreters.py` prints a line for each, `3.12 /usr/bin/python3.12`, but for its own version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def found(path: str, pyenv: Path) -> Iterator[tuple[str, str]]:
    """A version and its program; of pyenv's the newest, where PATH has none that runs."""
    for version in VERSIONS:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        newest_first = sorted(pyenv.glob(f"versions/{version}.*"), key=_patch, reverse=True)
        programs = [
            *filter(None, [shutil.which(f"python{version}", path=path)]),
            *(str(folder / "bin" / f"python{version}") for folder in newest_first),
        ]
        program = next((program for program in programs if _runs(program, version)), None)
        if program is not None:
            yield version, program


def _patch(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split(".") if part.isdigit())


def _runs(program: str, version: str) -> bool:
    """pyenv puts a program for each of its versions on PATH, which runs only where that version is chosen."""
    check = f"import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    try:
        return subprocess.run([program, "-c", check], capture_output=True).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version, program in found(os.environ.get("PATH", ""), home):
        print(version, program)
