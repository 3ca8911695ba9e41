"""The rows of the wide matrix: each server, what it takes to run it, and what stands before it.

`{port}` in a command is the port where the server is to listen, and `{folder}` the folder of its recipe.
In the command and the configuration of a front, `{server}` is the server's port, `{folder}` a scratch folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server_under_test.foreign.building import SOURCES, Recipe, Run
from server_under_test.foreign.servers import FOREIGN
from server_under_test.foreign.toolchains import Tool
from server_under_test.starting.options import Options
from server_under_test.starting.programs import find_node

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# A run mostly waits for heartbeats, and a busy machine must not read as a broken one.
OPTIONS = Options(ping_interval=1, ping_timeout=3)
PORT_WORDS = ("--port", "{port}")
OPTION_WORDS = (*PORT_WORDS, "--ping-interval", "1", "--ping-timeout", "3")


@dataclass(frozen=True, slots=True)
class Front:
    """What stands before a server. `{program}` is the proxy of that name, as `sioprobe serve` finds it."""

    name: str
    title: str
    words: tuple[str, ...]
    config: str = ""
    """The file of a proxy; a program of our own has none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One server."""

    name: str
    title: str
    words: tuple[str, ...]
    recipe: Recipe | None = None
    tools: tuple[Tool, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    front: Front | None = None


def recipe(folder: str, product: str, steps: Callable[[Path, Run], None]) -> Recipe:
    """A folder beside this file, and how its programs are set up."""
    return Recipe(os.path.relpath(HERE / folder, SOURCES), product, steps)


def _pip(folder: Path, run: Run) -> None:
    run(sys.executable, "-m", "venv", "--clear", "build")
    run(
        str(folder / "build/bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--requirement",
        "requirements.txt",
    )


def _python_socketio(name: str, *words: str) -> Row:
    return Row(
        name,
        f"python-socketio on {name.capitalize()}",
        words,
        recipe=PYTHON_SERVERS,
        environment={"PYTHONPATH": str(ROOT), "WEB_SERVER": name, **OPTIONS.to_environment()},
    )


def _node(version: str) -> Row:
    words = (*NODE_WORDS, "--package", f"{{folder}}/node_modules/socket.io-{version}", *OPTION_WORDS)
    return Row(f"socket.io-{version}", f"socket.io {version} on Node", words, EARLIER_NODE, NODE_TOOLS)


def _behind(front: Front) -> Row:
    return Row(front.name, f"socket.io 4.8 on Node, {front.title}", SERVE_NODE, front=front)


def _far_behind(front: Front) -> Row:
    """So far that a pong takes seconds, and nearly all of a run is waiting."""
    words = (*SERVE, "--server", "node", *PORT_WORDS, "--ping-interval", "2", "--ping-timeout", "8")
    return Row(front.name, f"socket.io 4.8 on Node, {front.title}", words, front=front)


def _distance(milliseconds: int) -> Front:
    words = (sys.executable, "-m", "ci.wide.delay", "{port}", "{server}", str(milliseconds))
    return Front(f"away-{milliseconds}", f"{milliseconds:,} ms away", words)


PYTHON_SERVERS = recipe("python-servers", "build/bin/python", _pip)
NODE = FOREIGN["node"]
NODE_TOOLS = (*NODE.tools, *NODE.build_tools)
assert NODE.recipe is not None
EARLIER_NODE = recipe("node", "node_modules/socket.io-2.0/package.json", NODE.recipe.steps)
NODE_WORDS = (find_node() or "node", str(SOURCES / "node/server.mjs"))
SERVE = (sys.executable, "-m", "server_under_test")
SERVE_NODE = (*SERVE, "--server", "node", *OPTION_WORDS)
APP = "ci.wide.servers.asgi:app"
PYTHON = "{folder}/build/bin/python"

FRONTS = (
    Front("nginx", "behind nginx", ("{program}", "-e", "stderr", "-c", "{config}"), "nginx.conf"),
    Front("haproxy", "behind HAProxy", ("{program}", "-db", "-f", "{config}"), "haproxy.cfg"),
    Front(
        "caddy",
        "behind Caddy",
        ("{program}", "run", "--adapter", "caddyfile", "--config", "{config}"),
        "Caddyfile",
    ),
    *map(_distance, (50, 300)),
)
FAR = _distance(1000)

ROWS = {
    row.name: row
    for row in (
        Row("node", "socket.io 4.8 on Node", SERVE_NODE),
        *map(_behind, FRONTS),
        _far_behind(FAR),
        Row(
            "deno",
            "socket.io 4.8 on Deno",
            ("{folder}/node_modules/@deno/*/deno", "run", "--allow-all", NODE_WORDS[1], *OPTION_WORDS),
            recipe("deno", "node_modules/deno/package.json", NODE.recipe.steps),
            NODE_TOOLS,
        ),
        _node("4.5"),
        _node("4.0"),
        _node("3.0"),
        Row("socket.io-2.5", "socket.io 2.5 on Node", (*SERVE, "--server", "node-2", *OPTION_WORDS)),
        _node("2.0"),
        _python_socketio("tornado", PYTHON, "-m", "ci.wide.servers.on_tornado", "{port}"),
        _python_socketio("sanic", PYTHON, "-m", "ci.wide.servers.on_sanic", "{port}"),
        _python_socketio("hypercorn", PYTHON, "-m", "hypercorn", "--bind", "127.0.0.1:{port}", APP),
        _python_socketio(
            "granian",
            PYTHON,
            "-m",
            "granian",
            "--interface",
            "asgi",
            "--port",
            "{port}",
            APP,
        ),
        _python_socketio(
            "daphne",
            PYTHON,
            "-m",
            "daphne",
            "--bind",
            "127.0.0.1",
            "--port",
            "{port}",
            APP,
        ),
        Row(
            "flask-socketio-5.3",
            "Flask-SocketIO 5.3, threading",
            (PYTHON, "-m", "server_under_test", "--mode", "threading", *OPTION_WORDS),
            recipe("flask-5.3", "build/bin/python", _pip),
            environment={"PYTHONPATH": str(ROOT)},
        ),
        Row(
            "flask-socketio-4.3",
            "Flask-SocketIO 4.3, gevent",
            (PYTHON, "-m", "ci.wide.servers.flask_4", "{port}"),
            recipe("flask-4.3", "build/bin/python", _pip),
            environment={"PYTHONPATH": str(ROOT), **OPTIONS.to_environment()},
        ),
    )
}
