"""The tree drawn in ARCHITECTURE.md is the tree on disk, and its walks lead through files that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import PurePosixPath

import pytest

from tests.servers import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
DRAWN_DEEPER = ("sioprobe", "conformance", "load", "reports", "server_under_test")
"""Whose folders are drawn too; of the others only the folder itself."""
WALKS = re.findall(r"\*\*(Where [^*]+)\*\*\n\n((?:\d\. .*\n)+)", TEXT)


def drawn_folders() -> set[str]:
    tree = re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0]
    found: set[str] = set()
    top = ""
    for indent, name in re.findall(r"^( *)([a-z_]+)/ ", tree, re.MULTILINE):
        top = top if indent else name
        found.add(f"{top}/{name}" if indent else name)
    return found


def folders_on_disk() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "*/*"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    parents = [PurePosixPath(line).parent.parts for line in listed.stdout.splitlines() if line[0] not in '."']
    return {"/".join(parts[: 2 if parts[0] in DRAWN_DEEPER else 1]) for parts in parents} | {
        parts[0] for parts in parents
    }


def test_the_drawn_tree_is_the_tree_on_disk() -> None:
    assert drawn_folders() == folders_on_disk()


def test_the_walks_are_those_that_a_newcomer_asks_for() -> None:
    assert [title for title, _ in WALKS] == [
        "Where a block is measured",
        "Where arms are ranked",
        "Where the server's CPU is read",
        "Where a verdict on the generator is made",
        "Where a Locust run begins and ends",
    ]


@pytest.mark.parametrize(("title", "steps"), WALKS, ids=[title for title, _ in WALKS])
def test_a_walk_has_fewer_than_eight_files_and_all_exist(title: str, steps: str) -> None:
    files = re.findall(r"^\d\. `([^`]+)`", steps, re.MULTILINE)

    assert 0 < len(files) == len(steps.splitlines()) < 8
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_what_to_read_first_exists() -> None:
    rows = re.findall(r"^\| how .*? \| (.*) \|$", TEXT, re.MULTILINE)

    files = [file for row in rows for file in re.findall(r"`([^`]+)`", row)]
    assert len(files) >= 6
    assert [file for file in files if not (ROOT / file).is_file()] == []
