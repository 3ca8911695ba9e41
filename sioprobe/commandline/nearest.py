"""A name that is not valid: the end of the line that refuses it, with the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest", "plain", "unknown"]

MOST_LISTED = 16
"""Nobody reads a line with more names than these."""


def plain(name: str) -> str:
    """A name without case and separators: `flasksocketio` for `Flask-SocketIO` and `flask_socketio`."""
    return re.sub(r"[\W_]+", "", name).casefold()


def nearest(wrong: object, valid: Iterable[str]) -> str:
    """` (the nearest is 'x'; valid are x, y, z)`, without a part that does not exist."""
    names = list(valid)
    near = get_close_matches(str(wrong), names, n=1)
    parts = [f"the nearest is {near[0]!r}"] if near else []
    parts += [f"valid are {', '.join(names)}"] if len(names) <= MOST_LISTED else []
    return f" ({'; '.join(parts)})" if parts else ""


def unknown(kind: str, wrong: object, valid: Iterable[str]) -> str:
    """`unknown transport 'websockt' (the nearest is 'websocket'; valid are polling, websocket)`."""
    return f"unknown {kind} {wrong!r}{nearest(wrong, valid)}"
