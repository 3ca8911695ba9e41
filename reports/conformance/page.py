"""The page and the Markdown of conformance results: one server, or several side by side.

Equal results give equal bytes. The page fetches nothing and shows everything without script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.conformance import words
from reports.conformance.coverage import Coverage, coverage_of
from reports.conformance.matrix import Matrix, conformance_matrix
from reports.writing import wording
from reports.writing.rendering import environment, harmless_in_markdown, page_of
from sioprobe.results.types import Arm, Conformance

OUTCOME_ORDER = ("failures", "harness error", "known deviations", "nothing broken", "conformant")
"""Several servers together have the first of these outcomes that one of them has."""

MARKDOWN_ROWS = 60
"""A table of the Markdown has at most so many rows: a comment on GitHub takes 65,536 characters."""


def render_page(results: Mapping[str, Conformance], raw: Mapping[str, bytes], command: str) -> str:
    """The page over `results`, by the name of their column. The download buttons give the files in `raw`."""
    return page_of("conformance.html.jinja", raw, _context(results, command) | {"data_note": "."})


def render_markdown(results: Mapping[str, Conformance], command: str) -> str:
    """The summary: at most 25 lines, then <details> with everything but plain passes."""
    return (
        environment(harmless_in_markdown)
        .get_template("conformance.md.jinja")
        .render(**_context(results, command), rows=MARKDOWN_ROWS)
    )


def _context(results: Mapping[str, Conformance], command: str) -> dict[str, Any]:
    arms: list[Arm] = [
        {"id": name, "title": one["target"].get("title") or name, "status": "measured", "reason": None}
        for name, one in results.items()
    ]
    matrix = conformance_matrix(arms, dict(results))
    coverage = coverage_of(results)
    outcome = _outcome(results)
    symbol, word, meaning = words.OUTCOMES[outcome]
    return {
        "results": results,
        "role": role_of(results),
        "only": next(iter(results.values())) if len(results) == 1 else None,
        "matrix": matrix,
        "coverage": coverage,
        "headline": _headline(results, matrix, coverage),
        "outcome": outcome,
        "verdict": {"symbol": symbol, "word": word, "meaning": meaning}
        if len(results) == 1
        else {"symbol": symbol, "word": _outcomes(results), "meaning": ""},
        "notes": _notes(results, coverage),
        "protocols": _protocols(results),
        "dates": _dates(results),
        "command": command,
        "anchors": {row.id: row.anchor for row in matrix.rows},
        "words": words,
        "wording": wording,
    }


def role_of(results: Mapping[str, Conformance]) -> str:
    """Who was judged: `client` if all of them are clients, else `server`."""
    roles = {one["target"].get("role", "server") for one in results.values()}
    return "client" if roles == {"client"} else "server"


def _outcome(results: Mapping[str, Conformance]) -> str:
    found = {one["outcome"] for one in results.values()}
    return next(outcome for outcome in OUTCOME_ORDER if outcome in found)


def _outcomes(results: Mapping[str, Conformance]) -> str:
    """`1 server conformant, 3 with known deviations`, the worst first."""
    words = {
        "failures": "with failures",
        "harness error": "not judged",
        "known deviations": "with known deviations",
        "nothing broken": "with nothing broken in the cases that ran",
        "conformant": "conformant",
    }
    found = [one["outcome"] for one in results.values()]
    return wording.listed(
        [
            f"{wording.counted(found.count(outcome), role_of(results))} {words[outcome]}"
            for outcome in OUTCOME_ORDER
            if outcome in found
        ]
    )


def _headline(results: Mapping[str, Conformance], matrix: Matrix, coverage: Coverage) -> str:
    if len(results) > 1:
        differing = matrix.differing or "none"
        are = "is" if matrix.differing == 1 else "are"
        number = wording.counted(len(matrix.rows), "requirement")
        return f"{len(results)} {role_of(results)}s, {number}: {differing} {are} answered differently"
    [server] = coverage.servers
    title = next(iter(results.values()))["target"].get("title") or server.server
    if not server.judged:
        return f"{title}: no requirement was judged"
    if not server.must_judged:
        kept = server.verdicts.get("pass", 0)
        return f"{title}: {kept} of {wording.counted(server.judged, 'requirement')} kept, none of level MUST"
    keeps = f"{title} keeps {server.must_kept} of {server.must_judged} requirements of level MUST that"
    if server.not_judged:
        return f"{keeps} were judged; {wording.counted(server.not_judged, 'requirement')} could not be"
    return f"{keeps} apply"


def _notes(results: Mapping[str, Conformance], coverage: Coverage) -> list[str]:
    notes = [
        f"{f'{name}: ' if len(results) > 1 else ''}{cause['what']}: {cause['detail']}; "
        f"{wording.counted(cause['cases'], 'case')} not judged because of it"
        for name, one in results.items()
        for cause in one.get("causes", [])
    ]
    versions = sorted({one["suite"]["version"] for one in results.values()})
    exist = {one["suite"].get("requirements") for one in results.values()}
    if len(versions) > 1 or len(exist) > 1:
        notes.append(
            f"different suites made these results ({', '.join(versions)}; "
            f"{', '.join(sorted(str(number or 'unknown') for number in exist))} requirements): "
            "verdicts may differ for that reason"
        )
    for server in coverage.servers:
        if server.not_asked:
            asked = server.judged + server.not_judged + server.not_applicable
            notes.append(
                f"{server.server}: the run asked for only {asked} of {asked + server.not_asked} requirements"
            )
    return notes


def _protocols(results: Mapping[str, Conformance]) -> list[str]:
    return list(dict.fromkeys(name for one in results.values() for name in one["suite"].get("protocols", [])))


def _dates(results: Mapping[str, Conformance]) -> str:
    """When the servers were judged: one moment, or the first and the last."""
    found = sorted(moment for one in results.values() if (moment := one.get("started_at")))
    if not found:
        return "unknown"
    first, last = wording.moment(found[0]), wording.moment(found[-1])
    return first if first == last else f"{first} to {last}"
