"""What software the process at a server's address is. Only processes of this host are looked at.

It is read from files; nothing is run, and nothing is sent to the server.
"""

from __future__ import annotations

import json
import mmap
import os
import re
from pathlib import PurePosixPath

from conformance.finding.process import Process, processes_at
from conformance.finding.python_software import is_python, python_software
from conformance.finding.software import Software

__all__ = ["find_software", "software_of"]

JAVASCRIPT = ("node", "nodejs", "bun", "deno")
NETTY = re.compile(r"netty-socketio-(\d[\w.]*?)\.jar")
# How a program of Go or Rust names what it was built from.
BUILT_FROM = {
    "zishang520/socket.io": re.compile(
        rb"github\.com/zishang520/socket\.io/servers/socket/v\d+\tv(\d[\w.]*)"
    ),
    "socketioxide": re.compile(rb"/socketioxide-(\d+\.\d+\.\d+)/src/"),
}


def find_software(host: str, port: int) -> Software:
    """What the processes that listen there show; empty if they are not of this host, or show nothing."""
    found = []
    for process in processes_at(host, port):
        software = software_of(process)
        if software.library is not None:
            return software
        found += [software] if software.how else []
    return found[0] if found else Software()


def software_of(process: Process) -> Software:
    """What one process shows: a mode only in Python. `how` begins with its id and its program."""
    name = os.path.basename(process.program)
    if name in JAVASCRIPT:
        found = _javascript(process, name)
    elif is_python(process):
        found = python_software(process)
    elif name == "java":
        found = _java(process)
    else:
        found = _built(process)
    how = f"process {process.pid} ({name}) {found.how}" if found.how else ""
    return Software(found.library, found.version, found.mode, found.versions, how)


def _javascript(process: Process, name: str) -> Software:
    """The package that its script would load: that of the nearest node_modules."""
    scripts = [word for word in process.words[1:] if not word.startswith("-") and process.file(word).exists()]
    start = PurePosixPath(os.path.join(process.folder, scripts[0] if scripts else "."))
    for library in ("@socket.io/bun-engine", "socket.io") if name == "bun" else ("socket.io",):
        for folder in (start, *start.parents):
            file = process.file(str(folder / "node_modules" / library / "package.json"))
            try:
                version = str(json.loads(file.read_text("utf-8"))["version"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            how = f"runs {start.name or start} and has {library} {version} installed"
            return Software(library, version, None, {library: version}, how)
    return Software()


def _java(process: Process) -> Software:
    for text in (*process.opened, *process.words):
        if (found := NETTY.search(text)) is not None:
            how = f"holds {found[0]}"
            return Software("netty-socketio", found[1], None, {"netty-socketio": found[1]}, how)
    return Software()


def _built(process: Process) -> Software:
    try:
        with (
            open(f"/proc/{process.pid}/exe", "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            for library, pattern in BUILT_FROM.items():
                if (found := pattern.search(content)) is not None:
                    version = found[1].decode()
                    how = f"was built from {library} {version}"
                    return Software(library, version, None, {library: version}, how)
    except (OSError, ValueError):
        pass
    return Software()
