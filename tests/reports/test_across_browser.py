"""The pages of several folders in a real browser: no sideways scroll, nothing cut off, no complaint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from reports.__main__ import main
from reports.statistics.derivation import derive
from reports.statistics.result_folder import read_folder
from tests.reports import folders
from tests.reports.browsing import assert_nothing_sticks_out, quiet_page
from tests.reports.history.test_derivation import night, written


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all three pages."""
    folder = tmp_path_factory.mktemp("pages")
    old, new = (
        folders.write(folder / "old"),
        folders.write(folder / "new", 2, cpu={("gevent", "websocket"): 1.4}),
    )
    other = folders.write(folder / "other", environment=folders.environment(cpu_model="Other"))
    measured = derive(read_folder(old))
    written(folder / "nights", *(night(measured, n, 1.0 if n < 20 else 1.12) for n in range(40)))
    out = ["--out", str(folder)]
    assert main(["--against", str(old), str(new), *out]) == 0
    assert main(["--history", str(folder / "nights"), *out]) == 0
    assert main([str(old), str(other), *out]) == 0
    return folder


@pytest.mark.parametrize("name", ["against", "history", "machines"])
def test_a_page_does_not_scroll_sideways(browser: Browser, pages: Path, name: str) -> None:
    with quiet_page(browser, pages / f"{name}.html") as page:
        for width in (1280, 700, 400):
            schemes: Any = ("light", "dark") if width == 400 else ("light",)
            for scheme in schemes:
                page.emulate_media(color_scheme=scheme)
                assert_nothing_sticks_out(page, width)
