"""A server that takes an offer of permessage-deflate wrongly fails EIO-PD-01, and stops no other case."""

from __future__ import annotations

import asyncio

from conformance.verdicts import Verdict
from tests.conformance.mutation import cases, judge, of_requirement


def test_a_case_that_needs_a_refused_answer_does_not_apply() -> None:
    asked = [each for each in of_requirement(cases(), "EIO-PD-05") if each.transport == "websocket"]

    answered = asyncio.run(judge("answers-without-the-server-window", asked, asyncio.Semaphore(4)))

    verdicts = {str(each.outcome.judgement.verdict) for each in answered}
    assert Verdict.NOT_APPLICABLE in verdicts
    assert Verdict.INCONCLUSIVE not in verdicts
    reasons = [each.outcome.judgement.reason or "" for each in answered]
    assert any("takes the offer without its server_max_window_bits" in reason for reason in reasons)
