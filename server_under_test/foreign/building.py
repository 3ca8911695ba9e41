"""Builds a foreign program once: in its own folder, or in the user's cache when that folder is read-only.

A stamp holds a digest of the sources. So a second build costs nothing, and a changed source or pin causes a
new one. Two processes that want the same program wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from server_under_test.starting.parent import die_with_parent
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import find_node

SOURCES = Path(__file__).resolve().parent
STAMP = ".built"

# A build leaves these in a folder of sources. git ignores them too.
PRODUCTS = (
    "node_modules", "target", "build", "obj", ".dart_tool", "Cargo.lock", "pubspec.lock", "__pycache__", STAMP
)  # fmt: skip


class Run(Protocol):
    """Runs one command in the folder; raises BuildFailed with its last line of complaint."""

    def __call__(self, *command: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the sources in one folder become a program."""

    folder: str
    """Its name below the folder of this file, or below `sources`."""
    product: str
    """A file or folder that a finished build has."""
    steps: Callable[[Path, Run], None]
    shared: tuple[str, ...] = ()
    """Files in other folders that the program reads."""
    sources: Path | None = None
    """The folder that holds these folders, if it is not that of this file."""
    always: bool = False
    """It reads files of the user's, too: its own tools know whether anything is to be done."""

    @property
    def root(self) -> Path:
        return self.sources or SOURCES


class BuildFailed(Problem):
    """A command of the recipe failed."""


def home(recipe: Recipe) -> Path:
    """The folder for the build: that of the sources in a checkout, else one in the user's cache."""
    folder = recipe.root / recipe.folder
    # Never write into an installed package: the files would outlive it.
    if SOURCES.parents[1].name != "_harness" and os.access(folder, os.W_OK):
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # The folder keeps its place beside the folders of its shared files.
    return cache / "sioprobe" / f"{recipe.folder}-{digest(recipe)[:12]}" / recipe.folder


def digest(recipe: Recipe) -> str:
    """SHA-256 of the names and contents of the sources."""
    found = hashlib.sha256()
    for path in [*_sources(recipe.root / recipe.folder), *(recipe.root / name for name in recipe.shared)]:
        content = path.read_bytes()
        found.update(f"{path.relative_to(recipe.root)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name not in PRODUCTS:
            found += _sources(path) if path.is_dir() else [path]
    return found


def is_built(recipe: Recipe) -> bool:
    """Whether the program is there and was made from these sources."""
    folder = home(recipe)
    if recipe.always:
        return False
    try:
        return (folder / recipe.product).exists() and (folder / STAMP).read_text() == digest(recipe)
    except OSError:
        return False


def build(recipe: Recipe, *, say: Callable[[str], None], quiet: bool = False) -> Path:
    """Build it unless it is built, and return the folder. Raises Problem.

    `say` hears each command before it runs. The output goes to standard error unless `quiet`.
    """
    folder = home(recipe)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / STAMP).open("a+") as stamp:
            fcntl.flock(stamp, fcntl.LOCK_EX)
            if not is_built(recipe):
                if folder != recipe.root / recipe.folder:
                    _copy(recipe, folder.parent)
                stamp.truncate(0)
                recipe.steps(folder, _runner(folder, say, quiet))
                stamp.write(digest(recipe))
    except OSError as error:
        raise BuildFailed(f"cannot build in {folder}: {error.strerror}") from None
    return folder


def _copy(recipe: Recipe, place: Path) -> None:
    ignored = shutil.ignore_patterns(*PRODUCTS)
    shutil.copytree(recipe.root / recipe.folder, place / recipe.folder, dirs_exist_ok=True, ignore=ignored)
    for name in recipe.shared:
        (place / name).parent.mkdir(exist_ok=True)
        shutil.copy(recipe.root / name, place / name)


def _runner(folder: Path, say: Callable[[str], None], quiet: bool) -> Run:
    def run(*command: str) -> None:
        say(" ".join(command))
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": search_path()},
            stdin=subprocess.DEVNULL,
            # Standard output is for the READY line.
            stdout=subprocess.PIPE if quiet else sys.stderr,
            stderr=subprocess.STDOUT if quiet else None,
            text=True,
            errors="replace",
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        if done.returncode:
            lines = [line for line in (done.stdout or "").splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else f"exit code {done.returncode}"
            raise BuildFailed(f"{' '.join(command[:2])} failed: {reason}")

    return run


def search_path() -> str:
    """PATH, with the folder of this interpreter and that of a Node from a wheel."""
    node = find_node()
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    if node is not None and shutil.which("node") is None:
        places.append(str(Path(node).parent))
    return os.pathsep.join(places)
