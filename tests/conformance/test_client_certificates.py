"""The judge of clients without the package that makes certificates."""

from __future__ import annotations

import asyncio
import sys

import pytest

from conformance.judging.collecting import all_questions
from conformance.verdicts import Verdict
from tests.conformance.test_client_faults import answer


def test_cases_over_tls_do_not_apply_without_trustme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    over_tls = [question for question in all_questions("client") if question.requirement.area == "CLI-TL"]

    answers = [asyncio.run(answer((question, 4), None)) for question in over_tls]

    assert {verdict for verdict, _ in answers} == {Verdict.NOT_APPLICABLE}
    assert all("the judge has no trustme: pip install 'sioprobe[tls]'" in said for _, said in answers)
