"""The conformance page in a real browser: filters with and without script, nothing cut off, print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from reports.conformance.__main__ import main
from tests.chromium import DEADLINE
from tests.reports import synthetic
from tests.reports.browsing import assert_nothing_sticks_out, quiet_page, shown

MANY = [f"server-with-a-long-name-{number}" for number in range(9)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`one.html` of one server, `many.html` of twelve."""
    folder = tmp_path_factory.mktemp("pages")
    files = []
    for arm in ("gevent", "threading", "node", *MANY):
        made: Any = synthetic.conformance_document(arm if arm not in MANY else "eventlet")
        made["target"] |= {"library": arm, "version": "1.2.3", "mode": None}
        files.append(folder / f"{arm}.json")
        files[-1].write_text(json.dumps(made))
    assert main([str(files[0]), "--html", str(folder / "one.html"), "--command", "x"]) == 0
    assert main([*map(str, files), "--html", str(folder / "many.html"), "--command", "x"]) == 0
    return folder


@pytest.fixture(params=["one", "many"])
def opened(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Page]:
    with quiet_page(browser, folder / f"{request.param}.html") as page:
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_does_not_scroll_sideways(opened: Page, scheme: Any) -> None:
    opened.emulate_media(color_scheme=scheme)
    for width in (1280, 700, 400):
        assert_nothing_sticks_out(opened, width)


def test_a_verdict_can_be_shown_alone(opened: Page) -> None:
    everything = shown(opened)
    opened.select_option("#verdict", "known-deviation")
    some = shown(opened)
    assert 0 < len(some) < len(everything)
    for row in some:
        assert "known-deviation" in (opened.locator(f"#{row}").get_attribute("data-verdicts") or "").split()
    opened.select_option("#verdict", "any")
    assert shown(opened) == everything


def test_an_area_can_be_shown_alone_and_filters_work_together(opened: Page) -> None:
    opened.select_option("#area", label="Engine.IO: heartbeat")
    some = shown(opened)
    assert some
    assert all(row.startswith("req-EIO-HB-") for row in some)
    opened.uncheck("#level-must")
    both = shown(opened)
    assert set(both) < set(some)


def test_what_differs_can_be_shown_alone_where_there_are_several(opened: Page) -> None:
    if not opened.locator("#only-differs").count():
        assert "one.html" in opened.url
        return
    opened.check("#only-differs")
    differing = shown(opened)
    assert differing
    assert all(opened.locator(f"#{row}").get_attribute("data-differs") is not None for row in differing)


def test_a_reason_leads_to_its_row(opened: Page) -> None:
    opened.get_by_text("What does not apply, and why").click()
    link = opened.locator("#coverage a").first
    target = (link.get_attribute("href") or "").removeprefix("#")
    link.click()
    opened.wait_for_function(f"document.getElementById('{target}').open")


def test_a_button_saves_the_result(opened: Page, tmp_path: Path) -> None:
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save gevent").click()
    download.value.save_as(tmp_path / "saved.json")
    assert json.loads((tmp_path / "saved.json").read_bytes())["kind"] == "conformance"


def test_without_script_rows_open_and_filters_work(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    page.goto((folder / "many.html").as_uri())
    before = page.locator(".req:visible").count()
    page.select_option("#area", label="Engine.IO: heartbeat")
    assert 0 < page.locator(".req:visible").count() < before
    row = page.locator(".req:visible").first
    row.locator("summary").first.click()
    assert row.locator(".opened").is_visible()
    context.close()


def test_print_leaves_out_what_paper_cannot_do(opened: Page) -> None:
    opened.emulate_media(media="print")
    assert not opened.locator(".filters").is_visible()
    assert not opened.locator("#data").is_visible()
    assert opened.locator(".req").first.is_visible()
