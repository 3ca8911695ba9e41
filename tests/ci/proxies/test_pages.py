"""The page for users behind a proxy: what it shows is what the program makes, and what was seen."""

from __future__ import annotations

import re

import pytest

from ci.pages import part
from ci.proxies import pages
from ci.proxies.mistakes import MISTAKES
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import STICKY

USERS = pages.USERS.read_text("utf-8")
MEASURED = pages.MEASURED.read_text("utf-8")


@pytest.mark.parametrize("name", pages.configurations())
def test_the_configurations_on_the_page_are_those_of_the_program(name: str) -> None:
    assert part(pages.CONFIGURATIONS.read_text("utf-8"), name) == pages.configurations()[name]


def test_a_line_that_mends_stands_in_its_block() -> None:
    mends = part(USERS, "mends")
    assert mends == pages.mends()
    worker = (
        "upstream socketio_worker1 {\n"
        "    # Its clients move on to the others when it has died.\n"
        "    server 127.0.0.1:5001 max_fails=0;\n"
        "    server 127.0.0.1:5002 backup;\n"
        "}\n"
    )
    assert worker in mends
    assert re.search(r"^      loadBalancer:\n        #.*\n        passiveHealthCheck:\n", mends, re.MULTILINE)
    for block in re.findall(r"^```\w*\n(.*?)^```\n", mends, re.MULTILINE | re.DOTALL):
        assert not block.startswith(" ")
        assert block.count("{") == block.count("}")


def test_the_page_has_what_was_seen_of_every_mistake_and_of_nothing_else() -> None:
    parts = set(re.findall(r"<!-- end of (\S+) -->", USERS))
    assert parts == {*MISTAKES, "mends", "deaths"}
    assert all(part(USERS, name).startswith("| where | what it says |\n") for name in MISTAKES)


def test_every_text_that_a_user_looks_for_was_seen() -> None:
    table = USERS.partition("## What you see\n")[2].partition("\n## ")[0]
    seen = "".join(part(USERS, name) for name in MISTAKES)
    for line in table.splitlines()[3:]:
        for text in re.findall(r"`([^`]+)`", line.split(" | ")[0]):
            assert text.removesuffix('..."') in seen, text


def test_the_tables_have_every_proxy() -> None:
    kept = [sticky for sticky in STICKY if sticky != "none"]
    for page, name_of_part, stickies in ((MEASURED, "clients", list(STICKY)), (USERS, "deaths", kept)):
        head, *names = re.findall(r"^\| (\w+, \w+) \|", part(page, name_of_part), re.MULTILINE)
        assert head == "proxy, sticky"
        assert names == [f"{name}, {sticky}" for name in PROXIES for sticky in stickies]


def test_a_line_replaces_the_one_of_its_name(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- t -->\n<!-- end of t -->\nb\n")
    for cells in (("y", "2"), ("x", "1"), ("y", "3")):
        pages.put_line(page, "t", ("k", "v"), cells, ["x", "y"])
    assert page.read_text() == (
        "a\n<!-- t -->\n| k | v |\n|---|---|\n| x | 1 |\n| y | 3 |\n<!-- end of t -->\nb\n"
    )
    with pytest.raises(ValueError, match="has no part 'u'"):
        pages.put(page, "u", "")
