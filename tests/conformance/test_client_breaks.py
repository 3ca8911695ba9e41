"""The judge of clients notices single breaks of the real clients. All of them take two minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conformance.verdicts import Verdict, is_failure
from tests.conformance.client_breaks import (
    UNSEEN_AT_FIRST,
    Judged,
    Node2Reference,
    NodeReference,
    PythonReference,
    Reference,
    judge,
)
from tests.figures import FIGURE
from tests.reference_breaks.registry import Break

RATE = 0.95
REFERENCES: dict[str, type[NodeReference] | type[PythonReference]] = {
    "node": NodeReference,
    "node-2": Node2Reference,
    "python": PythonReference,
}

# What a deviation of another case explains: the cases of what is watched hear of it in a whole run only.
EXPLAINED = (Verdict.UNEXPECTED_PASS,)

Runs = dict[str, tuple[Reference, Judged, list[Judged]]]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Both clients at the same time: most of it is waiting."""

    async def one(reference: Reference) -> tuple[Reference, Judged, list[Judged]]:
        control = Break("none", "nothing: what is noticed here is chance", ("",))
        return reference, *await judge(reference, [control, *reference.breaks.values()])

    async def run() -> Runs:
        found = await asyncio.gather(*(one(kind.find()) for kind in REFERENCES.values()))
        return dict(zip(REFERENCES, found, strict=True))

    return asyncio.run(run())


@pytest.mark.parametrize("name", REFERENCES)
def test_the_unbroken_client_has_known_deviations_only(name: str, runs: Runs) -> None:
    _, baseline, (control, *_) = runs[name]
    verdicts = [item.outcome.judgement.verdict for item in baseline.answered]
    failures = [
        str(item)
        for item, verdict in zip(baseline.answered, verdicts, strict=True)
        if is_failure(verdict) and verdict not in EXPLAINED
    ]

    assert failures == []
    assert verdicts.count(Verdict.PASS) > 200
    assert [str(item) for item in control.noticed] == []


@pytest.mark.parametrize("name", REFERENCES)
def test_breaks_of_the_client_are_noticed(
    name: str, runs: Runs, record_property: Callable[[str, object], None]
) -> None:
    reference, _, (_, *judged) = runs[name]
    missed = [found for found in judged if not found.noticed]
    noticed = len(judged) - len(missed)
    early, unseen = len(reference.first), len(UNSEEN_AT_FIRST[name])

    record_property(
        FIGURE,
        f"{name} client: breaks noticed: {noticed} of {len(judged)} ({noticed / len(judged):.1%});"
        + (f" at first sight {early - unseen} of {early} ({(early - unseen) / early:.1%})" if early else ""),
    )
    for found in missed:
        record_property(FIGURE, f"  missed: {found}")
    assert reference.first >= UNSEEN_AT_FIRST[name]
    assert noticed >= RATE * len(judged), [found.entry.name for found in missed]
