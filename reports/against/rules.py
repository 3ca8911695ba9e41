"""What may be said of a change between two runs.

The interval of a cell's figure stands on blocks of two runs at different times. It knows how the blocks of a
run differ, and not how fast the machine was that day. So the whole interval must lie beyond what one server
shows from one run to the next.
"""

from __future__ import annotations

from sioprobe.results.across import Word

__all__ = ["COVERAGE", "SMALLEST", "SMALLEST_RATIO", "word_of"]

COVERAGE = 0.99
"""A page has some sixty figures: at 95 % three of them would be called changed by chance alone."""

SMALLEST = {
    "server_cpu_us_per_message": 0.08,
    "messages_per_second": 0.15,
    "latency_p50_us": 0.15,
    "latency_p99_us": 0.25,
    "rss_bytes_per_connection": 0.05,
}
"""What the same server shows from one run to the next, as a share.

Where blocks vary by 5 to 9 % and runs by 3 to 5 %, one of a hundred figures of equal servers is called
changed. Without these limits it would be eight to fourteen.
"""

SMALLEST_RATIO = 0.03
"""For ratios of servers that ran at the same time, which do not depend on the day."""


def word_of(low: float, high: float, *, higher_is_better: bool, smallest: float) -> Word:
    """What an interval says. The same factor counts up and down: +5 % is as far from 0 as -4.8 %."""
    if low > smallest:
        return "better" if higher_is_better else "worse"
    if high < 1 / (1 + smallest) - 1:
        return "worse" if higher_is_better else "better"
    return "cannot be told apart"
