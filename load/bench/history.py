"""On which machine a run was made, and the file that keeps the figures of runs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["HISTORY", "machine", "record"]

HISTORY = Path(__file__).resolve().parents[1] / "bench_history.jsonl"
SEEN = ("median", "low", "high")
PACKAGES = ("locust", "gevent", "httptools", "python-socketio")


def machine() -> dict[str, Any]:
    """Cores, processor, kernel, interpreter, and the versions that matter."""
    return {
        "cores": os.cpu_count(),
        "cpu": processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "packages": {name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """The name that the kernel has for it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def commit() -> str:
    """The commit that was measured, with a `+` where files differ from it."""
    root = HISTORY.parents[1]

    def git(*words: str) -> str:
        try:
            done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
        except OSError:
            return ""
        return done.stdout.strip()

    name = git("rev-parse", "--short", "HEAD") or "unknown"
    return name + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def rounded(value: float | None) -> float | None:
    """As many digits as the figure carries."""
    return None if value is None else round(value, 2)


def record(described: dict[str, Any]) -> Path:
    """Append one line: commit, date, machine, and each contender's median, lowest and highest figure."""
    figures: dict[str, dict[str, list[float]]] = {}
    for result in described["results"]:
        value = result.get("bytes_per_user", result.get("us_per_operation"))
        if value is not None:
            figures.setdefault(result["row"], {}).setdefault(result["contender"], []).append(value)
    entry = {
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        **{key: described[key] for key in ("machine", "users", "seconds", "rounds", "not_run")},
        "figures": {
            row: {
                name: {"median": rounded(median(seen)), "low": rounded(min(seen)), "high": rounded(max(seen))}
                for name, seen in contenders.items()
            }
            for row, contenders in figures.items()
        },
        "goals": [goal | {key: rounded(goal[key]) for key in SEEN} for goal in described["goals"]],
    }
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    return HISTORY
