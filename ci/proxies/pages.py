"""The parts of the documentation that this command writes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ci.pages import line, with_lines, with_part
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import Site
from sioprobe.results.files import write_text

ROOT = Path(__file__).resolve().parents[2]
USERS = ROOT / "docs/proxies.md"
CONFIGURATIONS = ROOT / "docs/reference/proxies.md"
MEASURED = ROOT / "docs/measured/proxies.md"
LANGUAGES = {"nginx": "nginx", "traefik": "yaml", "envoy": "yaml"}


def put(path: Path, name: str, text: str) -> None:
    """Write this text into a part of the page."""
    write_text(path, with_part(path.read_text("utf-8"), name, text))


def put_line(path: Path, name: str, head: Sequence[str], cells: Sequence[str], order: Sequence[str]) -> None:
    """Write a line into the table in a part of the page. The first cell is its name; other lines stay."""
    write_text(path, with_lines(path.read_text("utf-8"), name, head, {cells[0]: line(cells)}, order))


def put_configurations() -> None:
    """Write the parts that need no run: each configuration, and the lines that mend."""
    for name, text in configurations().items():
        put(CONFIGURATIONS, name, text)
    put(USERS, "mends", mends())


def configurations() -> dict[str, str]:
    """For each proxy what works."""
    return {name: fenced(_configuration(name, "cookie"), LANGUAGES.get(name, "")) for name in PROXIES}


def mends() -> str:
    """What lets clients move on, for each proxy."""
    return "".join(
        f"**{proxy.title}**, sticky by {how}:\n\n{fenced(lines, LANGUAGES.get(name, ''))}\n"
        for name, proxy in PROXIES.items()
        for how, lines in _mends(name)
    )


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
