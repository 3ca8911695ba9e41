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
    " space around\r\nand lines\tand <b>&amp;</b> ",
    "e\u0301, which is not \u00e9",
    "2026-01-31T12:00:00.000Z",
    "1",
    [],
    {},
    [[1, [2, [3]]], {"a": {"b": {"c": None}}}],
    {"": "empty key", "日本": "key in another script"},
]
