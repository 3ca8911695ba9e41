"""The probes of a search: short runs in an open loop, and who is to blame for one that failed.

Each probe is a block (`load.blocks`) on fresh connections, at a constant rate that all connections share.
`load.capacity.search` chooses the rates; `load.capacity.document` makes the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

from load.blocks.calibration import NoFloor, calibrate
from load.capacity.search import Capacity, Probe, search
from load.running.fail_if import Condition, Figures
from load.scenarios import make_options, scenarios_with
from load.servers.processes import BlockGenerator, ChildError
from sioprobe.measured import Ledger
from sioprobe.measured.validity import GENERATOR_CAUSES, is_saturated
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Block, Floor, GeneratorUsage, Validity

__all__ = ["DEFAULT_OBJECTIVES", "SearchPlan", "find_capacity", "full_objective", "probe_of"]

DEFAULT_OBJECTIVES = ("p99<100ms", "reach>=100%", "errors<=0")
WARMUP_SECONDS = 1.0
OVERHEAD_SECONDS = 3.0
"""For connecting, draining and closing, until a probe has shown how long they take."""

ACHIEVED = 0.95
"""The share of the rate that must be answered, however fast the answers are."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """The task of a search. `block` is a request to `load.blocks` without connections, rate and times."""

    block: dict[str, Any]
    connections: int
    processes: int = 1
    objective: tuple[Condition, ...] = ()
    start: float = 100.0
    seconds: float = 3.0
    budget: float = 120.0
    calibrate: bool = True

    def request(self, rate: float) -> dict[str, Any]:
        """The share of one process in a probe at a total of `rate` operations a second."""
        connections = -(-self.connections // self.processes)
        share = rate / self.processes
        scenario = self.block["scenario"]
        if scenario in scenarios_with("total_rate"):
            paced = {"total_rate": share}
        else:
            # The rate of a room; `broadcast` has one room with everybody.
            size = self.block.get("room_size") or make_options(scenario, {}).get("room_size", connections)
            paced = {"rate": share / -(-connections // int(size))}
        return {
            **self.block,
            **paced,
            "connections": connections,
            "warmup_seconds": WARMUP_SECONDS,
            "seconds": self.seconds,
        }


def full_objective(given: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions given, and the defaults of figures that they do not name. Any latency stands for p99."""
    named = {"latency" if condition.is_latency else condition.figure for condition in given}
    defaults = (Condition.parse(text) for text in DEFAULT_OBJECTIVES)
    return (
        *given,
        *(
            condition
            for condition in defaults
            if ("latency" if condition.is_latency else condition.figure) not in named
        ),
    )


def find_capacity(
    plan: SearchPlan, told: Callable[[Probe], None] = lambda probe: None
) -> tuple[Capacity, Floor | str | None]:
    """Search. The result, and the generator's floor at the knee. Raises ChildError of the first probe."""
    began = time.monotonic()
    longest = WARMUP_SECONDS + plan.seconds + OVERHEAD_SECONDS
    generators = [BlockGenerator() for _ in range(plan.processes)]
    any_measured: list[bool] = []

    def probe(rate: float, phase: str) -> Probe:
        nonlocal longest
        started = time.monotonic()
        try:
            block = _measure(generators, plan.request(rate))
        except ChildError as error:
            if not any_measured:
                raise
            generators[:] = [each if each.alive else BlockGenerator() for each in generators]
            return failed_probe(rate, phase, str(error))
        any_measured.append(True)
        longest = max(longest, time.monotonic() - started)
        return probe_of(block, rate, phase, plan.objective)

    try:
        found = search(
            probe,
            plan.start,
            time_left=lambda: time.monotonic() - began + longest <= plan.budget,
            told=told,
        )
    finally:
        for generator in generators:
            generator.close()
    if not plan.calibrate or found.knee is None:
        return found, None
    try:
        return found, calibrate(plan.request(found.knee.rate))
    except NoFloor as why:
        return found, str(why)


def _measure(generators: Sequence[BlockGenerator], request: dict[str, Any]) -> Block:
    """One probe by all generators at the same time, merged."""
    deadline = request["warmup_seconds"] + request["seconds"] + 60.0
    request = {**request, "generator_pids": [generator.pid for generator in generators]}
    with ThreadPoolExecutor(len(generators)) as pool:
        shares = [{**request, "numbering": (place, len(generators))} for place in range(len(generators))]
        blocks = list(
            pool.map(lambda generator, share: generator.measure(share, deadline), generators, shares)
        )
    return merged(blocks)


def merged(blocks: Sequence[Block]) -> Block:
    """Blocks of several generators at the same time as one block, with the worst figures of a generator."""
    latency = Histogram()
    for block in blocks:
        latency.merge(Histogram.from_latency(block.latency))
    ledgers = [Ledger.of(block.ledger) for block in blocks if block.ledger is not None]
    for ledger in ledgers[1:]:
        ledgers[0].merge(ledger)
    busiest = max(block.generator.max_cpu_share or 0.0 for block in blocks)
    return msgspec.structs.replace(
        blocks[0],
        **{
            name: sum(getattr(block, name) for block in blocks)
            for name in ("connections", "operations", "errors", "published", "messages", "unsent")
        },
        connected=sum(block.opened for block in blocks),
        latency=latency.to_latency(),
        ledger=ledgers[0].figures() if ledgers else None,
        generator=GeneratorUsage(max_cpu_share=busiest),
        validity=Validity.of(found for block in blocks for found in block.validity.findings),
    )


def failed_probe(rate: float, phase: str, why: str) -> Probe:
    """A rate at which a server could not be measured that could be measured before."""
    return Probe(
        rate=rate,
        achieved=0.0,
        p50_us=None,
        p99_us=None,
        reach=None,
        errors=1,
        messages_per_second=0.0,
        server_cpu_share=None,
        generator_cpu_share=0.0,
        verdict="INVALID",
        reasons=(why,),
        blame="server",
        why=why,
        phase=phase,
    )


def probe_of(block: Block, rate: float, phase: str, objective: Sequence[Condition]) -> Probe:
    """What a block at that total rate says about the objective, and who is to blame if it was not met."""
    seconds = block.seconds
    # With a ledger the operations are deliveries, of messages that were published at that rate.
    carried = block.published or block.operations
    achieved = (carried if block.ledger is not None else block.published + block.operations) / seconds
    findings = block.validity.findings
    figures = Figures.of_block(block)
    broken = [
        f"{condition.text} not met: {condition.show(condition.measured(figures))}"
        for condition in objective
        if (held := condition.holds(figures)) is False or (held is None and condition.must_be_measured)
    ]
    if block.opened < block.connections:
        broken.append(f"{block.opened} of {block.connections} connections were opened")
    if achieved < ACHIEVED * rate:
        broken.append(f"{achieved:.0f}/s of {rate:.0f}/s were carried")
    faults = [
        found
        for found in findings
        if found.cause in GENERATOR_CAUSES
        # If the objective was not met, a generator near its limit may be the cause.
        and (found.verdict == "INVALID" or (broken and found.cause == "cpu"))
    ]
    server_cpu = block.server.cpu_seconds
    share = server_cpu / seconds if server_cpu is not None else None
    # A saturated server had its cores. If it had room, others may have kept it from the CPU.
    pressed = [found for found in findings if found.cause == "neighbour" and is_saturated(share) is False]
    if faults:
        causes = {found.cause for found in faults}
        # It was kept from running and was not busy: other processes of this machine made its lags.
        held_up = causes & {"run delay", "stall"} and "cpu" not in causes
        blame, why = "machine" if held_up else "generator", [found.reason for found in faults]
    elif broken:
        blame = "machine" if pressed else "server"
        why = [*broken, *(found.reason for found in pressed)]
    else:
        blame, why = "", []
    return Probe(
        rate=rate,
        achieved=achieved,
        p50_us=block.latency.p50,
        p99_us=block.latency.p99,
        reach=block.ledger.reach if block.ledger is not None else None,
        errors=block.errors,
        messages_per_second=block.messages / seconds,
        server_cpu_share=share,
        generator_cpu_share=block.generator.max_cpu_share or 0.0,
        verdict=block.validity.verdict,
        reasons=tuple(block.validity.reasons),
        blame=blame,
        why="; ".join(why),
        phase=phase,
    )
