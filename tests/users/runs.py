"""Locustfiles run by Locust in processes of their own, and the chat that they talk to."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.servers import ROOT, Server, start_command

__all__ = ["chat", "counts", "run"]

LOCUST = str(Path(sys.executable).with_name("locust"))


def chat() -> Server:
    """The server of `tests.users.chat_server`."""
    return start_command([sys.executable, "-m", "tests.users.chat_server"])


def run(
    folder: Path, source: str, *arguments: str, until: dict[str, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a locustfile from a folder that is not the project's.

    A run that is told `until` ends when so many requests of each type are counted.
    """
    file = folder / "my_locustfile.py"
    file.write_text(textwrap.dedent(source))
    files = f"{file},{ROOT / 'tests/load/until_counted.py'}" if until else str(file)
    return subprocess.run(
        [LOCUST, "-f", files, "--headless", "--only-summary", "--json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "UNTIL_COUNTED": json.dumps(until)},
    )


def counts(stdout: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Requests, failures and requests without a time, by type and name."""
    entries = json.loads(stdout[stdout.index("[") :])
    return {
        (entry["method"], entry["name"]): (
            entry["num_requests"],
            entry["num_failures"],
            entry["num_none_requests"],
        )
        for entry in entries
    }
