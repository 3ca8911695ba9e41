"""What a comparison shows while it runs, on standard error, and its table at the end.

A terminal shows a bar and the last line. A log gets one plain line for each step.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

__all__ = ["Progress", "Task"]


class Task:
    """One phase: the number of its steps, and how many are done."""

    def __init__(self, progress: Progress, name: str, total: int) -> None:
        self._progress = progress
        self._name = name
        self.total = total
        self.done = 0
        self._bar = progress.bars.add_task(name, total=total, line="")

    def advance(self, line: str | None, steps: int = 1) -> None:
        """These steps are done. `line` says what they were."""
        self.done += steps
        if self._progress.terminal:
            self._progress.bars.update(self._bar, completed=self.done, total=self.total, line=line or "")
        elif line is not None:
            self._progress.say(f"{self._name} {self.done}/{self.total}: {line}")


class Progress:
    """A context manager around a run."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self.terminal = self._console.is_terminal
        self.bars = Bars(
            TextColumn("{task.description:12}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[line]}", markup=False),
            console=self._console,
            disable=not self.terminal,
        )

    def task(self, name: str, total: int) -> Task:
        return Task(self, name, total)

    def say(self, line: str) -> None:
        """A line that stays."""
        self._console.print(line, markup=False, soft_wrap=True)

    def table(self, results: dict[str, Any]) -> None:
        """The main figures of results.json, on standard output."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("server")
        table.add_column("transport")
        for title in ("messages/s", "CPU µs/msg", "p50 ms", "p99 ms", "KB/conn"):
            table.add_column(title, justify="right")
        for cell in results["cells"]:
            metrics = cell["metrics"]
            row = [_estimate(metrics, *column) for column in _COLUMNS]
            table.add_row(cell["arm"], cell["transport"], *row)
        console = Console(highlight=False)
        if results["cells"]:
            console.print(table)
        if results.get("side_by_side"):
            console.print()
            console.print(_ratios(results["side_by_side"]))
        for arm in results["arms"]:
            if arm["status"] == "not run":
                console.print(f"not run: {arm['id']}: {arm['reason']}", markup=False, soft_wrap=True)
        missing = []
        for section in results.get("sections", []):
            if section["status"] == "not measured" and not section["rows"]:
                missing.append(section["name"])
                continue
            console.print(f"\n{section['title']}", style="bold")
            lines = [*section["findings"], *([f"{section['reason']}."] if section["reason"] else [])]
            console.print("\n".join(f"  {line}" for line in lines), markup=False, soft_wrap=True)
        if missing:
            every = "sioprobe compare --profile full measures every section"
            console.print(f"\nnot measured: {', '.join(missing)}; {every}", markup=False, soft_wrap=True)

    def __enter__(self) -> Progress:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()


def _ratios(parts: list[dict[str, Any]]) -> Table:
    """What each server costs beside the one that costs least, over each transport."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("side by side")
    table.add_column("transport")
    for title in _FIGURES.values():
        table.add_column(title, justify="right", no_wrap=True)
    by_figure = {(part["transport"], part["figure"]): part for part in parts}
    for transport in dict.fromkeys(part["transport"] for part in parts):
        own = [by_figure.get((transport, figure)) for figure in _FIGURES]
        for arm in dict.fromkeys(arm for part in own if part for arm in part["medians"]):
            table.add_row(arm, transport, *(_beside_lowest(part, arm) for part in own))
    return table


_FIGURES = {"cpu_us_per_message": "CPU, times the lowest", "p50_us": "p50, times the lowest"}


def _beside_lowest(part: dict[str, Any] | None, arm: str) -> str:
    """`1.41 [1.36, 1.47]`; ≈ in front where the two cannot be told apart."""
    if part is None or arm not in part["medians"]:
        return "–"
    lowest = next(iter(part["medians"]))
    if arm == lowest:
        return "1"
    one = next((one for one in part["ratios"] if (one["arm"], one["over"]) == (arm, lowest)), None)
    if one is None:
        return "–"
    between = "" if one["low"] is None else f" \\[{one['low']:.2f}, {one['high']:.2f}]"
    return f"{'≈ ' if one['claimed'] is None else ''}{one['ratio']:.2f}{between}"


# Metric of results.json, what it is divided by for this table, decimals.
_COLUMNS = (
    ("messages_per_second", 1, 0),
    ("server_cpu_us_per_message", 1, 0),
    ("latency_p50_us", 1000, 1),
    ("latency_p99_us", 1000, 1),
    ("rss_bytes_per_connection", 1000, 0),
)


def _estimate(metrics: dict[str, Any], name: str, divisor: int, decimals: int) -> str:
    estimate = metrics.get(name, {}).get("estimate")
    return "–" if estimate is None else f"{estimate / divisor:,.{decimals}f}"
