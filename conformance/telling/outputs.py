"""The other forms of a result: the badge, and the pages that `reports` makes of result files.

`reports` runs as a process of its own. Nothing here imports it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance.judging.outcomes import Outcome, Question
from conformance.subject import Subject
from conformance.telling.junit import write_junit
from conformance.telling.result_file import Results, program
from conformance.verdicts import Conclusion, Level, Verdict
from sioprobe.harness import harness_environment, module_command
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import write_text

__all__ = ["Outputs", "badge", "print_difference", "write_pages"]

COLOURS = {
    Conclusion.CONFORMANT: "brightgreen",
    Conclusion.NOTHING_BROKEN: "green",
    Conclusion.KNOWN_DEVIATIONS: "yellowgreen",
    Conclusion.FAILURES: "red",
    Conclusion.HARNESS_ERROR: "lightgrey",
}


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a run shall write. None: not wanted."""

    report: Path | None = None
    html: Path | None = None
    markdown: Path | None = None
    badge: Path | None = None
    junit: Path | None = None

    def problem(self) -> str | None:
        """Why they cannot be written, in one line; None if they can."""
        for name, path in (
            ("report", self.report), ("html", self.html), ("markdown", self.markdown),
            ("badge", self.badge), ("junit", self.junit),
        ):  # fmt: skip
            if path is None:
                continue
            if not path.absolute().parent.is_dir():
                return f"--{name}: folder {path.parent} does not exist"
            if path.is_dir():
                return f"--{name}: {path} is a folder"
            if not os.access(path.absolute().parent, os.W_OK):
                return f"--{name}: nothing can be written in folder {path.absolute().parent}"
        if (self.html or self.markdown) and importlib.util.find_spec("jinja2") is None:
            return "--html and --markdown need jinja2: pip install 'sioprobe[report]'"
        return None

    def write(self, result: Path, subject: Subject, results: Results, started: datetime, command: str) -> int:
        """Write the files, but for the result file `result`, which exists. Returns the exit code, 0 or 2."""
        try:
            if self.junit is not None:
                write_junit(self.junit, subject, results, started)
            if self.badge is not None:
                made = badge(json.loads(result.read_text("utf-8")), results)
                write_text(self.badge, json.dumps(made, ensure_ascii=False, indent=1) + "\n")
        except ResultFileError as error:
            print(f"{program()}: error: {error}", file=sys.stderr)
            return 2
        if self.html is None and self.markdown is None:
            return 0
        return write_pages([result], self.html, self.markdown, command)


def badge(result: dict[str, Any], results: Sequence[tuple[Question, Outcome]]) -> dict[str, Any]:
    """The badge as a shields.io endpoint: label, message, colour. It counts requirements of level MUST."""
    verdicts: dict[str, set[Verdict]] = {}
    for question, outcome in results:
        verdict = outcome.judgement.verdict
        if question.requirement.level is Level.MUST and verdict is not Verdict.NOT_APPLICABLE:
            verdicts.setdefault(question.requirement.id, set()).add(verdict)
    kept = sum(found == {Verdict.PASS} for found in verdicts.values())
    asked = len({question.requirement.id for question, _ in results})
    conclusion = Conclusion(result["outcome"])
    message = f"{conclusion}, {kept} of {len(verdicts)} MUST"
    if conclusion is Conclusion.HARNESS_ERROR:
        message = "not judged"
    if asked < result["suite"]["requirements"]:
        message += f" ({asked} of {result['suite']['requirements']} requirements asked)"
    return {
        "schemaVersion": 1,
        "label": "socket.io conformance",
        "message": message,
        "color": COLOURS[conclusion],
    }


def write_pages(files: Sequence[Path], html: Path | None, markdown: Path | None, command: str) -> int:
    """Write the page and the summary of these result files. Returns the exit code, 0 or 2."""
    words = [str(file.absolute()) for file in files] + ["--command", command]
    words += ["--html", str(html.absolute())] if html else []
    words += ["--markdown", str(markdown.absolute())] if markdown else []
    child = subprocess.run(
        module_command("reports.conformance", *words),
        env=harness_environment(SIOPROBE_PROG=program()),
        check=False,
    )
    return child.returncode


def print_difference(files: Sequence[Path], *, as_json: bool) -> int:
    """Print what differs between two result files. Returns the exit code, 0, 1 or 2."""
    words = [str(file) for file in files] + (["--json"] if as_json else [])
    child = subprocess.run(
        module_command("reports.conformance.difference", *words),
        env=harness_environment(SIOPROBE_PROG=f"{program()} --diff"),
        check=False,
    )
    return child.returncode
