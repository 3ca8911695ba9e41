"""An offer that a server takes wrongly, or not at all, fails one requirement, and stops no other case."""

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


def test_a_case_about_what_follows_a_probe_does_not_wait_for_its_answer_forever() -> None:
    names = {
        "test_packets_of_the_upgrade_come_in_frames_of_their_own",
        "test_refuses_a_second_websocket_during_the_upgrade",
    }
    asked = [each for each in cases() if each.name in names]

    answered = asyncio.run(judge("probe-is-not-answered", asked, asyncio.Semaphore(4)))

    found = {each.question.name: each.outcome.judgement for each in answered}
    assert found.keys() == names
    assert {judgement.verdict for judgement in found.values()} == {Verdict.INCONCLUSIVE}
    assert {judgement.reason for judgement in found.values()} == {"upgrade: the probe was not answered"}
