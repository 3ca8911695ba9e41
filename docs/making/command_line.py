"""The page about the command line: what each command prints for `--help`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docs.making.children import output
from sioprobe.cli import main

__all__ = ["page"]

OPENING = """\
# Command line

This page shows what each command prints for `--help`.
A value that a command cannot use ends it with one line that names the value, and exit code 2.
"""


def page(root: Path) -> str:
    """The Markdown of the page."""
    commands = ["", *main.commands]
    with ThreadPoolExecutor(2) as pool:
        texts = pool.map(lambda name: _help(root, name), commands)
        return OPENING + "".join(map(_section, commands, texts))


def _help(root: Path, name: str) -> str:
    return output(root, "-c", "from sioprobe.cli import main; main()", *filter(None, [name]), "--help")


def _section(name: str, text: str) -> str:
    return f"\n## sioprobe {name}".rstrip() + f"\n\n```text\n{text.rstrip()}\n```\n"
