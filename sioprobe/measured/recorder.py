"""What a load measured: durations, untimed counts and errors, one `Series` per (type, name).

Each series keeps what came since the last `take`, and what came in all. This module does not know Locust:
`sioprobe.locusts.statistics` carries the counts there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sioprobe.results.histogram import Histogram

__all__ = ["Recorder", "Sample", "Series"]


@dataclass(slots=True)
class Sample:
    """What one series counted in some time. Durations in microseconds; `errors` by kind.

    `parts` tells apart what belongs to each label (a server's URL). The other numbers contain it.
    """

    histogram: Histogram = field(default_factory=Histogram)
    total_us: float = 0.0
    untimed: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Sample] = field(default_factory=dict)

    @property
    def timed(self) -> int:
        """How many durations."""
        return self.histogram.count

    @property
    def failed(self) -> int:
        """How many errors, of any kind."""
        return sum(self.errors.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.untimed or self.errors or self.timed)

    def merge(self, other: Sample) -> None:
        """Add what `other` counted."""
        self.histogram.merge(other.histogram)
        self.total_us += other.total_us
        self.untimed += other.untimed
        for kind, count in other.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + count
        for label, part in other.parts.items():
            self.parts.setdefault(label, Sample()).merge(part)


Sink = Callable[["Series", "float | None", "str | None"], None]
"""Called for one operation: its duration in microseconds (None: untimed), and its kind of error, if any."""


class Series:
    """One kind of operation. Called for every operation, hence the few attributes."""

    __slots__ = ("_parts", "_record", "_sink", "name", "recent", "total", "type")

    def __init__(self, type: str, name: str, sink: Sink | None = None) -> None:
        self.type = type
        self.name = name
        self._sink = sink
        self.total = Sample()
        self._parts: dict[str, Series] = {}
        self._begin()

    def part(self, label: str | None) -> Series:
        """Record here what belongs to this label; `take` adds it to the whole series. None is no label."""
        if label is None:
            return self
        found = self._parts.get(label)
        if found is None:
            found = self._parts[label] = Series(self.type, self.name, self._sink)
        return found

    def _begin(self) -> None:
        self.recent = Sample()
        self._record = self.recent.histogram.record if self._sink is None else self._record_and_tell

    def _record_and_tell(self, us: float) -> None:
        self.recent.histogram.record(us)
        if self._sink is not None:
            self._sink(self, us, None)

    def set_sink(self, sink: Sink | None) -> None:
        """Call `sink` for each operation from now on; None calls nobody."""
        self._sink = sink
        self._record = self.recent.histogram.record if sink is None else self._record_and_tell
        for part in self._parts.values():
            part.set_sink(sink)

    @property
    def timed(self) -> int:
        """How many durations there are by now, taken or not."""
        parts = sum(part.recent.timed for part in self._parts.values())
        return self.total.timed + self.recent.timed + parts

    def record(self, us: float) -> None:
        """One operation that took `us` microseconds."""
        self._record(us)
        self.recent.total_us += us

    def record_all(self, durations_us: Sequence[float]) -> None:
        """Many operations; each took this many microseconds."""
        if self._sink is not None:
            for us in durations_us:
                self.record(us)
            return
        self.recent.histogram.record_all(durations_us)
        self.recent.total_us += sum(durations_us)

    def count(self) -> None:
        """One operation that has no duration."""
        self.recent.untimed += 1
        if self._sink is not None:
            self._sink(self, None, None)

    def error(self, kind: str) -> None:
        """One operation that failed."""
        errors = self.recent.errors
        errors[kind] = errors.get(kind, 0) + 1
        if self._sink is not None:
            self._sink(self, None, kind)

    def take(self) -> Sample:
        """What came since the last call; it is in `total` from now on."""
        recent = self.recent
        for label, part in self._parts.items():
            sample = part.take()
            if not sample.is_empty:
                recent.merge(sample)
                recent.parts[label] = sample
        if not recent.is_empty:
            self.total.merge(recent)
            self._begin()
        return recent

    def add(self, sample: Sample) -> None:
        """Add what another process counted."""
        self.total.merge(sample)

    def reset(self) -> None:
        """Forget all counts, those of the parts too."""
        self.total = Sample()
        self._begin()
        for part in self._parts.values():
            part.reset()


class Recorder:
    """The series of one process. `sink`, if there is one, is called for each operation."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], Series] = {}
        self._enter: list[Callable[[], None]] = []
        self.sink: Sink | None = None

    def set_sink(self, sink: Sink | None) -> None:
        """Call `sink` for each operation of every series from now on; None calls nobody."""
        self.sink = sink
        for series in self._series.values():
            series.set_sink(sink)

    def series(self, type: str, name: str) -> Series:
        """The series of that type and name, made at the first call."""
        found = self._series.get((type, name))
        if found is None:
            found = self._series[type, name] = Series(type, name, self.sink)
        return found

    def hold_back(self, enter: Callable[[], None]) -> None:
        """Register a function of somebody who holds operations back; it records those that are held back."""
        self._enter.append(enter)

    def enter_held_back(self) -> None:
        """Record what is held back, before a look at the counts; `take` and `reset` do it themselves."""
        for enter in self._enter:
            enter()

    def take(self) -> list[tuple[Series, Sample]]:
        """What each series counted since the last call, without empty series."""
        self.enter_held_back()
        taken = [(series, series.take()) for series in self._series.values()]
        return [(series, sample) for series, sample in taken if not sample.is_empty]

    def reset(self) -> None:
        """Forget all counts. A series stays usable."""
        self.enter_held_back()
        for series in self._series.values():
            series.reset()

    @property
    def counted(self) -> int:
        """How much all series counted up to the last `take`: timed, untimed and failed."""
        totals = (series.total for series in self._series.values())
        return sum(total.timed + total.untimed + total.failed for total in totals)

    def totals(self, *, taken: bool = False) -> list[tuple[Series, Sample]]:
        """Every series that counted anything, with all that it counted, sorted by type and name.

        `taken`: only what was taken already, as the last `take` left it.
        """
        if not taken:
            self.take()
        used = [(series, series.total) for series in self._series.values() if not series.total.is_empty]
        return sorted(used, key=lambda pair: (pair[0].type, pair[0].name))

    def errors(self, *, taken: bool = False) -> dict[str, int]:
        """All errors by kind; `taken` as in `totals`."""
        kinds: dict[str, int] = {}
        for _, sample in self.totals(taken=taken):
            for kind, count in sample.errors.items():
                kinds[kind] = kinds.get(kind, 0) + count
        return kinds
