"""`python -m reports FOLDER`: write the report of a result folder, or write it again.

It reads run.json, rounds.jsonl and conformance-*.json, and writes results.json, summary.md, report.html and
cells.csv beside them. In the folder of a gate it reads gate.json, and writes gate.html, summary.md and
junit.xml.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from reports.comparison.report import write_report
from reports.gate.words import lines_of
from reports.gate.writing import write_pages
from reports.statistics.result_folder import read_folder
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import GATE_FILE, read_gate

EXAMPLES = """\
examples:
  {prog} reports/out          write the report again
  {prog} reports/out --json   also print results.json, and nothing else, on stdout

exit codes:
  0  written
  2  there is no such folder, a file in it is unusable, or nothing was measured
"""


class _Parser(argparse.ArgumentParser):
    """Tells bad input in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 behind the line."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = os.environ.get("SIOPROBE_PROG") or "python -m reports"
    parser = _Parser(
        prog=prog,
        description="Write the report of a result folder: results.json, summary.md, report.html, cells.csv.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the folder with run.json and the other result files")
    parser.add_argument("--json", action="store_true", help="print results.json on stdout")
    options = parser.parse_args(arguments)
    try:
        if (options.folder / GATE_FILE).exists():
            return _report_gate(options.folder, as_json=options.json)
        inputs = read_folder(options.folder)
        results = write_report(options.folder, inputs)
    except ResultFileError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{prog}: error: {options.folder}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(results, ensure_ascii=False, indent=1))
    else:
        print(results["findings"][0])
        print(f"report: {options.folder / 'report.html'}")
    if results["verdict"] == "nothing measured":
        print(f"{prog}: error: {options.folder}: nothing was measured; the report says so", file=sys.stderr)
        return 2
    return 0


def _report_gate(folder: Path, *, as_json: bool) -> int:
    gate = read_gate(folder / GATE_FILE)
    write_pages(folder, gate)
    if as_json:
        print(json.dumps(gate, ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines_of(gate)))
        print(f"report: {folder / 'gate.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
