"""`sioprobe`: each subcommand becomes the process of its folder, wherever it is called from."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SIOPROBE = Path(sys.executable).with_name("sioprobe")
ROOMS = ["serve", "conform", "load", "capacity", "survey", "doctor", "compare", "faults", "gate", "report"]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SIOPROBE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


@cache
def whole_help() -> str:
    return run("--help").stdout


def exit_codes(page: str) -> set[str]:
    """The codes that a help page explains."""
    return set(re.findall(r"^ +(\d+)  ", page.lower().partition("exit codes:")[2], re.MULTILINE))


def test_help_lists_every_subcommand_and_the_exit_codes() -> None:
    done = run("--help")

    assert done.returncode == 0
    for room in ROOMS:
        assert f"  {room} " in done.stdout
    assert "130" in done.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_every_subcommand_helps_under_its_own_name_with_examples(room: str, tmp_path: Path) -> None:
    done = run(room, "--help", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"sioprobe {room}" in done.stdout.splitlines()[0]
    assert "examples:" in done.stdout.lower()
    codes = exit_codes(done.stdout)
    assert codes <= exit_codes(whole_help())
    assert codes or room == "serve"


@pytest.mark.parametrize("room", ROOMS)
def test_an_unknown_option_is_one_line_and_exit_code_2(room: str) -> None:
    # `report` asks for its folder before it looks at options.
    done = run(room, *(["."] if room == "report" else []), "--no-such-option")

    assert done.returncode == 2
    assert "--no-such-option" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_subcommand_names_the_nearest() -> None:
    done = run("srve")

    assert done.returncode == 2
    line = f"unknown command 'srve' (the nearest is 'serve'; valid are {', '.join(ROOMS)})"
    assert done.stderr.splitlines() == [f"sioprobe: error: {line}"]


def test_a_folder_named_like_ours_does_not_stand_in_front(tmp_path: Path) -> None:
    for name in ("load", "reports", "conformance", "server_under_test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (tmp_path / "click.py").write_text("raise SystemExit('the wrong one')")

    done = run("report", "--help", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "the wrong one" not in done.stderr


@pytest.mark.parametrize(
    ("room", "missing", "line"),
    [
        ("load", "locust", "sioprobe: error: load needs locust: pip install 'sioprobe[load]'"),
        ("load", "httptools", "sioprobe: error: load needs httptools: pip install 'sioprobe[load]'"),
        ("serve", "psutil", "sioprobe: error: serve needs psutil: pip install 'sioprobe[server]'"),
        ("report", "jinja2", "sioprobe: error: report needs jinja2: pip install 'sioprobe[report]'"),
        ("compare", "jinja2", "sioprobe: error: compare needs jinja2: pip install 'sioprobe[all]'"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    room: str, missing: str, line: str
) -> None:
    script = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *rest: None if name == {missing!r} else real(name, *rest)\n"
        "from sioprobe.cli import main\n"
        f"main([{room!r}])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [line]
