"""The clients that come with an agent: `sioprobe conform --client NAME`.

`python -m server_under_test.foreign.clients` prints a JSON object of them. With a name it builds that one if
needed, and prints the words that start it as a JSON list. Their sources are in `conformance/agents/`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from server_under_test.foreign.building import SOURCES, Recipe, build, is_built
from server_under_test.foreign.toolchains import (
    CARGO,
    CMAKE,
    CXX,
    DART,
    DOTNET,
    GO,
    JAVA,
    JAVAC,
    MAVEN,
    NODE,
    NPM,
    SWIFT,
    Tool,
    cargo_build,
    cmake,
    dart_compile,
    dotnet_build,
    go_build,
    is_there,
    maven,
    npm_ci,
    swift_build,
)
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import find_node

AGENTS = SOURCES.parents[1] / "conformance" / "agents"


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `command` are the words that start its agent, for the folder of the build."""

    title: str
    command: Callable[[Path], list[str]]
    recipe: Recipe | None = None
    tools: tuple[Tool, ...] = ()
    build_tools: tuple[Tool, ...] = ()
    lacks: Callable[[], str | None] = lambda: None
    """What else is missing here, and how to get it."""
    never_run: bool = False
    """The agent was written against the public API, and nobody has run it yet."""


def _recipe(folder: str, product: str, steps: Callable[..., None]) -> Recipe:
    return Recipe(folder, product, steps, sources=AGENTS)


def _node(*words: str) -> Callable[[Path], list[str]]:
    return lambda folder: [find_node() or "node", str(folder / "agent.mjs"), *words]


def _python(*words: str) -> Callable[[Path], list[str]]:
    return lambda folder: [sys.executable, str(AGENTS / "python/async-agent.py"), *words]


def _browser(*words: str) -> Callable[[Path], list[str]]:
    program = [sys.executable, str(AGENTS / "browser/agent.py")]
    return lambda folder: [*program, str(folder), find_browser() or "", *words]


def _in_chromium(title: str, *words: str) -> Client:
    playwright = (_module("playwright", "playwright"),)
    return Client(title, _browser(*words), _JS, playwright, (NODE, NPM), lacks=_lacks_browser)


def _java(folder: Path) -> list[str]:
    paths = f"{folder / 'target/classes'}{os.pathsep}{folder / 'target/dependency'}/*"
    # Most of a short life is the start: the first compiler is enough.
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", paths, "Agent"]


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """A Chromium on this machine, or else Playwright's own."""
    if found := next((path for name in BROWSERS if (path := shutil.which(name))), None):
        return found
    if importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _lacks_browser() -> str | None:
    return None if find_browser() else "Chromium: apt-get install chromium, or playwright install chromium"


def _module(name: str, package: str) -> Tool:
    return Tool(name, f"the {package} package: pip install {package}", is_module=True)


def _lacks_openssl() -> str | None:
    if is_built(_RUST) or shutil.which("pkg-config"):
        return None
    return "pkg-config and the headers of OpenSSL (Debian: apt-get install pkg-config libssl-dev)"


def _checkout(variable: str, client: str) -> Callable[[], str | None]:
    """Says whether the environment variable has the path of a checkout."""

    def lacks() -> str | None:
        path = os.environ.get(variable)
        if path is None:
            return f"a checkout of {client}: {variable}=PATH"
        return None if Path(path).is_dir() else f"a folder in {variable}, and {path!r} is none"

    return lacks


CPP, SWIFT_CLIENT = "SIOPROBE_CPP_CLIENT", "SIOPROBE_SWIFT_CLIENT"
_JS = _recipe("js", "node_modules/socket.io-client/package.json", npm_ci)
_RUST = _recipe("rust", "target/release/agent", cargo_build)
_SOCKETIO = _module("socketio", "python-socketio")

CLIENTS = {
    "js": Client("socket.io-client 4.8 on Node", _node(), _JS, (NODE,), (NPM,)),
    "js-3": Client("socket.io-client 3.1 on Node", _node("3"), _JS, (NODE,), (NPM,)),
    "js-2": Client("socket.io-client 2.5 on Node", _node("2"), _JS, (NODE,), (NPM,)),
    "browser": _in_chromium("socket.io-client 4.8 in Chromium"),
    "browser-2": _in_chromium("socket.io-client 2.5 in Chromium", "2"),
    "python": Client(
        "python-socketio's AsyncClient on aiohttp",
        _python(),
        tools=(_SOCKETIO, _module("aiohttp", "aiohttp")),
    ),
    "python-sync": Client(
        "python-socketio's Client on requests",
        _python("sync"),
        tools=(_SOCKETIO, _module("requests", "requests"), _module("websocket", "websocket-client")),
    ),
    "java": Client(
        "socket.io-client-java 2.1 on OkHttp",
        _java,
        _recipe("java", "target/classes/Agent.class", maven),
        (JAVA,),
        (JAVAC, MAVEN),
    ),
    "rust": Client(
        "rust_socketio 0.6",
        lambda folder: [str(folder / "target/release/agent")],
        _RUST,
        build_tools=(CARGO,),
        lacks=_lacks_openssl,
    ),
    "go": Client(
        "zishang520/socket.io's client 3.0 for Go",
        lambda folder: [str(folder / "build/agent")],
        _recipe("go", "build/agent", go_build),
        build_tools=(GO,),
    ),
    "swarm": Client(
        "the connections of sioprobe's own load",
        lambda folder: [sys.executable, str(AGENTS / "swarm/swarm-agent.py")],
        tools=(_module("gevent", "gevent"),),
    ),
    "cpp": Client(
        "socket.io-client-cpp 3.1",
        lambda folder: [str(folder / "build/agent")],
        replace(_recipe("cpp", "build/agent", cmake(CPP)), always=True),
        build_tools=(CXX, CMAKE),
        lacks=_checkout(CPP, "socket.io-client-cpp with its submodules"),
        never_run=True,
    ),
    "swift": Client(
        "socket.io-client-swift 16",
        lambda folder: [str(folder / "build/release/agent")],
        replace(_recipe("swift", "build/release/agent", swift_build), always=True),
        build_tools=(SWIFT,),
        lacks=_checkout(SWIFT_CLIENT, "socket.io-client-swift"),
        never_run=True,
    ),
    "csharp": Client(
        "SocketIOClient 4.0 for .NET",
        lambda folder: ["dotnet", str(folder / "build/agent.dll")],
        _recipe("csharp", "build/agent.dll", dotnet_build),
        tools=(DOTNET,),
        never_run=True,
    ),
    "dart": Client(
        "socket_io_client 3 for Dart",
        lambda folder: [str(folder / "build/agent")],
        _recipe("dart", "build/agent", dart_compile),
        build_tools=(DART,),
        never_run=True,
    ),
}


def missing(client: Client) -> str | None:
    """What this machine lacks, and how to get it. None if nothing is missing."""
    tools = client.tools
    if client.recipe is not None and not is_built(client.recipe):
        tools += client.build_tools
    lack = next((tool.how for tool in tools if not is_there(tool)), None) or client.lacks()
    return None if lack is None else f"needs {lack}"


def words_of(name: str) -> list[str]:
    """The words that start it, built if needed. Raises Problem."""
    client = CLIENTS[name]
    if lack := missing(client):
        raise Problem(f"--client {name} {lack}")
    folder = AGENTS
    if client.recipe is not None:

        def say(command: str) -> None:
            print(f"building {name}, once: {command}", file=sys.stderr, flush=True)

        try:
            folder = build(client.recipe, say=say)
        except Problem as problem:
            raise Problem(f"--client {name} could not be built: {problem}") from None
    return client.command(folder)


def main() -> int:
    if not sys.argv[1:]:
        told = {name: [client.title, missing(client), client.never_run] for name, client in CLIENTS.items()}
        print(json.dumps(told))
        return 0
    try:
        print(json.dumps(words_of(sys.argv[1])))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
