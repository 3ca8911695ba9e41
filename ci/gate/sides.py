"""Base and head made ready before anything is measured: environments, checkouts or plain commands."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.gate.children import run_step
from ci.gate.settings import Cell, GateError, Plan, words_of
from load.servers.command import CommandError, readiness
from load.servers.steps import versions_of
from sioprobe.harness import harness_variables
from sioprobe.results.gate import GateSide

__all__ = ["BuiltSide", "build_sides"]


@dataclass(frozen=True, slots=True)
class BuiltSide:
    """One side: how its server is started in each cell."""

    title: str
    command: tuple[str, ...] | None
    """None for the reference server."""
    folder: Path | None = None
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    ready: str = "READY"
    versions: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, cell: Cell | None = None, *, options: tuple[str, ...] = ()) -> dict[str, Any]:
        """As `load.side_by_side.asking.Side`; `options` are for the reference server."""
        if self.command is None:
            mode = cell.mode if cell is not None and cell.mode else "threading"
            words: tuple[str, ...] = (
                self.python, "-m", "server_under_test", "--mode", mode, "--port", "0", *options,
            )  # fmt: skip
        else:
            mode = cell.mode or "" if cell is not None else ""
            words = tuple(word.replace("{mode}", mode) for word in self.command)
        return {
            "name": name,
            "command": list(words),
            "folder": str(self.folder) if self.folder else None,
            "environment": self.environment,
            "ready": self.ready,
        }

    def to_json(self) -> GateSide:
        """As it stands in gate.json."""
        return {"title": self.title, "versions": self.versions}


def build_sides(plan: Plan, workshop: Path) -> tuple[BuiltSide, BuiltSide]:
    """Both sides, built at the same time. Raises GateError."""
    build: Callable[[str, tuple[str, ...]], BuiltSide]
    if plan.kind == "packages":
        _check_pip()
        build = lambda name, words: _with_packages(plan, name, words, workshop)  # noqa: E731
    elif plan.kind == "revisions":
        plan = _with_revisions(plan)
        build = lambda name, words: _of_revision(plan, name, words[0], workshop)  # noqa: E731
    else:
        build = lambda name, words: BuiltSide(  # noqa: E731
            " ".join(words), words, ready=_readiness(plan, words), environment=_harness_path(words)
        )
    with ThreadPoolExecutor(2) as pool:
        base, head = pool.map(build, ("base", "head"), (plan.base, plan.head))
    return base, head


def _readiness(plan: Plan, words: tuple[str, ...]) -> str:
    try:
        return readiness(plan.ready, words)
    except CommandError as error:
        raise GateError(f"--ready {error}: {' '.join(words)}") from None


def _harness_path(words: tuple[str, ...]) -> dict[str, str]:
    """The reference server may be part of a command; then its folder must be on the path."""
    return harness_variables() if "server_under_test" in words else {}


# Packages


def _check_pip() -> None:
    try:
        import pip  # noqa: F401
    except ImportError:
        raise GateError(
            f"--base-with and --head-with need pip in the environment of {sys.executable}"
        ) from None


def _with_packages(plan: Plan, name: str, packages: tuple[str, ...], workshop: Path) -> BuiltSide:
    """An environment that has the packages, and all else from the one that runs the gate."""
    folder = workshop / name
    try:
        venv.create(folder, with_pip=False, symlinks=True)
    except OSError as error:
        raise GateError(f"{name}: {folder}: {error.strerror}") from None
    python = str(folder / "bin" / "python")
    site = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    ours = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    # Behind its own packages; `addsitedir` reads the .pth files there, as of an editable install.
    Path(site, "sioprobe-gate.pth").write_text(
        "".join(f"import site; site.addsitedir({path!r})\n" for path in ours)
    )
    if packages:
        run_step(
            [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *packages],
            f"{name}: pip install {' '.join(packages)}",
        )
    command = words_of(plan.command, "--command") if plan.command else None
    environment = {
        **(_harness_path(command) if command else harness_variables()),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(folder),
    }
    return BuiltSide(
        " ".join(packages) or "this environment",
        command,
        python=python,
        environment=environment,
        ready=_readiness(plan, command) if command else "READY",
        versions=versions_of(python, [re.split(r"[\[=<>!~; ]", package)[0].lower() for package in packages]),
    )


# Revisions


def git(repository: Path, *words: str, what: str | None = None) -> str:
    """What git answers, without the last line break. Raises GateError."""
    return run_step(
        ["git", "-C", str(repository), *words], what or f"git {words[0]}", seconds=300,
        environment={"GIT_TERMINAL_PROMPT": "0"},
    ).strip()  # fmt: skip


def _with_revisions(plan: Plan) -> Plan:
    """The plan with both revisions named: base is the merge base unless given, head "" the working tree."""
    if shutil.which("git") is None:
        raise GateError("git is needed to compare revisions, and it is not there")
    if plan.command is None:
        raise GateError("to compare revisions say how the server starts: --command '... --port {port}'")
    root = Path(
        git(plan.repository, "rev-parse", "--show-toplevel", what=f"{plan.repository}: no git repository")
    )
    head = plan.head[0] if plan.head and plan.head[0] else ""
    if head:
        _commit(root, head, "--head")
    if plan.base and plan.base[0]:
        base = _commit(root, plan.base[0], "--base")
    else:
        base = _merge_base(root, head or "HEAD")
        tip = _commit(root, head or "HEAD", "--head")
        if base == tip and (head or not git(root, "status", "--porcelain")):
            raise GateError("head is the merge base itself, so there is nothing to compare; name a --base")
    return Plan("revisions", (base,), (head,), plan.command, plan.setup, plan.ready, root)


def _commit(root: Path, revision: str, option: str) -> str:
    try:
        return git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GateError:
        shallow = git(root, "rev-parse", "--is-shallow-repository") == "true"
        more = " (this clone is shallow: fetch all of its history)" if shallow else ""
        raise GateError(f"{option} {revision!r} is no revision of {root.name}{more}") from None


def _merge_base(root: Path, head: str) -> str:
    for name in ("origin/HEAD", "origin/main", "origin/master", "main", "master"):
        try:
            branch = _commit(root, name, "")
            return git(root, "merge-base", branch, head)
        except GateError:
            continue
    raise GateError("no default branch was found to compare with; name a --base")


def _of_revision(plan: Plan, name: str, revision: str, workshop: Path) -> BuiltSide:
    """A checkout of its own. It shares the repository's objects, and leaves nothing in the repository."""
    folder = workshop / name
    root = plan.repository
    commit = revision or git(root, "stash", "create") or git(root, "rev-parse", "HEAD")
    run_step(
        ["git", "clone", "--quiet", "--shared", "--no-checkout", str(root), str(folder)], f"{name}: checkout"
    )
    git(folder, "checkout", "--quiet", "--detach", commit, what=f"{name}: checkout of {commit[:12]}")
    title = git(root, "log", "-1", "--format=%h %s", revision or "HEAD")
    if not revision:
        title = f"the working tree on {title}"
        _copy_new_files(root, folder)
    if plan.setup:
        run_step(plan.setup, f"{name}: --setup", folder=folder)
    assert plan.command is not None
    command = words_of(plan.command, "--command")
    # A word such as .venv/bin/python is a file of the checkout; Popen would look for it where the gate runs.
    if "/" in command[0] and not command[0].startswith("/"):
        command = (str(folder / command[0]), *command[1:])
    versions = {"commit": commit} | versions_of(command[0], folder=folder)
    return BuiltSide(title, command, folder=folder, ready=_readiness(plan, command), versions=versions)


def _copy_new_files(root: Path, folder: Path) -> None:
    """Files of the working tree that git does not know yet and does not ignore."""
    listed = run_step(
        ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-standard"], "git ls-files"
    )
    for name in filter(None, listed.split("\0")):
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target, follow_symlinks=False)
        except OSError as error:
            raise GateError(f"head: {name} cannot be copied: {error.strerror}") from None


def describe(versions: Mapping[str, str]) -> str:
    """`python 3.11.7, flask-socketio 5.7.0, ...`."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
