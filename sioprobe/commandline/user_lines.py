"""`--auth @FILE.jsonl`, and the same for headers, cookies and the query: line by line, what one user shows.

Each line is a JSON object: the auth payload, or names and values of headers and so on. They are secrets: no
message of these functions holds any part of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sioprobe.commandline.auth_payload import AuthError, parse_auth, read_text
from sioprobe.wire import LocalProtocolError
from sioprobe.wire.request_headers import sort_headers

__all__ = ["is_of_users", "read_user_lines", "together"]

SUFFIX = ".jsonl"
Line = dict[str, Any]


def is_of_users(given: str) -> bool:
    """Whether this value of an option is a file with a line for each user."""
    return given.startswith("@") and given.endswith(SUFFIX)


def read_user_lines(given: str, key: str, folder: Path | None = None) -> list[Line]:
    """The lines of `@FILE.jsonl`, each as `{key: its object}`; empty lines count for nothing.

    A relative name begins in `folder`. Raises AuthError, which names the line.
    """
    lines = []
    for number, text in enumerate(read_text(given, folder).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            value = parse_auth(text)
            if key != "auth":
                _check_pairs(value, key)
        except AuthError as error:
            raise AuthError(f"{given} line {number} {error}") from None
        lines.append({key: value})
    if not lines:
        raise AuthError(f"{given} is empty: it holds a JSON object a line, each for one user")
    return lines


def together(files: Sequence[tuple[str, list[Line]]]) -> tuple[str, list[Line]]:
    """The lines of several files side by side, and the name of the file that has the fewest."""
    name, _ = min(files, key=lambda each: len(each[1]))
    merged: list[Line] = []
    for parts in zip(*(lines for _, lines in files), strict=False):
        line: Line = {}
        for part in parts:
            for key, value in part.items():
                line[key] = {**line.get(key, {}), **value}
        merged.append(line)
    return name, merged


def _check_pairs(value: Line, key: str) -> None:
    for name, text in value.items():
        if not isinstance(text, str):
            raise AuthError(f"has no text as the value of {name!r}")
        if "\n" in text or "\r" in text:
            raise AuthError(f"has a line break in the value of {name!r}")
    try:
        sort_headers(value if key == "headers" else {}, value if key == "cookies" else {})
    except LocalProtocolError as error:
        raise AuthError(f"has a wrong name or value: {error}") from None
