"""What a run shows, in sentences; the first is the headline. Each says only what the intervals carry.

There is no single winner: a sentence is about one figure, one transport and one workload.
"""

from __future__ import annotations

from reports.statistics import median
from reports.wording import TRANSPORT_ORDER, TRANSPORTS, counted, interval, listed, number
from sioprobe.results.types import CellResult, Results

MOST_NAMES = 3
"""A sentence names so many servers at most."""

PREFERRED = ("websocket", "upgrade", "polling")
"""The transport that the headline is about: the first of these that was measured."""


def findings(results: Results) -> list[str]:
    """Sentences about `results`, the headline first; at least one."""
    measured = [cell for cell in results["cells"] if cell["status"] == "measured"]
    sentences = []
    if measured:
        transport = next(t for t in PREFERRED if any(cell["transport"] == t for cell in measured))
        for sentence in (throughput_finding(measured, transport), cost_of_polling(measured)):
            if sentence:
                sentences.append(sentence)
    sentences.extend(_conformance_finding(results))
    if not sentences:
        return ["Nothing was measured."]
    return sentences


def throughput_finding(cells: list[CellResult], transport: str) -> str | None:
    """Who carries most over `transport`, and who cannot be told apart from it."""
    name = TRANSPORTS[transport]
    group = _first_workload([cell for cell in cells if cell["transport"] == transport])
    ranked = [cell for cell in group if cell["metrics"]["messages_per_second"]["standing"] is not None]
    best = next((c for c in ranked if c["metrics"]["messages_per_second"]["standing"] == "best"), None)
    if best is None:
        only = next((c for c in group if c["metrics"]["messages_per_second"]["estimate"] is not None), None)
        if only is None:
            return None
        figure = number(only["metrics"]["messages_per_second"]["estimate"])
        if len(group) == 1:
            return f"Over {name}, {only['arm']} carries {figure} messages/s."
        return f"Over {name}, single blocks were measured: nothing can be said about who carries more."
    metric = best["metrics"]["messages_per_second"]
    figure = f"{number(metric['estimate'])} messages/s ({interval(metric['low'], metric['high'])})"
    alike = [c["arm"] for c in ranked if c["metrics"]["messages_per_second"]["standing"] == "overlaps best"]
    if len(alike) == len(ranked) - 1 and alike:
        return f"Over {name}, all {len(ranked)} servers overlap with {best['arm']}, {figure}."
    among = " of the servers with one process" if len(ranked) < len(group) else ""
    return f"Over {name}, {best['arm']} carries the most{among}: {figure}{_tie(alike)}."


def cpu_finding(cells: list[CellResult], transport: str) -> str | None:
    """Who needs least server CPU a message over `transport`."""
    return _lowest(
        cells, transport, "server_cpu_us_per_message", "needs the least server CPU", "µs a message", 1
    )


def tail_finding(cells: list[CellResult], transport: str) -> str | None:
    """Whose p99 is lowest over `transport`."""
    return _lowest(cells, transport, "latency_p99_us", "has the lowest p99", "ms", 1e-3)


def memory_finding(cells: list[CellResult], transport: str) -> str | None:
    """Who needs least memory a connection over `transport`."""
    return _lowest(
        cells, transport, "rss_bytes_per_connection", "needs the least memory", "KiB a connection", 1 / 1024
    )


def cost_of_polling(cells: list[CellResult]) -> str | None:
    """How many times the CPU of WebSocket a polled message costs, over the servers that have both."""
    ratios = []
    by_transport: dict[str, dict[tuple[str, str, int], float]] = {"polling": {}, "websocket": {}}
    for cell in cells:
        cpu = cell["metrics"]["server_cpu_us_per_message"]["estimate"]
        if cell["transport"] in by_transport and cpu:
            key = (cell["arm"], cell["scenario"], cell["connections"])
            by_transport[cell["transport"]][key] = cpu
    for key, polling in by_transport["polling"].items():
        if key in by_transport["websocket"]:
            ratios.append(polling / by_transport["websocket"][key])
    if not ratios:
        return None
    spread = f" ({interval(min(ratios), max(ratios))} over {len(ratios)} servers)" if len(ratios) > 1 else ""
    return (
        f"A polled message costs {number(median(ratios), 2)} times the server CPU of a WebSocket one{spread}."
    )


def _conformance_finding(results: Results) -> list[str]:
    judged = results["conformance"]
    if not judged:
        return []
    broken = [one["arm"] for one in judged if one["outcome"] == "failures"]
    unjudged = [one["arm"] for one in judged if one["outcome"] == "harness error"]
    sentences = []
    if broken:
        verb = "breaks" if len(broken) == 1 else "break"
        who = _named(broken, f"{len(broken)} servers")
        sentences.append(
            f"{who} {verb} requirements in a way that is not a known deviation "
            f"({len(broken)} of {counted(len(judged), 'server')})."
        )
    if unjudged:
        sentences.append(f"The judge itself failed on {listed(unjudged)}.")
    if not broken and not unjudged:
        known = sum(one["outcome"] == "known deviations" for one in judged)
        sentence = f"No server of {len(judged)} deviates from the protocol in a way that was not known before"
        sentences.append(
            f"{sentence}; {known} {'has' if known == 1 else 'have'} known deviations."
            if known
            else f"{sentence}."
        )
    return sentences


def _lowest(
    cells: list[CellResult], transport: str, name: str, verb: str, unit: str, scale: float
) -> str | None:
    group = _first_workload([cell for cell in cells if cell["transport"] == transport])
    best = next((c for c in group if c["metrics"][name]["standing"] == "best"), None)
    if best is None:
        return None
    estimate = best["metrics"][name]["estimate"] or 0.0
    alike = [c["arm"] for c in group if c["metrics"][name]["standing"] == "overlaps best"]
    return f"{TRANSPORTS[transport]}: {best['arm']} {verb}, {number(estimate * scale)} {unit}{_tie(alike)}"


def _tie(alike: list[str]) -> str:
    if not alike:
        return ""
    return f"; {_named(alike, f'{len(alike)} others')} cannot be told apart from it"


def _named(names: list[str], otherwise: str) -> str:
    """The names while they are few."""
    return listed(names) if len(names) <= MOST_NAMES else otherwise


def _first_workload(cells: list[CellResult]) -> list[CellResult]:
    if not cells:
        return []
    workload = (cells[0]["scenario"], cells[0]["connections"])
    return [cell for cell in cells if (cell["scenario"], cell["connections"]) == workload]


def transports_of(cells: list[CellResult]) -> list[str]:
    """The transports among `cells`, in the order of the page."""
    present = {cell["transport"] for cell in cells}
    return [transport for transport in TRANSPORT_ORDER if transport in present]
