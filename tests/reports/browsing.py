"""What tests of a page in a browser share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.chromium import DEADLINE


@contextmanager
def quiet_page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page at 1280 px; fails when the browser complained or asked for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = file.as_uri()
    page.goto(address)
    yield page
    assert complaints == []
    assert [url for url in requests if url.partition("#")[0] != address and not url.startswith("blob:")] == []
    context.close()


def barriers(page: Page) -> list[str]:
    """What axe calls serious or critical, with everything opened that can be opened."""
    page.evaluate("document.querySelectorAll('details').forEach(row => { row.open = true; })")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {len(one['nodes'])} times, as in {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def shown(page: Page) -> list[str]:
    """The ids of the requirements that are visible."""
    return page.eval_on_selector_all(".req", "rows => rows.filter(r => r.checkVisibility()).map(r => r.id)")  # type: ignore[no-any-return]


def assert_nothing_sticks_out(page: Page, width: int) -> None:
    """With everything opened the page does not scroll sideways at this width, and nothing is cut off."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(row => { row.open = true; })")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider == 0
    # Nothing is cut off either: what is wider than the page lies in a box that scrolls by itself.
    outside = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(element => {
             const box = element.getBoundingClientRect();
             return box.width && box.right > innerWidth + 1 && !element.closest('.scroll, svg');
           }).map(element => element.outerHTML.slice(0, 80))"""
    )
    assert outside == []
