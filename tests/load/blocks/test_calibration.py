"""The generator's own floor, against the null server."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from load.blocks.calibration import NoFloor, calibrate, floor_of, floor_of_run
from tests.load.results import ack_latency, block
from tests.servers import ROOT


def test_the_floor_is_that_of_one_process_at_the_same_load() -> None:
    floor = floor_of_run({"scenario": "ack", "transport": "websocket", "total_rate": 60.0}, 6, 2)

    assert floor.connections == 3
    assert floor.rate == 30.0
    assert 0 < floor.p50_us <= floor.p99_us
    assert floor.cpu_us_per_operation > 0


def test_without_operations_there_is_no_floor() -> None:
    with pytest.raises(NoFloor, match="no floor: idle has no operations"):
        calibrate({"scenario": "idle", "connections": 2})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"operations": 0, "latency": None}, "the null server does not answer the scenario echo"),
        ({"errors": 2, "error_kinds": {"timeout": 2}}, "echo failed against the null server: timeout"),
    ],
)
def test_what_the_null_server_does_not_serve_is_named(changes: dict[str, Any], why: str) -> None:
    measured = ack_latency() if "latency" in changes else None
    changes.pop("latency", None)

    with pytest.raises(NoFloor) as caught:
        floor_of(block(measured, scenario="echo", **changes), {})

    assert str(caught.value) == f"no floor: {why}"


ENDLESS = """
from load.blocks.calibration import calibrate
while True:
    calibrate({"scenario": "ack", "connections": 2})
"""


def test_a_null_server_ends_with_the_process_that_started_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], cwd=ROOT)
    try:
        end = time.monotonic() + 60
        while len(family := psutil.Process(process.pid).children(recursive=True)) < 2:
            assert time.monotonic() < end, "no calibration with a null server within 60 s"
            time.sleep(0.01)
        calibration, null_server = family
        calibration.kill()

        assert psutil.wait_procs([null_server], timeout=60)[1] == []
    finally:
        process.kill()
        process.wait()
