"""The result of a search: the document `capacity` of `sioprobe.results`, and its words."""

from __future__ import annotations

from typing import Any

from load.capacity.search import LIMITS, Capacity, Probe
from load.capacity.trials import SearchPlan
from load.running.fail_if import Condition
from sioprobe.measured.validity import FLOOR_FACTOR, is_saturated
from sioprobe.results.loads import Floor, to_json

__all__ = ["HEAD", "document", "render", "row"]

HEAD = (
    f"{'phase':<10} {'rate/s':>8} {'achieved':>8} {'p50 ms':>8} {'p99 ms':>8} {'reach':>8} {'server':>7}"
    f" {'generator':>9}  verdict"
)


def row(probe: Probe) -> str:
    """One probe as a line below HEAD. CPU is that of the server, and of the busiest generator."""
    reach = "-" if probe.reach is None else f"{probe.reach:.2%}"
    server = "-" if probe.server_cpu_share is None else f"{probe.server_cpu_share:.0%}"
    met = "met" if probe.met else f"{probe.blame}: {probe.why}"
    return (
        f"{probe.phase:<10} {probe.rate:>8.0f} {probe.achieved:>8.0f} {_ms(probe.p50_us):>8}"
        f" {_ms(probe.p99_us):>8} {reach:>8} {server:>7} {probe.generator_cpu_share:>9.0%}"
        f"  {probe.verdict}, {met}"
    )


def document(
    found: Capacity, plan: SearchPlan, floor: Floor | str | None, seconds: float, extras: dict[str, Any]
) -> dict[str, Any]:
    """The document."""
    knee = knee_of(found)
    return {
        "schema": 1,
        "kind": "capacity",
        **extras,
        "url": ",".join(plan.block["urls"]),
        "transport": plan.block["transport"],
        "scenario": plan.block["scenario"],
        "connections": plan.connections,
        "processes": plan.processes,
        "objective": [condition.text for condition in plan.objective],
        "latency_limits_us": {
            condition.text: condition.value
            for condition in plan.objective
            if condition.is_latency and condition.comparison in ("<", "<=")
        },
        "probe_seconds": plan.seconds,
        "probes": [probe.to_json() for probe in found.probes],
        "knee": knee,
        "confirmed": found.confirmed,
        "limit": found.limit,
        "statement": statement(found, knee, plan.objective),
        "floor": to_json(floor) if isinstance(floor, Floor) else None,
        "calibration": floor if isinstance(floor, str) else None,
        "seconds": seconds,
    }


def knee_of(found: Capacity) -> dict[str, Any] | None:
    """The figures at the highest rate: means of its confirmations, and their worst p99."""
    if found.knee is None:
        return None
    rate = found.knee.rate
    last = [probe for probe in found.probes if probe.rate == rate and probe.met]
    confirming = [probe for probe in last if probe.phase == "confirming"] or last[-1:]
    cpu = _mean([probe.server_cpu_share for probe in confirming])
    messages = _mean([probe.messages_per_second for probe in confirming]) or 0.0
    return {
        "rate": rate,
        "messages_per_second": messages,
        "messages_per_second_and_core": messages / cpu if cpu else None,
        "server_cpu_share": cpu,
        "saturated": is_saturated(cpu),
        "p50_us": _mean([probe.p50_us for probe in confirming]),
        "p99_us": max((probe.p99_us for probe in confirming if probe.p99_us is not None), default=None),
    }


def statement(found: Capacity, knee: dict[str, Any] | None, objective: tuple[Condition, ...]) -> str:
    """One or two sentences that claim no more than was seen."""
    said = " and ".join(condition.text for condition in objective)
    if knee is None:
        if found.limit == "budget":
            return f"no result: {LIMITS['budget']}, and no rate had met {said}"
        if found.limit in ("generator", "machine"):
            return f"no result: the {found.limit} was the limit at every rate ({found.probes[-1].why})"
        return f"no rate met {said}; at {found.probes[-1].rate:.0f}/s: {found.probes[-1].why}"
    rate = f"{knee['rate']:.0f}/s"
    if found.limit == "generator":
        words = f"at least {rate} with {said}; the generator is the limit, not the server"
    elif found.limit != "server":
        words = f"at least {rate} with {said}; {LIMITS[found.limit]}"
    elif knee["saturated"]:
        words = f"capacity {rate} with {said}: the server used {knee['server_cpu_share']:.0%} of a core"
    else:
        # Not CPU but something else is the limit: waiting, a lock, a queue, Nagle's algorithm.
        cpu = knee["server_cpu_share"]
        room = "its CPU was not seen" if cpu is None else f"it used only {cpu:.0%} of a core"
        words = f"highest rate {rate} with {said}; the server's CPU is not the limit: {room}"
    if found.confirmed < 3:
        words += f" (confirmed {found.confirmed} of 3 times)"
    return words


def render(result: dict[str, Any]) -> str:
    """The lines below the table."""
    lines = [result["statement"]]
    knee = result["knee"]
    if knee is not None:
        per_core = knee["messages_per_second_and_core"]
        seen = "at most in the confirmations" if result["confirmed"] else "in the last probe that met it"
        lines.append(
            f"  {knee['messages_per_second']:.0f} messages/s"
            + (f", {per_core:.0f} a second and server core" if per_core is not None else "")
            + f"; p50 {_ms(knee['p50_us'])} ms, p99 {_ms(knee['p99_us'])} ms {seen}"
        )
    floor = result["floor"]
    if floor is not None and knee is not None:
        lines.append(
            f"  floor (null server, the same rate): p50 {_ms(floor['p50_us'])} ms,"
            f" p99 {_ms(floor['p99_us'])} ms, CPU {floor['cpu_us_per_operation']:.1f} µs an operation"
        )
        if (knee["p99_us"] or 0.0) < FLOOR_FACTOR * floor["p99_us"]:
            lines.append("    the p99 at the knee is mostly the generator's own")
    else:
        lines.append(f"  floor: {result['calibration'] or 'not calibrated'}")
    number = len(result["probes"])
    lines.append(f"  {number} {'probe' if number == 1 else 'probes'} in {result['seconds']:.0f} s")
    return "\n".join(lines)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ms(us: float | None) -> str:
    return "-" if us is None else f"{us / 1000:.2f}"
