"""The figures of one block and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sioprobe.results.loads import Partner, RoundsLine

PARTNERS: tuple[Partner, ...] = ("queue", "proxy")


@dataclass(frozen=True, slots=True)
class MetricKind:
    """A figure of a block: `unit` in files, `label` and `shown_unit` on pages, `scale` between the two."""

    name: str
    label: str
    unit: str
    shown_unit: str
    scale: float
    better: Literal["higher", "lower", "neither"]
    of: Callable[[RoundsLine], float | None]


def _messages_per_second(block: RoundsLine) -> float | None:
    return block.messages / block.seconds if block.seconds else None


def _operations_per_second(block: RoundsLine) -> float | None:
    return block.operations / block.seconds if block.seconds else None


def _cpu_per_message(block: RoundsLine) -> float | None:
    """Of the server and of its queue and proxy, as far as they were seen."""
    cpu = block.cpu_seconds
    return cpu * 1e6 / block.messages if cpu is not None and block.messages else None


def _of_partner(role: Partner) -> Iterator[MetricKind]:
    """What a queue or a proxy uses. A smaller figure is not better: the servers may do the work instead."""

    def cpu(block: RoundsLine) -> float | None:
        used = block.partners.get(role)
        return used.cpu_seconds * 1e6 / block.messages if used is not None and block.messages else None

    def memory(block: RoundsLine) -> float | None:
        used = block.partners.get(role)
        return float(used.rss_bytes) if used is not None else None

    name = role.capitalize()
    yield MetricKind(f"{role}_cpu_us_per_message", f"{name} CPU", "us", "µs a message", 1, "neither", cpu)
    yield MetricKind(f"{role}_rss_bytes", f"{name} RSS", "bytes", "MiB in all", 1 / 2**20, "neither", memory)


def _rss_per_connection(block: RoundsLine) -> float | None:
    after, before = block.server.rss_bytes, block.server.rss_before_connections_bytes
    opened = block.opened
    return (after - before) / opened if after is not None and before is not None and opened else None


def _share(cpu: float | None, seconds: float) -> float | None:
    return cpu / seconds if cpu is not None and seconds else None


METRICS: dict[str, MetricKind] = {
    kind.name: kind
    for kind in (
        MetricKind("messages_per_second", "Messages", "1/s", "per second", 1, "higher", _messages_per_second),
        MetricKind(
            "operations_per_second", "Operations", "1/s", "per second", 1, "higher", _operations_per_second
        ),
        MetricKind(
            "server_cpu_us_per_message",
            "Server CPU",
            "us",
            "µs a message",
            1,
            "lower",
            _cpu_per_message,
        ),
        MetricKind("latency_p50_us", "p50", "us", "ms", 1e-3, "lower", lambda block: block.latency.p50),
        MetricKind("latency_p99_us", "p99", "us", "ms", 1e-3, "lower", lambda block: block.latency.p99),
        MetricKind(
            "rss_bytes_per_connection",
            "RSS",
            "bytes",
            "KiB a connection",
            1 / 1024,
            "lower",
            _rss_per_connection,
        ),
        MetricKind(
            "server_cpu_cores",
            "Server CPU share",
            "cores",
            "% of a core",
            100,
            "neither",
            lambda block: _share(block.server.cpu_seconds, block.seconds),
        ),
        MetricKind(
            "generator_cpu_cores",
            "Generator CPU share",
            "cores",
            "% of a core",
            100,
            "neither",
            lambda block: _share(block.generator.cpu_seconds, block.seconds),
        ),
        *(kind for role in PARTNERS for kind in _of_partner(role)),
    )
}

IN_MATRIX = (
    "messages_per_second",
    "server_cpu_us_per_message",
    "latency_p50_us",
    "latency_p99_us",
    "rss_bytes_per_connection",
)
"""The figures of the summary table, in the order of its columns."""
