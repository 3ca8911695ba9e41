"""What is said at the end of a run beside its figures."""

from __future__ import annotations

from typing import Any

import pytest

from load.running.outcome import hints
from sioprobe.commandline.own_limits import TOO_MANY_OPEN_FILES
from sioprobe.measured.limits import message_above
from sioprobe.results.loads import to_json
from tests.load.results import ack_latency, run_result

CONNECT = {
    "type": "SIO connect",
    "name": "websocket",
    "count": 1,
    "untimed": 0,
    "errors": {},
    "latency": to_json(ack_latency(1.0).to_latency()),
    "mean_us": 1000.0,
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True),
        ({"operations": 1}, False),
        ({"operation": None}, False),
        ({"series": [{**CONNECT, "latency": None}]}, False),
        ({"errors": {"timeout": 1}}, True),
        ({"errors": {message_above(1e6): 1}}, False),
    ],
    ids=["nothing answered", "answered", "no operations", "nobody let in", "timeouts", "too large"],
)
def test_a_server_without_the_events_is_told_of(change: dict[str, Any], told: bool) -> None:
    found = hints(run_result(**{"operations": 0, "series": [CONNECT], **change}))

    assert len(found) == told
    if told:
        assert "the scenario ack needs the events that 'sioprobe conform --contract' prints" in found[0]


@pytest.mark.parametrize(
    ("users", "connected", "told"), [(20, 8, True), (20, 20, False), (None, None, False)]
)
def test_who_left_users_waiting_is_sent_to_the_doctor(
    users: int | None, connected: int | None, told: bool
) -> None:
    found = hints(run_result(users=users, connected=connected))

    assert [hint.split(":")[0] for hint in found] == ["not all users got in"] * told


def test_whom_our_own_machine_kept_out_is_not_sent_to_the_doctor() -> None:
    assert hints(run_result(users=20, connected=8, errors={TOO_MANY_OPEN_FILES: 12})) == []
