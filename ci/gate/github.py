"""Annotations of a pull request: lines that GitHub Actions reads from standard output."""

from __future__ import annotations

from sioprobe.results.gate import Gate

__all__ = ["annotation_lines"]

MOST = 10
"""GitHub shows no more of a step."""


def annotation_lines(gate: Gate) -> list[str]:
    """One line for each thing that went wrong, as `::error title=...::...`."""
    found: list[tuple[str, str, str]] = []
    if gate["problem"] is not None:
        found.append(("error", "sioprobe gate: ERROR", gate["problem"]))
    for entry in gate["conformance"]:
        for case in entry["broken"]:
            where = f" of {entry['mode']}" if entry["mode"] else ""
            text = f"{case['case']}{where}: {case['base']} -> {case['head']}: {case['actual']}"
            found.append(("error", f"sioprobe gate: {case['id']}", text))
    levels = {"REGRESSION": "error", "INCONCLUSIVE": "warning"}
    for cell in gate["cells"]:
        if cell["verdict"] in levels:
            text = f"{cell['why']}. {cell['help'] or ''}".rstrip(". ")
            title = f"sioprobe gate: {cell['id']} {cell['verdict']}"
            found.append((levels[cell["verdict"]], title, text))
    if gate["verdict"] == "REGRESSION" and not any(level == "error" for level, _, _ in found):
        found.append(("error", "sioprobe gate: REGRESSION", gate["sentence"]))
    return [f"::{level} title={_property(title)}::{_data(text)}" for level, title, text in found[:MOST]]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
