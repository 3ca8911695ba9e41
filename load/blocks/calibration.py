"""`python -m load.blocks.calibration '{"connections": 50}'` prints the generator's floor as a JSON object.

It measures a short block (`load.blocks`) of the same scenario over the same transport against the null
server, which does next to nothing. So the figures show the generator. The request is that of a block, without
its URL. It also lacks what connections show a server (headers, auth payload): the null server asks for
nothing, and a list of processes would show it.
`calibrate` starts this as a process of its own, and answers its result.
Left out: TLS, and the share of Locust, which is small.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import msgspec

from load.servers.children import ChildError, end_child, start_child
from sioprobe.commandline.connection_options import CONNECTION_KEYS
from sioprobe.harness import harness_environment, module_command
from sioprobe.results.loads import Block, Floor, to_json

__all__ = ["NoFloor", "calibrate", "floor_of_run"]

WARMUP_SECONDS = 0.3
SECONDS = 1.0
DEADLINE = 60.0


class NoFloor(RuntimeError):
    """There is no floor. One line says why."""


def calibrate(request: dict[str, Any]) -> Floor:
    """The floor of that block request. Takes some three seconds. Raises NoFloor."""
    shown = {key: value for key, value in request.items() if key not in CONNECTION_KEYS}
    child = start_child(
        module_command("load.blocks.calibration", json.dumps(shown)),
        env=harness_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        out, _ = child.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        raise NoFloor(f"no floor: the null server was not measured within {DEADLINE:.0f} s") from None
    finally:
        end_child(child, 0.0)
    try:
        answer = json.loads(out)
    except ValueError:
        raise NoFloor(f"no floor: the calibration ended with {child.returncode}") from None
    if "error" in answer:
        raise NoFloor(answer["error"])
    return msgspec.convert(answer, Floor)


def floor_of_run(request: dict[str, Any], connections: int, processes: int) -> Floor:
    """The floor of one of `processes` that share these connections evenly. Raises NoFloor."""
    processes = max(processes, 1)
    share = {**request, "connections": max(1, -(-connections // processes))}
    if share.get("total_rate"):
        share["total_rate"] /= processes
    return calibrate(share)


def main(text: str) -> int:
    """Measure what `text` asks for, and print the floor."""
    # Imported here, because `calibrate` does not need the engine.
    from load.blocks.measuring import measure
    from load.blocks.request import BlockRequest, RequestError
    from load.scenarios import SCENARIOS
    from load.servers.processes import NullServer

    given = json.loads(text)
    short = {"warmup_seconds": WARMUP_SECONDS, "seconds": SECONDS, "server_pids": []}
    try:
        with NullServer() as server:
            request = BlockRequest.from_json({**given, **short, "urls": server.urls})
            kind = SCENARIOS[request.scenario]
            assert request.options is not None
            if kind.operation_of(request.options) is None:
                raise NoFloor(f"no floor: {request.scenario} has no operations")
            request = replace(request, options=kind.floor(request.options))
            answer = to_json(floor_of(measure(request), given))
    except (ChildError, RequestError, ValueError) as error:
        answer = {"error": f"no floor: {error}"}
    except NoFloor as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
    return 0


def floor_of(block: Block, request: dict[str, Any]) -> Floor:
    """The floor that a block shows. Raises NoFloor if it measured nothing, or failed."""
    latency, operations, cpu = block.latency, block.operations, block.generator.cpu_seconds
    if latency.p50 is None or latency.p99 is None or cpu is None:
        raise NoFloor(f"no floor: the null server does not answer the scenario {block.scenario}")
    if block.errors:
        kinds = ", ".join(block.error_kinds)
        raise NoFloor(f"no floor: {block.scenario} failed against the null server: {kinds}")
    return Floor(
        connections=block.connections,
        rate=float(request.get("total_rate") or request.get("rate") or 0.0),
        seconds=block.seconds,
        operations_per_second=operations / block.seconds,
        p50_us=latency.p50,
        p99_us=latency.p99,
        cpu_us_per_operation=cpu * 1e6 / operations,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
