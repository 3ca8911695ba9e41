"""What comes before a server of one's own: commands that build it, and the versions that are there then."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from load.servers.children import ChildError, end_child, last_lines, scratch_file, start_child
from sioprobe.harness import user_environment
from sioprobe.results.environment import LIBRARIES

__all__ = ["run_step", "versions_of"]

STEP_SECONDS = 900.0

_VERSIONS = """
import importlib.metadata as m, json, platform, sys
found = {"python": platform.python_version()}
for name in json.loads(sys.argv[1]):
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: pass
print(json.dumps(found))
"""


def run_step(
    command: Sequence[str] | str,
    what: str,
    *,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = STEP_SECONDS,
) -> str:
    """Run a command to its end; its standard output. Raises ChildError with its last lines.

    A text goes to the shell. `environment` is added to that of the user.
    """
    with scratch_file() as errors, scratch_file() as output:
        try:
            child = start_child(
                command,
                shell=isinstance(command, str),
                cwd=folder,
                env={**user_environment(), **(environment or {})},
                stdout=output,
                stderr=errors,
            )
        except OSError as error:
            raise ChildError(f"{what}: {error.filename or command[0]}: {error.strerror}") from None
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildError(f"{what} took more than {seconds:.0f} s") from None
        finally:
            end_child(child, 0.0)
        said, complained = _content(output), _content(errors)
    if code:
        raise ChildError(f"{what} failed ({code}): {last_lines(complained.strip() or said, 3)}")
    return said


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def versions_of(
    python: str,
    packages: Iterable[str] = (),
    *,
    folder: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The versions in the environment of this Python of what can change a figure, and of these packages.

    Empty where that cannot be found out.
    """
    if not re.fullmatch(r"(python|pypy)[\d.]*(\.exe)?", os.path.basename(python)):
        return {}
    try:
        said = run_step(
            [python, "-c", _VERSIONS, json.dumps(sorted({*LIBRARIES, *packages}))],
            "versions", folder=folder, environment=environment, seconds=60,
        )  # fmt: skip
        found: dict[str, str] = json.loads(said)
    except (ChildError, ValueError):
        return {}
    return found
