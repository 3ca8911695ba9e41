"""`python -m docs.making.faults FOLDER`: put the tables of a faults.json into docs/measured/faults.md."""

from __future__ import annotations

import sys
from pathlib import Path

from ci.pages import with_part
from reports.faults.page import render_markdown
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import FAULTS_FILE, read_faults, write_text

__all__ = ["filled", "main"]

PAGE = Path(__file__).resolve().parents[1] / "measured/faults.md"


def filled(page: str, tables: str) -> str:
    """The page with these tables between its marks, their headings one level lower."""
    lower = "\n".join(f"#{line}" if line.startswith("#") else line for line in tables.splitlines())
    return with_part(page, "faults", f"\n{lower}\n\n")


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        print("error: give the folder of a faults.json", file=sys.stderr)
        return 2
    try:
        faults = read_faults(Path(arguments[0]) / FAULTS_FILE)
    except ResultFileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_text(PAGE, filled(PAGE.read_text("utf-8"), render_markdown(faults)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
