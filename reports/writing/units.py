"""Names and units of a section's figures, as a reader sees them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ShownAs", "shown_as"]

NAMES = {
    "all_back_us": "until all are back",
    "capacity_per_second": "highest rate",
    "cpu_cores": "CPU share",
    "cpu_us_per_delivery": "CPU a delivery",
    "cpu_us_per_message": "CPU a message",
    "cpu_us_per_published": "CPU of what is published once",
    "last_p50_us": "until the last member has it",
    "of_ideal": "of the ideal",
    "other_process_p50_us": "p50 to another process",
    "p99_beside_slow_us": "p99 beside slow clients",
    "p999_us": "p99.9",
    "rss_bytes": "memory",
    "rss_bytes_per_connection": "memory a connection",
    "same_process_p50_us": "p50 within the process",
    "speedup": "speed-up",
}
SCALES = {"us": (1e-3, "ms"), "bytes": (1 / 1024, "KiB"), "1/s": (1.0, "a second"), "count": (1.0, "")}
SUFFIXES = ("_us", "_bytes", "_seconds", "_ms", "_percent")


@dataclass(frozen=True, slots=True)
class ShownAs:
    """A label, and the unit into which `factor` turns the figures of the file."""

    label: str
    unit: str
    factor: float = 1.0

    @property
    def title(self) -> str:
        """Label and unit, for the head of a column or an axis."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


def shown_as(name: str, unit: str) -> ShownAs:
    """How the figure `name` is shown, which the file has in `unit`."""
    if "cpu" in name and unit == "us":
        return ShownAs(NAMES.get(name, _words(name)), "µs")
    factor, shown = SCALES.get(unit, (1.0, unit))
    return ShownAs(NAMES.get(name, _words(name)), shown, factor)


def _words(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name.removesuffix("_per_second").replace("_per_", " a ").replace("_", " ")
