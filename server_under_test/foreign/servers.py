"""The foreign servers: the contract of the conformance cases with other libraries and in other languages.

Each is a program in a folder beside this file. `--server NAME` starts it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from server_under_test.foreign.building import Recipe, build, is_built
from server_under_test.foreign.toolchains import (
    CARGO,
    GO,
    JAVA,
    JAVAC,
    MAVEN,
    NODE,
    NPM,
    Tool,
    cargo_build,
    go_build,
    is_there,
    maven,
    module,
    npm_ci,
)
from server_under_test.starting.command import command, environment
from server_under_test.starting.listener import bind
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import find_node


@dataclass(frozen=True, slots=True)
class Foreign:
    """One foreign server."""

    name: str
    language: str
    title: str
    command: Callable[[Path], list[str]]
    """The words that start it, for the folder of the build."""
    tools: tuple[Tool, ...] = ()
    """What it needs to run."""
    recipe: Recipe | None = None
    """How to build it. None if there is nothing to build."""
    build_tools: tuple[Tool, ...] = ()
    inherits_listener: bool = False
    """Whether it serves on an inherited socket. Other servers bind the port themselves."""
    lacks: tuple[str, ...] = ("--nagle", "--allow-eio3", "--recovery", "--permessage-deflate", "--queue")
    """Options of the command line that it does not take."""
    queues: tuple[str, ...] = ()
    """The queues of ours that can join its processes."""
    own_queues: Mapping[str, Callable[[Path], list[str]]] = field(default_factory=dict)
    """What joins its processes without us, and the words that start all of them."""


def _asyncio(web_server: str) -> Callable[[Path], list[str]]:
    return lambda folder: [sys.executable, "-m", "server_under_test.foreign.python_socketio", web_server]


def _node(package: str, program: str = "server.mjs") -> Callable[[Path], list[str]]:
    return lambda folder: [find_node() or "node", str(folder / program), "--package", package]


def _bun(folder: Path) -> list[str]:
    # The npm package installs the program for this platform beside itself. Its own script only links to it.
    programs = sorted(folder.glob("node_modules/@oven/*/bin/bun"), key=lambda path: len(str(path)))
    if not programs:
        raise Problem("--server bun-engine: the npm package bun has no program for this platform")
    return [str(programs[0]), str(folder / "server.mjs")]


def _java(folder: Path) -> list[str]:
    return ["java", "-cp", f"{folder / 'target/classes'}:{folder / 'target/dependency'}/*", "Server"]


_NODE_RECIPE = Recipe("node", "node_modules/socket.io/package.json", npm_ci)


FOREIGN = {
    server.name: server
    for server in (
        Foreign(
            "uvicorn",
            "Python",
            "python-socketio's AsyncServer on uvicorn",
            _asyncio("uvicorn"),
            tools=(module("uvicorn"), module("websockets")),
            inherits_listener=True,
        ),
        Foreign(
            "aiohttp",
            "Python",
            "python-socketio's AsyncServer on aiohttp",
            _asyncio("aiohttp"),
            tools=(module("aiohttp"),),
            inherits_listener=True,
        ),
        Foreign(
            "node",
            "JavaScript",
            "socket.io 4.8 on Node, the protocol's own reference",
            _node("socket.io"),
            tools=(NODE,),
            recipe=_NODE_RECIPE,
            build_tools=(NPM,),
            lacks=(),
            queues=("redis",),
            own_queues={"cluster": _node("socket.io", "workers.mjs")},
        ),
        Foreign(
            "node-3",
            "JavaScript",
            "socket.io 3.1 on Node",
            _node("socket.io-3"),
            tools=(NODE,),
            recipe=_NODE_RECIPE,
            build_tools=(NPM,),
            lacks=("--allow-eio3", "--recovery", "--queue"),
        ),
        Foreign(
            "node-2",
            "JavaScript",
            "socket.io 2.5 on Node, the reference of Engine.IO 3",
            _node("socket.io-2"),
            tools=(NODE,),
            recipe=_NODE_RECIPE,
            build_tools=(NPM,),
            lacks=("--allow-eio3", "--recovery", "--queue"),
        ),
        Foreign(
            "bun-engine",
            "JavaScript",
            "socket.io 4.8 on Bun with @socket.io/bun-engine",
            _bun,
            recipe=Recipe(
                "bun",
                "node_modules/@socket.io/bun-engine/package.json",
                npm_ci,
                shared=("node/contract.mjs", "node/options.mjs"),
            ),
            build_tools=(NODE, NPM),
            lacks=("--nagle", "--transports", "--allow-eio3", "--recovery", "--permessage-deflate"),
        ),
        Foreign(
            "socketioxide",
            "Rust",
            "socketioxide 0.18 on axum",
            lambda folder: [str(folder / "target/release/server")],
            recipe=Recipe("rust", "target/release/server", cargo_build),
            build_tools=(CARGO,),
        ),
        Foreign(
            "zishang520",
            "Go",
            "zishang520/socket.io 3.0 on net/http",
            lambda folder: [str(folder / "build/server")],
            recipe=Recipe("go", "build/server", go_build),
            build_tools=(GO,),
        ),
        Foreign(
            "netty-socketio",
            "Java",
            "netty-socketio 2.0 on Netty",
            _java,
            tools=(JAVA,),
            recipe=Recipe("java", "target/classes/Server.class", maven),
            build_tools=(JAVAC, MAVEN),
        ),
    )
}


def missing_tool(server: Foreign) -> Tool | None:
    """The first tool that the server needs and this machine lacks."""
    tools = server.tools
    if server.recipe is not None and not is_built(server.recipe):
        tools += server.build_tools
    return next((tool for tool in tools if not is_there(tool)), None)


def missing(server: Foreign) -> str | None:
    """One line about the tool that is missing, and how to get it. None if nothing is missing."""
    tool = missing_tool(server)
    return None if tool is None else f"--server {server.name} needs {tool.how}"


def ready(server: Foreign) -> bool:
    """Whether it can start at once: nothing is missing and there is nothing to build."""
    return missing(server) is None and (server.recipe is None or is_built(server.recipe))


def prepared(server: Foreign, options: Options) -> Options:
    """Build the server if needed, and note in the options how it is started. Raises Problem."""
    lack = missing(server)
    if lack is not None:
        raise Problem(lack)
    folder = Path()
    if server.recipe is not None:

        def say(command: str) -> None:
            print(f"building {server.name}, once: {command}", file=sys.stderr, flush=True)

        try:
            folder = build(server.recipe, say=say)
        except Problem as problem:
            raise Problem(f"--server {server.name} could not be built: {problem}") from None
    start = server.command
    if options.queue is not None and options.queue in server.own_queues:
        start = server.own_queues[options.queue]
    return replace(options, program=tuple(start(folder)))


def become_foreign(server: Foreign, options: Options) -> NoReturn:
    """Build the server if needed, and turn this process into it. Raises Problem."""
    options = prepared(server, options)
    listener = bind(options.host, options.port, nagle=options.nagle)
    if server.inherits_listener:
        words = list(options.program)
        options = replace(options, listen_fd=listener.fileno(), port=listener.getsockname()[1])
    else:
        # The server binds the port itself. Our own attempt gives a clear error line when that fails.
        listener.close()
        words = command(options)
    os.execvpe(words[0], words, environment(options))
