"""Messages above the server's maxPayload are named before the run, and in its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from load.capacity.__main__ import block_of
from load.comparing.arm_servers import let_in
from load.comparing.plan import LoadPlan
from load.profiles.run_plan import RunPlan
from load.scenarios import make_options
from load.servers.message_sizes import warning_of
from load.servers.processes import ChildError
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.wire import OpenData
from tests.load.locusts import headless
from tests.servers import start_server


@pytest.mark.parametrize(
    ("scenario", "parameters", "limit", "size"),
    [
        ("ack", {"payload_bytes": 2001}, 2000, "2,001"),
        ("binary", {"payload_bytes": 2001}, 2000, "2,001"),
        ("fanout", {"payload_bytes": 2001}, 2000, "2,001"),
        ("call", {"event": "e", "arguments": f'["{"é" * 1000}"]'}, 2000, "2,004"),
        ("ack", {"payload_bytes": 2000}, 2000, ""),
        ("ack", {"payload_bytes": 2000}, 0, ""),
        ("idle", {}, 20, ""),
    ],
)
def test_what_is_above_the_limit_is_said(
    scenario: str, parameters: dict[str, Any], limit: int, size: str
) -> None:
    opened = OpenData("s", (), 25000, 20000, limit)
    warning = warning_of(scenario, make_options(scenario, parameters), opened)

    assert warning == (
        f"scenario {scenario} sends messages of {size} bytes and more; the server takes 2,000 (maxPayload),"
        " and ends the session of a client that sends more"
        if size
        else None
    )


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_run_warns_before_it_begins_and_its_errors_name_the_limit(transport: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    with start_server("threading", max_payload=20_000, ping_interval=1, ping_timeout=1) as server:
        done = headless(
            *("--host", server.url, "--transport", transport, "-u", "1", "-t", "60s"),
            *("--payload-bytes", "30000", "--loglevel", "ERROR", "--summary-json", str(summary)),
            until={"SIO ack": 1},
        )

    first = done.stderr.splitlines()[0]
    assert first.startswith(
        "sioprobe: warning: scenario ack sends messages of 30,000 bytes and more; the server"
    )
    result = json.loads(summary.read_text())
    assert set(result["errors"]) == {"message above maxPayload (20,000 bytes)"}
    assert any(note.startswith("scenario ack sends messages") for note in result["notes"])
    assert any("max_http_buffer_size" in note for note in result["notes"])
    assert done.returncode == 1


def test_an_arm_of_a_comparison_is_not_measured_with_messages_that_it_refuses() -> None:
    load = LoadPlan(scenario="ack", parameters={"payload_bytes": 30_000}, transports=("polling",))
    with start_server("threading", max_payload=20_000) as server, pytest.raises(ChildError) as refused:
        let_in(server.url, load, ConnectionOptions())

    assert str(refused.value).startswith("over polling: scenario ack sends messages of 30,000 bytes and more")


def test_a_search_for_the_capacity_warns_too(capsys: pytest.CaptureFixture[str]) -> None:
    plan = RunPlan(transport="polling", parameters={"payload_bytes": 30_000})
    with start_server("threading", max_payload=20_000) as server:
        block_of(plan, [server.url], "none")

    warning, *_ = capsys.readouterr().err.splitlines()
    assert "warning: scenario ack sends messages of 30,000 bytes and more; the server takes 20,000" in warning
