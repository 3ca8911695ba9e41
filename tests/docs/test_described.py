"""What the program has is described in the pages that list it by hand."""

from __future__ import annotations

import re

import pytest

from load.doctor.registry import EXAMINATIONS
from server_under_test.foreign.servers import FOREIGN
from server_under_test.starting.modes import MODES
from sioprobe.diagnosis.causes import SENTENCES, Cause
from tests.servers import ROOT


@pytest.mark.parametrize("cause", Cause)
def test_every_headline_has_its_cure(cause: Cause) -> None:
    """The fixed words of the sentence stand in one row, in their order."""
    words = re.split(r"\{\w+\}", SENTENCES[cause].replace("{url}", "URL").replace("{path}", "PATH"))
    row = re.compile(r"^\| `[^|]*" + "[^|]*".join(map(re.escape, words)) + r"[^|]*` \| .", re.MULTILINE)

    assert row.search((ROOT / "docs/headlines.md").read_text("utf-8"))


def test_every_examination_has_a_row() -> None:
    text = (ROOT / "docs/tune.md").read_text("utf-8")

    assert [name for name in EXAMINATIONS if f"\n| `{name}` |" not in text] == []


def test_every_mode_and_server_has_a_row() -> None:
    table = (
        (ROOT / "README.md").read_text("utf-8").partition("[start:servers]")[2].partition("[end:servers]")[0]
    )

    assert [name for name in MODES if f"\n| `{name}` |" not in table] == []
    assert [name for name in FOREIGN if f"`--server {name}`" not in table] == []
