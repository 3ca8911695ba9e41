"""What the site's own scripts make of their sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.making import result_files, scenarios
from docs.making.addresses import fetched
from docs.making.repository_pages import RepositoryPage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<img src="a.png" srcset="a.png 1x, //cdn.example/b.png 2x">',
        '<link rel="stylesheet" href="https://cdn.example/a.css">',
        '<style>@import "https://cdn.example/a.css";</style>',
        '<p style="background: url(https://cdn.example/a.png)">',
        '<form action="https://cdn.example/">',
    ],
)
def test_an_address_that_a_browser_fetches_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<html>{text}</html>")

    (found,) = fetched(tmp_path)
    assert found.startswith("page.html: ")
    assert "//cdn.example/" in found


def test_an_address_in_a_style_sheet_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text('@import url("https://cdn.example/a.css"); b { background: url(c.png) }')

    assert fetched(tmp_path) == ["a.css: https://cdn.example/a.css"]


def test_a_link_and_an_address_of_the_site_are_no_fetch(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<a href="https://example.org/">x</a><img src="../a.png"><p>//x</p>')

    assert fetched(tmp_path) == []


def test_links_of_a_file_of_the_repository_become_links_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "CONTRIBUTING.md").write_text(
        "[a](ARCHITECTURE.md#map) [b](docs/judge/index.md) [c](load/swarm.py) "
        "[d](https://example.org/) [e](#here)"
    )

    text = RepositoryPage("CONTRIBUTING.md", "project/contributing.md").text(tmp_path)

    assert text == "[a](architecture.md#map) [b](../judge/index.md) c [d](https://example.org/) [e](#here)"


def test_a_schema_becomes_tables_of_its_keys_and_of_its_parts() -> None:
    part = {
        "properties": {"size": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "in bytes"}}
    }
    thing = {
        "description": "A thing.\n\nMore of it.",
        "required": ["kind"],
        "properties": {
            "kind": {"enum": ["thing"]},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            "sizes": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }

    text = result_files.page_of({"thing": {"$ref": "#/$defs/Thing", "$defs": {"Thing": thing, "Part": part}}})

    assert [line for line in text.splitlines() if line] == [
        "## thing",
        "A thing.",
        "| key | type | meaning |",
        "|---|---|---|",
        '| **`kind`** | `"thing"` |  |',
        "| `parts` | array of [Part](#part) |  |",
        "| `sizes` | object of integer |  |",
        "## Parts",
        "### Part",
        "| key | type | meaning |",
        "|---|---|---|",
        "| `size` | integer or null | in bytes |",
    ]


def test_a_scenario_without_a_place_in_the_page_ends_the_build() -> None:
    with pytest.raises(ValueError, match=r"describes no .*storm"):
        scenarios.fill("<!-- parameters: ack -->", ROOT)


def test_the_scripts_patch_nothing() -> None:
    script = "import sys, docs.making.hook; print(sorted({'gevent', 'locust'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
