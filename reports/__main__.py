"""`python -m reports FOLDER`: write the report of a result folder, or write it again.

It reads run.json, rounds.jsonl and conformance-*.json, and writes results.json, summary.md, report.html and
cells.csv beside them. In the folder of a gate it reads gate.json, and writes gate.html, summary.md and
junit.xml; in that of faults it reads faults.json, and writes faults.html and faults.md. Several folders:
`--against` compares two, `--history` draws them over time, and without either each machine has its part of
one page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from reports.against.machines import lines_of as machine_lines
from reports.against.machines import write_machines
from reports.against.report import lines_of as change_lines
from reports.against.report import write_against_report
from reports.comparison.report import write_report
from reports.faults.report import write_faults_report
from reports.faults.words import lines_of as fault_lines
from reports.gate.words import lines_of as gate_lines
from reports.gate.writing import write_pages
from reports.history.report import write_history_report
from reports.statistics.result_folder import read_folder
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import FAULTS_FILE, GATE_FILE, read_gate

EXAMPLES = """\
examples:
  {prog} reports/out               write the report again
  {prog} reports/out --json        also print results.json, and nothing else, on stdout
  {prog} --against old new         what changed, as new/against.html and new/against.md
  {prog} --history nightly         all results below a folder over time, as history.html
  {prog} laptop server             two machines on one page, as machines.html

exit codes:
  0  written, whatever the figures say
  2  there is no such folder, a file in it is unusable, nothing was measured, or two folders say nothing
     about each other
"""


class _Parser(argparse.ArgumentParser):
    """Tells bad input in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 behind the line."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def _parser(prog: str) -> _Parser:
    parser = _Parser(
        prog=prog,
        usage="%(prog)s [--json] FOLDER [FOLDER ...] [--out FOLDER]\n"
        "       %(prog)s --against [--force] [--json] OLD NEW [--out FOLDER]\n"
        "       %(prog)s --history [--json] FOLDER [FOLDER ...] [--out FOLDER]",
        description="Write the report of a result folder: results.json, summary.md, report.html, cells.csv. "
        "Or compare two folders, or draw many over time.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a folder with result files")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--against", action="store_true", help="two folders, OLD NEW: what changed between them"
    )
    what.add_argument(
        "--history", action="store_true", help="the results in and below the folders over time, with steps"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --against: show figures that cannot be compared, with a mark",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write; without it NEW (--against), or here (--history, several folders)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON on stdout, and nothing else"
    )
    return parser


def _check(parser: _Parser, options: argparse.Namespace) -> None:
    """Exit with 2 for options that do not go together."""
    count = len(options.folders)
    if options.against and count != 2:
        parser.error(
            f"--against takes two folders, OLD NEW, and {count} {'is' if count == 1 else 'are'} given"
        )
    if not options.history and len({folder.resolve() for folder in options.folders}) < count:
        parser.error("the same folder is given twice")
    if options.force and not options.against:
        parser.error("--force goes with --against")
    if not options.against and not options.history:
        if count == 1 and options.out:
            parser.error("--out: the report of one folder stands in that folder")
        if count > 1 and options.json:
            parser.error("--json prints one result: give one folder, --against or --history")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = os.environ.get("SIOPROBE_PROG") or "python -m reports"
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    _check(parser, options)
    folders, out = options.folders, options.out or Path()
    try:
        if options.against:
            old, new = folders
            out = options.out or new
            against = write_against_report(old, new, out, force=options.force)
            return _tell(options, against, change_lines(against), out / "against.html")
        if options.history:
            history = write_history_report(folders, out)
            return _tell(options, history, history["findings"] + history["notes"], out / "history.html")
        if len(folders) > 1:
            machines = write_machines(folders, out)
            return _tell(options, {}, machine_lines(machines), out / "machines.html")
        [folder] = folders
        if (folder / GATE_FILE).exists():
            gate = read_gate(folder / GATE_FILE)
            write_pages(folder, gate)
            return _tell(options, gate, gate_lines(gate), folder / "gate.html")
        if (folder / FAULTS_FILE).exists():
            faults = write_faults_report(folder)
            return _tell(options, faults, fault_lines(faults), folder / "faults.html")
        results = write_report(folder, read_folder(folder))
    except ResultFileError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{prog}: error: {error.filename or out}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    _tell(options, results, results["findings"][:1], folder / "report.html")
    if results["verdict"] == "nothing measured":
        print(f"{prog}: error: {folder}: nothing was measured; the report says so", file=sys.stderr)
        return 2
    return 0


def _tell(options: argparse.Namespace, document: Mapping[str, Any], lines: list[str], page: Path) -> int:
    """The document or the lines on stdout; 0."""
    if options.json:
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print("\n".join([*lines, f"report: {page}"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
