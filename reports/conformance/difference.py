"""`python -m reports.conformance.difference A.json B.json`: what differs between two conformance results.

A case differs when its verdict differs, when the session closed in another way, or when only one result
has it. `sioprobe conform --diff` starts this. Standard output is text, or JSON and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.conformance.server_names import names_of
from reports.conformance.words import SYMBOLS
from reports.writing.wording import LONGEST_TEXT, counted, printable
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_conformance
from sioprobe.results.types import Case, Conformance

EXAMPLES = """\
examples:
  {prog} gevent.json threading.json          two async modes
  {prog} release-1.json release-2.json --json

exit codes:
  0  no case differs
  1  a case differs: another verdict, another close, or only one result has it
  2  a file is no conformance result
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One case in both results; None when a result does not have it."""

    first: Case | None
    second: Case | None

    @property
    def case(self) -> Case:
        found = self.first or self.second
        assert found is not None
        return found


def differences(first: Conformance, second: Conformance) -> list[Difference]:
    """The cases that differ: in the order of the first result, then those that only the second has."""
    left, right = _by_case(first), _by_case(second)
    return [
        Difference(left.get(key), right.get(key))
        for key in [*left, *(key for key in right if key not in left)]
        if _answer(left.get(key)) != _answer(right.get(key))
    ]


def _by_case(result: Conformance) -> dict[tuple[str, str | None], Case]:
    return {(case["case"], case.get("transport")): case for case in result["cases"]}


def _answer(case: Case | None) -> tuple[str, str | None] | None:
    return (case["verdict"], case.get("closed") or None) if case else None


def as_text(found: list[Difference], names: tuple[str, str], cases: int) -> str:
    """Text for a reader: `-` is the first result, `+` the second, as in `diff`."""
    lines = [f"--- {names[0]}", f"+++ {names[1]}"]
    last = None
    for one in found:
        case = one.case
        if case["id"] != last:
            lines.append(f"{case['id']} ({case['level']})  {case['requirement']}")
        last = case["id"]
        on = f" over {transport}" if (transport := case.get("transport")) else ""
        lines.append(f"  {case['case'].rpartition('::')[2]}{on}")
        lines += [f"    - {_said(one.first, one.second)}", f"    + {_said(one.second, one.first)}"]
    requirements = len({one.case["id"] for one in found})
    lines.append(
        f"{len(found)} of {counted(cases, 'case')} differ, in {counted(requirements, 'requirement')}"
        if found
        else f"none of {counted(cases, 'case')} differs"
    )
    return "\n".join(printable(line) for line in lines)


def _said(case: Case | None, other: Case | None) -> str:
    if case is None:
        return "not asked for"
    parts = [f"{SYMBOLS[case['verdict']]} {case['verdict']}"]
    why = case.get("actual") or case.get("reason")
    if why and (other is None or other["verdict"] != case["verdict"]):
        parts.append(why[:LONGEST_TEXT].replace("\n", " "))
    closed, other_closed = case.get("closed"), other.get("closed") if other else None
    if closed != other_closed:
        parts.append(f"closed: {closed or 'nothing recorded'}")
    return "; ".join(parts)


def as_json(found: list[Difference], names: tuple[str, str], results: list[Conformance]) -> str:
    """The same for programs (schema 1). `first` or `second` is null when a run did not ask for the case."""

    def side(case: Case | None) -> dict[str, Any] | None:
        return case and {key: case.get(key) for key in ("verdict", "closed", "actual", "reason")}

    return json.dumps(
        {
            "schema": 1,
            "kind": "conformance difference",
            "first": {"name": names[0], "target": results[0]["target"]},
            "second": {"name": names[1], "target": results[1]["target"]},
            "cases": [
                {
                    **{key: one.case.get(key) for key in ("id", "level", "requirement", "case", "transport")},
                    "first": side(one.first),
                    "second": side(one.second),
                }
                for one in found
            ],
        },
        indent=1,
        ensure_ascii=False,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = os.environ.get("SIOPROBE_PROG") or "python -m reports.conformance.difference"
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Print what differs between two conformance results.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", type=Path, nargs=2, metavar="FILE.json", help="two conformance results")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    options = parser.parse_args(arguments)
    try:
        results = [read_conformance(path) for path in options.files]
    except ResultFileError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    first, second = names_of(options.files, results)
    found = differences(results[0], results[1])
    cases = len({*_by_case(results[0]), *_by_case(results[1])})
    names = (first, second)
    print(as_json(found, names, results) if options.json else as_text(found, names, cases))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
