"""The browser of tests that look at a page: `from tests.chromium import browser` in a conftest.py."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

__all__ = ["DEADLINE", "browser"]

DEADLINE = 120_000  # milliseconds; a busy machine takes its time
NAMES = ("chromium", "chromium-browser", "google-chrome")


# Of a module: until it is closed, an event loop runs in this thread, and no test can run another.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine, or Playwright's."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"], timeout=DEADLINE)
        yield browser
        browser.close()
