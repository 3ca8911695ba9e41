"""Real clients at one URL: how many of them are served, and what the others say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server_under_test.foreign.building import SOURCES, Recipe, build
from server_under_test.foreign.servers import FOREIGN
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.programs import find_node

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WAYS = ("polling", "websocket", "upgrade")
COUNT = 8
SECONDS = 6
"""In which a client must be served."""
DEADLINE = 120.0

CLIENTS = {
    "javascript": "socket.io-client (`withCredentials: true`)",
    "no-cookies": "socket.io-client without it",
    "python": "python-socketio",
    "sioprobe": "`sioprobe load`",
}


@dataclass(frozen=True, slots=True)
class Came:
    """How many of the clients were served, and what the others said, with how often."""

    served: int
    errors: dict[str, int] = field(default_factory=dict)


def set_up() -> None:
    """Fetch the JavaScript client, once. Raises Problem."""
    node = FOREIGN["node"].recipe
    assert node is not None
    place = os.path.relpath(HERE / "node", SOURCES)
    recipe = Recipe(place, "node_modules/socket.io-client/package.json", node.steps)
    build(recipe, say=lambda command: None, quiet=True)


def visit(client: str, url: str, way: str, count: int = COUNT, *flags: str) -> Came:
    """Let so many of these clients come, and answer what became of them. `flags` are for JavaScript."""
    if client == "sioprobe":
        return _load(url, way, count)
    done = _run([*_words(client, url, way, count), *flags])
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise RuntimeError(f"{client} said nothing: {done.stderr.strip()[-300:]}") from None
    return Came(told["in"], told["errors"])


@contextmanager
def staying(url: str, way: str, count: int = COUNT) -> Iterator[subprocess.Popen[Any]]:
    """JavaScript clients that reconnect. It goes on when they are served, or have had their time."""
    process = start_child(
        [*_words("javascript", url, way, count), "stay"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        count_served(process, ask=False)
        yield process
    finally:
        stop_children([process], 3.0)


def count_served(process: subprocess.Popen[Any], *, ask: bool = True) -> int:
    """How many of the staying clients are served now."""
    assert process.stdin is not None
    assert process.stdout is not None
    if ask:
        process.stdin.write("\n")
        process.stdin.flush()
    return int(json.loads(process.stdout.readline())["in"])


def _words(client: str, url: str, way: str, count: int) -> list[str]:
    more = [url, way, str(count), str(SECONDS)]
    if client == "python":
        return [sys.executable, "-m", "ci.proxies.python_client", *more]
    flags = ["no-cookies"] if client == "no-cookies" else []
    return [find_node() or "node", str(HERE / "node/client.mjs"), *more, *flags]


def _load(url: str, way: str, count: int) -> Came:
    words = (
        "--transport",
        way,
        "--users",
        str(count),
        "--rate",
        "2",
        "--seconds",
        "2",
        "--server-pid",
        "none",
    )
    done = _run([sys.executable, "-m", "sioprobe", "load", "--url", url, *words, "--no-calibrate", "--json"])
    if done.returncode == 2:
        # It looks at the server first, and names what it sees.
        return Came(0, {done.stderr.strip(): count})
    told = json.loads(done.stdout)
    return Came(0 if told["errors"] else int(told["connected"]), told["errors"])


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE
    )
