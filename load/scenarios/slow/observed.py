"""What a run with slow members showed: about the healthy ones, the server's memory, and the slow ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from load.playing.observations import Observations, count_of, duration, spread, summed, told, unpack
from load.scenarios.slow.phases import AFTER, BEFORE, PHASES, SLOW
from load.watching.server_state import Watched
from sioprobe.measured import Ledger
from sioprobe.results.loads import LedgerFigures, to_json

__all__ = ["slow_observed"]

_SAID = {BEFORE: "before", SLOW: "beside those who did not read", AFTER: "when all read again"}


def slow_observed(states: Sequence[dict[str, Any]], server: Watched) -> Observations:
    """The lines and figures of all processes together."""
    seen = [name for name in PHASES if any(_phase(state, name) for state in states)]
    latencies = {name: spread(unpack(state["latencies"][name] for state in states)) for name in PHASES}
    fates = [fate for state in states for fate in state["slow"]]
    ledger = Ledger()
    for state in states:
        ledger.merge(Ledger.of(msgspec.convert(state["slow_ledger"], LedgerFigures)))
    healthy = sum(state["healthy"] for state in states)
    phases = {name: _merged_phase(states, name) for name in seen}
    memory = _memory(phases, server)
    slow, slow_words = _slow(fates, phases)
    words = [_healthy(seen, latencies), *slow_words, *_memory_words(memory, server.unseen)]
    if not seen:
        words = ["nothing was measured: the run ended before everybody was there"]
    elif seen[-1] != AFTER:
        words.append(f"the run ended in the phase {seen[-1]!r}, so the phases after it are missing")
    figures = {
        "phases": phases,
        "healthy": healthy,
        "healthy_latency_us": latencies,
        "slow": slow,
        "slow_ledger": to_json(ledger.figures()),
        "server_rss_bytes": memory,
    }
    return Observations(words, figures)


def _phase(state: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((phase for phase in state["phases"] if phase["name"] == name), None)


def _merged_phase(states: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    found = [phase for state in states if (phase := _phase(state, name)) is not None]
    return {
        "at": min(phase["at"] for phase in found),
        "seconds": max(phase["seconds"] for phase in found),
    }


def _healthy(seen: Sequence[str], latencies: dict[str, dict[str, Any]]) -> str:
    parts = [
        f"{_SAID[name]} p50 {duration(latencies[name]['p50'])}, p99 {duration(latencies[name]['p99'])},"
        f" max {duration(latencies[name]['max'])}"
        for name in seen
    ]
    line = "delivery to those who read: " + "; ".join(parts)
    before, beside = latencies[BEFORE]["p99"], latencies[SLOW]["p99"]
    if before and beside:
        line += f" (p99 {beside / before:.1f} times as long beside the slow)"
    return line


def _slow(
    fates: Sequence[dict[str, Any]], phases: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    read_again = [fate for fate in fates if fate["backlog"] is not None]
    ended = [fate for fate in fates if fate["end"] is not None]
    known = [fate["ended_us"] for fate in fates if fate["ended_us"] is not None]
    kinds = summed({fate["end"]: 1} for fate in ended)
    stayed = [fate for fate in read_again if fate["end"] is None]
    figures = {
        "members": len(fates),
        "dropped": len(ended),
        "dropped_kinds": kinds,
        "first_dropped_us": min(known, default=None),
        "last_dropped_us": max(known, default=None),
        "backlog": sum(fate["backlog"] for fate in read_again),
        "backlog_got": sum(fate["backlog_got"] for fate in read_again),
        "backlog_of_those_who_stayed": sum(fate["backlog"] for fate in stayed),
        "backlog_got_of_those_who_stayed": sum(fate["backlog_got"] for fate in stayed),
    }
    if not fates:
        return figures, []
    most = max((fate["backlog_bytes"] for fate in read_again), default=None)
    meanwhile = "" if most is None else f", while {most / 1e6:.1f} MB were published for each"
    words = [f"{count_of(len(fates), 'member')} did not read for {phases[SLOW]['seconds']:.1f} s{meanwhile}"]
    if ended:
        line = f"the server dropped {len(ended):,} of them ({told(kinds)})"
        if known:
            line += f", the first {duration(min(known))} after it stopped reading"
        else:
            line += ", noticed when they read again"
        words.append(line)
    else:
        words.append("the server dropped none of them")
    if stayed:
        waited = figures["backlog_of_those_who_stayed"]
        got = figures["backlog_got_of_those_who_stayed"]
        words.append(
            f"reading again, {len(stayed):,} got {got:,} of {waited:,} messages that waited for them"
        )
    lost = [fate for fate in read_again if fate["end"] is not None]
    if lost:
        waited, got = (sum(fate[name] for fate in lost) for name in ("backlog", "backlog_got"))
        words.append(f"the dropped ones still got {got:,} of {waited:,}")
    return figures, ["; ".join(words)]


def _memory(phases: dict[str, dict[str, Any]], server: Watched) -> dict[str, int | None]:
    """The most memory of the server in each phase, in bytes; None if nobody looked."""
    most: dict[str, int | None] = {}
    for name, phase in phases.items():
        seen = [
            look.rss_bytes
            for look in server.looks
            if look.rss_bytes is not None and phase["at"] <= look.at <= phase["at"] + phase["seconds"]
        ]
        most[name] = max(seen, default=None)
    return most


def _memory_words(memory: dict[str, int | None], unseen: str) -> list[str]:
    known = [(name, rss) for name, rss in memory.items() if rss is not None]
    if not known:
        return ["the server's memory is not known" + (f": {unseen}" if unseen else "")] if memory else []
    parts = [f"{_SAID[name]} {rss / 2**20:.1f} MiB" for name, rss in known]
    return ["server memory, at most: " + ", ".join(parts)]
