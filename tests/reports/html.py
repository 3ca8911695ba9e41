"""A small reading of a page with the standard library: its ids, addresses, and text."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br", "link", "input", "img", "hr", "path", "use", "rect", "circle", "line", "polyline"}


@dataclass(slots=True)
class Element:
    """An element of a page with what it holds."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All its text, with single spaces; a narrow space stays."""
        return re.sub(r"[ \t\n]+", " ", "".join(self.texts())).strip()

    def texts(self) -> Iterator[str]:
        for child in self.children:
            yield from [child] if isinstance(child, str) else child.texts()

    def all(self) -> Iterator[Element]:
        """It and every element in it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.all()


class Tree(HTMLParser):
    """A page as a tree; `root` holds everything."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.root = self._open = Element("", {})
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attributes}, self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open.parent is not None:
            self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


class Page(HTMLParser):
    """What tests ask of a page. `text` leaves out script and style."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.references: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.mismatched: list[str] = []
        self._text: list[str] = []
        self._hidden = 0
        self.feed(source)
        self.close()
        self.text = "".join(self._text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.elements.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        for name in (
            "href",
            "src",
            "action",
            "data",
            "poster",
            "srcset",
            "xlink:href",
            "formaction",
            "background",
        ):
            if name in values:
                self.addresses.append(values[name])
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.references.extend(values.get(name, "").split())
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "style"):
            self._hidden += 1

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.mismatched.append(tag)
        if tag in ("script", "style"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)


def transcripts(page: str) -> Any:
    """What the page shows when a reader opens a transcript."""
    [packed] = [a["data-gzip"] for tag, a in Page(page).elements if a.get("id") == "transcripts"]
    return json.loads(gzip.decompress(base64.b64decode(packed)))
