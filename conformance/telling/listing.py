"""`--list`: the statements of the catalogue, how many cases ask for each, and why none does."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from conformance.judging.collecting import all_questions
from conformance.requirements import Requirement, Role, catalogue, with_cases

__all__ = ["Statement", "as_json", "as_text", "coverage", "statements"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and the number of its cases. A case counts once, whatever its transports."""

    entry: Requirement
    cases: int


def statements(
    ids: tuple[str, ...] = (),
    areas: tuple[str, ...] = (),
    levels: tuple[str, ...] = (),
    *,
    without_cases: bool = False,
    role: Role = "server",
) -> list[Statement]:
    """The statements that pass all filters. An empty filter lets everything pass.

    `levels` holds levels (MUST, ...) and contract levels (0 to 2).
    """
    cases = Counter(id_ for id_, _, _ in _functions(role))
    return [
        Statement(entry, cases[entry.id])
        for entry in catalogue(role).values()
        if (not ids or entry.id in ids)
        and (not areas or entry.area in areas)
        and (not levels or str(entry.level) in levels or str(entry.contract) in levels)
        and (not without_cases or entry.reason is not None)
    ]


def coverage(role: Role = "server") -> dict[str, int]:
    """How many statements, requirements with cases, cases, and cases times transports there are."""
    return {
        "statements": len(catalogue(role)),
        "with_cases": len(with_cases(role)),
        "without_cases": len(catalogue(role)) - len(with_cases(role)),
        "cases": len(_functions(role)),
        "cases_with_transports": len(all_questions(role)),
    }


def as_text(rows: list[Statement], *, with_sentences: bool = False, role: Role = "server") -> str:
    """One line a statement, and the coverage of the whole catalogue.

    `with_sentences` adds what each statement rests on.
    """
    lines = []
    for row in rows:
        number = f"{row.cases} case{'' if row.cases == 1 else 's'}"
        why = f"no case: {row.entry.reason}" if row.entry.reason else number
        level = f"{row.entry.level:<9} {'-' if row.entry.reason else row.entry.contract}"
        lines.append(f"{row.entry.id:<10} {level}  {row.entry.text} ({why})")
        if with_sentences:
            said = f': "{row.entry.says}"' if row.entry.says else ""
            lines.append(f"{'':<10} {row.entry.spec}{said}")
    total = coverage(role)
    lines.append(
        f"{len(rows)} of {total['statements']} statements shown; coverage: {total['with_cases']} have cases "
        f"({total['cases']}, {total['cases_with_transports']} with their transports), "
        f"{total['without_cases']} have none and a reason"
    )
    return "\n".join(lines)


def as_json(rows: list[Statement], role: Role = "server") -> str:
    """The same for programs."""
    return json.dumps(
        {
            "schema": 1,
            "kind": "catalogue",
            "coverage": coverage(role),
            "requirements": [_json(row) for row in rows],
        },
        indent=1,
        ensure_ascii=False,
    )


def _json(row: Statement) -> dict[str, Any]:
    entry = row.entry
    return {
        "id": entry.id,
        "level": str(entry.level),
        "requirement": entry.text,
        "spec": entry.spec,
        "says": entry.says,
        "contract": None if entry.reason else entry.contract,
        "revision": entry.revision,
        "transports": list(entry.transports),
        "cases": row.cases,
        "reason": entry.reason,
    }


def _functions(role: Role) -> set[tuple[str, str, str]]:
    """(requirement, file, name) of each case."""
    return {(case.requirement.id, case.file, case.name) for case in all_questions(role)}
