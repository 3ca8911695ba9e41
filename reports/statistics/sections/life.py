"""Life: one row each for churn, storm and slow consumers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.statistics.sections.kind import (
    Figures,
    Kind,
    block_of,
    by_transport,
    disturbed,
    failed,
    figure_of,
    notes_of,
    per_second,
    row,
    told,
)
from reports.writing.wording import listed, number, tick
from sioprobe.results.comparison import Measurement, SectionRow
from sioprobe.results.loads import Block

__all__ = ["LIFE"]

UNITS = {
    "lives_per_second": "1/s",
    "failed": "count",
    "leaked_sessions": "count",
    "leaked_threads": "count",
    "leaked_files": "count",
    "leaked_bytes_per_life": "bytes",
    "rss_bytes_per_life": "bytes",
    "dropped": "count",
    "back": "count",
    "half_back_us": "us",
    "all_back_us": "us",
    "failed_attempts": "count",
    "p99_before_us": "us",
    "p99_beside_slow_us": "us",
    "slow": "count",
    "slow_dropped": "count",
    "rss_growth_bytes": "bytes",
}

TIMED = ("lives_per_second", "half_back_us", "all_back_us", "p99_before_us", "p99_beside_slow_us")


def _at(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"scenario": parameters["scenario"]}


def _rows(measurement: Measurement) -> Iterator[SectionRow]:
    block, _ = block_of(measurement)
    figures = dict.fromkeys(UNITS) | _FIGURES[block.scenario](block, block.found or {})
    if disturbed(block) or (block.scenario == "slow" and failed(block)):
        # What is left behind, and who came back, does not depend on the generator's speed.
        figures |= dict.fromkeys(TIMED)
    notes = [*notes_of(block), *(block.found or {}).get("words", [])]
    problem = failed(block) if not block.operations else None
    yield row(measurement, _at(measurement["parameters"]), figures, notes, problem)


def _churn(block: Block, found: dict[str, Any]) -> Figures:
    leak = found["leak"]
    return {
        "lives_per_second": per_second(block, block.operations),
        "failed": float(sum(found["failed"].values())),
        "leaked_sessions": _kept(leak, "sessions"),
        "leaked_threads": _kept(leak, "threads"),
        "leaked_files": _kept(leak, "fds"),
        "leaked_bytes_per_life": _kept_memory(leak),
        "rss_bytes_per_life": leak.get("rss_bytes_per_life"),
    }


def _kept(leak: dict[str, Any], name: str) -> float | None:
    """How much more there is than before; None where nobody saw it, as without a cool-down."""
    if any(leak.get(when, {}).get(name) is None for when in ("before", "after")):
        return None
    return float(leak["kept"].get(name, 0))


def _kept_memory(leak: dict[str, Any]) -> float | None:
    """By how much the memory grows with each life: 0 if it does not, None where nobody can tell."""
    verdict = leak.get("memory")
    if verdict == "grows":
        return float(leak["rss_bytes_per_life"])
    return 0.0 if verdict in ("settled", "given back") else None


def _storm(block: Block, found: dict[str, Any]) -> Figures:
    """Of the worst wave."""
    waves = found["waves"]
    times = [wave["all_us"] for wave in waves]
    return {
        "dropped": float(sum(wave["dropped"] for wave in waves)),
        "back": float(sum(wave["back"] for wave in waves)),
        "half_back_us": max((wave["p50_us"] for wave in waves if wave["p50_us"] is not None), default=None),
        "all_back_us": max(times) if times and None not in times else None,
        "failed_attempts": float(sum(sum(wave["errors"].values()) for wave in waves)),
    }


def _slow(block: Block, found: dict[str, Any]) -> Figures:
    latency, memory = found["healthy_latency_us"], found["server_rss_bytes"]
    before, beside = memory.get("before"), memory.get("slow")
    return {
        "failed": float(block.ledger.lost) if block.ledger is not None else None,
        "p99_before_us": latency.get("before", {}).get("p99"),
        "p99_beside_slow_us": latency.get("slow", {}).get("p99"),
        "slow": float(found["slow"]["members"]),
        "slow_dropped": float(found["slow"]["dropped"]),
        "rss_growth_bytes": float(beside - before) if before is not None and beside is not None else None,
    }


_FIGURES = {"churn": _churn, "storm": _storm, "slow": _slow}


def _findings(rows: Sequence[SectionRow]) -> Iterator[str]:
    for transport, here in by_transport(rows):
        of = {name: [each for each in here if each["at"]["scenario"] == name] for name in _FIGURES}
        yield from _about_leaks(of["churn"], transport)
        yield from _about_storms(of["storm"], transport)
        for each in of["slow"]:
            before, beside = figure_of(each, "p99_before_us"), figure_of(each, "p99_beside_slow_us")
            if before and beside and beside >= 2 * before:
                yield (
                    f"Over {transport}, clients that do not read slow down the others on {each['arm']}:"
                    f" their p99 goes from {number(before / 1000)} to {number(beside / 1000)} ms."
                )
        if of["slow"]:
            dropped = [each for each in of["slow"] if figure_of(each, "slow_dropped")]
            if words := told(dropped, "slow_dropped", "", words=tick):
                yield f"Over {transport}, slow clients that the server dropped: {words}."


def _about_leaks(rows: list[SectionRow], transport: str) -> Iterator[str]:
    kinds = {"leaked_sessions": "sessions", "leaked_threads": "threads", "leaked_files": "open files"}
    seen = [each for each in rows if any(figure_of(each, name) is not None for name in kinds)]
    clean = [each for each in seen if not any(figure_of(each, name) for name in kinds)]
    whole = [each["arm"] for each in clean if figure_of(each, "leaked_bytes_per_life") == 0]
    untold = [each["arm"] for each in clean if figure_of(each, "leaked_bytes_per_life") is None]
    if whole:
        yield f"Of clients that came and went over {transport}, nothing is left on {listed(whole)}."
    if untold:
        yield (
            f"Of clients that came and went over {transport}, no session, thread or open file is left on"
            f" {listed(untold)}. It is not known whether memory grows there."
        )
    for each in rows:
        counts = {word: figure_of(each, name) for name, word in kinds.items()}
        left = [f"{tick(count)} {word}" for word, count in counts.items() if count]
        if grows := figure_of(each, "leaked_bytes_per_life"):
            left.append(f"{number(grows / 1024)} KiB of memory for each of them")
        if left:
            yield f"Of clients that came and went over {transport}, {each['arm']} kept {listed(left)}."


def _about_storms(rows: list[SectionRow], transport: str) -> Iterator[str]:
    if times := told(rows, "all_back_us", " s", scale=1e-6, highest_first=False):
        yield f"When all clients are dropped at once over {transport}, everybody is back after: {times}."
    for each in rows:
        missing = (figure_of(each, "dropped") or 0.0) - (figure_of(each, "back") or 0.0)
        if missing:
            yield f"On {each['arm']}, {tick(missing)} dropped clients over {transport} did not come back."


LIFE = Kind("life", "Clients that come and go, are dropped, or do not read", UNITS, _at, _rows, _findings)
