"""The operations, who does each, what is to be reached, and the table of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["ROWS", "Goal", "Row", "judge", "render"]

OURS, FIRED, TASKS = "sioprobe", "sioprobe, events fired", "sioprobe, tasks"
CONTRIB, ARTILLERY, C = "locust.contrib.socketio", "Artillery", "C epoll loop"
FULL_CORE = 0.9
"""Share of a core from which a process can do no more, and so sets the pace."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that `subject` is to reach.

    `at_least`: that many times cheaper than `reference`; `at_most`: so many times its cost; `limit`: the
    figure `quantity` itself, in bytes or µs.
    """

    subject: str
    reference: str = ""
    at_least: float = 0.0
    at_most: float = 0.0
    quantity: str = "us_per_operation"
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One operation. `users` by contender where they differ; `operation` as the null server counts it.

    `rate` is what all users together do in a second, in an open loop; None is a closed loop at full speed.
    """

    id: str
    title: str
    operation: str | None
    transport: str
    contenders: tuple[str, ...]
    goals: tuple[Goal, ...]
    users: tuple[tuple[str, int], ...] = ()
    rate: int | None = None


def at_a_pace(rate: int, *more: str) -> Row:
    """Acks in an open loop: mostly one event for each wake-up of the process."""
    title = f"ack round trip, WebSocket, {rate} a second"
    goal = Goal(OURS, C, at_most=2.5)
    return Row(f"pace-{rate}", title, "acks", "websocket", (OURS, C, *more), (goal,), rate=rate)


ROWS = (
    Row(
        "ack",
        "ack round trip, WebSocket",
        "acks",
        "websocket",
        (OURS, C, CONTRIB, FIRED, TASKS, ARTILLERY),
        (
            Goal(OURS, CONTRIB, at_least=15),
            Goal(OURS, C, at_most=2.5),
            Goal(FIRED, CONTRIB, at_least=8),
            Goal(TASKS, limit=15),
        ),
    ),
    at_a_pace(1000),
    at_a_pace(5000, TASKS),
    at_a_pace(20000),
    Row(
        "delivery",
        "receive one broadcast delivery",
        "deliveries",
        "websocket",
        (OURS, C, CONTRIB),
        (Goal(OURS, CONTRIB, at_least=15),),
    ),
    Row(
        "polling",
        "ack round trip, polling",
        "acks",
        "polling",
        (OURS, CONTRIB, TASKS, ARTILLERY),
        (Goal(OURS, CONTRIB, at_least=20),),
    ),
    Row(
        "connect",
        "connect and CONNECT, WebSocket, and leave",
        "connects",
        "websocket",
        (TASKS, CONTRIB, ARTILLERY),
        (Goal(TASKS, CONTRIB, at_least=5),),
    ),
    Row(
        "memory",
        "memory of a connected idle user",
        None,
        "websocket",
        (OURS, TASKS, CONTRIB, ARTILLERY),
        (
            Goal(OURS, quantity="bytes_per_user", limit=20_000),
            Goal(OURS, quantity="rss_bytes", limit=250_000_000),
            Goal(TASKS, quantity="bytes_per_user", limit=20_000),
        ),
        users=((OURS, 10_000), (TASKS, 10_000), (CONTRIB, 1000), (ARTILLERY, 1000)),
    ),
)


Figures = Sequence[dict[str, Any]]


def values(results: Figures, row: str, contender: str, quantity: str) -> dict[int, float]:
    """That quantity by round, of the rounds that have it."""
    return {
        result["round"]: result[quantity]
        for result in results
        if result["row"] == row and result["contender"] == contender and result.get(quantity) is not None
    }


def judge(results: Figures) -> list[dict[str, Any]]:
    """Each goal with what was seen: median, lowest and highest of the rounds, met or missed or not run.

    A ratio is taken within a round, between two blocks that ran close to each other.
    """
    judged = []
    for row in ROWS:
        for goal in row.goals:
            mine = values(results, row.id, goal.subject, goal.quantity)
            if goal.reference:
                theirs = values(results, row.id, goal.reference, goal.quantity)
                both = sorted(mine.keys() & theirs.keys())
                seen = [
                    theirs[number] / mine[number] if goal.at_least else mine[number] / theirs[number]
                    for number in both
                ]
            else:
                seen = list(mine.values())
            verdict = "not run"
            if seen:
                middle = median(seen)
                met = middle >= goal.at_least if goal.at_least else middle <= (goal.at_most or goal.limit)
                verdict = "met" if met else "missed"
            judged.append(
                {
                    "row": row.id,
                    "subject": goal.subject,
                    "reference": goal.reference or None,
                    "quantity": goal.quantity,
                    "target": goal.at_least or goal.at_most or goal.limit,
                    "kind": "at least" if goal.at_least else "at most",
                    "median": median(seen) if seen else None,
                    "low": min(seen, default=None),
                    "high": max(seen, default=None),
                    "verdict": verdict,
                }
            )
    return judged


def render(results: Figures, judged: list[dict[str, Any]], absent: dict[str, str]) -> str:
    """Two tables in Markdown: the figures of each contender, then the goals."""
    lines = [
        "| operation | contender | users | figure, median (range) | operations/s | core | failures |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        for contender in row.contenders:
            mine = [r for r in results if r["row"] == row.id and r["contender"] == contender]
            if mine:
                lines.append(figures_line(row, contender, mine))
            elif contender in absent and any(r["row"] == row.id for r in results):
                lines.append(f"| {row.title} | {contender} | | not run: {absent[contender]} | | | |")
    lines += ["", "| goal | seen, median (range) | target | |", "|---|---|---|---|"]
    shown = {result["row"] for result in results}
    lines += [goal_line(goal) for goal in judged if goal["row"] in shown]
    return "\n".join(lines)


def figures_line(row: Row, contender: str, results: Figures) -> str:
    """One contender in one operation."""
    failed = [result["failed"] for result in results if result.get("failed")]
    done = [result for result in results if not result.get("failed")]
    if not done:
        return f"| {row.title} | {contender} | | failed: {failed[0]} | | | |"
    quantity, unit = ("us_per_operation", "µs") if row.operation else ("bytes_per_user", "KB")
    seen = [result[quantity] for result in done if result[quantity] is not None]
    scale = 1.0 if row.operation else 1000.0
    figure = spread([value / scale for value in seen], unit) if seen else "no operation"
    rate = share = ""
    if row.operation:
        rate = f"{median(result['operations'] / result['seconds'] for result in done):.0f}"
        rate += f" of {row.rate}" if row.rate else ""
        busy = median(result["cpu_seconds"] / result["seconds"] for result in done)
        server = median(result["server_cpu_seconds"] / result["seconds"] for result in done)
        share = f"{busy:.0%}" + (" (full)" if busy >= FULL_CORE else "")
        share += "; server full" if server >= FULL_CORE else ""
    else:
        rss = median(result["rss_bytes"] for result in done) / 1e6
        figure += f"; {rss:.0f} MB in all"
    counted = [result["failures"] for result in done]
    failures = "not counted" if None in counted else str(sum(counted))
    if failed:
        failures += f"; {len(failed)} of {len(results)} rounds failed: {failed[0]}"
    return f"| {row.title} | {contender} | {done[0]['users']} | {figure} | {rate} | {share} | {failures} |"


def spread(seen: list[float], unit: str) -> str:
    """Median and range, as many digits as they carry."""
    digits = 1 if median(seen) < 100 else 0
    text = f"{median(seen):.{digits}f} {unit}"
    return text if len(seen) < 2 else f"{text} ({min(seen):.{digits}f}-{max(seen):.{digits}f})"


def goal_line(goal: dict[str, Any]) -> str:
    """One goal, what was seen, and whether it is met."""
    row = next(row for row in ROWS if row.id == goal["row"])
    if goal["reference"]:
        unit, scale = "x", 1.0
        words = (
            f"times cheaper than {goal['reference']}"
            if goal["kind"] == "at least"
            else f"times the cost of {goal['reference']}"
        )
        name = f"{row.title}: {goal['subject']}, {words}"
    elif goal["quantity"] == "us_per_operation":
        unit, scale = "µs", 1.0
        name = f"{row.title}: {goal['subject']}"
    elif goal["quantity"] == "rss_bytes":
        unit, scale = "MB", 1e6
        users = dict(row.users)[goal["subject"]]
        name = f"{row.title}: {goal['subject']}, one worker with {users} connections"
    else:
        unit, scale = "KB", 1e3
        name = f"{row.title}: {goal['subject']}"
    if goal["median"] is None:
        return f"| {name} | | {goal['kind']} {goal['target'] / scale:g} {unit} | not run |"
    seen = f"{goal['median'] / scale:.2f} ({goal['low'] / scale:.2f}-{goal['high'] / scale:.2f}) {unit}"
    return f"| {name} | {seen} | {goal['kind']} {goal['target'] / scale:g} {unit} | {goal['verdict']} |"
