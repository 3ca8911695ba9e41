"""Which other Pythons a machine has: on PATH, under pyenv, and only those that run."""

from __future__ import annotations

import sys
from pathlib import Path

from ci import interpreters

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER, ANOTHER = [version for version in interpreters.VERSIONS if version != OWN][:2]


def make_program(path: Path, *, runs: bool = True) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {0 if runs else 1}\n")
    path.chmod(0o755)
    return str(path)


def test_the_own_version_is_not_another(tmp_path: Path) -> None:
    make_program(tmp_path / f"python{OWN}")

    assert list(interpreters.found(str(tmp_path), tmp_path)) == []


def test_path_goes_before_pyenv(tmp_path: Path) -> None:
    on_path = make_program(tmp_path / f"python{OTHER}")
    make_program(tmp_path / f"versions/{OTHER}.1/bin/python{OTHER}")
    of_pyenv = make_program(tmp_path / f"versions/{ANOTHER}.1/bin/python{ANOTHER}")

    assert list(interpreters.found(str(tmp_path), tmp_path)) == [(OTHER, on_path), (ANOTHER, of_pyenv)]


def test_what_does_not_run_is_passed_over_and_the_newest_is_taken(tmp_path: Path) -> None:
    make_program(tmp_path / f"python{OTHER}", runs=False)
    make_program(tmp_path / f"versions/{OTHER}.9/bin/python{OTHER}")
    newest = make_program(tmp_path / f"versions/{OTHER}.10/bin/python{OTHER}")

    assert list(interpreters.found(str(tmp_path), tmp_path)) == [(OTHER, newest)]
