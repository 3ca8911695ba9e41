"""The generator's own floor, against the null server."""

from __future__ import annotations

from load.blocks.calibration import calibrate, floor_of, floor_of_run
from sioprobe.measured import Floor


def test_the_floor_is_that_of_one_process_at_the_same_load() -> None:
    floor = floor_of_run({"scenario": "ack", "transport": "websocket", "total_rate": 60.0}, 6, 2)

    assert isinstance(floor, Floor), floor
    assert floor.connections == 3
    assert floor.rate == 30.0
    assert 0 < floor.p50_us <= floor.p99_us
    assert floor.cpu_us_per_operation > 0


def test_without_operations_there_is_no_floor() -> None:
    assert calibrate({"scenario": "idle", "connections": 2}) == "no floor: idle has no operations"


def test_what_the_null_server_does_not_serve_is_named() -> None:
    assert floor_of(block(operations=0), {}) == {
        "error": "no floor: the null server does not answer the scenario echo"
    }
    assert floor_of(block(errors=2, error_kinds={"timeout": 2}), {}) == {
        "error": "no floor: echo failed against the null server: timeout"
    }


def block(**changes: object) -> dict[str, object]:
    return {
        "scenario": "echo",
        "connections": 5,
        "operations": 10,
        "errors": 0,
        "seconds": 1.0,
        "latency": {"p50": 1.0, "p99": 2.0},
        "generator": {"cpu_seconds": 0.1},
        **changes,
    }
