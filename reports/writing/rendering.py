"""What every page shares: the environment of the templates, harmless text, and files inside a page."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from reports.writing import wording

HERE = Path(__file__).resolve().parent

LARGEST_EMBEDDED = 1_500_000
"""A page carries at most so many bytes of base64, and stays below 3 MB."""


@dataclass(frozen=True, slots=True)
class Download:
    """A raw file inside the page: gzip, then base64."""

    name: str
    bytes: int
    data: str


def downloads_of(raw: Mapping[str, bytes]) -> tuple[list[Download], list[str]]:
    """The files for the page, and the names of those for which it has no room."""
    downloads, left_out, total = [], [], 0
    for name, content in raw.items():
        # Without mtime=0 the page would differ each second.
        data = base64.b64encode(gzip.compress(content, mtime=0)).decode()
        if total + len(data) > LARGEST_EMBEDDED:
            left_out.append(name)
            continue
        total += len(data)
        downloads.append(Download(name, len(content), data))
    return downloads, left_out


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
        shortened=_shortened,
    )
    made.globals["static"] = lambda name: Markup((HERE / "static" / name).read_text("utf-8"))
    made.globals["svg"] = Markup
    return made


def _shortened(text: str, longest: int = wording.LONGEST_TEXT) -> str:
    """`text`, cut when it would fill the page."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({wording.counted(len(text) - longest, 'more character')})"


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
