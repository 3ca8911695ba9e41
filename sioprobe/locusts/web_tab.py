"""Tabs of our own on Locust's web page, and the same figures as JSON at `/sioprobe/summary`.

Locust's page draws tables that a template names (`extended_tabs`, `extended_tables`). Every two seconds it
asks for their rows, with its own statistics (`extended_stats`). `/sioprobe/` is a page of our own: it asks
once a second, and fits on a telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sioprobe.results.loads import GeneratorProcess, RunResult, SeriesFigures, to_json

__all__ = ["add_tab", "rows_of"]

Row = dict[str, Any]

NONE = "–"
"""Stands for what was not measured, which is no zero."""

_PAGE = Path(__file__).with_name("web_tab.html")

# Locust writes titles of tabs in capitals, where "µs" becomes "MS". So units stand in the columns' heads.
_TABLES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "sioprobe": (
        "Socket.IO",
        (("what", "Figure"), ("value", "Value"), ("note", "What it means")),
    ),
    "sioprobe-latency": (
        "Percentiles",
        (
            ("type", "Type"),
            ("operation", "Name"),
            ("count", "Count"),
            ("untimed", "Untimed"),
            ("errors", "Errors"),
            ("p50", "p50 µs"),
            ("p90", "p90 µs"),
            ("p99", "p99 µs"),
            ("max", "Max µs"),
        ),
    ),
    "sioprobe-generators": (
        "Generators",
        (
            ("worker", "Process"),
            ("state", "State"),
            ("users", "Users"),
            ("cpu", "CPU, last second"),
            ("busiest", "CPU, busiest second"),
            ("hub_lag", "Hub lag p99 µs"),
            ("send_lag", "Send lag p99 µs"),
            ("counted", "Counts"),
            ("last_report", "Last report after"),
        ),
    ),
}


def add_tab(web_ui: Any, result: Callable[[], RunResult]) -> None:
    """Put our tabs on Locust's web page; `result` answers the figures so far."""
    prefix = web_ui.app.blueprints["locust"].url_prefix or ""  # --web-base-path
    blueprint = Blueprint("sioprobe", __name__, url_prefix=f"{prefix}/sioprobe")

    def page() -> Response:
        return Response(_PAGE.read_text("utf-8"), mimetype="text/html")

    def figures() -> Response:
        return jsonify(to_json(result()))

    def tables() -> Response:
        rows = rows_of(result())
        return jsonify(
            [
                {"key": key, "title": title, "columns": columns, "rows": rows[key]}
                for key, (title, columns) in _TABLES.items()
            ]
        )

    for rule, answer in (("/", page), ("/summary", figures), ("/tables", tables)):
        blueprint.add_url_rule(rule, view_func=web_ui.auth_required_if_enabled(answer))
    web_ui.app.register_blueprint(blueprint)

    def extend(response: Response) -> Response:
        if (
            not request.path.endswith("/stats/requests")
            or not response.is_json
            or response.status_code != 200
        ):
            return response
        # A new answer, because Locust keeps its own for two seconds and gives it to others.
        return jsonify(
            {
                **response.get_json(),
                "extended_stats": [{"key": key, "data": rows} for key, rows in rows_of(result()).items()],
            }
        )

    web_ui.app.after_request(extend)
    # In Locust's menu of downloads.
    web_ui.template_args["extended_csv_files"] = [
        {"href": "./sioprobe/summary", "title": "Download sioprobe's summary, JSON"},
        {"href": "./sioprobe/", "title": "Open sioprobe's page, up to date once a second"},
    ]
    # Locust keeps these when it updates the arguments of its template.
    web_ui.template_args["extended_tabs"] = [
        {"title": title, "key": key} for key, (title, _) in _TABLES.items()
    ]
    web_ui.template_args["extended_tables"] = [
        {"key": key, "structure": [{"key": name, "title": head} for name, head in columns]}
        for key, (_, columns) in _TABLES.items()
    ]


def rows_of(result: RunResult) -> dict[str, list[Row]]:
    """The rows of each table, by the key of its tab."""
    return {
        "sioprobe": list(_figures(result)),
        "sioprobe-latency": [_series(series) for series in result.series],
        "sioprobe-generators": [_generator(process) for process in result.generators],
    }


def _figures(result: RunResult) -> Iterator[Row]:
    validity = result.validity
    yield _figure("Verdict", validity.verdict, "; ".join(validity.reasons) or "nothing speaks against it")
    if result.operation is None:
        yield _figure("Operations", NONE, "no series is named as the operation; see Percentiles")
    else:
        yield _figure("Operations", str(result.operations), f"{result.operations_per_second:.0f} a second")
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(result.errors.items()))
    yield _figure("Errors", str(sum(result.errors.values())), kinds)
    ledger = result.ledger
    if ledger is None:
        yield _figure("Reach", NONE, "this scenario has no deliveries to account for")
        yield _figure("Loss", NONE, "")
    else:
        reach = NONE if ledger.reach is None else f"{ledger.reach:.4%}"
        yield _figure("Reach", reach, f"{ledger.received} of {ledger.expected} deliveries expected so far")
        lost = f"duplicated {ledger.duplicated}, reordered {ledger.reordered}"
        yield _figure("Loss", str(ledger.lost), f"{lost}; what is under way counts at the end")
    yield _figure("Send lag p99", _us(result.send_lag_p99_us), "sent so much later than the schedule says")
    yield _figure("Hub lag p99", _us(result.hub_lag_p99_us), "the generator's loop called back so late")
    yield _figure("Generator CPU", _share(result.max_cpu_share), "of one core, busiest process and second")
    server = result.server_cpu_share
    note = "not seen, and not told" if server is None else "of one core, lately, all its processes"
    yield _figure("Server CPU", _share(server), note)
    for url, figures in result.urls.items():
        times = f"p50 {_us(figures.p50)}, p99 {_us(figures.p99)}"
        lost = f", {figures.ledger.lost} deliveries lost" if figures.ledger is not None else ""
        yield _figure(url, str(figures.operations), f"operations; {figures.errors} errors{lost}, {times}")
    for text in result.notes:
        yield _figure("Note", "", text)


def _figure(what: str, value: str, note: str) -> Row:
    return {"what": what, "value": value, "note": note}


def _series(series: SeriesFigures) -> Row:
    return {
        "type": series.type,
        "operation": series.name,
        "count": series.count,
        "untimed": series.untimed,
        "errors": sum(series.errors.values()),
        **{name: _number(getattr(series.latency, name, None)) for name in ("p50", "p90", "p99", "max")},
    }


def _generator(process: GeneratorProcess) -> Row:
    return {
        **to_json(process),
        "cpu": _share(process.cpu_share),
        "busiest": _share(process.max_cpu_share),
        "hub_lag": _number(process.hub_lag_p99_us),
        "send_lag": _number(process.send_lag_p99_us),
        "last_report": NONE if process.last_report is None else f"{process.last_report:.1f} s",
    }


def _number(value: float | None) -> int | str:
    return NONE if value is None else round(value)


def _us(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f} µs"


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"
