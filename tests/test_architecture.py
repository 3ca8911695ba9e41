"""The import directions of ARCHITECTURE.md hold, and what is committed names no machine and no registry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_import_directions_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout


def test_importing_the_library_patches_nothing_and_loads_no_server() -> None:
    script = (
        "import sys, sioprobe, sioprobe.cli, sioprobe.wire\n"
        "heavy = {'gevent', 'locust', 'eventlet', 'socketio', 'engineio', 'flask', 'matplotlib', 'pytest'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("*/**/package-lock.json")), ids=lambda path: path.parent.name
)
def test_npm_locks_hold_no_address(lock: Path) -> None:
    if "node_modules" in lock.parts:
        return
    packages = json.loads(lock.read_text())["packages"]

    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_constraints_are_exact_versions_without_addresses() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert lines
    assert [line for line in lines if "==" not in line or "://" in line or "@" in line] == []
