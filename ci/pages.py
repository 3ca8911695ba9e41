"""What commands write into pages: parts from `<!-- NAME -->` to `<!-- end of NAME -->`, and their tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence


def part(page: str, name: str) -> str:
    """What stands in the part of the page. Raises ValueError if there is no such part."""
    return _found(page, name)[1]


def with_part(page: str, name: str, text: str) -> str:
    """The page with another text in this part. Raises ValueError if there is no such part."""
    found = _found(page, name)
    return page[: found.start(1)] + text + page[found.end(1) :]


def with_lines(
    page: str, name: str, head: Sequence[str], lines: Mapping[str, str], order: Iterable[str]
) -> str:
    """The page with these lines in the table of this part. Other lines stay; `order` has the names of all."""
    known = {**lines_of(part(page, name)), **lines}
    return with_part(page, name, table(head, (known[each] for each in order if each in known)))


def lines_of(table: str) -> dict[str, str]:
    """The lines below the head, by their first cells."""
    rows = table.partition("\n|---")[2]
    return {match[1]: match[0] for match in re.finditer(r"^\| `?([^`|]+)`? \|.*\n", rows, re.MULTILINE)}


def table(head: Sequence[str], lines: Iterable[str]) -> str:
    """A table of these lines."""
    return line(head) + "|---" * len(head) + "|\n" + "".join(lines)


def line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _found(page: str, name: str) -> re.Match[str]:
    mark = re.escape(name)
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- end of {mark} -->", page, re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no part {name!r}")
    return found
