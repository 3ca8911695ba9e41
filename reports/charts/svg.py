"""A matplotlib figure as an inline SVG: equal figures give equal bytes, and CSS variables give the colours.

Figures use the marker colours below. Each stands for a variable of `report.css`, so a dark theme can change
it. Text stays text, in the font of the page.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#f00001"
MUTED = "#f00002"
RULE = "#f00003"
PAPER = "#f00004"
ARM_COLOURS = tuple(f"#f0001{n}" for n in range(8))
"""One for each colour of Okabe and Ito's palette. `report.css` gives each a light and a dark shade."""

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    **{colour: f"var(--arm-{n})" for n, colour in enumerate(ARM_COLOURS)},
}

RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sioprobe",
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.color": RULE,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}
"""The matplotlib settings of every figure."""


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The `<svg>` element of `figure` for an HTML page. Every id in it begins with `name`."""
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]+|(font: (?:[\w.]+ )*?[\d.]+px) [^;\"]+", _page_font, svg)
    svg = re.sub(r"#f000[01]\w", lambda match: _VARIABLES[match[0]], svg)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    opening = (
        f'<svg viewBox="0 0 {width} {height}" style="max-width: {float(width):g}px" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1).strip()


def _page_font(match: re.Match[str]) -> str:
    return f"{match[1]} var(--sans)" if match[1] else "font-family: var(--sans)"
