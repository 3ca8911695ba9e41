"""`python -m sioprobe.results KIND`: print the JSON Schema of that kind of result file."""

from __future__ import annotations

import json
import sys

from sioprobe.commandline.nearest import nearest
from sioprobe.results.validate import KINDS, schema_of

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """The exit code."""
    kind = arguments[0] if len(arguments) == 1 else ""
    if kind not in KINDS:
        given = " ".join(arguments) or "none"
        print(f"error: give one kind of result, not {given!r}{nearest(kind, KINDS)}", file=sys.stderr)
        return 2
    print(json.dumps(schema_of(kind), ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
