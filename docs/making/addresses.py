"""What a built site would fetch from other hosts: nothing should be found.

A link that a reader follows is no fetch. What a script builds at run time is not seen here;
`tests/docs/test_site_in_a_browser.py` looks at the requests of a browser.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["fetched"]

STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?((?:https?:)?//[^"')\s]+)""")
FETCHING = {
    "src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href", "manifest", "ping",
}  # fmt: skip
"""Attributes whose address a browser asks for by itself, or sends to."""


def fetched(site: Path) -> list[str]:
    """`file: address` for each address of another host that a page or a style sheet fetches."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            parser = _Addresses()
            parser.feed(path.read_text("utf-8"))
            found += [f"{path.relative_to(site)}: {address}" for address in parser.found]
        elif path.suffix == ".css":
            found += [f"{path.relative_to(site)}: {each}" for each in STYLE.findall(path.read_text("utf-8"))]
    return found


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in FETCHING or (name == "href" and tag not in ("a", "area")):
                self.found += re.findall(r"(?:^|[\s,])((?:https?:)?//\S+)", value or "")
            elif name == "style":
                self.found += STYLE.findall(value or "")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.found += STYLE.findall(data)
