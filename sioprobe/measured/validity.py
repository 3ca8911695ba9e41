"""A verdict on the generator itself: do its figures say something about the server?

INVALID: the figures show the generator's own limit, or mostly failures. SUSPECT: look before you quote them.
`docs/measured/method.md` lists the thresholds with their reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sioprobe.commandline.own_limits import advice_on
from sioprobe.measured.arrivals import ArrivalFigures, sentences
from sioprobe.measured.vitals import Vitals
from sioprobe.results.histogram import Histogram
from sioprobe.results.loads import Cause, Finding, Floor, Neighbours, Validity

__all__ = ["GENERATOR_CAUSES", "is_saturated", "judge"]

CPU_LIMIT = 0.9
"""Share of one core, in any second, from which a single-threaded generator is itself the bottleneck."""

CPU_SUSPECT = 0.7
"""Above it, an operation waits for the generator more than twice as long as the generator works for it."""

HUB_LAG_SUSPECT_US = 10_000.0
HUB_LAG_INVALID_US = 2_000.0
"""Half of the operations waited this long in the generator, and for half of their latency."""

SEND_LAG_SUSPECT_US = 10_000.0
STALLED_INVALID = 0.05
RUN_DELAY_SUSPECT, RUN_DELAY_INVALID = 0.05, 0.2
RUN_DELAY_SECOND_SUSPECT = 0.25
NEIGHBOURS_SUSPECT, NEIGHBOURS_SECOND_SUSPECT = 0.1, 0.3
"""Daemons and the kernel's own threads use some hundredths of a core on a quiet machine."""
UNSENT_INVALID = 0.01
ERROR_SHARE_INVALID = 0.01
FLOOR_FACTOR = 2.0

SERVER_SATURATED = 0.9
"""Share of each core that the server used. Below it, the server had room, and no rate is its capacity."""

GENERATOR_CAUSES: tuple[Cause, ...] = (
    *("cpu", "hub lag", "send lag", "stall", "run delay", "pressure", "neighbour", "limit"),
)
"""Causes that lie in the generator or its machine, whatever the server did."""


def judge(
    *,
    operations: int | None,
    errors: int,
    error_kinds: Mapping[str, int] = {},
    vitals: Sequence[Vitals],
    latency: Histogram,
    ledger_clean: bool = True,
    unsent: int = 0,
    unanswered: int = 0,
    floor: Floor | None = None,
    neighbours: Neighbours | None = None,
    beside: bool = False,
    arrivals: ArrivalFigures | None = None,
) -> Validity:
    """The verdict.

    `operations` is None for a scenario without operations. `error_kinds` counts the errors by kind. `vitals`
    holds those of each generating process; the worst one counts. `latency` is that of the operations, in µs.
    `unsent` counts what an open loop could not send, `unanswered` what had no answer when the load had come
    to rest. `neighbours` is None where the server's processes are not seen. `beside` says that there is one
    generating process, on the machine of the server. `arrivals` are the users, where they are known.
    """
    own = {kind: count for kind, count in error_kinds.items() if advice_on(kind) is not None}
    errors = max(0, errors - sum(own.values()))
    found = [*_judge_limits(own), *_judge_cpu(vitals), *_judge_lags(vitals, latency)]
    found += _judge_run_delay(vitals, neighbours if beside else None)
    if neighbours is not None:
        found += _judge_neighbours(neighbours)
    if arrivals is not None:
        for count, reason in sentences(arrivals):
            found.append(_finding(count / arrivals.users >= ERROR_SHARE_INVALID, reason, "errors"))
    if operations == 0:
        found.append(_finding(True, "no operation was completed", "operations"))
    if unsent:
        share = unsent / (unsent + errors + (operations or 0))
        invalid = share >= UNSENT_INVALID
        found.append(
            _finding(invalid, f"{unsent} intended operations ({share:.1%}) could not be sent", "unsent")
        )
    if errors:
        share = errors / (errors + (operations or 0))
        invalid = operations is not None and share >= ERROR_SHARE_INVALID
        found.append(_finding(invalid, f"{errors} error{'s' if errors > 1 else ''}", "errors"))
    if unanswered:
        many = "operations were" if unanswered > 1 else "operation was"
        reason = f"{unanswered} {many} under way at the end, and got no answer within 3 s"
        found.append(_finding(False, reason, "errors"))
    if not ledger_clean:
        found.append(_finding(False, "deliveries were lost, duplicated, reordered or late", "ledger"))
    if floor is not None:
        found += _judge_floor(latency, floor)
    return Validity.of(found)


def _finding(invalid: bool, reason: str, cause: Cause) -> Finding:
    return Finding(verdict="INVALID" if invalid else "SUSPECT", cause=cause, reason=reason)


def _judge_limits(own: Mapping[str, int]) -> Iterator[Finding]:
    """What the machine of the generator did not give it. No figure of such a run says much of the server."""
    for kind, count in own.items():
        times = "once" if count == 1 else f"{count:,} times"
        reason = f"a limit of the generator, not of the server: {kind}, {times}; {advice_on(kind)}"
        yield _finding(True, reason, "limit")


def _judge_cpu(vitals: Sequence[Vitals]) -> Iterator[Finding]:
    """The busiest second of the busiest process."""
    share = max((each.busiest_share for each in vitals), default=0.0)
    if share >= CPU_SUSPECT:
        whose = "the generator" if len(vitals) < 2 else "a worker"
        reason = f"{whose} used {share:.0%} of a core in its busiest second"
        yield _finding(share >= CPU_LIMIT, reason, "cpu")


def _judge_lags(vitals: Sequence[Vitals], latency: Histogram) -> Iterator[Finding]:
    """How late the hub called back, and how late operations were sent, compared with the latency."""
    p50, p99 = latency.percentile(50), latency.percentile(99)
    lag_p50 = _largest(each.hub_lag.percentile(50) for each in vitals)
    lag_p99 = _largest(each.hub_lag.percentile(99) for each in vitals)
    if lag_p50 is not None and p50 is not None and lag_p50 > max(p50 / 2, HUB_LAG_INVALID_US):
        yield _finding(True, f"hub lag p50 {_ms(lag_p50)} beside a latency of p50 {_ms(p50)}", "hub lag")
    elif lag_p99 is not None and lag_p99 > HUB_LAG_SUSPECT_US:
        most = f"{HUB_LAG_SUSPECT_US / 1000:.0f} ms"
        yield _finding(False, f"hub lag p99 {_ms(lag_p99)}, more than {most}", "hub lag")
    lag = _largest(each.send_lag.percentile(99) for each in vitals)
    if lag is not None and lag > SEND_LAG_SUSPECT_US:
        beside = f" beside a latency of p99 {_ms(p99)}" if p99 is not None else ""
        invalid = p99 is not None and lag > p99 / 2
        yield _finding(invalid, f"send lag p99 {_ms(lag)}{beside}", "send lag")
    worst = max(vitals, key=lambda each: each.share(each.stalled_seconds) or 0.0, default=Vitals())
    if worst.stalls:
        share = worst.share(worst.stalled_seconds) or 0.0
        times = "once" if worst.stalls == 1 else f"{worst.stalls} times"
        yield _finding(
            share >= STALLED_INVALID,
            f"the generator stood still {times}, for {worst.longest_stall:.2f} s at most,"
            f" {share:.1%} of the time",
            "stall",
        )


def _judge_run_delay(vitals: Sequence[Vitals], neighbours: Neighbours | None) -> Iterator[Finding]:
    """What other processes took from the generator.

    With `neighbours`, what these did not take was taken by the server. Then the two share the cores that
    there are, and a generator that waits for its core is as much in the way as one that works there.
    """
    delay = max((each.share(each.run_delay_seconds) or 0.0 for each in vitals), default=0.0)
    second = max((each.max_run_delay_share for each in vitals), default=0.0)
    wanted = delay + max((each.share(each.cpu_seconds) or 0.0 for each in vitals), default=0.0)
    if neighbours is not None:
        delay = min(delay, neighbours.share) if neighbours.share >= NEIGHBOURS_SUSPECT else 0.0
        second = min(second, neighbours.busiest_second or neighbours.share)
    if delay >= RUN_DELAY_SUSPECT:
        yield _finding(
            delay >= RUN_DELAY_INVALID,
            f"run delay {delay:.0%}: others ran on its core while the generator could have",
            "run delay",
        )
    elif second >= RUN_DELAY_SECOND_SUSPECT:
        yield _finding(
            False,
            f"run delay {second:.0%} in one second: others ran on the generator's core",
            "run delay",
        )
    elif neighbours is not None and wanted >= CPU_SUSPECT:
        yield _finding(
            wanted >= CPU_LIMIT,
            f"the generator used its core or waited for the server to leave it {wanted:.0%} of the time",
            "run delay",
        )


def _judge_neighbours(neighbours: Neighbours) -> Iterator[Finding]:
    """What processes that are neither the server nor the load took from both."""
    share, second = neighbours.share, neighbours.busiest_second or 0.0
    most = f"; most of it {neighbours.most}" if neighbours.most else ""
    if share >= NEIGHBOURS_SUSPECT:
        used = f"other processes used {share:.2f} of a core that somebody waited for"
    elif second >= NEIGHBOURS_SECOND_SUSPECT:
        used = f"other processes used {second:.2f} of a core that somebody waited for in one second"
    else:
        return
    yield _finding(False, used + most, "neighbour")


def _judge_floor(latency: Histogram, floor: Floor) -> Iterator[Finding]:
    """Whether the latency differs enough from the generator's own floor."""
    p50, p99 = latency.percentile(50), latency.percentile(99)
    if p50 is None or p99 is None:
        return
    near = [
        f"{name} {_ms(value)} (floor {_ms(least)})"
        for name, value, least in (("p50", p50, floor.p50_us), ("p99", p99, floor.p99_us))
        if value < FLOOR_FACTOR * least
    ]
    if near:
        yield _finding(
            False,
            f"within {FLOOR_FACTOR:g} x of the generator's own floor, so mostly its own: {near[0]}"
            + "".join(f", {other}" for other in near[1:]),
            "floor",
        )


def is_saturated(server_cpu_share: float | None) -> bool | None:
    """Whether a server that used this many cores had none left. None if that is not known.

    0.95 means one core, almost whole. 1.3 means two cores, and a third of them is free.
    """
    if server_cpu_share is None:
        return None
    cores = max(1, round(server_cpu_share + 0.4))
    return server_cpu_share >= SERVER_SATURATED * cores


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _ms(us: float) -> str:
    return f"{us / 1000:.1f} ms"
