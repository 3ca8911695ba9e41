"""Writes figures over time: history.html and history.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.history.derivation import derive_history
from reports.history.page import render_page
from reports.history.reading import read_runs
from sioprobe.results.across import History
from sioprobe.results.files import write_history, write_text

__all__ = ["write_history_report"]


def write_history_report(folders: Sequence[Path], out: Path) -> History:
    """Two files in `out`. ResultFileError where nothing can be drawn."""
    history = derive_history(*read_runs(folders))
    out.mkdir(parents=True, exist_ok=True)
    write_history(out / "history.json", history)
    write_text(out / "history.html", render_page(history))
    return history
