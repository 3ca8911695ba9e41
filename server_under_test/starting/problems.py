"""Bad input: one line that names the thing and the nearest valid value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Problem(Exception):
    """A mistake in the input, or something that the machine lacks. It ends the program with code 2."""


def unknown(kind: str, name: str, valid: Iterable[str], likeness: float = 0.4) -> Problem:
    """`unknown mode 'gevnet', did you mean 'gevent'? (one of: ...)`. What is less alike is not meant."""
    names = list(valid)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=likeness)
    hint = f", did you mean {near[0]!r}?" if near else ""
    return Problem(f"unknown {kind} {name!r}{hint} (one of: {', '.join(names)})")
