"""The parts of the documentation that this command writes: `<!-- NAME -->` to `<!-- end of NAME -->`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import Site
from sioprobe.results.files import write_text

ROOT = Path(__file__).resolve().parents[2]
USERS = ROOT / "docs/proxies.md"
MEASURED = ROOT / "docs/measured/proxies.md"
LANGUAGES = {"nginx": "nginx", "traefik": "yaml", "envoy": "yaml"}


def part(page: str, name: str) -> str:
    """What stands in the part of the page. Raises ValueError if there is no such part."""
    return _pattern(name, page)[2]


def with_part(page: str, name: str, text: str) -> str:
    """The page with another text in this part."""
    found = _pattern(name, page)
    return page[: found.start(2)] + text + page[found.end(2) :]


def put(path: Path, name: str, text: str) -> None:
    """Write this text into a part of the page."""
    write_text(path, with_part(path.read_text("utf-8"), name, text))


def put_line(path: Path, name: str, head: Sequence[str], cells: Sequence[str], order: Sequence[str]) -> None:
    """Write a line into the table in a part of the page. The first cell is its name; other lines stay."""
    table = part(path.read_text("utf-8"), name)
    lines = {match[1]: match[0] for match in re.finditer(r"^\| ([^|]+) \|.*\n", table, re.MULTILINE)}
    lines[cells[0]] = _line(cells)
    put(path, name, _head(head) + "".join(lines[key] for key in order if key in lines))


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of these lines."""
    return _head(head) + "".join(map(_line, lines))


def configurations() -> dict[str, str]:
    """The parts of docs/proxies.md that need no run: each configuration, and the lines that mend."""
    shown = {name: fenced(_configuration(name, "cookie"), LANGUAGES.get(name, "")) for name in PROXIES}
    mends = "".join(
        f"**{proxy.title}**, sticky by {how}:\n\n{fenced(lines, LANGUAGES.get(name, ''))}\n"
        for name, proxy in PROXIES.items()
        for how, lines in _mends(name)
    )
    return {**shown, "mends": mends}


def _configuration(name: str, sticky: str, *, moves_on: bool = True) -> str:
    workers = ("127.0.0.1:5001", "127.0.0.1:5002")
    return PROXIES[name].configuration(Site("127.0.0.1", 5000, workers, sticky, moves_on=moves_on))


def _mends(name: str) -> list[tuple[str, str]]:
    """What a configuration has only so that clients move on, in the blocks where it stands."""
    found: dict[str, list[str]] = {}
    for sticky, how in (("cookie", "a cookie"), ("address", "the address")):
        plain = _configuration(name, sticky, moves_on=False).splitlines()
        compared = list(difflib.ndiff(plain, _configuration(name, sticky).splitlines()))
        lines = [line for line in compared if line[:2] in ("  ", "+ ") and line[2:].strip()]
        new = {number for number, line in enumerate(lines) if line[0] == "+"}
        found.setdefault(_in_their_blocks([line[2:] for line in lines], new), []).append(how)
    return [(" or ".join(hows), lines) for lines, hows in found.items()]


def _in_their_blocks(lines: Sequence[str], new: set[int]) -> str:
    """These lines, and the lines that open and close the blocks around them."""
    shown = set(new)
    for number in new:
        depth = _depth(lines[number])
        for above in range(number - 1, -1, -1):
            if _depth(lines[above]) < depth and not lines[above].lstrip().startswith("#"):
                shown.add(above)
                depth = _depth(lines[above])
    for number in sorted(shown):
        if lines[number].endswith("{"):
            shown.add(lines.index(" " * _depth(lines[number]) + "}", number))
    return "\n".join(lines[number] for number in sorted(shown))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def fenced(text: str, language: str = "") -> str:
    """The text as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def _head(cells: Sequence[str]) -> str:
    return _line(cells) + "|---" * len(cells) + "|\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _pattern(name: str, page: str) -> re.Match[str]:
    found = re.search(
        rf"(<!-- {re.escape(name)} -->\n)(.*?)(<!-- end of {re.escape(name)} -->)", page, re.DOTALL
    )
    if found is None:
        raise ValueError(f"the page has no part {name!r}")
    return found
