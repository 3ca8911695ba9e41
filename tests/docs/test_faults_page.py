"""The tables in the page about faults come from faults.json."""

from __future__ import annotations

import pytest

from docs.making.faults import PAGE, filled
from reports.faults.page import render_markdown
from tests.reports.faults.documents import cell, faults, run


def test_the_tables_stand_between_the_marks() -> None:
    page = PAGE.read_text("utf-8")
    tables = render_markdown(faults(cell("links-cut", run(1, well=1.0))))

    once = filled(page, tables)

    assert "\n### After every fault all was well again" in once
    assert "\n| links-cut | 0 | 0 |" in once
    assert filled(once, tables) == once
    assert once.partition("<!-- faults -->")[0] == page.partition("<!-- faults -->")[0]
    assert once.partition("<!-- end of faults -->")[2] == page.partition("<!-- end of faults -->")[2]
    with pytest.raises(ValueError, match="no part 'faults'"):
        filled("# A page", tables)
