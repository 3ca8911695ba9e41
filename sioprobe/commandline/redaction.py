"""Cut secrets out of a text: a server may repeat them in its refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["redacted", "redacted_data", "secrets_in"]

SHORTEST = 4
"""Shorter values stay: any text may hold them by chance."""

INSTEAD = "***"


def secrets_in(*data: Any) -> tuple[str, ...]:
    """The values in this data that must not be printed, the longest first.

    Each value is there whole and word by word: a server may repeat the token of `Bearer TOKEN` alone. Each
    is also there as a URL writes it, with percent signs, and as JSON writes it, with backslashes.
    """
    found: set[str] = set()
    for value in _values(data):
        for text in (value, *value.split()):
            found.update((text, quote(text), quote_plus(text), json.dumps(text)[1:-1]))
    return tuple(sorted((text for text in found if len(text) >= SHORTEST), key=len, reverse=True))


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text with `***` in the place of each secret. `secrets` begins with the longest."""
    for secret in secrets:
        text = text.replace(secret, INSTEAD)
    return text


def redacted_data(data: Any, secrets: Sequence[str]) -> Any:
    """A copy of JSON-like data in which each text is `redacted`. Keys and numbers stay."""
    if isinstance(data, str):
        return redacted(data, secrets)
    if isinstance(data, Mapping):
        return {key: redacted_data(value, secrets) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [redacted_data(value, secrets) for value in data]
    return data


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
