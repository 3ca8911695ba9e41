"""What is said at the end of a run beside its figures."""

from __future__ import annotations

from typing import Any

import pytest

from load.running.outcome import hints

CONNECT = {"type": "SIO connect", "latency": {"p50": 1.0}}
ACK = {"type": "SIO ack", "latency": None}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True),
        ({"operations": 1}, False),
        ({"operation": None}, False),
        ({"series": [{**CONNECT, "latency": None}, ACK]}, False),
    ],
    ids=["nothing answered", "answered", "no operations", "nobody let in"],
)
def test_a_server_without_the_events_is_told_of(change: dict[str, Any], told: bool) -> None:
    summary = {
        "operation": ["SIO ack", "message-with-ack"],
        "operations": 0,
        "scenario": "ack",
        "series": [CONNECT, ACK],
        **change,
    }

    found = hints(summary)

    assert len(found) == told
    if told:
        assert "the scenario ack plays events of conformance/CONTRACT.md" in found[0]
