"""The processes of this host that listen where a server is, and what the kernel shows of each.

Paths are those of the process. `Process.file` leads to them even where it lives in a container.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sioprobe.host.listening import holders_of, is_this_host, listening_inodes
from sioprobe.host.processes import descriptor_targets

__all__ = ["Process", "processes_at"]

MAPPED = re.compile(r"^\S+ \S+ \S+ \S+ \S+ +(/.*?)(?: \(deleted\))?$", re.MULTILINE)


@dataclass(frozen=True)
class Process:
    """One process: its command, and the files that it runs and holds. Empty where we may not look."""

    pid: int
    words: tuple[str, ...] = ()
    program: str = ""
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, pid: int) -> Process:
        """What /proc says about it now."""
        place = Path(f"/proc/{pid}")
        environment = (pair.partition("=") for pair in _strings(place / "environ"))
        return cls(
            pid,
            _strings(place / "cmdline"),
            _link(place / "exe"),
            _link(place / "cwd") or "/",
            {name: value for name, _, value in environment},
        )

    def file(self, path: str) -> Path:
        """A path of the process, taken from the folder in which it runs."""
        whole = os.path.normpath(os.path.join(self.folder, path))
        place = Path(f"/proc/{self.pid}")
        elsewhere = (
            _link(place / "ns/mnt") != _link(Path("/proc/self/ns/mnt")) or _link(place / "root") != "/"
        )
        return place / "root" / whole.lstrip("/") if elsewhere else Path(whole)

    @cached_property
    def mapped(self) -> tuple[str, ...]:
        """The files that it has in memory: its program, and libraries such as modules of Python in C."""
        try:
            text = Path(f"/proc/{self.pid}/maps").read_text(errors="replace")
        except OSError:
            return ()
        return tuple(dict.fromkeys(MAPPED.findall(text)))

    @cached_property
    def opened(self) -> tuple[str, ...]:
        """The files that it holds open."""
        try:
            return tuple(target for target in descriptor_targets(self.pid) if target.startswith("/"))
        except PermissionError:
            return ()


def processes_at(host: str, port: int) -> list[Process]:
    """Those that listen at the address, if it is one of this host and we may see them; never this process."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ours = [str(entry[4][0]) for entry in found if is_this_host(str(entry[4][0]))]
        # Connections go to the first address at which somebody listens.
        inodes = next(filter(None, (listening_inodes(address, port) for address in ours)), set())
        holders, _ = holders_of(inodes) if inodes else (set[int](), False)
    except OSError:
        return []
    return [Process.read(pid) for pid in sorted(holders - {os.getpid()})]


def _strings(path: Path) -> tuple[str, ...]:
    """The texts of a file of the kernel in which each ends with a zero byte."""
    try:
        return tuple(path.read_text(errors="replace").rstrip("\0").split("\0"))
    except OSError:
        return ()


def _link(path: Path) -> str:
    try:
        return os.readlink(path).removesuffix(" (deleted)")
    except OSError:
        return ""
