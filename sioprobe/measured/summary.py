"""The figures of a run, made of what its processes counted, and the verdict on the generator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sioprobe.measured.arrivals import ArrivalFigures
from sioprobe.measured.ledger import Ledger
from sioprobe.measured.limits import advice
from sioprobe.measured.process_state import ProcessState
from sioprobe.measured.recorder import Recorder, Sample, Series
from sioprobe.measured.schedule import Schedule
from sioprobe.measured.validity import judge
from sioprobe.measured.vitals import Vitals
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import (
    Finding,
    Floor,
    GeneratorProcess,
    LedgerFigures,
    RunResult,
    SeriesFigures,
    ServerFigures,
    StageFigures,
    UrlFigures,
)
from sioprobe.results.primitives import Transport

__all__ = ["Around", "Remark", "series_figures", "summarise"]

Operation = tuple[str, str] | None
"""Type and name of the series of the scenario's operations; None where it has none."""

Remark = Finding | str
"""Something to say about a worker. A finding lowers the verdict; a text is only a note."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a run knows beside its counts. A part that it does not have is empty."""

    url: str | None = None
    transport: Transport | None = None
    scenario: str | None = None
    floor: Floor | None = None
    calibration: str | None = None
    found: dict[str, Any] | None = None
    stages: Sequence[StageFigures] = ()
    server: ServerFigures | None = None
    server_unseen: str | None = None
    server_cpu_share: float | None = None
    beside: bool = False
    """Whether the only process that generates load is the one that sees the server."""


def summarise(
    recorder: Recorder,
    states: Sequence[ProcessState],
    seconds: float,
    operation: Operation,
    around: Around = Around(),
    *,
    generators: Sequence[GeneratorProcess] = (),
    remarks: Sequence[Remark] = (),
) -> RunResult:
    """What was counted up to the recorder's last `take`, and whether you may believe it.

    `states` and `generators` describe the processes that generated load.
    """
    # Locust counts what was taken. What came after the test is in neither.
    totals = recorder.totals(taken=True)
    measured = next((sample for found, sample in totals if (found.type, found.name) == operation), Sample())
    vitals = [state.vitals for state in states]
    together = Vitals()
    for each in vitals:
        together.merge(each)
    ledger, schedule = _together(state.ledger for state in states), _merged_schedule(states)
    arrivals = ArrivalFigures.together(state.arrivals for state in states)
    errors = recorder.errors(taken=True)
    unsent = schedule.due - schedule.sent if schedule is not None else 0
    clocks = {state.clock for state in states}
    incomparable = len(clocks) > 1 and any(state.timed_between for state in states)
    validity = judge(
        operations=measured.timed if operation is not None else None,
        # An operation that could not be sent is an error too.
        errors=max(0, sum(errors.values()) - unsent),
        error_kinds=errors,
        vitals=vitals,
        latency=measured.histogram,
        ledger_clean=ledger is None or ledger.clean,
        unsent=unsent,
        unanswered=sum(state.unanswered for state in states),
        floor=around.floor,
        neighbours=around.server.neighbours if around.server is not None else None,
        beside=around.beside,
        arrivals=arrivals,
    ).plus(
        [*(remark for remark in remarks if isinstance(remark, Finding)), *_of_clocks(incomparable, clocks)]
    )
    return RunResult(
        url=around.url,
        transport=around.transport,
        scenario=around.scenario,
        seconds=seconds,
        operation=operation,
        operations=measured.timed,
        operations_per_second=measured.timed / seconds if seconds > 0 else 0.0,
        errors=errors,
        series=[
            series_figures(*pair, timed=not incomparable or _key(pair[0]) != operation) for pair in totals
        ],
        urls=_by_url(totals, operation, _ledgers_of_urls(states)),
        ledger=ledger.figures() if ledger is not None else None,
        schedule=schedule.figures() if schedule is not None else None,
        unsent=unsent,
        found=around.found,
        stages=list(around.stages),
        users=arrivals.users,
        connected=arrivals.connected,
        server=around.server,
        server_unseen=around.server_unseen,
        server_cpu_share=around.server_cpu_share,
        generators=list(generators),
        processes=len(states),
        hosts=len(clocks),
        hub_lag_p99_us=together.hub_lag.percentile(99),
        send_lag_p99_us=together.send_lag.percentile(99),
        max_cpu_share=max((each.busiest_share for each in vitals), default=0.0),
        longest_stall_seconds=max((each.longest_stall for each in vitals), default=0.0),
        run_delay_share=_largest(each.share(each.run_delay_seconds) for each in vitals),
        pressure_share=_largest(each.share(each.pressure_seconds) for each in vitals),
        cpu_us_per_operation=together.cpu_seconds * 1e6 / measured.timed if measured.timed else None,
        floor=around.floor,
        calibration=around.calibration,
        notes=[*(remark for remark in remarks if isinstance(remark, str)), *advice(errors)],
        validity=validity,
    )


def _key(series: Series) -> tuple[str, str]:
    return series.type, series.name


def series_figures(series: Series, sample: Sample, *, timed: bool = True) -> SeriesFigures:
    """What the series counted in this sample. If not `timed`, its durations are withheld."""
    timed = timed and sample.timed > 0
    return SeriesFigures(
        type=series.type,
        name=series.name,
        count=sample.timed + sample.untimed + sample.failed,
        untimed=sample.untimed,
        errors=dict(sample.errors),
        latency=sample.histogram.to_latency() if timed else None,
        mean_us=sample.total_us / sample.timed if timed else None,
    )


def _of_clocks(incomparable: bool, clocks: set[str]) -> list[Finding]:
    if not incomparable:
        return []
    reason = f"times were taken between processes on {len(clocks)} hosts, whose clocks cannot be compared"
    return [Finding(verdict="INVALID", reason=reason)]


def _ledgers_of_urls(states: Sequence[ProcessState]) -> dict[str, LedgerFigures]:
    ledgers = {}
    for url in {url for state in states for url in state.ledgers}:
        part = _together(state.ledgers.get(url) for state in states)
        if part is not None:
            ledgers[url] = part.figures()
    return ledgers


def _together(ledgers: Iterable[LedgerFigures | None]) -> Ledger | None:
    parts = [Ledger.of(ledger) for ledger in ledgers if ledger is not None]
    for part in parts[1:]:
        parts[0].merge(part)
    return parts[0] if parts else None


def _merged_schedule(states: Sequence[ProcessState]) -> Schedule | None:
    parts = [Schedule.of(state.schedule) for state in states if state.schedule is not None]
    for part in parts[1:]:
        parts[0].merge(part)
    return parts[0] if parts else None


def _largest(shares: Iterable[float | None]) -> float | None:
    """The largest of those that are known; None if none is."""
    return max((share for share in shares if share is not None), default=None)


def _by_url(
    totals: Sequence[tuple[Series, Sample]], operation: Operation, ledgers: dict[str, LedgerFigures]
) -> dict[str, UrlFigures]:
    """The figures of each URL, if there are several."""
    errors: dict[str, int] = {}
    measured: dict[str, Histogram] = {}
    for series, sample in totals:
        for url, part in sample.parts.items():
            errors[url] = errors.get(url, 0) + part.failed
            histogram = measured.setdefault(url, Histogram())
            if _key(series) == operation:
                histogram.merge(part.histogram)
    return {
        url: UrlFigures(
            operations=histogram.count,
            errors=errors[url],
            p50=histogram.percentile(50),
            p99=histogram.percentile(99),
            ledger=ledgers.get(url),
        )
        for url, histogram in sorted(measured.items())
    }
