"""What every page shares: the environment of the templates, harmless text, and files inside a page."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from reports.writing import wording

HERE = Path(__file__).resolve().parent

LARGEST_PAGE = 2_900_000
"""A page leaves out files before it has more bytes."""


@dataclass(frozen=True, slots=True)
class Download:
    """A raw file inside the page: gzip, then base64."""

    name: str
    bytes: int
    data: str


def embedded(content: bytes) -> str:
    """gzip, then base64; equal contents give equal texts."""
    # Without mtime=0 the page would differ each second.
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def page_of(template: str, raw: Mapping[str, bytes], context: Mapping[str, Any]) -> str:
    """A page that fetches nothing, with as many of the files in `raw` as it has room for."""
    page = environment().get_template(template)
    values = {"matrix": {"areas": [], "verdicts": []}, **context}
    room = LARGEST_PAGE - len(page.render(**values, downloads=[], left_out=[]).encode())
    downloads, left_out = [], []
    for name, content in raw.items():
        data = embedded(content)
        if len(data) > room:
            left_out.append(name)
            continue
        room -= len(data)
        downloads.append(Download(name, len(content), data))
    return page.render(**values, downloads=downloads, left_out=left_out)


def harmless(value: object) -> object:
    """The text of a result without control and direction characters. The page itself escapes markup."""
    return wording.printable(value, keep="\n") if type(value) is str else value


def harmless_in_markdown(value: object) -> object:
    """The same without markup, which Markdown would pass on."""
    return wording.printable(value).replace("<", "&lt;") if type(value) is str else value


def environment(finalize: Callable[[object], object] = harmless) -> jinja2.Environment:
    """The environment in which templates are rendered; each value passes through `finalize`."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        # Everything but the Markdown, macros included.
        autoescape=lambda name: not (name or "").endswith(".md.jinja"),
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=wording.number,
        printable=wording.printable,
        counted=wording.counted,
        cell_text=_markdown_cell,
        code_spans=_code_spans,
        slug=wording.slug,
        shortened=wording.shortened,
    )
    made.globals["static"] = lambda name: Markup((HERE / "static" / name).read_text("utf-8"))
    made.globals["svg"] = Markup
    made.globals["embedded_json"] = lambda value: embedded(json.dumps(value, ensure_ascii=False).encode())
    return made


def _code_spans(text: str) -> Markup:
    """`text` as HTML, with code between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    wrap = Markup("<code>{}</code>")
    return Markup("").join(wrap.format(part) if n % 2 else escape(part) for n, part in enumerate(parts))


def _markdown_cell(text: str) -> str:
    """`text` for one cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
