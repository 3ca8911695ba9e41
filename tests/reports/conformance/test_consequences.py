"""What deviations mean to users: every listed one has a consequence, and every consequence a deviation."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from conformance.requirements import catalogue
from reports.conformance.consequences import FILE, consequence_of, consequences_of
from tests.reports import synthetic

LISTS = sorted((Path(__file__).parents[3] / "conformance/deviations").glob("*.toml"))
ENTRIES: list[dict[str, Any]] = tomllib.loads(FILE.read_text("utf-8"))["consequence"]


def deviations(file: Path) -> list[dict[str, Any]]:
    listed = tomllib.loads(file.read_text("utf-8"))
    found: list[dict[str, Any]] = [] if "same_as" in listed else listed["deviation"]
    return found


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_every_listed_deviation_has_a_consequence(file: Path) -> None:
    """Add it to reports/conformance/consequences.toml: a sentence for users, and whom it concerns."""
    unknown = [one["id"] for one in deviations(file) if consequence_of(one["id"], one["reason"]) is None]
    assert unknown == []


def test_a_reason_belongs_to_one_consequence() -> None:
    for file in LISTS:
        for one in deviations(file):
            named = [
                entry["id"] for entry in ENTRIES if any(p in one["reason"] for p in entry.get("reasons", ()))
            ]
            assert len(named) <= 1, (one["reason"], named)


def test_nothing_in_the_list_is_idle() -> None:
    """Each id is a requirement that stands once, and each part of a reason is a part of a listed one."""
    ids = [id_ for entry in ENTRIES for id_ in entry.get("ids", ())]
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(catalogue())
    reasons = [one["reason"] for file in LISTS for one in deviations(file)]
    for entry in ENTRIES:
        for part in entry.get("reasons", ()):
            assert any(part in reason for reason in reasons), part
        assert entry["text"].endswith(".")
        assert not entry["who"].endswith(".")


def test_a_handful_says_it_for_a_mode_of_flask_socketio() -> None:
    [flask] = [file for file in LISTS if file.stem == "flask-socketio"]
    for mode in ("threading", "eventlet", "gevent"):
        own = [one for one in deviations(flask) if mode in one.get("modes", [mode]) and "when" not in one]
        meant = {consequence_of(one["id"], one["reason"]) for one in own}
        assert len(own) > 15
        assert 5 < len(meant) < 10


def case(**changes: Any) -> Any:
    made = synthetic.case("gevent", 4, "EIO-HS", "a title", "polling")
    return {**made, "id": "SIO-OR-02", "verdict": "known deviation", "reason": None, **changes}


def test_a_reason_goes_before_an_id() -> None:
    late = "a session that the server ends between two polls is neither closed nor served for 30 s"
    by_id, by_reason = consequence_of("SIO-CN-04", "anything"), consequence_of("SIO-CN-04", late)
    assert (by_id and by_id.id, by_reason and by_reason.id) == ("mistakes-unseen", "late-close")


def test_cases_of_one_consequence_are_told_once() -> None:
    found = consequences_of([case(), case(), case(id="EIO-PL-11"), case(id="EIO-PL-15")])
    assert {one.id: ids for one, ids in found.items()} == {
        "order": ["SIO-OR-02"],
        "lost-pushes": ["EIO-PL-11", "EIO-PL-15"],
    }


def test_a_deviation_that_nobody_listed_is_not_left_out() -> None:
    [(one, ids)] = consequences_of([case(id="NEW-01")]).items()
    assert (one.id, ids) == ("unlisted", ["NEW-01"])


def test_what_is_merely_not_strict_counts_if_its_requirement_is_named() -> None:
    found = consequences_of(
        [case(id="EIO-HB-03", verdict="non-strict"), case(id="NEW-01", verdict="non-strict")]
    )
    assert [one.id for one in found] == ["noticed-late"]
    assert consequences_of([case(verdict="pass"), case(verdict="fail")]) == {}
