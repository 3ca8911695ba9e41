"""The READY line: one line on standard output as soon as the server can answer a handshake."""

from __future__ import annotations

import json
import os
from typing import Any

PREFIX = "READY "


def write_line(about: dict[str, Any], descriptor: int | None = None) -> None:
    """Print READY and the description, to `descriptor` or else to standard output."""
    line = PREFIX + json.dumps(about)
    if descriptor is None:
        print(line, flush=True)
    else:
        os.write(descriptor, line.encode() + b"\n")


def parse_line(line: str) -> dict[str, Any] | None:
    """The object after READY. None for any other line."""
    if not line.startswith(PREFIX):
        return None
    about: dict[str, Any] = json.loads(line.removeprefix(PREFIX))
    return about
