"""A run's result as lines for a terminal. Durations are in microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sioprobe.measured.schedule import LATE_MS
from sioprobe.measured.validity import is_saturated
from sioprobe.results.loads import (
    LedgerFigures,
    RunResult,
    ScheduleFigures,
    SeriesFigures,
    ServerFigures,
    StageFigures,
    Validity,
)

__all__ = ["deliveries", "render", "render_server", "render_stages"]


def render(result: RunResult) -> str:
    """The whole result: tables of 80 columns where names are not longer than 28."""
    return "\n".join(_lines(result))


def _lines(result: RunResult) -> Iterator[str]:
    done = rate = ""
    if result.operation is not None:
        done = f"{result.operations} operations in "
        rate = f" ({result.operations_per_second:.0f}/s)"
    yield f"sioprobe: {_absent(result)}{done}{result.seconds:.1f} s{rate}, times in µs"
    yield from _series(result.series)
    for url, figures in result.urls.items():
        yield (
            f"  {url}: {figures.operations} operations, {figures.errors} errors,"
            f" p50 {_figure(figures.p50)}, p99 {_figure(figures.p99)}"
            + (f"; {deliveries(figures.ledger)}" if figures.ledger is not None else "")
        )
    if result.ledger is not None:
        yield "  " + deliveries(result.ledger, f" of {result.ledger.published} published")
    yield from render_stages(result.stages)
    if result.schedule is not None:
        yield _schedule(result.schedule)
    if result.found is not None:
        yield from (f"  {line}" for line in result.found.get("words", ()))
    if result.server_unseen is not None:
        yield f"  server: not sampled ({result.server_unseen})"
    if result.server is not None:
        yield from render_server(result.server, _expected(result))
        yield from _capacity(result, result.server)
    yield _generator(result)
    yield from (f"  note: {note}" for note in result.notes)
    yield _floor(result)
    for threshold in result.thresholds:
        state = "broken" if threshold.broken else "kept"
        yield f"  --fail-if {threshold.fail_if}: {state}, {threshold.measured}"
    yield from _verdict(result.validity)


def _series(series: Sequence[SeriesFigures]) -> Iterator[str]:
    names = [f"{each.type} {each.name}" for each in series]
    width = max(map(len, [*names, 28 * " "]))
    yield f"  {'series':<{width}} {'count':>9} {'p50':>9} {'p90':>9} {'p99':>9} {'max':>9}"
    for name, each in zip(names, series, strict=True):
        latency = each.latency
        times = (latency.p50, latency.p90, latency.p99, latency.max) if latency is not None else 4 * (None,)
        figures = " ".join(f"{_figure(time):>9}" for time in times)
        yield f"  {name:<{width}} {each.count:>9} {figures}"
    for name, each in zip(names, series, strict=True):
        for kind, count in each.errors.items():
            yield f"  error: {name}: {kind}: {count}"


def _expected(result: RunResult) -> int | None:
    """How many connections there should have been. None if the server let all users in."""
    all_in = result.connected is None or result.users is None or result.connected >= result.users
    return None if all_in else result.users


def _absent(result: RunResult) -> str:
    expected = _expected(result)
    return "" if expected is None else f"{result.connected} of {expected} connections, "


def deliveries(ledger: LedgerFigures, published: str = "") -> str:
    """What became of the deliveries, on one line."""
    reach = "-" if ledger.reach is None else f"{ledger.reach:.4%}"
    return (
        f"reach {reach} ({ledger.received} of {ledger.expected} deliveries{published};"
        f" lost {ledger.lost}, duplicated {ledger.duplicated}, reordered {ledger.reordered},"
        f" late {ledger.late}; missed while away {ledger.missed_away}"
        + (f", replayed {ledger.replayed})" if ledger.replayed else ")")
    )


def render_stages(stages: Sequence[StageFigures]) -> Iterator[str]:
    """The table of stages, 100 columns wide; no line where there are no stages."""
    if stages:
        yield (
            f"  {'stage':<22} {'users':>6} {'asked/s':>8} {'op/s':>8} {'p50':>8} {'p99':>8} {'errors':>6}"
            f" {'server':>6} {'gen.':>5}  verdict"
        )
    for stage in stages:
        yield (
            f"  {stage.name:<22} {stage.users:>6.0f} {_figure(stage.rate):>8}"
            f" {stage.operations_per_second:>8.0f}"
            f" {_figure(stage.p50_us):>8} {_figure(stage.p99_us):>8} {stage.errors:>6}"
            f" {_percent(stage.server_cpu_share):>6} {_percent(stage.generator_cpu_share):>5}"
            f"  {stage.validity.verdict}"
        )


def _schedule(schedule: ScheduleFigures) -> str:
    unsent = ", ".join(f"{reason} {count}" for reason, count in schedule.unsent.items())
    times = schedule.service_latency
    late = f"{schedule.late} of them more than {LATE_MS} ms late"
    missed = schedule.due - schedule.sent
    return (
        f"  schedule: {schedule.due} due, {schedule.sent} sent ({late}), {missed} not sent"
        + (f" ({unsent})" if unsent else "")
        + (f"; service time p50 {times.p50:.0f} p99 {times.p99:.0f}" if times is not None else "")
    )


def render_server(server: ServerFigures, expected: int | None = None) -> Iterator[str]:
    """What the server used, in lines of 100 columns. `expected` connections are named if it had fewer."""
    who = ", ".join(f"{each.pid} {each.name}".strip() for each in server.roots)
    yield f"  server: process {who} ({server.how}; {server.processes} in all)"
    used = [f"{server.cpu_seconds:.2f} s CPU"]
    if server.cpu_us_per_message is not None:
        used.append(f"{server.cpu_us_per_message:.0f} µs a message")
    if server.cpu_us_per_operation is not None:
        used.append(f"{server.cpu_us_per_operation:.0f} µs an operation")
    if server.busiest_second is not None:
        used.append(f"busiest second {server.busiest_second:.0%} of a core")
    yield f"    {', '.join(used)}"
    memory = [f"before {_mebibytes(server.rss_before_bytes)}"]
    if server.rss_settled_bytes is not None:
        memory.append(f"settled {_mebibytes(server.rss_settled_bytes)}")
    memory.append(f"under load {_mebibytes(server.rss_under_load_bytes)} MiB")
    fds = "" if server.fds_under_load is None else f", fds {server.fds_under_load}"
    switches = "" if server.context_switches is None else f"; context switches {server.context_switches}"
    yield f"    memory {', '.join(memory)}; threads {server.threads_under_load}{fds}{switches}"
    grown = server.rss_bytes_per_connection
    if grown is not None:
        each = [f"{grown / 1024:.1f} KiB" if grown >= 0 else "memory has not grown"]
        each.append(f"{server.threads_per_connection:.2f} threads")
        if server.fds_per_connection is not None:
            each.append(f"{server.fds_per_connection:.2f} fds")
        of = f" of {expected}" if expected is not None and expected > server.connections else ""
        yield f"    per connection: {', '.join(each)} ({server.connections}{of} connections)"
    for partner, usage in server.partners.items():
        share = usage.cpu_seconds / server.window_seconds if server.window_seconds else 0.0
        yield f"    connected to {partner}: {share:.0%} of a core, memory {_mebibytes(usage.rss_bytes)} MiB"
    yield from (f"    {note}" for note in server.notes)


def _capacity(result: RunResult, server: ServerFigures) -> Iterator[str]:
    """Whether the rate is the server's capacity: only if the server had no core left."""
    if not server.window_seconds or not result.operations:
        return
    share = server.window_cpu_seconds / server.window_seconds
    if is_saturated(share):
        rate = f"{result.operations_per_second:.0f}/s"
        yield f"  capacity: {rate} is what this server carries; it used {share:.0%} of a core"
    else:
        yield f"  capacity not reached: the server used {share:.0%} of a core"


def _generator(result: RunResult) -> str:
    lags = [f"hub lag p99 {_figure(result.hub_lag_p99_us)}"]
    if result.send_lag_p99_us is not None:
        lags.append(f"send lag p99 {_figure(result.send_lag_p99_us)}")
    if result.run_delay_share is not None:
        lags.append(f"run delay {result.run_delay_share:.1%}")
    return f"  generator: {', '.join(lags)}, busiest second {result.max_cpu_share:.0%} of a core"


def _floor(result: RunResult) -> str:
    """The generator's own floor, or why there is none."""
    floor = result.floor
    if floor is None:
        return f"  floor: {result.calibration or 'not calibrated'}"
    loop = f"{floor.rate:.0f}/s" if floor.rate else "closed loop"
    return (
        f"  floor (null server, {floor.connections} connections, {loop}):"
        f" {floor.operations_per_second:.0f}/s, p50 {floor.p50_us:.0f}, p99 {floor.p99_us:.0f},"
        f" CPU {floor.cpu_us_per_operation:.1f} µs an operation (here {_figure(result.cpu_us_per_operation)})"
    )


def _verdict(validity: Validity) -> Iterator[str]:
    """The verdict and a line for each reason. Reasons that made a run INVALID come first."""
    yield f"  verdict: {validity.verdict}"
    for finding in sorted(validity.findings, key=lambda finding: finding.verdict != validity.verdict):
        head = "" if validity.verdict == "SUSPECT" else f"{finding.verdict}: "
        yield f"    {head}{finding.reason}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _mebibytes(number: int) -> str:
    return f"{number / 2**20:.1f}"
