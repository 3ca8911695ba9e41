"""A row that stands: its parts set up, its server started, and its front before that."""

from __future__ import annotations

import glob
import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci.versions import version_of
from ci.wide.rows import HERE, ROOT, Front, Row
from load.servers.command import ServerCommand
from load.servers.started import StartedServer, free_port
from server_under_test.foreign.building import build, home, is_built
from server_under_test.foreign.toolchains import is_there
from server_under_test.proxies.registry import PROXIES, fetch
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
    try:
        if row.front is not None:
            _program(row.front)
        if row.recipe is None or is_built(row.recipe):
            return
        lack = next((tool for tool in row.tools if not is_there(tool)), None)
        if lack is not None:
            raise NotRun(f"it needs {lack.how}")
        build(row.recipe, say=lambda command: None, quiet=True)
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
            if row.front.config:
                proxy = PROXIES[row.front.name]
                versions[proxy.name] = version_of(_program(row.front), proxy.version)
        yield Standing(url, versions)


def _front(front: Front, server: int, scratch: Path) -> StartedServer:
    # A worker of nginx has a user of its own.
    scratch.chmod(0o755)
    port = free_port()
    config = scratch / (front.config or "none")
    values = {
        "{port}": str(port),
        "{server}": str(server),
        "{folder}": str(scratch),
        "{config}": str(config),
        "{program}": _program(front),
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


def _program(front: Front) -> str:
    """The proxy, found or fetched; Python for a front of our own. Raises Problem."""
    return fetch(PROXIES[front.name], say=lambda line: None) if front.config else sys.executable
