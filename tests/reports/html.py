"""A small reading of a page with the standard library: its ids, addresses, and text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "link", "input", "img", "hr", "path", "use", "rect", "circle", "line", "polyline"}


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
