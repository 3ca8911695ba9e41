"""Finds the cases: every `test_*` function of `cases/`, once for each transport of its requirement.

Those of `client_cases/` judge clients.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from conformance.judging.outcomes import Question
from conformance.requirements import Role, catalogue
from sioprobe.commandline.nearest import unknown

__all__ = ["CASES", "CaseError", "all_questions", "questions", "role_of"]

CASES: dict[Role, Path] = {
    "server": Path(__file__).parents[1] / "cases",
    "client": Path(__file__).parents[1] / "client_cases",
}
"""Who is judged by the cases of which folder."""


class CaseError(Exception):
    """A function in `cases/` is not a case. The message is one line."""


def role_of(path: Path) -> Role | None:
    """Who is judged by the cases of this file; None if it is no file of cases."""
    return next((role for role, folder in CASES.items() if folder in path.parents), None)


def questions(file: str, name: str, case: Any, role: Role = "server") -> Iterator[Question]:
    """One case on each of its transports. Raises CaseError."""
    requirement_id = getattr(case, "requirement_id", None)
    if requirement_id is None:
        raise CaseError(f"{name} has no @requirement")
    entry = catalogue(role).get(requirement_id)
    if entry is None:
        raise CaseError(f"{name}: {unknown('requirement', requirement_id, catalogue(role))}")
    if entry.reason is not None:
        raise CaseError(f"{name}: {requirement_id} has a reason for having no case: {entry.reason}")
    if not inspect.iscoroutinefunction(case):
        raise CaseError(f"{name} is not an `async def`")
    on_each = "transport" in inspect.signature(case).parameters
    if on_each and not entry.transports:
        raise CaseError(f"{name} takes a transport, but {requirement_id} names none in the catalogue")
    for transport in entry.transports if on_each else (None,):
        yield Question(
            name=name,
            file=file,
            requirement=entry,
            transport=transport,
            run=case,
            exclusive=getattr(case, "is_exclusive", False),
            slow=getattr(case, "is_slow", False),
            last=getattr(case, "is_last", False),
            crowd=getattr(case, "crowd", None),
        )


@cache
def all_questions(role: Role = "server") -> list[Question]:
    """Every case, without pytest."""
    found: list[Question] = []
    for path in sorted(CASES[role].glob("test_*.py")):
        module = importlib.import_module(f"conformance.{CASES[role].name}.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(value):
                found += questions(path.name, name, value, role)
    return found
