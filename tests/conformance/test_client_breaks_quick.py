"""A few single breaks of the real clients: test_client_breaks.py has all of them."""

from __future__ import annotations

import asyncio

import pytest

from conformance.verdicts import is_failure
from tests.conformance.client_breaks import (
    ROOT,
    UNSEEN_AT_FIRST,
    Node2Reference,
    NodeReference,
    PythonReference,
    judge,
)
from tests.strict_client.faults import FAULTS

FEW = {
    NodeReference: ("mask-is-always-the-same", "text-is-composed", "first-byte-4-is-eaten"),
    PythonReference: ("empty-acks-hold-null", "id-is-that-of-the-session"),
}


@pytest.mark.parametrize("kind", FEW)
def test_a_break_of_the_client_is_noticed(kind: type[NodeReference] | type[PythonReference]) -> None:
    reference = kind.find()

    baseline, judged = asyncio.run(judge(reference, [reference.breaks[name] for name in FEW[kind]]))

    assert [str(item) for item in baseline.answered if is_failure(item.outcome.judgement.verdict)] == []
    assert [str(found) for found in judged if not found.noticed] == []


def test_the_page_says_how_many_there_are() -> None:
    references = [kind.find() for kind in (*FEW, Node2Reference)]
    every = sum(len(reference.breaks) for reference in references)
    first = sum(len(reference.first) for reference in references)
    unseen = sum(map(len, UNSEEN_AT_FIRST.values()))
    page = (ROOT / "docs" / "measured" / "judge.md").read_text("utf-8")

    assert every >= 60
    assert first >= 60 / 2
    assert f"(`tests/reference_breaks/client_*`) | {every} | {every} |" in page
    assert f"(`tests/strict_client/`) | {len(FAULTS)} | {len(FAULTS)} |" in page
    assert f"{first} of the breaks of real clients" in page
    assert f"noticed {first - unseen} of those then: {100 * (first - unseen) / first:.1f} %" in page
    assert f"The other {every - first} were written after" in page
