"""What the application of a Python process imports, read from its own files; nothing of it is run.

It starts from the words of the command (`chat.py`, `-m chat`, `chat:app`), and follows the imports that lead
to other files of the application. Installed packages are not followed.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.finding.process import Process

__all__ = ["Sources", "read_sources"]

MOST_FILES = 400
MOST_BYTES = 1_000_000
MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@dataclass(slots=True)
class Sources:
    """`imported` has each module that is imported, and the file that does it; `text` all that was read."""

    imported: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def importer(self, module: str) -> str | None:
        """The file that imports the module or one below it."""
        below = f"{module}."
        found = (file for name, file in self.imported.items() if name == module or name.startswith(below))
        return next(found, None)


def read_sources(process: Process) -> Sources:
    """The application's own sources, as far as they are found."""
    sources = Sources()
    folders = list(_folders(process))
    waiting: list[Path] = []
    for number, word in enumerate(process.words):
        if number and process.words[number - 1] == "-c":
            _take(sources, "-c", word, "")
        else:
            waiting += _named(process, word, folders)
    if "flask" in map(os.path.basename, process.words):
        named = [process.environment.get("FLASK_APP", ""), "app", "wsgi"]
        waiting += [file for word in named for file in _named(process, word, folders)]
    seen: set[Path] = set()
    while waiting and len(seen) < MOST_FILES:
        file = waiting.pop(0)
        if file in seen:
            continue
        seen.add(file)
        try:
            text = file.read_bytes()[:MOST_BYTES].decode("utf-8", "replace")
        except OSError:
            continue
        package = _package(file, folders)
        for module in _take(sources, file.name, text, package):
            waiting += _files(module, folders)
    return sources


def _folders(process: Process) -> Iterator[Path]:
    """Where Python looks for modules of the application: as it started, and as options may say."""
    words = [word.rpartition("=")[2] for word in process.words[1:]]
    scripts = [os.path.dirname(word) for word in words if word.endswith(".py")]
    paths = process.environment.get("PYTHONPATH", "").split(":")
    for name in dict.fromkeys(["", *scripts, *filter(None, paths), *words]):
        folder = process.file(name)
        # A folder of programs, or one of installed packages, is not the application's.
        if not {"site-packages", "dist-packages", "bin"} & set(folder.parts) and folder.is_dir():
            yield folder


def _named(process: Process, word: str, folders: list[Path]) -> list[Path]:
    """The files that a word of the command may mean: `chat.py`, `chat`, `chat:app`, `--module=chat:app`."""
    name = re.split(r"[:(]", word.rpartition("=")[2])[0]
    if name.endswith(".py"):
        return [process.file(name)]
    return _files(name, folders) if MODULE.fullmatch(name) else []


def _files(module: str, folders: list[Path]) -> list[Path]:
    """The files of a module, those of its packages, and its __main__."""
    parts = module.split(".")
    found = []
    for folder in folders:
        for length in range(1, len(parts) + 1):
            place = folder.joinpath(*parts[:length])
            names = [place.with_name(f"{place.name}.py"), place / "__init__.py"]
            names += [place / "__main__.py"] if length == len(parts) else []
            found += [name for name in names if name.is_file()]
    return found


def _package(file: Path, folders: list[Path]) -> str:
    """The package of a file, for its relative imports."""
    for folder in folders:
        if folder in file.parents:
            return ".".join(file.relative_to(folder).parts[:-1])
    return ""


def _take(sources: Sources, file: str, text: str, package: str) -> list[str]:
    """Note what a text imports. Returns the modules."""
    sources.text += text + "\n"
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    modules: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(filter(None, [*above, node.module or ""]))
            modules += [base] if base else []
            modules += [f"{base}.{name.name}".lstrip(".") for name in node.names]
    for module in modules:
        sources.imported.setdefault(module, file)
    return modules
