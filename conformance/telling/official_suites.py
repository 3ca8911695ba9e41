"""The tests of the official suites, and the cases here that ask for the same."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from conformance.requirements import catalogue

__all__ = ["OfficialTest", "as_json", "as_text", "official_tests", "read_table"]

FOLDER = Path(__file__).parents[1] / "catalogue" / "official_suites"


@dataclass(frozen=True, slots=True)
class OfficialTest:
    """One test of an official suite; `better` says what the cases here do that it does not."""

    suite: str
    number: str
    group: str
    title: str
    requirements: tuple[str, ...]
    better: str
    cases: tuple[str, ...]


@cache
def official_tests() -> tuple[OfficialTest, ...]:
    """All of them by suite."""
    return (*read_table("revision-3.toml"), *read_table("revision-4.toml"))


def read_table(file: str) -> tuple[OfficialTest, ...]:
    """The rows of one file, in its order."""
    return tuple(
        OfficialTest(
            suite=row["suite"],
            number=row["number"],
            group=row["group"],
            title=row["title"],
            requirements=tuple(row["requirements"]),
            better=row["better"],
            cases=tuple(row["cases"]),
        )
        for row in tomllib.loads((FOLDER / file).read_text("utf-8"))["test"]
    )


def as_text(tests: tuple[OfficialTest, ...]) -> str:
    """A paragraph for each test, by suite and group, and the count."""
    lines: list[str] = []
    suite = group = ""
    for test in tests:
        if test.suite != suite:
            lines.append(f"{test.suite}, official suite")
        if (test.suite, test.group) != (suite, group):
            lines.append(f"  {test.group}")
        suite, group = test.suite, test.group
        lines.append(f"    {test.number}  {test.title}: {', '.join(test.requirements)}")
        lines += [f"           {case}" for case in test.cases]
        lines.append(f"           better: {test.better}")
    requirements = {id_ for test in tests for id_ in test.requirements}
    lines.append(
        f"{len(tests)} official tests, represented by {len(requirements)} requirements "
        f"of the {len(catalogue())} statements here"
    )
    return "\n".join(lines)


def as_json(tests: tuple[OfficialTest, ...]) -> str:
    """The same for programs."""
    document = {"schema": 1, "kind": "official tests", "tests": [asdict(test) for test in tests]}
    return json.dumps(document, indent=1, ensure_ascii=False)
