"""The page in a real browser: no sideways scroll, filters, downloads, no request, no complaint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import DEADLINE
from tests.reports.browsing import assert_nothing_sticks_out, barriers, quiet_page, shown


@pytest.fixture
def opened(browser: Browser, report_folder: Path) -> Iterator[Page]:
    """The page at 1280 px; the test fails when the browser complained or asked for anything."""
    with quiet_page(browser, report_folder / "report.html") as page:
        yield page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1024, 700, 400])
def test_the_page_does_not_scroll_sideways(opened: Page, width: int, scheme: Any) -> None:
    opened.emulate_media(color_scheme=scheme)
    assert_nothing_sticks_out(opened, width)


@pytest.fixture
def full(browser: Browser, full_folder: Path) -> Iterator[Page]:
    """The page of a full comparison."""
    with quiet_page(browser, full_folder / "report.html") as page:
        yield page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 400)])
def test_a_full_page_keeps_nobody_from_reading(full: Page, scheme: Any, width: int) -> None:
    full.emulate_media(color_scheme=scheme)
    assert_nothing_sticks_out(full, width)
    assert barriers(full) == []


def test_axe_notices_a_text_that_is_too_pale(full: Page) -> None:
    full.evaluate("document.querySelector('main p').style.color = '#ddd'")
    [found] = barriers(full)
    assert found.startswith("color-contrast: ")


def test_the_answers_stand_on_the_first_screen(full: Page) -> None:
    for user in ("connections", "messages", "rooms"):
        box = full.locator(f"article[aria-labelledby=answer-{user}] .said").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900


def test_the_summary_needs_no_scrolling_at_1280(opened: Page) -> None:
    assert opened.evaluate(
        "(box => box.scrollWidth <= box.clientWidth)(document.querySelector('#summary .scroll'))"
    )


def test_text_stands_out_from_its_background_in_both_themes(opened: Page) -> None:
    """Ink and muted text on paper and panel reach the contrast of 4.5 : 1 for text."""
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        colours = opened.evaluate(
            """() => { const style = getComputedStyle(document.documentElement);
              return Object.fromEntries('ink muted link good bad warn note paper panel'.split(' ')
                .map(name => [name, style.getPropertyValue('--' + name).trim()])); }"""
        )
        for text in ("ink", "muted", "link", "good", "bad", "warn", "note"):
            for ground in ("paper", "panel"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (scheme, text, ground)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two #rrggbb colours, as the Web Content Accessibility Guidelines define it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_what_differs_can_be_shown_alone(opened: Page) -> None:
    everything = shown(opened)
    opened.check("#only-differs")
    differing = shown(opened)
    assert 0 < len(differing) < len(everything)
    assert all(opened.locator(f"#{row}").get_attribute("data-differs") is not None for row in differing)
    count = opened.evaluate("getComputedStyle(document.querySelector('.shown'), '::before').content")
    assert count.startswith("counter(shown")
    assert not opened.locator(".area").first.is_visible()
    opened.uncheck("#only-differs")
    assert shown(opened) == everything
    assert opened.locator(".area").first.is_visible()


def test_a_level_can_be_hidden(opened: Page) -> None:
    everything = shown(opened)
    opened.uncheck("#level-must")
    left = shown(opened)
    assert 0 < len(left) < len(everything)
    levels = {opened.locator(f"#{row}").get_attribute("data-level") for row in left}
    assert levels == {"should", "may", "reference", "gap"}


def test_filters_work_together(opened: Page) -> None:
    opened.check("#only-marked")
    marked = set(shown(opened))
    opened.check("#only-differs")
    both = set(shown(opened))
    opened.uncheck("#only-marked")
    assert both == marked & set(shown(opened))
    assert both < marked


def test_a_row_opens_with_expected_actual_and_transcript(opened: Page) -> None:
    row = opened.locator("#req-EIO-HB-17")
    row.locator("summary").first.click()
    assert row.get_by_text("still open after 2.0 s; answers a fresh event").is_visible()
    row.get_by_text("Transcript of eventlet").click()
    row.get_by_text("GET handshake").first.wait_for()
    assert row.locator(".wire tr").count() == 6
    # Text that looks like markup is text.
    assert row.locator("code", has_text="<script>alert(1)</script>").count() == 1


def test_an_address_opens_its_row(opened: Page) -> None:
    opened.evaluate("location.hash = '#req-EIO-HB-17'")
    opened.wait_for_function("document.getElementById('req-EIO-HB-17').open")


def test_a_button_saves_its_file(opened: Page, report_folder: Path, tmp_path: Path) -> None:
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save results.json").click()
    download.value.save_as(tmp_path / "saved.json")
    assert download.value.suggested_filename == "results.json"
    assert json.loads((tmp_path / "saved.json").read_bytes()) == json.loads(
        (report_folder / "results.json").read_bytes()
    )


def test_without_script_filters_work_and_buttons_are_gone(browser: Browser, report_folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(DEADLINE)
    page = context.new_page()
    page.goto((report_folder / "report.html").as_uri())
    before = page.locator(".req:visible").count()
    page.check("#only-differs")
    assert 0 < page.locator(".req:visible").count() < before
    assert page.locator("button:visible").count() == 0
    assert page.locator("noscript p").is_visible()
    row = page.locator("#req-EIO-HB-17")
    row.locator("summary").first.click()
    row.get_by_text("Transcript of eventlet").click()
    assert row.get_by_text("Transcripts need script. The raw data has them too.").first.is_visible()
    context.close()
