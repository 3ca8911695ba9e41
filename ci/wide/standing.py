"""A row that stands: its parts set up, its server started, and its front before that."""

from __future__ import annotations

import glob
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci.wide.rows import HERE, ROOT, Front, Row
from load.servers.children import ChildError
from load.servers.command import ServerCommand
from load.servers.started import StartedServer, free_port
from server_under_test.foreign.building import Recipe, build, home, is_built, search_path
from server_under_test.foreign.toolchains import Tool, is_there
from server_under_test.proxies.registry import PROXIES, fetch, find
from server_under_test.starting.problems import Problem

ABOUT = "/about"


@dataclass(frozen=True, slots=True)
class Standing:
    """A running row: where the judge finds it, and the versions of its parts."""

    url: str
    versions: dict[str, str]


class NotRun(Exception):
    """The row cannot run on this machine. One line, which says how to get what is missing."""


def set_up(row: Row) -> None:
    """Fetch what the row needs, unless that is here. Raises NotRun."""
    if row.front is not None and row.front.proxy:
        try:
            fetch(PROXIES[row.front.proxy], say=lambda line: None)
        except Problem as problem:
            raise NotRun(str(problem)) from None
    _fetch(row.recipe, row.tools)


def _fetch(recipe: Recipe | None, tools: tuple[Tool, ...]) -> None:
    if recipe is None or is_built(recipe):
        return
    lack = next((tool for tool in tools if not is_there(tool)), None)
    if lack is not None:
        raise NotRun(f"it needs {lack.how}")
    try:
        build(recipe, say=lambda command: None, quiet=True)
    except Problem as problem:
        raise NotRun(str(problem)) from None


@contextmanager
def standing(row: Row) -> Iterator[Standing]:
    """Start the row, which is set up, and end it. Raises ChildError."""
    with ExitStack() as stack:
        folder = str(home(row.recipe).resolve()) if row.recipe is not None else ""
        words = [word.replace("{folder}", folder) for word in row.words]
        words[0] = next(iter(glob.glob(words[0])), words[0])
        command = ServerCommand(
            command=tuple(words), folder=str(ROOT), environment=row.environment, ready=ABOUT
        )
        server = stack.enter_context(StartedServer(command))
        server.wait()
        with urllib.request.urlopen(server.url + ABOUT, timeout=10) as answer:
            versions: dict[str, str] = json.load(answer)["versions"]
        url = server.url
        if row.front is not None:
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            front = stack.enter_context(_front(row.front, server.port, Path(scratch)))
            front.wait()
            url = front.url
            versions |= version_of(row.front)
        yield Standing(url, versions)


def _front(front: Front, server: int, scratch: Path) -> StartedServer:
    # A worker of nginx has a user of its own.
    scratch.chmod(0o755)
    port = free_port()
    program = _found(front) or ""
    config = scratch / (front.config or "none")
    values = {
        "{port}": str(port),
        "{server}": str(server),
        "{folder}": str(scratch),
        "{config}": str(config),
        "{program}": program,
    }

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    if front.config:
        config.write_text(filled((HERE / front.name / front.config).read_text("utf-8")), "utf-8")
    command = ServerCommand(
        command=tuple(map(filled, front.words)),
        folder=str(ROOT),
        environment={"XDG_DATA_HOME": str(scratch), "XDG_CONFIG_HOME": str(scratch)},
        ready="port",
    )
    return StartedServer(command, url=f"http://127.0.0.1:{port}")


def _found(front: Front) -> str | None:
    """The program of the front: that of this machine, or the one that was fetched; Python for our own."""
    return find(PROXIES[front.proxy]) if front.proxy else sys.executable


def version_of(front: Front) -> dict[str, str]:
    """The version that the program prints; nothing for a front of our own."""
    if not front.proxy:
        return {}
    program, version = str(_found(front)), PROXIES[front.proxy].version
    try:
        done = subprocess.run(
            [program, version],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ChildError(f"{program} {version}: {error}") from None
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return {front.name: found[0]} if found else {}
