"""Which valid name somebody meant; shared by everything in this folder that refuses a name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest"]


def nearest(wrong: object, valid: Iterable[str]) -> str | None:
    """The valid name nearest to `wrong`, None where none is near."""
    return next(iter(get_close_matches(str(wrong), list(valid), n=1)), None)
