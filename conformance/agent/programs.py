"""The clients that come with an agent: `--client NAME`.

`server_under_test.foreign.clients` knows and builds them. It runs as a process, as all that is judged does.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from typing import Any

from conformance.usage_error import UsageError
from sioprobe.commandline.nearest import unknown
from sioprobe.harness import harness_environment, module_command

__all__ = ["as_text", "command_of", "programs"]

MODULE = "server_under_test.foreign.clients"


def _ask(*words: str) -> Any:
    """What the module prints. What it builds, it says on standard error. Raises UsageError."""
    done = subprocess.run(
        module_command(MODULE, *words), env=harness_environment(), stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise UsageError(f"--client {' '.join(words)} cannot be started: see above")
    return json.loads(done.stdout)


def programs() -> dict[str, tuple[str, str | None]]:
    """Of each name: what it is, and what lacks here (None: nothing)."""
    return {name: (about, lacks) for name, (about, lacks) in _ask().items()}


def command_of(given: str) -> list[str]:
    """The words of the command that `--client` names. Raises UsageError."""
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"--client {given!r}: {error}") from None
    if not words:
        raise UsageError("--client needs a command, or a name of `--client list`")
    if len(words) > 1:
        return words
    names = programs()
    if given in names:
        if lacks := names[given][1]:
            raise UsageError(f"--client {given} {lacks}")
        found: list[str] = _ask(given)
        return found
    if shutil.which(given) is None:
        raise UsageError(f"--client: {unknown('client', given, names)}, and no program has that name")
    return words


def as_text() -> str:
    """One line for each: its name, what it is, and what is missing here."""
    return "\n".join(
        f"{name:<12} {about}" + (f" (not here: {lacks})" if lacks else "")
        for name, (about, lacks) in programs().items()
    )
