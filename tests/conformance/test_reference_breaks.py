"""The suite notices single breaks of the real references, made at run time, for which it was not written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conformance.verdicts import Verdict, is_failure
from tests.conformance.broken import Judged
from tests.conformance.reference_breaks import (
    judge_node,
    judge_python,
    node_breaks,
    python_breaks,
)
from tests.figures import FIGURE
from tests.reference_breaks.registry import Break

RATE = 0.95
REFERENCES = ("node", "python")

Runs = dict[str, tuple[Judged, list[Judged]]]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Both references at the same time: nearly all of it is waiting."""

    async def run() -> Runs:
        breaks = {"node": node_breaks(), "python": python_breaks()}
        control = Break("none", "nothing: what is noticed here is chance", ("",))
        found = await asyncio.gather(
            judge_node([control, *breaks["node"].values()]),
            judge_python([control, *breaks["python"].values()]),
        )
        return dict(zip(REFERENCES, found, strict=True))

    return asyncio.run(run())


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_unbroken_reference_has_known_deviations_only(reference: str, runs: Runs) -> None:
    baseline, (control, *_) = runs[reference]
    failures = [str(item) for item in baseline.answered if is_failure(item.outcome.judgement.verdict)]
    passed = [item for item in baseline.answered if item.outcome.judgement.verdict is Verdict.PASS]

    assert failures == []
    assert len(passed) > 200
    assert [str(item) for item in control.noticed] == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_breaks_of_the_reference_are_noticed(
    reference: str, runs: Runs, record_property: Callable[[str, object], None]
) -> None:
    _, (_, *judged) = runs[reference]
    missed = [found for found in judged if not found.noticed]
    noticed = len(judged) - len(missed)
    failing = sum(found.fails for found in judged)

    share = noticed / len(judged)
    record_property(
        FIGURE,
        f"{reference}: breaks noticed: {noticed} of {len(judged)} ({share:.1%}), {failing} as failures",
    )
    for found in missed:
        record_property(FIGURE, f"  missed: {found}")
    assert noticed >= RATE * len(judged), [found.entry.name for found in missed]
