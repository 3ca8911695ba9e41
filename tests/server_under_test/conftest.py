"""One server process for each async mode, shared by all tests of that mode."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from server_under_test.modes import MODES, missing
from tests.servers import Server, start_server

# Chromium as the Debian package, as Google's package, and as macOS installs name it.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def not_here(reason: str) -> NoReturn:
    """Skip on a developer's machine; fail in CI, where the set-up owes everything that a test needs."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def require_mode(mode: str) -> None:
    lack = missing(MODES[mode])
    if lack is not None:
        not_here(lack)


@pytest.fixture(scope="session", params=list(MODES))
def mode(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    require_mode(name)
    return name


@pytest.fixture(scope="session")
def server(mode: str) -> Iterator[Server]:
    with start_server(mode) as running:
        yield running


def find_browser() -> str | None:
    """The path of a Chromium: from PATH, else the one that Playwright has installed."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None
