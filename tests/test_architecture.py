"""The import directions of ARCHITECTURE.md hold, and what is committed names no machine and no registry."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_import_directions_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout


def parsed(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules of some folders: path and syntax tree."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_imports_another_of_ours_for_its_types_alone() -> None:
    found = []
    for path, module in parsed("sioprobe", "load", "conformance"):
        for node in ast.walk(module):
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                text = ast.unparse(node)
                ours = ("from sioprobe", "from load", "from conformance")
                found += [path] if any(word in text for word in ours) else []

    # `from sioprobe import SocketIOUser` imports Locust, so it is done when asked for.
    assert found == ["sioprobe/__init__.py"]


def test_a_class_with_an_abstract_method_cannot_be_made() -> None:
    found, abstract = [], 0
    for path, module in parsed("sioprobe", "load", "conformance", "reports"):
        for node in ast.walk(module):
            if not isinstance(node, ast.ClassDef):
                continue
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            decorators = [ast.unparse(each) for method in methods for each in method.decorator_list]
            if "abstractmethod" in decorators:
                abstract += 1
                found += [] if "ABC" in map(ast.unparse, node.bases) else [f"{path}: {node.name}"]

    assert abstract
    assert found == []


def test_importing_the_library_patches_nothing_and_loads_no_server() -> None:
    script = (
        "import sys, sioprobe, sioprobe.cli, sioprobe.wire\n"
        "heavy = {'gevent', 'locust', 'eventlet', 'socketio', 'engineio', 'flask', 'matplotlib', 'pytest'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "lock", sorted(ROOT.glob("*/**/package-lock.json")), ids=lambda path: path.parent.name
)
def test_npm_locks_hold_no_address(lock: Path) -> None:
    if "node_modules" in lock.parts:
        return
    packages = json.loads(lock.read_text())["packages"]

    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_constraints_are_exact_versions_without_addresses() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

    assert lines
    assert [line for line in lines if "==" not in line or "://" in line or "@" in line] == []
