"""Processes: one row for each queue and number of processes, and one for the queue's own share of it.

The speed-up is that over one process behind the same queue; the ideal is as many times as processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import (
    Kind,
    block_of,
    by_transport,
    failed,
    figure_of,
    notes_of,
    per_second,
    percentile,
    row,
    series_of,
)
from reports.writing.wording import counted, number, percent
from sioprobe.results.comparison import Measurement, SectionRow
from sioprobe.results.loads import Block

__all__ = ["PROCESSES", "with_speedup"]

UNITS = {
    "messages_per_second": "1/s",
    "speedup": "times",
    "of_ideal": "share",
    "cpu_us_per_message": "us",
    "cpu_us_per_delivery": "us",
    "cpu_us_per_published": "us",
    "cpu_cores": "cores",
    "rss_bytes": "bytes",
    "p50_us": "us",
    "same_process_p50_us": "us",
    "other_process_p50_us": "us",
}
NO_QUEUE = "none"
OVERSUBSCRIBED = "oversubscribed"
NEAR = 1.2
"""One measurement says nothing about the order within this factor of the best."""
CARRIED = {"ack": "acks", "fanout": "deliveries in a room"}


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    # Before there was a choice, the queue was Redis.
    queue = parameters.get("queue", "redis")
    return {"scenario": parameters["scenario"], "queue": queue, "processes": parameters["processes"]}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, _ = block_of(measurement)
    at, problem = _at(measurement["parameters"]), failed(block)
    memory = block.server.rss_under_load_bytes
    if memory is not None:
        memory += sum(each.rss_bytes for each in block.partners.values())
    figures = {
        "messages_per_second": per_second(block, block.messages),
        "speedup": None,
        "of_ideal": None,
        **_cpu(block, block.cpu_seconds),
        "rss_bytes": float(memory) if memory is not None else None,
        "p50_us": block.latency.p50,
        "same_process_p50_us": percentile(series_of(block, "SIO fan-out", "same-server delivery"), 50),
        "other_process_p50_us": percentile(series_of(block, "SIO fan-out", "other-server delivery"), 50),
    }
    # With fewer cores than processes the generator waits for one too. That is part of the answer.
    notes = notes_of(block)
    if at["queue"] != NO_QUEUE and "queue" not in block.partners:
        notes.append("the queue's process was not seen, so it is in no figure")
    yield row(measurement, at, figures, notes, problem)
    for role, used in block.partners.items():
        share = {**_cpu(block, used.cpu_seconds), "rss_bytes": float(used.rss_bytes)}
        yield row(measurement, {**at, "part": role}, {**dict.fromkeys(UNITS), **share}, (), problem)


def _cpu(block: Block, seconds: float | None) -> dict[str, float | None]:
    """The figures of so much CPU time in the block's window."""
    if seconds is None:
        return dict.fromkeys(
            ("cpu_us_per_message", "cpu_us_per_delivery", "cpu_us_per_published", "cpu_cores")
        )
    deliveries = block.operations if block.scenario == "fanout" else 0
    return {
        "cpu_us_per_message": seconds * 1e6 / block.messages if block.messages else None,
        "cpu_us_per_delivery": seconds * 1e6 / deliveries if deliveries else None,
        # The work of a queue for a message does not depend on the number of clients that get it.
        "cpu_us_per_published": seconds * 1e6 / block.published if block.published else None,
        "cpu_cores": seconds / block.seconds if block.seconds else None,
    }


def with_speedup(rows: list[SectionRow], cores: int | None) -> None:
    """Add the speed-up to each row, and a note where there are more processes than cores."""
    one = {
        _series(each): figure_of(each, "messages_per_second")
        for each in rows
        if each["at"]["processes"] == 1 and "part" not in each["at"]
    }
    for each in rows:
        if "part" in each["at"]:
            continue
        processes, queue = each["at"]["processes"], each["at"]["queue"]
        base, rate = one.get(_series(each)), figure_of(each, "messages_per_second")
        if base and rate is not None and queue != NO_QUEUE:
            each["figures"]["speedup"] = rate / base
            each["figures"]["of_ideal"] = rate / base / processes
        # Generator and queue are processes too.
        busy, who = (processes + 2, "generator and queue") if queue != NO_QUEUE else (2, "generator")
        if cores is not None and busy > cores:
            each["notes"].append(f"{OVERSUBSCRIBED}: {busy} processes with {who} on {counted(cores, 'core')}")


def _series(each: SectionRow) -> tuple[Any, ...]:
    return each["arm"], each["transport"], each["at"]["scenario"], each["at"]["queue"]


def _claims(each: SectionRow) -> bool:
    return not any(note.startswith((OVERSUBSCRIBED, "INVALID")) for note in each["notes"])


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    shares = {_place(each): each for each in rows if each["at"].get("part") == "queue"}
    whole = [each for each in rows if "part" not in each["at"]]
    for transport, here in by_transport(whole):
        for scenario in dict.fromkeys(each["at"]["scenario"] for each in here):
            of = [each for each in here if each["at"]["scenario"] == scenario]
            words = CARRIED.get(scenario, scenario)
            for count in sorted({each["at"]["processes"] for each in of} - {1}):
                these = [each for each in of if each["at"]["processes"] == count and _claims(each)]
                times = _told(these, "speedup", lambda each, value: number(value))
                if times:
                    yield (
                        f"Over {transport}, {count} processes carry this many times the {words} of one:"
                        f" {times}."
                    )
            enough = ", ".join(_enough([each for each in of if _claims(each)]))
            if enough:
                yield (
                    f"Over {transport}, of the numbers tried these are enough for the {words},"
                    f" and more carry at most a fifth more: {enough}."
                )
        rooms = [each for each in here if each["at"]["scenario"] == "fanout"]
        counts = sorted({each["at"]["processes"] for each in rooms})
        for count in dict.fromkeys((counts[0], counts[-1])) if counts else ():
            these = [each for each in rooms if each["at"]["processes"] == count]
            costs = _told(
                these, "cpu_us_per_delivery", lambda each, value: _cost(each, value, shares), most_first=False
            )
            head = f"Over {transport}{_where(these)} with {counted(count, 'process', 'processes')}"
            if costs:
                yield f"{head}, a delivery in a room costs this much CPU with that of the queue: {costs}."
            if delays := _told(these, "other_process_p50_us", _delays, most_first=False):
                yield (
                    f"{head}, half of the deliveries come within this time to clients of the publisher's"
                    f" process and of another one: {delays}."
                )
    if _crowded(whole):
        yield (
            "Where servers, queue and generator have too few cores, the figures do not show how these would"
            " scale on more, and no number of processes rests on them."
        )


def _crowded(rows: Sequence[SectionRow]) -> bool:
    return any(note.startswith(OVERSUBSCRIBED) for each in rows for note in each["notes"])


def _where(rows: Sequence[SectionRow]) -> str:
    return " on too few cores" if _crowded(rows) else ""


def _enough(rows: Sequence[SectionRow]) -> Iterator[str]:
    """For each server with a choice: the fewest processes that carry hardly less than the best."""
    for arm in dict.fromkeys(each["arm"] for each in rows):
        own = [each for each in rows if each["arm"] == arm and figure_of(each, "speedup") is not None]
        if len({each["at"]["processes"] for each in own}) < 2:
            continue
        best = max(_rate(each) for each in own)
        near = [each for each in own if _rate(each) * NEAR >= best]
        pick = min(near, key=lambda each: (each["at"]["processes"], -_rate(each)))
        processes, times = (
            counted(pick["at"]["processes"], "process", "processes"),
            figure_of(pick, "speedup"),
        )
        yield (
            f"{arm} {processes} behind {pick['at']['queue']} ({number(_rate(pick))} messages a second,"
            f" {number(times)} times one, {percent(figure_of(pick, 'of_ideal'))} of the ideal)"
        )


def _rate(each: SectionRow) -> float:
    return figure_of(each, "messages_per_second") or 0.0


def _told(
    rows: Sequence[SectionRow],
    name: str,
    words: Callable[[SectionRow, float], str],
    *,
    most_first: bool = True,
) -> str:
    """`gevent behind redis 1.75`: each row that has the figure, sorted by it; empty if none has it."""
    known = [(value, each) for each in rows if (value := figure_of(each, name)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=most_first)
    return ", ".join(f"{_who(each)} {words(each, value)}" for value, each in known)


def _who(each: SectionRow) -> str:
    queue = each["at"]["queue"]
    return f"{each['arm']} without a queue" if queue == NO_QUEUE else f"{each['arm']} behind {queue}"


def _place(each: SectionRow) -> tuple[Any, ...]:
    return (*_series(each), each["at"]["processes"])


def _cost(each: SectionRow, value: float, shares: Mapping[tuple[Any, ...], SectionRow]) -> str:
    share = shares.get(_place(each))
    of_queue = figure_of(share, "cpu_us_per_delivery") if share is not None else None
    return f"{number(value)} µs" + (f" (queue {number(of_queue)})" if of_queue is not None else "")


def _delays(each: SectionRow, value: float) -> str:
    same = figure_of(each, "same_process_p50_us")
    return f"{number(same / 1000) if same is not None else '–'} and {number(value / 1000)} ms"


PROCESSES = Kind("processes", "Several processes behind a queue", UNITS, _at, _rows, _findings)
