"""Makes Cargo's lock file from a list of names, versions and checksums.

Cargo.lock itself would hold the address of the registry, which depends on the machine.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from server_under_test.starting.problems import Problem

PINS = "pins.txt"
LOCK = "Cargo.lock"


def read_pins(folder: Path) -> set[tuple[str, str, str]]:
    """(name, version, SHA-256) of each pinned crate."""
    found: set[tuple[str, str, str]] = set()
    for line in (folder / PINS).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version, checksum = line.split()
            found.add((name, version, checksum))
    return found


def write_lock(folder: Path) -> None:
    """Replace the crates that `cargo generate-lockfile` wrote into Cargo.lock by the pinned ones.

    The new entries name no dependencies. Cargo adds them, and takes the listed versions.
    """
    lock = _read_lock(folder)
    sources = {package["source"] for package in lock["package"] if "source" in package}
    if len(sources) != 1:
        raise Problem(f"the crates come from {len(sources)} registries; one is expected")
    (source,) = sources
    lines = [f"version = {lock['version']}"]
    for name, version, checksum in sorted(read_pins(folder)):
        lines += ["", "[[package]]", f'name = "{name}"', f'version = "{version}"']
        lines += [f'source = "{source}"', f'checksum = "{checksum}"']
    (folder / LOCK).write_text("\n".join(lines) + "\n", "utf-8")


def check_lock(folder: Path) -> None:
    """Raise Problem for the first crate of Cargo.lock that differs from the pins."""
    wanted = read_pins(folder)
    found = locked(folder)
    for name, version, _ in sorted(found - wanted):
        raise Problem(f"crate {name} {version} is not in {PINS}, or has another checksum there")
    for name, version, _ in sorted(wanted - found):
        raise Problem(f"crate {name} {version} of {PINS} is not needed")


def locked(folder: Path) -> set[tuple[str, str, str]]:
    """(name, version, SHA-256) of each crate in Cargo.lock that comes from a registry."""
    packages = _read_lock(folder)["package"]
    return {(each["name"], each["version"], each["checksum"]) for each in packages if "source" in each}


def _read_lock(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / LOCK).read_text("utf-8"))
