"""Several folders without a comparison: each machine has its part, and none is ranked with another."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.__main__ import main
from tests.reports import folders
from tests.reports.across import assert_stands_alone
from tests.reports.test_main import refused


def test_each_machine_has_its_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = folders.write(tmp_path / "laptop")
    again = folders.write(tmp_path / "again", 2)
    server = folders.write(tmp_path / "server", 3, environment=folders.environment(cpu_model="Big", cores=64))
    monkeypatch.chdir(tmp_path)

    assert main([str(laptop), str(server), str(again)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": Over")[0] for line in lines] == [
        "AMD EPYC 7B13, 2 cores, 7.7 GiB: laptop",
        "AMD EPYC 7B13, 2 cores, 7.7 GiB: again",
        "Big, 64 cores, 7.7 GiB: server",
        "report: machines.html",
    ]
    page = assert_stands_alone((tmp_path / "machines.html").read_text("utf-8"))
    assert [one for one in page.ids if one.startswith("machine-")] == ["machine-1", "machine-2"]
    text = " ".join(page.text.split())
    assert "2 machines, each for itself" in text
    assert text.index("laptop, 2026") < text.index("again, 2026") < text.index("server, 2026")
    assert "sioprobe report --against OLD NEW compares two of them" in text
    assert "Save laptop-results.json" in text
    # Nothing was written into the folders.
    assert {path.name for path in laptop.iterdir()} == {"run.json", "rounds.jsonl"}


def test_folders_of_one_name_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = folders.write(tmp_path / "a" / "out", rounds=1)
    b = folders.write(tmp_path / "b" / "out", rounds=1)
    assert main([str(a), str(b), "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert ": a/out: " in out
    assert ": b/out: " in out
    assert str(tmp_path) not in (tmp_path / "machines.html").read_text("utf-8")


def test_a_folder_without_results_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = folders.write(tmp_path / "good", rounds=1)
    (tmp_path / "empty").mkdir()
    line = refused(capsys, str(good), str(tmp_path / "empty"))
    assert line.endswith(f"{tmp_path / 'empty'}: no run.json, rounds.jsonl or conformance-*.json in it")
