"""All figures of a page, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts.arm_rows import draw_bars, draw_dots
from reports.charts.latency_spectrum import draw_spectrum
from reports.charts.panels import DrawnFigure, arm_styles
from reports.statistics import sentences
from reports.writing.quoting import Quotes
from sioprobe.results.histogram import Histogram
from sioprobe.results.types import Arm, CellResult

_DOTS_CAPTION = (
    "Packets that the server handled in a second, in both directions. Dot: median over blocks; bar: interval."
)
_CPU_CAPTION = (
    "CPU time of all server processes for one packet, at the load shown above. "
    "Bar: median over blocks; line: interval. Less is better."
)
_RSS_CAPTION = (
    "Growth of the server's resident memory while the connections were opened, divided by their number. "
    "Bar: median over blocks; line: interval. Less is better."
)


def draw_figures(
    arms: Sequence[Arm],
    cells: Sequence[CellResult],
    histograms: dict[tuple[str, str], Histogram],
    quotes: Quotes,
    prefix: str,
) -> list[DrawnFigure]:
    """The figures of one workload, none when nothing was measured.

    `histograms` holds the merged latencies by (arm, transport).
    """
    measured = [cell for cell in cells if cell["status"] == "measured"]
    if not measured:
        return []
    throughput, cpu, memory = "messages_per_second", "server_cpu_us_per_message", "rss_bytes_per_connection"

    def names(name: str, label: str) -> tuple[str, str]:
        return f"{prefix}-{name}", label

    figures = [
        draw_dots(
            arms,
            cells,
            quotes,
            throughput,
            names("throughput", "Throughput"),
            sentences.throughput_sentence,
            _DOTS_CAPTION,
        ),
        draw_bars(
            arms,
            cells,
            quotes,
            cpu,
            names("cpu", "CPU"),
            sentences.cpu_sentence,
            _CPU_CAPTION,
            beside=("server_cpu_cores", "generator_cpu_cores"),
        ),
        draw_spectrum(measured, arm_styles(arms), histograms, quotes, names("latency", "Latency")),
        draw_bars(
            arms, cells, quotes, memory, names("memory", "Memory"), sentences.memory_sentence, _RSS_CAPTION
        ),
    ]
    return [figure for figure in figures if figure is not None]
