"""What an outcome means at each level, with and without a known deviation."""

from __future__ import annotations

import pytest

from conformance.verdicts import (
    HarnessError,
    Inconclusive,
    Level,
    NonStrict,
    NotApplicable,
    PathHides,
    Silent,
    Unresponsive,
    Verdict,
    Violation,
    conclude,
    exit_code,
    judge,
    with_deviation,
)

BROKEN = Violation("right", "wrong")
TOLERATED = NonStrict("right", "nearly")
DEAD = Unresponsive("session closed", "still open after 1.0 s; no longer answers")


@pytest.mark.parametrize(
    ("level", "error", "verdict", "strict"),
    [
        (Level.MUST, None, "pass", "pass"),
        (Level.MUST, BROKEN, "fail", "fail"),
        (Level.MUST, TOLERATED, "non-strict", "fail"),
        (Level.SHOULD, BROKEN, "non-strict", "fail"),
        (Level.SHOULD, TOLERATED, "non-strict", "fail"),
        (Level.MAY, BROKEN, "info", "info"),
        (Level.REFERENCE, BROKEN, "non-strict", "non-strict"),
        (Level.REFERENCE, TOLERATED, "non-strict", "non-strict"),
        (Level.GAP, BROKEN, "info", "info"),
        (Level.MUST, NotApplicable("no websocket"), "not applicable", "not applicable"),
        (Level.MUST, Inconclusive("no session"), "inconclusive", "inconclusive"),
        (Level.MUST, PathHides("a proxy buffers"), "hidden by the path", "hidden by the path"),
        (Level.MUST, PathHides("a proxy buffers", BROKEN), "hidden by the path", "hidden by the path"),
        (Level.GAP, HarnessError("our mistake"), "harness error", "harness error"),
        (Level.GAP, KeyError("our mistake"), "harness error", "harness error"),
    ],
)
def test_the_level_decides(level: Level, error: Exception | None, verdict: str, strict: str) -> None:
    assert judge(level, error).verdict == verdict
    assert judge(level, error, strict=True).verdict == strict


def test_a_violation_keeps_what_was_expected_and_what_came() -> None:
    judgement = judge(Level.MUST, Violation(("HTTP 400", "HTTP 500"), "HTTP 200"))
    assert judgement.expected == ("HTTP 400", "HTTP 500")
    assert judgement.actual == "HTTP 200"


@pytest.mark.parametrize(
    ("error", "sometimes", "verdict"),
    [
        (BROKEN, False, "known deviation"),
        (TOLERATED, False, "known deviation"),
        (None, False, "unexpected pass"),
        (None, True, "pass"),
        (Inconclusive("no session"), False, "inconclusive"),
        (PathHides("it is too far away"), False, "hidden by the path"),
        (PathHides("a proxy buffers", BROKEN), False, "known deviation"),
        (NotApplicable("no websocket"), False, "not applicable"),
        (HarnessError("our mistake"), False, "harness error"),
    ],
)
def test_a_deviation_excuses_a_violation_and_nothing_else(
    error: Exception | None, sometimes: bool, verdict: str
) -> None:
    judged = with_deviation(judge(Level.MUST, error), "known since long", sometimes=sometimes)
    assert judged.verdict == verdict


@pytest.mark.parametrize(
    ("covers", "verdict"),
    [((), "fail"), ((Silent.SERVER,), "fail"), ((Silent.SESSION,), "known deviation")],
)
def test_a_server_that_no_longer_serves_is_excused_only_where_an_entry_says_so(
    covers: tuple[Silent, ...], verdict: str
) -> None:
    assert with_deviation(judge(Level.MUST, DEAD), "known since long", covers=covers).verdict == verdict


@pytest.mark.parametrize(
    ("verdicts", "outcome", "code"),
    [
        ([Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO, Verdict.NOT_APPLICABLE], "conformant", 0),
        ([Verdict.PASS, Verdict.KNOWN_DEVIATION], "known deviations", 0),
        ([Verdict.PASS, Verdict.HIDDEN], "nothing broken", 0),
        ([Verdict.HIDDEN, Verdict.NOT_APPLICABLE], "nothing broken", 0),
        ([Verdict.HIDDEN, Verdict.KNOWN_DEVIATION], "known deviations", 0),
        ([Verdict.HIDDEN, Verdict.FAIL], "failures", 1),
        ([Verdict.KNOWN_DEVIATION, Verdict.FAIL], "failures", 1),
        ([Verdict.PASS, Verdict.UNEXPECTED_PASS], "failures", 1),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], "failures", 1),
        ([Verdict.FAIL, Verdict.HARNESS_ERROR], "harness error", 2),
        ([], "harness error", 2),
        ([Verdict.NOT_APPLICABLE, Verdict.NOT_APPLICABLE], "harness error", 2),
    ],
)
def test_the_run_ends_with_its_gravest_verdict(verdicts: list[Verdict], outcome: str, code: int) -> None:
    assert conclude(verdicts) == outcome
    assert exit_code(verdicts) == code


def test_a_run_that_was_cut_short_is_not_conformant() -> None:
    assert conclude([Verdict.PASS]) == "conformant"
    assert conclude([Verdict.PASS], ended=False) == "harness error"
    assert conclude([Verdict.PASS], whole=False) == "nothing broken"
    assert conclude([Verdict.FAIL], whole=False) == "failures"
