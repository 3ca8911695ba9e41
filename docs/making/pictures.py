"""`python -m docs.making.pictures [NAME ...]`: take the pictures of the documentation again, light and dark.

The pictures show the pages of `make compare`, `make matrix`, `make clients` and
`sioprobe compare --profile full --out reports/out/full`: run these first, on a quiet machine.
"""

from __future__ import annotations

import functools
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1180
SECTIONS = ("capacity", "latency", "fanout", "connections", "life", "payload", "processes")
PARTS = ("choices", *(f"section-{name}" for name in SECTIONS))
"""What is shown of a full comparison, by the ids in its page."""
COLOURS = 128
"""Of a picture: text on plain ground needs no more, and the file is a third."""


def main() -> int:
    """The exit code."""
    full = ROOT / "reports/out/full/report.html"
    pages: dict[str, tuple[Path, Callable[[Page], bytes]]] = {
        "report": (ROOT / "reports/out/report.html", _top),
        "matrix": (ROOT / "reports/out/matrix.html", _first_table),
        "clients": (ROOT / "reports/out/clients.html", _first_table),
        "full-first": (full, _top),
        **{f"full-{part}": (full, functools.partial(_part, f"#{part}")) for part in PARTS},
    }
    chosen = sys.argv[1:] or list(pages)
    unknown = [name for name in chosen if name not in pages]
    if unknown:
        print(f"error: no picture {unknown[0]!r}; there are {', '.join(pages)}", file=sys.stderr)
        return 2
    pages = {name: pages[name] for name in chosen}
    lacking = {str(file.relative_to(ROOT)): None for file, _ in pages.values() if not file.is_file()}
    if lacking:
        print(
            f"error: no {' and no '.join(lacking)}: the first lines of this file say how to get it",
            file=sys.stderr,
        )
        return 2
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, (file, shot) in pages.items():
            for scheme, suffix in (("light", ""), ("dark", "-dark")):
                page = browser.new_page(color_scheme=scheme, viewport={"width": WIDTH, "height": 1000})  # type: ignore[arg-type]
                page.goto(file.as_uri())
                picture = Image.open(io.BytesIO(shot(page))).convert("RGB")
                few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
                few.save(PICTURES / f"{name}{suffix}.png", optimize=True)
                page.close()
        browser.close()
    return 0


def _top(page: Page) -> bytes:
    return page.screenshot()


def _part(selector: str, page: Page) -> bytes:
    """A part of the page as it stands; what must be opened stays closed."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = false)")
    return page.locator(selector).screenshot()


def _first_table(page: Page) -> bytes:
    heading, table = page.locator("h2").first.bounding_box(), page.locator("table").first.bounding_box()
    assert heading is not None
    assert table is not None
    top, bottom = heading["y"] - 14, table["y"] + table["height"] + 2
    return page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top})


if __name__ == "__main__":
    sys.exit(main())
