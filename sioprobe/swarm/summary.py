"""The figures at the end of a run, as plain values and as a few lines of text. Durations in microseconds."""

from __future__ import annotations

from typing import Any

from sioprobe.results.histogram import Histogram
from sioprobe.swarm.ledger import Ledger
from sioprobe.swarm.recorder import Recorder, Sample
from sioprobe.swarm.schedule import Schedule
from sioprobe.swarm.validity import judge

__all__ = ["render", "summarise"]


def summarise(
    recorder: Recorder,
    states: list[dict[str, Any]],
    seconds: float,
    operation: tuple[str, str] | None,
    extras: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What was counted, and whether it may be believed.

    `states` are those of the processes that generated load; `operation` names the series of the scenario's
    operations, or is None where it has none.
    """
    totals = recorder.totals()
    series = [
        {
            "type": series.type,
            "name": series.name,
            "count": sample.timed + sample.untimed + sample.failed,
            "untimed": sample.untimed,
            "errors": dict(sample.errors),
            "latency": sample.histogram.to_latency() if sample.timed else None,
        }
        for series, sample in totals
    ]
    measured = next((sample for found, sample in totals if (found.type, found.name) == operation), Sample())
    hub_lag, send_lag, ledger, schedule = Histogram(), Histogram(), None, None
    for state in states:
        hub_lag.merge(Sample.from_json(state["hub_lag"]).histogram)
        send_lag.merge(Sample.from_json(state["send_lag"]).histogram)
        if state["ledger"] is not None:
            ledger = ledger or Ledger()
            ledger.merge(Ledger.from_json(state["ledger"]))
        if state.get("schedule") is not None:
            schedule = schedule or Schedule()
            schedule.merge(Schedule.from_json(state["schedule"]))
    errors = recorder.errors()
    validity = judge(
        operations=measured.timed if operation is not None else None,
        errors=sum(errors.values()),
        max_cpu_share=max((state["max_cpu_share"] for state in states), default=0.0),
        hub_lag_us=(hub_lag.percentile(50), hub_lag.percentile(99)),
        latency_p50_us=measured.histogram.percentile(50),
        ledger_clean=ledger is None or ledger.clean,
    )
    return {
        "seconds": seconds,
        "processes": len(states),
        "operations": measured.timed,
        "operations_per_second": measured.timed / seconds if seconds > 0 else 0.0,
        "errors": errors,
        "series": series,
        "ledger": ledger.to_json() if ledger is not None else None,
        "schedule": schedule.to_json() if schedule is not None else None,
        "hub_lag_p99_us": hub_lag.percentile(99),
        "send_lag_p99_us": send_lag.percentile(99),
        "max_cpu_share": max((state["max_cpu_share"] for state in states), default=0.0),
        "validity": validity.to_json(),
        **(extras or {}),
    }


def render(summary: dict[str, Any]) -> str:
    """The summary for a terminal of 100 columns."""
    lines = [
        f"sioprobe: {summary['operations']} operations in {summary['seconds']:.1f} s"
        f" ({summary['operations_per_second']:.0f}/s), times in µs",
        f"  {'series':<36} {'count':>9} {'p50':>9} {'p90':>9} {'p99':>9} {'max':>9}",
    ]
    for series in summary["series"]:
        latency = series["latency"] or {}
        figures = " ".join(f"{_figure(latency.get(name)):>9}" for name in ("p50", "p90", "p99", "max"))
        lines.append(f"  {series['type'] + ' ' + series['name']:<36} {series['count']:>9} {figures}")
    for series in summary["series"]:
        for kind, count in series["errors"].items():
            lines.append(f"  error: {series['type']} {series['name']}: {kind}: {count}")
    ledger = summary["ledger"]
    if ledger is not None:
        reach = "-" if ledger["reach"] is None else f"{ledger['reach']:.4%}"
        lines.append(
            f"  reach {reach} ({ledger['received']} of {ledger['expected']} deliveries of"
            f" {ledger['published']} published; lost {ledger['lost']}, duplicated {ledger['duplicated']},"
            f" reordered {ledger['reordered']}, late {ledger['late']};"
            f" missed while away {ledger['missed_away']})"
        )
    if summary.get("schedule") is not None:
        lines.append(f"  {Schedule.from_json(summary['schedule']).to_line()}")
    lines += [f"  {line}" for line in (summary.get("found") or {}).get("words", ())]
    per_connection = summary.get("server_bytes_per_connection")
    if per_connection is not None:
        lines.append(f"  server memory per connection {per_connection / 1024:.1f} KiB")
    lags = [f"hub lag p99 {_figure(summary['hub_lag_p99_us'])}"]
    if summary["send_lag_p99_us"] is not None:
        lags.append(f"send lag p99 {_figure(summary['send_lag_p99_us'])}")
    lines.append(f"  generator: {', '.join(lags)}, busiest second {summary['max_cpu_share']:.0%} of a core")
    validity = summary["validity"]
    reasons = "; ".join(validity["reasons"])
    lines.append(f"  verdict: {validity['verdict']}" + (f" ({reasons})" if reasons else ""))
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
