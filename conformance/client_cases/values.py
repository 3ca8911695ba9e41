"""Values that JSON can hold, and that programs get wrong."""

from __future__ import annotations

from typing import Any

__all__ = ["VALUES"]

VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**53 - 1,
    "",
    "nul \x00, line separator \u2028, é, 日本, 😀",
    'quote " and backslash \\',
    [],
    {},
    [[1, [2, [3]]], {"a": {"b": {"c": None}}}],
    {"": "empty key", "日本": "key in another script"},
]
