"""A written report over the whole synthetic folder, made once for the session."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.__main__ import main
from tests.chromium import browser as browser
from tests.reports import synthetic, synthetic_sections


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic folder with its report; not to be changed."""
    folder = synthetic.write_folder(tmp_path_factory.mktemp("report") / "out")
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def full_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with arms side by side and all sections of a full comparison; not to be changed."""
    folder = tmp_path_factory.mktemp("full") / "out"
    synthetic_sections.full_results(folder)
    return folder


@pytest.fixture(scope="session")
def page(report_folder: Path) -> str:
    """The text of its report.html."""
    return (report_folder / "report.html").read_text("utf-8")
