"""`python -m ci.proxies.browser_client URL WAY SECONDS`: one client in Chromium, and its console, as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

from playwright.sync_api import sync_playwright

VENDOR = Path(__file__).resolve().parents[2] / "server_under_test/reference/static/vendor"
NAMES = ("chromium", "chromium-browser", "google-chrome")
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}

VISIT = """async ([transports, seconds]) => {
  const socket = io({ transports });
  const errors = [];
  const came = new Promise((resolve) => {
    socket.on("connect_error", (error) => errors.push(error.message));
    socket.on("disconnect", (reason) => errors.push(reason));
    socket.on("connect", () => {
      const ask = () => socket.emit("message-with-ack", 1, () => setTimeout(resolve, 500, true));
      if (transports.length === 1 || socket.io.engine.transport.name === "websocket") ask();
      else socket.io.engine.once("upgrade", ask);
    });
  });
  const enough = new Promise((resolve) => setTimeout(resolve, seconds * 1000, false));
  return [await Promise.race([came, enough]), errors];
}"""


def main(url: str, way: str, seconds: str) -> None:
    """Open a page of the same origin, so that the browser sends the cookies of the proxy."""
    said: list[str] = []
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, NAMES)), None)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(ignore_https_errors=True)
        # What the page says does not matter, if there is one.
        page.goto(f"{url}/page")
        page.on("console", lambda message: said.append(message.text))
        page.add_script_tag(path=VENDOR / "socket.io.min.js")
        served, errors = page.evaluate(VISIT, [TRANSPORTS[way], float(seconds)])
        browser.close()
    print(json.dumps({"in": int(served), "errors": Counter([*errors, *said])}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
