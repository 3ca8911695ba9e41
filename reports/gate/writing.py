"""Writes a gate's pages beside its gate.json: gate.html, summary.md, junit.xml."""

from __future__ import annotations

from pathlib import Path

from reports.gate.pages import render_junit, render_page, render_summary
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, LIVES_FILE
from sioprobe.results.gate import Gate

__all__ = ["write_pages"]


def write_pages(folder: Path, gate: Gate) -> None:
    """Each file in one step. Raises ResultFileError."""
    try:
        raw = {
            name: (folder / name).read_bytes() for name in (GATE_FILE, LIVES_FILE) if (folder / name).exists()
        }
        texts = {
            "gate.html": render_page(gate, raw).encode(),
            "summary.md": render_summary(gate).encode(),
            "junit.xml": render_junit(gate),
        }
        for name, content in texts.items():
            beside = folder / f"{name}.new"
            beside.write_bytes(content)
            beside.replace(folder / name)
    except OSError as error:
        raise ResultFileError(f"{folder}: the pages cannot be written: {error.strerror}") from None
