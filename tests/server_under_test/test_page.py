"""The page at `/` in a real browser; it needs nothing from elsewhere."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from server_under_test import reference
from tests.server_under_test.conftest import not_here
from tests.servers import Server, start_server

# Chromium as Debian's package, Google's package, and others name it.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE = 120_000  # milliseconds; a busy machine takes its time

VENDOR = Path(str(reference.__file__)).parent / "static" / "vendor"


def find_browser() -> str | None:
    """The path of a Chromium on PATH; None leaves it to Playwright's own."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(
                executable_path=find_browser(), args=ARGUMENTS, timeout=DEADLINE
            )
        except Error as error:
            not_here(f"needs Chromium on PATH, or `playwright install chromium`: {error.message}")
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a server; no request of it may fail or leave the server."""
    context = browser.new_context()
    context.set_default_timeout(DEADLINE)
    trouble: list[str] = []
    allowed: set[str] = set()
    context.on(
        "request",
        lambda request: (
            None if any(map(request.url.startswith, allowed)) else trouble.append(f"left for {request.url}")
        ),
    )
    context.on(
        "response",
        lambda response: (
            trouble.append(f"{response.status} {response.url}") if response.status >= 400 else None
        ),
    )
    context.on("weberror", lambda error: trouble.append(str(error.error)))

    def open_one(url: str, query: str = "") -> Page:
        allowed.add(url)
        page = context.new_page()
        page.goto(url + "/" + query)
        page.wait_for_selector("#state[data-state=connected]")
        return page

    yield open_one
    context.close()
    assert trouble == []


def say(page: Page, form: str, **values: str) -> None:
    """Fill in a form and send it with its first button."""
    for name, value in values.items():
        page.fill(f"#{form} [name={name}]", value)
    page.click(f"#{form} button >> nth=0")


def expect_line(page: Page, text: str) -> None:
    page.wait_for_function("text => document.getElementById('log').innerText.includes(text)", arg=text)


def text(page: Page, identifier: str) -> str:
    content: str = page.inner_text("#" + identifier)
    return content


def expect_text(page: Page, identifier: str, content: str) -> None:
    page.wait_for_function(
        "([id, text]) => document.getElementById(id).innerText === text", arg=[identifier, content]
    )


@pytest.mark.parametrize("mode", ["threading", "eventlet", "gevent"])
def test_a_person_echoes_upgrades_and_broadcasts_between_two_pages(
    mode: str, running: Callable[[str], Server], open_page: Callable[..., Page]
) -> None:
    server = running(mode)
    one, other = open_page(server.url), open_page(server.url)
    assert text(one, "async-mode") == server.about["async_mode"]

    expect_text(one, "transport", "websocket")
    assert text(one, "transport-history") == "polling → websocket"

    say(one, "echo", data="hello there")
    expect_line(one, "hello there")

    say(one, "broadcast", data="news for all")
    expect_line(one, "news for all")
    expect_line(other, "news for all")
    assert "hello there" not in text(other, "log")


def test_a_person_joins_a_room_sends_to_it_and_leaves(
    threading_server: Server, open_page: Callable[..., Page]
) -> None:
    one, other = open_page(threading_server.url), open_page(threading_server.url)
    say(one, "room", room="lobby")
    expect_text(one, "rooms", "lobby")
    say(other, "room-message", room="lobby", data="hello lobby")
    expect_line(one, "hello lobby")

    one.click("#room button[value=leave]")
    expect_text(one, "rooms", "")
    say(other, "room-message", room="lobby", data="anybody there?")
    say(other, "broadcast", data="that was all")
    expect_line(one, "that was all")
    assert "anybody there?" not in text(one, "log")
    assert "hello lobby" not in text(other, "log")


def test_a_closed_room_is_no_longer_shown(threading_server: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(threading_server.url)
    say(page, "room", room="lobby")
    expect_text(page, "rooms", "lobby")
    page.click("#room button[value=close_room]")
    expect_line(page, "Room lobby is closing")
    expect_text(page, "rooms", "")


def test_a_person_chooses_the_transport(threading_server: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(threading_server.url, "?transports=polling")
    assert text(page, "transport") == "polling"
    page.select_option("#choice", "websocket")
    expect_text(page, "transport", "websocket")
    assert text(page, "transport-history") == ""


def test_a_person_disconnects_and_connects_again(
    threading_server: Server, open_page: Callable[..., Page]
) -> None:
    page = open_page(threading_server.url)
    page.click("#disconnect")
    expect_line(page, "io server disconnect")
    expect_text(page, "state", "disconnected")
    assert text(page, "transport") == "none"
    page.click("#connect")
    expect_text(page, "state", "connected")


def test_the_page_follows_a_server_that_offers_polling_only(open_page: Callable[..., Page]) -> None:
    with start_server("threading", transports=["polling"]) as server:
        page = open_page(server.url)
        assert text(page, "transport") == "polling"
        say(page, "echo", data="hello there")
        expect_line(page, "hello there")
        assert page.is_disabled("#choice option[value=websocket]")
        page.close()


def test_the_round_trip_is_shown(threading_server: Server, open_page: Callable[..., Page]) -> None:
    page = open_page(threading_server.url)
    page.wait_for_function("Number(document.getElementById('round-trip').innerText) > 0")


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(
    width: int, threading_server: Server, open_page: Callable[..., Page]
) -> None:
    page = open_page(threading_server.url)
    page.set_viewport_size({"width": width, "height": 900})
    say(page, "broadcast", data="x" * 400)
    expect_line(page, "xxxx")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(
        "document.getElementById('log').scrollWidth <= document.getElementById('log').clientWidth"
    )


def test_the_official_client_is_served_with_its_licence() -> None:
    script = (VENDOR / "socket.io.min.js").read_text()
    assert script.startswith("/*!\n * Socket.IO v4.8.4\n")
    assert "Released under the MIT License" in script[:200]
    assert "sourceMappingURL" not in script
    assert "MIT License" in (VENDOR / "socket.io-client.LICENSE").read_text()


def test_there_is_a_favicon(threading_server: Server) -> None:
    with urllib.request.urlopen(threading_server.url + "/favicon.ico", timeout=15) as answer:
        kind: Any = answer.headers["Content-Type"]
        assert kind.startswith("image/svg+xml")
