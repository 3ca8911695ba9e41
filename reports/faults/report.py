"""Writes the report of faults beside faults.json: faults.html and faults.md."""

from __future__ import annotations

from pathlib import Path

from reports.faults.page import render_markdown, render_page
from sioprobe.results.faults import Faults
from sioprobe.results.files import FAULTS_FILE, read_faults, write_text

__all__ = ["write_faults_report"]


def write_faults_report(folder: Path) -> Faults:
    """Both files, each in one step. Raises ResultFileError."""
    faults = read_faults(folder / FAULTS_FILE)
    raw = {FAULTS_FILE: (folder / FAULTS_FILE).read_bytes()}
    write_text(folder / "faults.html", render_page(faults, raw))
    write_text(folder / "faults.md", render_markdown(faults))
    return faults
