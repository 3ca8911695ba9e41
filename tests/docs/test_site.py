"""The documentation site builds in strict mode, and what it prints exists."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from docs.making.addresses import fetched
from sioprobe.cli import main

ROOT = Path(__file__).parents[2]
OF_THE_REPOSITORY = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"]
PAGES = [*(ROOT / name for name in OF_THE_REPOSITORY), *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ )?sioprobe ([a-z]+)\b((?:.*\\\n)*.*)$", re.MULTILINE)


@pytest.fixture(scope="session")
def helps(site: Path) -> dict[str, str]:
    """What each command prints for `--help`, as the site shows it."""
    page = (site / "reference/command-line.html").read_text("utf-8")
    found = re.findall(r'<h2 id="sioprobe-([a-z]+)".*?<code>(.*?)</code>', page, re.DOTALL)
    return {name: html.unescape(re.sub(r"<[^>]+>", "", text)) for name, text in found}


def test_the_site_fetches_nothing_from_another_host(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) > 20
    assert fetched(site) == []


def test_the_page_about_the_command_line_has_every_command(helps: dict[str, str]) -> None:
    assert set(helps) == set(main.commands)
    for name, text in helps.items():
        assert re.match(rf"usage: sioprobe {name} ", text, re.IGNORECASE), text[:80]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_on_a_page_has_these_options(path: Path, helps: dict[str, str]) -> None:
    for block in BLOCK.findall(path.read_text("utf-8")):
        for command, rest in COMMAND.findall(block):
            assert command in helps, f"sioprobe {command}"
            ours = re.split(r" -- |\s#\s", rest.replace("\\\n", " "))[0]
            options = re.findall(r"(?<=\s)--[a-z][a-z-]*", re.sub(r"'[^']*'", "''", ours))
            unknown = [option for option in options if not re.search(rf"{option}(?![a-z-])", helps[command])]
            assert unknown == [], f"sioprobe {command}{rest}"


@pytest.mark.parametrize("name", OF_THE_REPOSITORY)
def test_the_links_of_a_page_of_the_repository_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text("utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []
