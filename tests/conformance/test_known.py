"""Known deviations: valid, tied to what exists, and found for the right server only."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.judging.collecting import all_questions
from conformance.judging.known_deviations import Deviation, deviations, find_deviation
from conformance.requirements import catalogue
from server_under_test.foreign.servers import FOREIGN
from server_under_test.starting.modes import MODES

CASES = {(question.requirement.id, question.name) for question in all_questions()}


@pytest.mark.parametrize("entry", deviations(), ids=lambda entry: f"{entry.library}-{entry.id}")
def test_an_entry_names_what_exists(entry: Deviation) -> None:
    assert entry.id in catalogue()
    assert all((entry.id, case) in CASES for case in entry.cases)
    assert set(entry.transports) <= set(catalogue()[entry.id].transports)
    assert set(entry.modes) <= {*MODES, *FOREIGN}
    assert len(entry.reason) > 10
    assert len(entry.reference) > 10


def find(**changes: Any) -> Deviation | None:
    server: dict[str, Any] = {
        "library": "flask-socketio", "version": "5.7.0", "mode": "gevent", "switches": {}, **changes
    }  # fmt: skip
    requirement_id = server.pop("id", "EIO-HS-05")
    case = server.pop("case", "test_refuses_a_handshake_without_transport")
    return find_deviation(requirement_id, case, server.pop("transport", None), **server)


def test_an_entry_applies_to_its_library_and_versions() -> None:
    assert find() is not None
    assert find(version="5.7.3") is not None
    assert find(version="5.8.0") is None
    assert find(library="socket.io") is None


@pytest.mark.parametrize("changes", [{"library": None}, {"version": None}, {"version": "latest"}])
def test_an_unknown_server_has_no_deviations(changes: dict[str, Any]) -> None:
    assert find(**changes) is None


def test_an_entry_applies_to_its_modes_and_cases() -> None:
    unmasked = {"id": "EIO-WS-07", "case": "test_closes_on_a_frame_without_a_mask", "transport": "websocket"}
    assert find(**unmasked, mode="gevent") is not None
    assert find(**unmasked, mode="threading") is None
    assert find(**unmasked | {"case": "test_answers_a_close_frame"}, mode="gevent") is None


def test_an_entry_does_not_apply_where_the_server_stands_otherwise() -> None:
    early = {"id": "SIO-CN-14", "case": "test_the_answer_to_connect_comes_first", "transport": "polling"}
    assert find(**early) is not None
    assert find(**early, switches={"always_connect": False}) is not None
    assert find(**early, switches={"always_connect": True}) is None
