"""The documentation site in a browser: it asks no other host, nothing sticks out, and the search finds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import DEADLINE

WIDEST = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address at which the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page in which every request to another host, and every complaint of the browser, is a failure."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("request", lambda request: complaints.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [text for text in complaints if not text.startswith((f"{address}/", "blob:", "data:"))] == []
    context.close()


def test_no_page_is_wider_than_a_telephone(page: Page, site: Path, address: str) -> None:
    pages = [path.relative_to(site) for path in sorted(site.rglob("*.html"))]
    assert len(pages) > 20
    page.set_viewport_size({"width": 400, "height": 900})
    wide = []
    for path in pages:
        page.goto(f"{address}/{path}", wait_until="domcontentloaded")
        if page.evaluate(WIDEST) > 0:
            wide.append(str(path))
    assert wide == []


def test_the_search_finds_a_page(page: Page, address: str) -> None:
    page.goto(f"{address}/index.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("Nagle")

    first = page.locator(".md-search-result__link").first
    first.wait_for()
    assert "tune.html" in (first.get_attribute("href") or "")
