"""Secrets out of what is printed: a server may repeat in its refusal what it was shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["redacted", "secrets_in"]

SHORTEST = 4
"""Shorter values are left in place: they stand in any text by chance."""

INSTEAD = "***"


def secrets_in(*data: Any) -> tuple[str, ...]:
    """The values in JSON-like data that must not be printed, in every form that they may take; longest first.

    A header's value counts whole and word by word: the token of `Authorization: Bearer TOKEN` may be
    repeated alone. A query's value is written with percent signs, and a text inside JSON with backslashes.
    """
    found: set[str] = set()
    for value in _values(data):
        for text in (value, *value.split()):
            found.update((text, quote(text), quote_plus(text), json.dumps(text)[1:-1]))
    return tuple(sorted((text for text in found if len(text) >= SHORTEST), key=len, reverse=True))


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text with each of the secrets, longest first, cut out."""
    for secret in secrets:
        text = text.replace(secret, INSTEAD)
    return text


def _values(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for value in data.values():
            yield from _values(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from _values(value)
    elif isinstance(data, str):
        yield data
    elif isinstance(data, (int, float)) and not isinstance(data, bool):
        yield str(data)
