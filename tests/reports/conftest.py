"""A written report over the whole synthetic folder, made once for the session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from reports.__main__ import main
from tests.reports import synthetic
from tests.reports.browsing import DEADLINE


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic folder with its report; not to be changed."""
    folder = synthetic.write_folder(tmp_path_factory.mktemp("report") / "out")
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def page(report_folder: Path) -> str:
    """The text of its report.html."""
    return (report_folder / "report.html").read_text("utf-8")


CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


# Of a module: until it is closed, an event loop runs in this thread, and no test can run another.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine, or Playwright's."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"], timeout=DEADLINE)
        yield browser
        browser.close()
