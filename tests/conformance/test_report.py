"""The result file: checked when it is written, whatever a server has sent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.client.address import Address
from conformance.client.timing import Timing
from conformance.client.transcript import Entry
from conformance.judging.collecting import all_questions
from conformance.judging.runner import Outcome
from conformance.requirements import CAPABILITIES
from conformance.target import Target
from conformance.telling import result_file
from conformance.verdicts import Judgement, Verdict
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_conformance
from sioprobe.wire import OpenData

OPENED = OpenData("unknown", ("websocket",), 1000, 1000, 1_000_000)
TARGET = Target(Address("127.0.0.1", 5000), OPENED, Timing(1.0, 1.0), CAPABILITIES, level=0, title="it")


def test_half_a_character_of_a_server_does_not_keep_the_result_from_being_written(tmp_path: Path) -> None:
    """JSON may hold a lone surrogate as an escape; UTF-8 cannot hold it."""
    outcome = Outcome(
        Judgement(Verdict.FAIL, ("an event",), "EVENT ['\ud800']"),
        transcript=[Entry(0.1, "S→C", "polling", "EVENT ['\ud800']", '42["\\ud800"]')],
    )

    result_file.write(tmp_path / "r.json", TARGET, [(all_questions()[0], outcome)], result_file.now())

    (case,) = read_conformance(tmp_path / "r.json")["cases"]
    assert case["actual"] == "EVENT ['\ud800']"


def test_a_result_that_readers_would_refuse_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps("before"))
    wrong = replace(TARGET, level=7)

    results = [(all_questions()[0], Outcome(Judgement(Verdict.PASS)))]

    with pytest.raises(ResultFileError, match=r"^r\.json: target\.contract_level"):
        result_file.write(path, wrong, results, result_file.now())

    assert path.read_text() == '"before"'
