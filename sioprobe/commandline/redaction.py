"""Secrets out of what is printed: a server may repeat in its refusal what it was shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["redacted", "secrets_of"]

SHORTEST = 4
"""Shorter values are left in place: they stand in any text by chance."""

INSTEAD = "***"


def secrets_of(target_options: Mapping[str, Any], auth: Any) -> list[str]:
    """What must not be printed: the auth payload's values, and those of headers, cookies and query."""
    found = set(_values(auth))
    for name in ("headers", "cookies", "query"):
        for value in _values(target_options.get(name)):
            # The token of `Authorization: Bearer TOKEN` may be repeated alone.
            found.update((value, *value.split()))
    return sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True)


def redacted(text: str, secrets: list[str]) -> str:
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
