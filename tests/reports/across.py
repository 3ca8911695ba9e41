"""What tests of the pages of several folders share: a page stands alone, and is well formed."""

from __future__ import annotations

import re

from tests.reports.html import Page


def assert_stands_alone(source: str) -> Page:
    """One well-formed file that fetches nothing, with unique ids that its references lead to; the page."""
    page = Page(source)
    assert page.mismatched == []
    assert page.open == []
    assert [address for address in page.addresses if not address.startswith("#")] == []
    assert len(page.ids) == len(set(page.ids))
    assert {address.removeprefix("#") for address in page.addresses} <= set(page.ids)
    assert set(page.references) <= set(page.ids)
    assert not re.search(r"@import|url\((?!#)", source)
    return page
