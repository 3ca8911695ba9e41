"""The hook of mkdocs (`mkdocs.yml`): adds the generated pages and checks the built site.

A problem ends the build, because `make docs` builds in strict mode.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.making import addresses, command_line, repository_pages, requirements, result_files, scenarios

ROOT = Path(__file__).resolve().parents[2]

GENERATED = {
    "reference/command-line.md": command_line.page,
    "reference/requirements.md": requirements.page,
    "reference/results.md": result_files.page,
    **{page.target: page.text for page in repository_pages.PAGES},
}
"""What makes the text of each page, by its place in the site."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    for place, make in GENERATED.items():
        files.append(File.generated(config, place, content=make(ROOT)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the tables of parameters into the page about the scenarios."""
    return scenarios.fill(markdown, ROOT) if page.file.src_uri == "reference/scenarios.md" else markdown


def on_post_build(config: MkDocsConfig) -> None:
    """Fails when a page fetches something from another host."""
    found = addresses.fetched(Path(config.site_dir))
    if found:
        raise PluginError("the built site fetches from other hosts:\n  " + "\n  ".join(found))
