"""Numbers, names and durations as people read them."""

from __future__ import annotations

import datetime
import math
import unicodedata
from collections.abc import Sequence

NARROW_SPACE = "\u202f"

LONGEST_TEXT = 1500
"""A page shows at most so many characters of one text of a result, such as a raw packet."""

TRANSPORTS = {"polling": "Polling", "websocket": "WebSocket", "upgrade": "Upgraded"}
TRANSPORT_ORDER = tuple(TRANSPORTS)
"""Every page shows the transports in this order."""
TRANSPORT_WORDS = {"polling": "polling", "websocket": "WebSocket", "upgrade": "upgraded connections"}
"""Behind "over" in a sentence."""


def number(value: float | None, digits: int = 3) -> str:
    """`value` to `digits` significant digits, thousands apart: 12400 is "12 400" with a narrow space.

    A whole number has no decimals: 50 is "50", and 50.0 is "50.0".
    """
    if value is None:
        return "–"
    if value == 0:
        return "0"
    # Rounded first: 99.95 becomes 100, which needs one decimal less.
    rounded = float(f"{value:.{digits}g}")
    decimals = 0 if type(value) is int else digits - 1 - math.floor(math.log10(abs(rounded)))
    text = f"{rounded:,.{max(decimals, 0)}f}"
    return text.replace(",", NARROW_SPACE).replace("-", "\u2212")


def tick(value: float) -> str:
    """`value` on an axis, without needless decimals."""
    return f"{value:,.6g}".replace(",", NARROW_SPACE)


def interval(low: float | None, high: float | None) -> str:
    """`low` to `high`, or a dash when one is missing."""
    if low is None or high is None:
        return "–"
    first, second = number(low), number(high)
    return first if first == second else f"{first}–{second}"


def percent(share: float | None) -> str:
    """`share` in percent, where 1 is the whole."""
    return "–" if share is None else f"{share * 100:.0f}{NARROW_SPACE}%"


def signed_percent(share: float | None, digits: int = 1) -> str:
    """`+4.6 %`; a dash where there is none."""
    # Without the sum, -0.001 would read "-0 %".
    return "–" if share is None else f"{round(share * 100, digits) + 0.0:+.{digits}f} %"


def change(estimate: float | None, low: float | None, high: float | None) -> str:
    """`+4.6 % [+3.1, +6.1]`, without the bounds where there are none."""
    if estimate is None or low is None or high is None:
        return signed_percent(estimate)
    return f"{signed_percent(estimate)} [{low * 100:+.1f}, {high * 100:+.1f}]"


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """ "1 block", "3 blocks"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text`, cut when it would fill the page."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({counted(len(text) - longest, 'more character')})"


def moment(iso: str | None) -> str:
    """`2026-10-19 08:30 UTC` for an ISO time. Another text stays as it is."""
    if iso is None:
        return "unknown"
    try:
        when = datetime.datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = ""
    if when.tzinfo is not None:
        when, zone = when.astimezone(datetime.UTC), " UTC"
    return when.strftime("%Y-%m-%d %H:%M") + zone


def duration(start: str | None, end: str | None) -> str | None:
    """`3 min 41 s` between two ISO times; None when one is missing or unreadable."""
    if start is None or end is None:
        return None
    try:
        delta = datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(start)
    except (ValueError, TypeError):
        return None
    minutes, seconds = divmod(round(delta.total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def slug(text: str) -> str:
    """`text` as part of an id or of a selector: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)


def printable(text: str, keep: str = "") -> str:
    """`text` with invisible characters written out (`\\x1e`, `\\u202e`), except those in `keep`."""
    return "".join(c if c in keep or not _hidden(c) else repr(c)[1:-1] for c in text)


def _hidden(character: str) -> bool:
    """Whether this is a control, format, surrogate or unassigned character, or a line separator."""
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")
