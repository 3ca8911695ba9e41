"""What differs between two results, and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from reports.conformance.difference import differences, main
from tests.reports import synthetic


@pytest.fixture
def result() -> Any:
    return synthetic.conformance_document("gevent", 4)


def run(folder: Path, first: Any, second: Any, *words: str) -> int:
    for name, made in (("a", first), ("b", second)):
        (folder / f"{name}.json").write_text(json.dumps(made))
    return main([str(folder / "a.json"), str(folder / "b.json"), *words])


def test_equal_results_differ_in_nothing(
    result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, result, result) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"none of {len(result['cases'])} cases differs"


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"verdict": "fail"}, True),
        ({"closed": "WebSocket close 1011"}, True),
        ({"actual": "other words"}, False),
        ({"transcript": []}, False),
    ],
)
def test_a_case_differs_by_its_verdict_or_its_close(
    change: dict[str, Any], differs: bool, result: Any
) -> None:
    other = copy.deepcopy(result)
    other["cases"][0] |= {"verdict": "pass", "closed": None}
    result["cases"][0] |= {"verdict": "pass", "closed": None}
    other["cases"][0] |= change
    assert bool(differences(result, other)) is differs


def test_a_case_of_one_result_only_differs(
    result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copy.deepcopy(result)
    gone = other["cases"].pop()
    assert run(tmp_path, result, other) == 1
    out = capsys.readouterr().out
    assert gone["requirement"] in out
    assert "    + not asked" in out
    assert run(tmp_path, other, result) == 1
    assert "    - not asked" in capsys.readouterr().out


def test_a_difference_says_what_came_and_how_it_closed(
    result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copy.deepcopy(result)
    result["cases"][0] |= {"verdict": "pass", "closed": "HTTP 400", "actual": None}
    other["cases"][0] |= {"verdict": "fail", "closed": "not at all", "actual": "still\x1b open"}
    assert run(tmp_path, result, other) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "    - ✓ pass; closed: HTTP 400" in lines
    assert "    + ✗ fail; still\\x1b open; closed: not at all" in lines
    assert lines[-1] == f"1 of {len(result['cases'])} cases differ, in 1 requirement"


def test_json_is_alone_on_stdout(result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = copy.deepcopy(result)
    other["cases"][0] |= {"verdict": "fail", "reason": "so it is"}
    assert run(tmp_path, result, other, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["kind"]) == (1, "conformance difference")
    [case] = told["cases"]
    assert case["second"]["verdict"] == "fail"
    assert case["second"]["reason"] == "so it is"


def test_an_unusable_file_is_named(result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, result, {}) == 2
    line = "error: b.json: kind is missing, it should be 'conformance'\n"
    assert capsys.readouterr().err == f"python -m reports.conformance.difference: {line}"
