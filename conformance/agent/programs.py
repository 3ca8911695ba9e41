"""The clients that come with an agent: `--client NAME`.

`server_under_test.foreign.clients` knows and builds them. It runs as a process, as all that is judged does.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from conformance.usage_error import UsageError
from sioprobe.commandline.nearest import unknown
from sioprobe.harness import harness_environment, module_command

__all__ = ["Program", "as_text", "command_of", "programs"]

MODULE = "server_under_test.foreign.clients"


NEVER_RUN = "nobody has run this agent yet, so a failure may be the agent's: please report what you see"


class Program(NamedTuple):
    """A client with an agent: what it is, what lacks here (None: nothing), whether nobody has run it yet."""

    about: str
    lacks: str | None
    never_run: bool


def _ask(*words: str) -> Any:
    """What the module prints. What it builds, it says on standard error. Raises UsageError."""
    done = subprocess.run(
        module_command(MODULE, *words), env=harness_environment(), stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise UsageError(f"--client {' '.join(words)} cannot be started: see above")
    return json.loads(done.stdout)


def programs() -> dict[str, Program]:
    """The clients by their names."""
    return {name: Program(*told) for name, told in _ask().items()}


def command_of(given: str) -> tuple[list[str], str | None]:
    """The words of the command that `--client` names, and what to say about it. Raises UsageError."""
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"--client {given!r}: {error}") from None
    if not words:
        raise UsageError("--client needs a command, or a name of `--client list`")
    if len(words) > 1:
        return words, None
    names = programs()
    if given in names:
        if lacks := names[given].lacks:
            raise UsageError(f"--client {given} {lacks}")
        return _ask(given), NEVER_RUN if names[given].never_run else None
    if shutil.which(given) is None:
        if Path(words[0]).is_file():
            raise UsageError(f"--client: {given} is not executable: write 'node {given}', or the like")
        raise UsageError(f"--client: {unknown('client', given, names)}, and no program has that name")
    return words, None


def as_text() -> str:
    """One line for each: its name, what it is, and what is missing here."""
    return "\n".join(
        f"{name:<12} {one.about}"
        + ("; not run: nobody has tried this agent yet" if one.never_run else "")
        + (f" (not here: {one.lacks})" if one.lacks else "")
        for name, one in programs().items()
    )
