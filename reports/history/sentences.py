"""What figures over time show, in sentences. The first is the headline."""

from __future__ import annotations

from collections.abc import Sequence

from reports.writing.wording import TRANSPORTS, change, counted, listed
from sioprobe.results.across import HistoryGroup, HistorySeries, HistoryStep, VersionChange

__all__ = ["days_of", "findings_of", "series_words", "step_words", "version_words"]

MOST_VERSIONS = 6


def findings_of(groups: Sequence[HistoryGroup], fewest: int) -> list[str]:
    """The sentences, at least one: each step, in the order of time."""
    series = [one for group in groups for one in group["series"]]
    runs = sum(len(group["runs"]) for group in groups)
    searched = sum(one["searched"] for one in series)
    steps = [(group, one, step) for group in groups for one in group["series"] for step in one["steps"]]
    if not searched:
        most = max((len(one["points"]) for one in series), default=0)
        return [f"{counted(runs, 'run')}, at most {most} of one load: steps are looked for from {fewest} on."]
    steps.sort(key=lambda found: found[0]["runs"][found[2]["after"]]["started_at"])
    of = f"{counted(searched, 'figure')} over {counted(runs, 'run')}"
    sentences = [f"{counted(len(steps), 'step')} in {of}." if steps else f"No step in {of}."]
    for group, one, step in steps:
        near = f" Changed near it: {version_words(step['versions'])}." if step["versions"] else ""
        sentences.append(f"{days_of(group, step)}: {series_words(one)}: {step_words(step)}.{near}")
    return sentences


def days_of(group: HistoryGroup, step: HistoryStep) -> str:
    """The days of the runs before and after."""
    before, after = (group["runs"][step[end]]["started_at"][:10] for end in ("before", "after"))
    return after if before == after else f"{before} to {after}"


def series_words(one: HistorySeries) -> str:
    """`CPU per message of gevent over WebSocket`."""
    return f"{one['label']} of {one['name']} over {TRANSPORTS.get(one['transport'], one['transport'])}"


def step_words(step: HistoryStep) -> str:
    """`+11.2 % [+9.0, +13.1], worse`."""
    return f"{change(step['change'], step['low'], step['high'])}, {step['word']}"


def version_words(versions: Sequence[VersionChange]) -> str:
    """`gevent 25.9.1 → 26.9.0`, and so on, not too many."""
    said = [f"{one['name']} {one['old'] or '–'} → {one['new'] or '–'}" for one in versions]
    rest = len(said) - MOST_VERSIONS
    return listed([*said[:MOST_VERSIONS], *([f"{rest} more"] if rest > 0 else [])])
