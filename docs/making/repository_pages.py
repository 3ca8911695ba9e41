"""Pages of the site that are files of the repository: one text, in two places to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

__all__ = ["PAGES", "RepositoryPage"]

LINK = re.compile(r"\[([^\]]+)\]\(([^)#:]+)(#[^)]*)?\)")


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """A file of the repository (`source`) and its place in the site (`target`)."""

    source: str
    target: str

    def text(self, root: Path) -> str:
        """The file with links to pages of the site; of a link to a file of the code only the words stay."""
        return LINK.sub(self._turned, (root / self.source).read_text("utf-8"))

    def _turned(self, link: re.Match[str]) -> str:
        words, path, anchor = link[1], link[2], link[3] or ""
        wanted = normpath(PurePosixPath(self.source).parent / path)
        place = PLACES.get(wanted, wanted.removeprefix("docs/") if wanted.startswith("docs/") else None)
        if place is None:
            return words
        return f"[{words}]({relpath(place, PurePosixPath(self.target).parent)}{anchor})"


PAGES = (
    RepositoryPage("ARCHITECTURE.md", "project/architecture.md"),
    RepositoryPage("CONTRIBUTING.md", "project/contributing.md"),
    RepositoryPage("CHANGELOG.md", "project/changelog.md"),
    RepositoryPage("conformance/CONTRACT.md", "reference/contract.md"),
    RepositoryPage("conformance/CLIENT_CONTRACT.md", "reference/client-contract.md"),
)
PLACES = {page.source: page.target for page in PAGES}
