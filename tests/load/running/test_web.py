"""Locust's web page in a browser: its own figures and charts, our tabs, a second test, and our page."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.load.locusts import fetch, null_server, started, summary_when
from tests.reports.browsing import DEADLINE, assert_nothing_sticks_out
from tests.reports.conftest import browser  # noqa: F401 - a fixture
from tests.servers import held_port

ACK = ("SIO ack", "message-with-ack")
WORKERS_DEADLINE = 120.0


@pytest.mark.usefixtures("browser")
def test_the_page_shows_locusts_figures_and_ours_in_two_tests(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    port, web_port = str(held_port()), held_port()
    with (
        null_server() as server,
        started(
            *("--processes", "2", "--master-bind-host", "127.0.0.1"),
            *("--master-bind-port", port, "--master-port", port),
            *("--web-host", "127.0.0.1", "--web-port", str(web_port), "--host", server.url),
        ) as run,
    ):
        base = f"http://127.0.0.1:{web_port}"
        end = time.monotonic() + WORKERS_DEADLINE
        while json.loads(fetch(f"{base}/worker-count"))["worker_count"] < 2:
            assert time.monotonic() < end, run.stderr
            time.sleep(0.1)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(DEADLINE)
        expect.set_options(timeout=DEADLINE)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(base)
        start(page, users=4, button="Start")
        # A worker may have reported before the other has.
        summary_when(web_port, lambda summary: operations(summary) > 0 and len(summary["generators"]) == 2)
        # It tells nothing: its processes are seen.
        summary_when(web_port, lambda summary: summary["server_cpu_share"] is not None)

        page.get_by_role("tab", name="Socket.IO").click()
        expect(page.get_by_role("cell", name=re.compile("^(VALID|SUSPECT|INVALID)$"))).to_be_visible()
        expect(page.get_by_role("cell", name="Server CPU")).to_be_visible()
        shoot(page, "socketio")
        page.get_by_role("tab", name="Percentiles").click()
        expect(page.get_by_role("cell", name="message-with-ack")).to_be_visible()
        shoot(page, "latency")
        page.get_by_role("tab", name="Generators").click()
        expect(page.get_by_role("cell", name=re.compile("^worker [01] "))).to_have_count(2)
        shoot(page, "generators")
        page.get_by_role("tab", name="Charts").click()
        expect(page.locator("canvas").first).to_be_visible()
        shoot(page, "charts")
        page.get_by_role("button", name="Stop").click()
        done = summary_when(
            web_port, lambda summary: {each["state"] for each in summary["generators"]} == {"done"}
        )
        assert counts_of_page(base) == counts_of(done)

        # A second test begins from nothing.
        page.get_by_role("button", name="New").first.click()
        start(page, users=2, button="Start")
        summary_when(web_port, lambda summary: connects(summary) == 2 and operations(summary) > 0)
        page.get_by_role("button", name="Stop").click()
        done = summary_when(
            web_port, lambda summary: {each["state"] for each in summary["generators"]} == {"done"}
        )
        assert connects(done) == 2
        assert counts_of_page(base) == counts_of(done)

        own = context.new_page()
        own.on("pageerror", lambda error: complaints.append(str(error)))
        own.goto(f"{base}/sioprobe/")
        expect(own.get_by_role("cell", name="Verdict")).to_be_visible()
        shoot(own, "own")
        assert_nothing_sticks_out(own, 400)
        shoot(own, "own-400")
        page.set_viewport_size({"width": 400, "height": 900})
        page.goto(f"{base}/?tab=sioprobe")
        expect(page.get_by_role("cell", name="Verdict")).to_be_visible()
        shoot(page, "socketio-400")
        context.close()
        assert complaints == []
        assert "Traceback" not in run.stderr


def start(page: Page, *, users: int, button: str) -> None:
    """Fill in the form for a new test and send it."""
    page.get_by_label("Number of users").last.fill(str(users))
    page.get_by_label("Ramp up").last.fill(str(users))
    page.get_by_role("button", name=button, exact=True).last.click()


def shoot(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    folder = os.environ.get("SIOPROBE_PICTURES")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def counts_of(summary: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (series["type"], series["name"]): (series["count"], sum(series["errors"].values()))
        for series in summary["series"]
    }


def operations(summary: dict[str, Any]) -> int:
    return counts_of(summary).get(ACK, (0, 0))[0]


def connects(summary: dict[str, Any]) -> int:
    return counts_of(summary).get(("SIO connect", "websocket"), (0, 0))[0]


def counts_of_page(base: str) -> dict[tuple[str, str], tuple[int, int]]:
    """What Locust's page has, from the CSV file it offers, which it does not keep for two seconds."""
    import csv
    import io

    rows = csv.DictReader(io.StringIO(fetch(f"{base}/stats/requests/csv").decode()))
    return {
        (row["Type"], row["Name"]): (int(row["Request Count"]), int(row["Failure Count"]))
        for row in rows
        if row["Name"] != "Aggregated" and row["Request Count"] != "0"
    }
