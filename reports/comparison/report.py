"""The files of a comparison's report, written beside the results that they are made from."""

from __future__ import annotations

from pathlib import Path

from reports.comparison.answers import answers_of
from reports.comparison.choices import choices_of, meanings_of
from reports.comparison.csv_files import cells_csv, sections_csv, side_by_side_csv
from reports.comparison.guide import guide_lines
from reports.comparison.page import render_page, render_summary
from reports.statistics.derivation import derive
from reports.statistics.result_folder import Inputs
from sioprobe.results.files import (
    RESULTS_FILE,
    ROUNDS_FILE,
    RUN_FILE,
    conformance_paths,
    write_results,
    write_text,
)
from sioprobe.results.types import Results


def write_report(folder: Path, inputs: Inputs) -> Results:
    """Write the files of the report into `folder`; the derived results."""
    return write_pages(folder, inputs, derive(inputs))


def write_pages(folder: Path, inputs: Inputs, results: Results) -> Results:
    """The same for results that are derived already: they get what they say to whoever chooses a mode."""
    rows = [row for section in results.get("sections", []) for row in section["rows"]]
    if results["cells"] or results.get("side_by_side") or rows:
        results["answers"] = answers_of(results)
        results["guide"] = guide_lines(results)
        results["meanings"] = meanings_of(results, inputs.conformances)
        results["choices"] = choices_of(results, results["meanings"])
    write_results(folder / RESULTS_FILE, results)
    tables = {"cells.csv": cells_csv(results)}
    if rows:
        tables["sections.csv"] = sections_csv(results)
    if parts := results.get("side_by_side"):
        tables["side_by_side.csv"] = side_by_side_csv(parts)
    raw = {RESULTS_FILE: (folder / RESULTS_FILE).read_bytes()}
    for name, table in tables.items():
        write_text(folder / name, table)
        raw[name] = table.encode()
    write_text(folder / "summary.md", render_summary(inputs, results))
    for path in (folder / RUN_FILE, folder / ROUNDS_FILE, *conformance_paths(folder).values()):
        if path.exists():
            raw[path.name] = path.read_bytes()
    write_text(folder / "report.html", render_page(inputs, results, raw))
    return results
