"""The recorder: what came since the last look, and what came in all."""

from __future__ import annotations

from sioprobe.measured import Recorder
from sioprobe.measured.recorder import Sample
from sioprobe.measured.travelling import pack, unpack


def test_a_sample_is_taken_once_and_stays_in_the_total() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    series.record(100)
    series.record(300)
    series.count()
    series.error("timeout")

    ((taken, sample),) = recorder.take()
    series.record(500)

    assert taken is series
    assert (sample.timed, sample.untimed, sample.errors, sample.total_us) == (2, 1, {"timeout": 1}, 400)
    ((_, total),) = recorder.totals()
    assert (total.timed, total.untimed, total.errors, total.total_us) == (3, 1, {"timeout": 1}, 900)
    assert recorder.take() == []


def test_many_durations_at_once_are_told_and_counted_as_each_alone() -> None:
    recorder = Recorder()
    series = recorder.series("SIO deliver", "m")
    told: list[float | None] = []

    series.record_all([100, 300])
    series.set_sink(lambda series, us, error: told.append(us))
    series.record_all([500, 700])

    ((_, sample),) = recorder.take()
    assert (sample.timed, sample.total_us, sample.histogram.max) == (4, 1600, 700)
    assert told == [500, 700]


def test_a_taken_sample_does_not_change_any_more() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    series.record(1)
    ((_, sample),) = recorder.take()
    series.record(2)
    recorder.take()

    assert sample.timed == 1


def test_who_holds_a_series_goes_on_after_a_reset() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    series.record(1)
    recorder.reset()
    series.record(2)

    ((_, total),) = recorder.totals()
    assert total.histogram.to_pairs() == [[2, 1]]


def test_a_sample_survives_the_way_to_a_master() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    for us in (1, 1, 1000, 123456.5):
        series.record(us)
    series.error("timeout")
    ((_, total),) = recorder.totals()

    copy = unpack(pack(total), Sample)

    assert pack(copy) == pack(total)
    assert copy.histogram.max == 123456.5


def test_errors_of_all_series_add_up_by_kind() -> None:
    recorder = Recorder()
    for name in ("x", "y"):
        recorder.series("SIO ack", name).error("timeout")
    recorder.series("SIO connect", "z").error("connection refused")

    assert recorder.errors() == {"timeout": 2, "connection refused": 1}


def test_a_part_is_in_the_whole_and_told_apart() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    series.part("a").record(100)
    series.part("b").error("timeout")
    series.record(300)

    ((taken, sample),) = recorder.take()
    series.part("a").record(200)

    assert taken is series
    assert (sample.timed, sample.failed, sample.total_us) == (2, 1, 400)
    assert (sample.parts["a"].timed, sample.parts["b"].failed) == (1, 1)
    ((_, total),) = recorder.totals()
    assert (total.timed, total.failed, total.parts["a"].timed) == (3, 1, 2)
    assert pack(unpack(pack(total), Sample)) == pack(total)
    assert recorder.counted == 4


def test_durations_of_parts_count_before_they_are_taken() -> None:
    recorder = Recorder()
    series = recorder.series("SIO ack", "x")
    series.part("a").record(100)
    recorder.take()
    series.part("a").record(100)
    series.part(None).record(100)

    assert series.timed == 3
    recorder.take()
    assert series.timed == 3


def test_a_reset_forgets_parts_too() -> None:
    recorder = Recorder()
    part = recorder.series("SIO ack", "x").part("a")
    part.record(100)
    recorder.reset()
    part.record(200)

    ((_, total),) = recorder.totals()
    assert total.histogram.to_pairs() == [[200, 1]]
    assert total.parts["a"].histogram.to_pairs() == [[200, 1]]


def test_totals_can_leave_what_was_not_taken() -> None:
    recorder = Recorder()
    recorder.series("SIO ack", "x").record(100)
    assert recorder.totals(taken=True) == []
    recorder.take()
    recorder.series("SIO ack", "x").error("timeout")

    ((_, total),) = recorder.totals(taken=True)
    assert (total.timed, total.failed) == (1, 0)
    assert recorder.errors(taken=True) == {}
    assert recorder.errors() == {"timeout": 1}
