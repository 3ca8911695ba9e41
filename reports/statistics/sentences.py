"""What a run shows, in sentences. The first is the headline. Each claims only what the intervals support.

What a message costs comes first: servers that were alive at the same time are ranked with the narrowest
intervals (`ratio_sentences`).

There is no single winner. A sentence is about one figure, one transport and one workload. It compares servers
with the same number of processes, which is one if there are such servers.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.statistics.intervals import median
from reports.statistics.metrics import METRICS
from reports.statistics.ratio_sentences import ratio_sentence
from reports.writing.wording import TRANSPORT_ORDER, TRANSPORTS, counted, interval, listed, number
from sioprobe.results.types import CellResult, Results

MOST_NAMES = 3
"""A sentence names at most so many servers."""

PREFERRED = ("websocket", "upgrade", "polling")
"""The headline is about the first of these transports that was measured."""


def sentences_about(results: Results) -> list[str]:
    """The sentences about `results`, at least one. The headline comes first."""
    measured = [cell for cell in results["cells"] if cell["status"] == "measured"]
    sentences = []
    parts = results.get("side_by_side", [])
    for figure in ("cpu_us_per_message", "p50_us"):
        for transport in PREFERRED:
            for part in parts:
                if (part["transport"], part["figure"]) == (transport, figure):
                    sentences.append(f"{ratio_sentence(part, results['arms'])}.")
    if measured:
        transport = next(t for t in PREFERRED if any(cell["transport"] == t for cell in measured))
        for sentence in (throughput_sentence(measured, transport), polling_sentence(measured)):
            if sentence:
                sentences.append(f"{sentence}.")
    sentences.extend(_conformance_sentences(results))
    if not sentences:
        # Sections alone: the first finding of each.
        sentences = [part["findings"][0] for part in results.get("sections", []) if part["findings"]]
    if not sentences:
        return ["Nothing was measured."]
    return sentences


@dataclass(frozen=True, slots=True)
class Ranking:
    """The comparable cells on one figure: the best median, those that overlap it, those with too few blocks.

    `sure` says that all intervals have a stated coverage. `peers` is " with one process" if other servers
    have more processes.
    """

    cells: list[CellResult]
    leader: CellResult | None
    alike: list[str]
    unranked: list[str]
    sure: bool
    peers: str


def throughput_sentence(cells: list[CellResult], transport: str) -> str | None:
    """Which server carries most over `transport`, and which may carry as much."""
    ranking = _ranking(cells, transport, "messages_per_second")
    name, peers = TRANSPORTS[transport], ranking.peers
    if not ranking.cells:
        return None
    leader = ranking.leader
    if len(ranking.cells) == 1:
        [only] = ranking.cells
        alone = f", the only server{peers}," if peers else ""
        return f"Over {name}, {only['arm']}{alone} carries {_messages(only)}"
    if leader is None:
        return f"Over {name}, there are too few blocks to rank the servers{peers}"
    if not ranking.alike and not ranking.sure:
        above = f"every block of {leader['arm']} was above every block of {_others(ranking)}"
        among = f", among servers{peers}" if peers else ""
        return f"Over {name}{among}, {above}: {_messages(leader)}{_behind(ranking)}"
    among = f" of the servers{peers}" if peers else ""
    carries = "carries the most" if ranking.sure and not ranking.alike else "has the highest median"
    return f"Over {name}, {leader['arm']} {carries}{among}: {_messages(leader)}{_behind(ranking)}"


def cpu_sentence(cells: list[CellResult], transport: str) -> str | None:
    """Which server needs the least CPU for a message over `transport`."""
    return _lowest(cells, transport, "server_cpu_us_per_message", "server CPU", "µs a message")


def tail_sentence(cells: list[CellResult], transport: str) -> str | None:
    """Which server has the lowest p99 over `transport`."""
    return _lowest(cells, transport, "latency_p99_us", "p99", "ms")


def memory_sentence(cells: list[CellResult], transport: str) -> str | None:
    """Which server needs the least memory for a connection over `transport`."""
    return _lowest(cells, transport, "rss_bytes_per_connection", "memory", "KiB a connection")


def polling_sentence(cells: list[CellResult]) -> str | None:
    """How much more CPU a polled message costs than one over WebSocket, for servers with both."""
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
    times = number(median(ratios), 2)
    return f"A polled message costs {times} times the server CPU of a WebSocket one{spread}"


def _conformance_sentences(results: Results) -> list[str]:
    judged = results["conformance"]
    if not judged:
        return []
    unjudged = [one["arm"] for one in judged if one["outcome"] == "harness error"]
    broken, stale, unclear = (
        [one["arm"] for one in judged if any(map(one["counts"].get, verdicts))]
        for verdicts in (("fail",), ("unexpected pass",), ("inconclusive", "not judged"))
    )
    unexplained = [
        one["arm"]
        for one in judged
        if one["outcome"] == "failures" and one["arm"] not in {*broken, *stale, *unclear}
    ]
    sentences = []
    if broken:
        verb = "breaks" if len(broken) == 1 else "break"
        sentences.append(
            f"{_servers(broken)} {verb} requirements in a way that is not a known deviation "
            f"({len(broken)} of {counted(len(judged), 'server')})."
        )
    if stale:
        sentences.append(f"A listed deviation no longer occurs on {_servers(stale)}: the list is stale.")
    if unclear:
        sentences.append(f"Not every case could be judged on {_servers(unclear)}.")
    if unexplained:
        sentences.append(f"{_servers(unexplained)} did not pass, and no case says why.")
    if unjudged:
        sentences.append(f"The judge itself failed on {listed(unjudged)}.")
    if not sentences:
        known = sum(one["outcome"] == "known deviations" for one in judged)
        sentence = f"No server of {len(judged)} deviates from the protocol in a way that was not known before"
        sentences.append(
            f"{sentence}; {known} {'has' if known == 1 else 'have'} known deviations."
            if known
            else f"{sentence}."
        )
    return sentences


def _lowest(cells: list[CellResult], transport: str, name: str, noun: str, unit: str) -> str | None:
    """Which server has the lowest `noun`. None if nothing can be ranked."""
    ranking = _ranking(cells, transport, name)
    title, peers = TRANSPORTS[transport], ranking.peers
    cell = ranking.cells[0] if len(ranking.cells) == 1 else ranking.leader
    if cell is None:
        return None
    arm = cell["arm"]
    figure = f"{number((cell['metrics'][name]['estimate'] or 0.0) * METRICS[name].scale)} {unit}"
    if len(ranking.cells) == 1:
        return f"{title}: the {noun} of {arm} is {figure}"
    if ranking.alike or ranking.sure:
        by = "" if ranking.sure else " median"
        among = f" of the servers{peers}" if peers else ""
        return f"{title}: {arm} has the lowest{by} {noun}{among}, {figure}{_behind(ranking)}"
    below = f"every block of {arm} has lower {noun} than any of {_others(ranking)}"
    among = f", servers{peers}" if peers else ""
    return f"{title}{among}: {below}, {figure}{_behind(ranking)}"


def _ranking(cells: list[CellResult], transport: str, name: str) -> Ranking:
    """The ranking in the first workload over `transport`, among the servers with the fewest processes."""
    group = _first_workload([cell for cell in cells if cell["transport"] == transport])
    group = [cell for cell in group if cell["metrics"][name]["estimate"] is not None]
    fewest = min((cell["workers"] for cell in group), default=1)
    peers = [cell for cell in group if cell["workers"] == fewest]
    several = fewest > 1 or len(peers) < len(group)
    ranked = [cell for cell in peers if cell["metrics"][name]["standing"] is not None]

    def estimate(cell: CellResult) -> float:
        return cell["metrics"][name]["estimate"] or 0.0

    best = max if METRICS[name].better == "higher" else min
    leader = best(ranked, key=estimate) if ranked else None
    return Ranking(
        cells=peers,
        leader=leader,
        alike=[
            cell["arm"]
            for cell in ranked
            if cell is not leader and cell["metrics"][name]["standing"] == "overlaps best"
        ],
        unranked=[cell["arm"] for cell in peers if cell not in ranked],
        sure=all(cell["metrics"][name]["coverage"] is not None for cell in ranked),
        peers=f" with {_processes(fewest)}" if several else "",
    )


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _messages(cell: CellResult) -> str:
    """The throughput with its interval, and the kind of interval."""
    metric = cell["metrics"]["messages_per_second"]
    figure, between = f"{number(metric['estimate'])} messages/s", interval(metric["low"], metric["high"])
    if metric["coverage"] is not None:
        return f"{figure} ({between}, {metric['interval']})"
    blocks = len(metric["values"])
    return f"{figure} ({between} in {blocks} blocks)" if blocks > 1 else f"{figure} (one block)"


def _behind(ranking: Ranking) -> str:
    """The servers that may be as good as the leader: they overlap it or have too few blocks."""
    names = [*ranking.alike, *ranking.unranked]
    if not names:
        return ""
    if not ranking.alike:
        return f"; too few blocks to rank {_named(names, f'{len(names)} more')}"
    if len(names) > 1 and len(names) == len(ranking.cells) - 1:
        return "; none of the others can be told apart from it"
    return f"; {_named(names, f'{len(names)} others')} cannot be told apart from it"


def _others(ranking: Ranking) -> str:
    """The servers behind the leader, by name if there is only one."""
    others = [
        cell["arm"]
        for cell in ranking.cells
        if cell is not ranking.leader and cell["arm"] not in ranking.unranked
    ]
    return others[0] if len(others) == 1 else f"the {len(others)} others"


def _servers(names: list[str]) -> str:
    return _named(names, f"{len(names)} servers")


def _named(names: list[str], otherwise: str) -> str:
    """The names if they are few."""
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
