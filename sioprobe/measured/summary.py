"""The figures at the end of a run, as plain values and as a few lines of text. Durations in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sioprobe.measured.ledger import Ledger
from sioprobe.measured.recorder import Recorder, Sample, Series
from sioprobe.measured.schedule import Schedule
from sioprobe.measured.server_figures import render_server
from sioprobe.measured.stages import render_stages
from sioprobe.measured.validity import Floor, is_saturated, judge
from sioprobe.measured.vitals import Vitals
from sioprobe.results.histogram import Histogram

__all__ = ["render", "summarise"]


def summarise(
    recorder: Recorder,
    states: list[dict[str, Any]],
    seconds: float,
    operation: tuple[str, str] | None,
    extras: dict[str, Any] | None = None,
    *,
    floor: Floor | None = None,
    remarks: Sequence[tuple[str | None, str]] = (),
) -> dict[str, Any]:
    """What was counted up to the recorder's last `take`, and whether it may be believed.

    `states` are those of the processes that generated load; `operation` names the series of the scenario's
    operations, or is None where it has none; `remarks` are about workers, each with the verdict that
    it calls for or None.
    """
    # Locust has what was taken: whatever came after the test stays out of both.
    totals = recorder.totals(taken=True)
    series = [
        {
            "type": series.type,
            "name": series.name,
            "count": sample.timed + sample.untimed + sample.failed,
            "untimed": sample.untimed,
            "errors": dict(sample.errors),
            "latency": sample.histogram.to_latency() if sample.timed else None,
            "mean_us": sample.total_us / sample.timed if sample.timed else None,
        }
        for series, sample in totals
    ]
    measured = next((sample for found, sample in totals if (found.type, found.name) == operation), Sample())
    vitals = [Vitals.from_json(state["vitals"]) for state in states]
    together, ledger, schedule = Vitals(), None, None
    for each in vitals:
        together.merge(each)
    for state in states:
        if state["ledger"] is not None:
            ledger = ledger or Ledger()
            ledger.merge(Ledger.from_json(state["ledger"]))
        if state.get("schedule") is not None:
            schedule = schedule or Schedule()
            schedule.merge(Schedule.from_json(state["schedule"]))
    errors = recorder.errors(taken=True)
    unsent = schedule.due - schedule.sent if schedule is not None else 0
    validity = judge(
        operations=measured.timed if operation is not None else None,
        # What could not be sent is in both accounts.
        errors=max(0, sum(errors.values()) - unsent),
        vitals=vitals,
        latency=measured.histogram,
        ledger_clean=ledger is None or ledger.clean,
        unsent=unsent,
        floor=floor,
    )
    for verdict, remark in remarks:
        if verdict is not None:
            validity.add(verdict, remark)
    clocks = {state["clock"] for state in states}
    if len(clocks) > 1 and any(state["timed_between"] for state in states):
        validity.add(
            "INVALID",
            f"times were taken between processes on {len(clocks)} hosts, whose clocks cannot be compared",
        )
        for entry in series:
            if (entry["type"], entry["name"]) == operation:
                entry["latency"] = entry["mean_us"] = None
    return {
        "seconds": seconds,
        "processes": len(states),
        "operation": list(operation) if operation is not None else None,
        "operations": measured.timed,
        "operations_per_second": measured.timed / seconds if seconds > 0 else 0.0,
        "errors": errors,
        "series": series,
        "urls": by_url(totals, operation),
        "hosts": len(clocks),
        "notes": [remark for verdict, remark in remarks if verdict is None],
        "ledger": ledger.to_json() if ledger is not None else None,
        "schedule": schedule.to_json() if schedule is not None else None,
        "unsent": unsent,
        "hub_lag_p99_us": together.hub_lag.percentile(99),
        "send_lag_p99_us": together.send_lag.percentile(99),
        "max_cpu_share": max((each.busiest_share for each in vitals), default=0.0),
        "longest_stall_seconds": max((each.longest_stall for each in vitals), default=0.0),
        "run_delay_share": max_share(vitals, "run_delay_seconds"),
        "pressure_share": max_share(vitals, "pressure_seconds"),
        "cpu_us_per_operation": together.cpu_seconds * 1e6 / measured.timed if measured.timed else None,
        "floor": floor.to_json() if floor is not None else None,
        "validity": validity.to_json(),
        **(extras or {}),
    }


def max_share(vitals: list[Vitals], name: str) -> float | None:
    """The largest share of the time that `name` is of one process; None where no process knows."""
    shares = [each.share(getattr(each, name)) for each in vitals]
    return max((share for share in shares if share is not None), default=None)


def by_url(
    totals: Sequence[tuple[Series, Sample]], operation: tuple[str, str] | None
) -> dict[str, dict[str, Any]]:
    """For each URL, where there are several: operations, errors of any series, p50 and p99 in µs."""
    errors: dict[str, int] = {}
    measured: dict[str, Histogram] = {}
    for series, sample in totals:
        for url, part in sample.parts.items():
            errors[url] = errors.get(url, 0) + part.failed
            histogram = measured.setdefault(url, Histogram())
            if (series.type, series.name) == operation:
                histogram.merge(part.histogram)
    return {
        url: {
            "operations": histogram.count,
            "errors": errors[url],
            "p50": histogram.percentile(50),
            "p99": histogram.percentile(99),
        }
        for url, histogram in sorted(measured.items())
    }


def render(summary: dict[str, Any]) -> str:
    """The summary for a terminal: tables of 80 columns where names are not longer than 28."""
    done = f"{summary['operations']} operations in "
    rate = f" ({summary['operations_per_second']:.0f}/s)"
    if summary["operation"] is None:
        done = rate = ""
    names = [f"{series['type']} {series['name']}" for series in summary["series"]]
    width = max(map(len, [*names, 28 * " "]))
    lines = [
        f"sioprobe: {done}{summary['seconds']:.1f} s{rate}, times in µs",
        f"  {'series':<{width}} {'count':>9} {'p50':>9} {'p90':>9} {'p99':>9} {'max':>9}",
    ]
    for name, series in zip(names, summary["series"], strict=True):
        latency = series["latency"] or {}
        figures = " ".join(f"{_figure(latency.get(name)):>9}" for name in ("p50", "p90", "p99", "max"))
        lines.append(f"  {name:<{width}} {series['count']:>9} {figures}")
    for series in summary["series"]:
        for kind, count in series["errors"].items():
            lines.append(f"  error: {series['type']} {series['name']}: {kind}: {count}")
    for url, figures in summary["urls"].items():
        lines.append(
            f"  {url}: {figures['operations']} operations, {figures['errors']} errors,"
            f" p50 {_figure(figures['p50'])}, p99 {_figure(figures['p99'])}"
        )
    ledger = summary["ledger"]
    if ledger is not None:
        reach = "-" if ledger["reach"] is None else f"{ledger['reach']:.4%}"
        lines.append(
            f"  reach {reach} ({ledger['received']} of {ledger['expected']} deliveries of"
            f" {ledger['published']} published; lost {ledger['lost']}, duplicated {ledger['duplicated']},"
            f" reordered {ledger['reordered']}, late {ledger['late']};"
            f" missed while away {ledger['missed_away']})"
        )
    lines += render_stages(summary.get("stages", ()))
    if summary.get("schedule") is not None:
        lines.append(f"  {Schedule.from_json(summary['schedule']).to_line()}")
    lines += [f"  {line}" for line in (summary.get("found") or {}).get("words", ())]
    lines += render_server(summary.get("server"))
    lines += maximum_lines(summary)
    lags = [f"hub lag p99 {_figure(summary['hub_lag_p99_us'])}"]
    if summary["send_lag_p99_us"] is not None:
        lags.append(f"send lag p99 {_figure(summary['send_lag_p99_us'])}")
    delay = summary["run_delay_share"]
    lags += [f"run delay {delay:.1%}"] if delay is not None else []
    lines.append(f"  generator: {', '.join(lags)}, busiest second {summary['max_cpu_share']:.0%} of a core")
    lines += [f"  note: {note}" for note in summary["notes"]]
    lines.append("  " + floor_line(summary))
    for threshold in summary.get("thresholds", ()):
        state = "broken" if threshold["broken"] else "kept"
        lines.append(f"  --fail-if {threshold['fail_if']}: {state}, {threshold['measured']}")
    return "\n".join(lines + _verdict_lines(summary["validity"]))


def _verdict_lines(validity: dict[str, Any]) -> list[str]:
    """The verdict and a line for each reason; of an INVALID run those first that made it so."""
    lines = [f"  verdict: {validity['verdict']}"]
    if validity["verdict"] == "SUSPECT":
        return lines + [f"    {reason}" for reason in validity["reasons"]]
    found = sorted(validity["findings"], key=lambda finding: finding["verdict"] != validity["verdict"])
    return lines + [f"    {finding['verdict']}: {finding['reason']}" for finding in found]


def maximum_lines(summary: dict[str, Any]) -> list[str]:
    """Whether the rate is the server's maximum: only where the server had no core left."""
    server = summary.get("server")
    if not server or not server["sampled"] or not server["window_seconds"] or not summary["operations"]:
        return []
    share = server["window_cpu_seconds"] / server["window_seconds"]
    if is_saturated(share):
        rate = f"{summary['operations_per_second']:.0f}/s"
        return [f"  maximum: {rate} is what this server carries; it used {share:.0%} of a core"]
    return [f"  no maximum: the server used {share:.0%} of a core"]


def floor_line(summary: dict[str, Any]) -> str:
    """The generator's own floor, or why there is none."""
    floor = summary["floor"]
    if floor is None:
        return f"floor: {summary.get('calibration') or 'not calibrated'}"
    loop = f"{floor['rate']:.0f}/s" if floor["rate"] else "closed loop"
    cost = summary["cpu_us_per_operation"]
    return (
        f"floor (null server, {floor['connections']} connections, {loop}):"
        f" {floor['operations_per_second']:.0f}/s, p50 {floor['p50_us']:.0f}, p99 {floor['p99_us']:.0f},"
        f" CPU {floor['cpu_us_per_operation']:.1f} µs an operation (here {_figure(cost)})"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
