"""Load over time as stages, and what is reported of each."""

from __future__ import annotations

import pytest

from load.running.shape_stages import ShapeError, at, plan
from sioprobe.measured import Vitals
from sioprobe.measured.rendering import render_stages
from sioprobe.measured.stages import StageAccount, StageAccounts, stage_figures
from sioprobe.measured.travelling import pack, unpack
from sioprobe.results.histogram import Histogram


def test_steps_hold_each_level_in_turn() -> None:
    stages = plan("steps", "10,20", "100,300", "5", 1)

    assert [at(stages, second) for second in (0.0, 4.9, 5.0, 9.9, 10.0)] == [
        (0, 10, 100.0),
        (0, 10, 100.0),
        (1, 20, 300.0),
        (1, 20, 300.0),
        None,
    ]


def test_a_ramp_is_a_straight_line() -> None:
    stages = plan("ramp", "1,101", "", "100", 1)

    assert [at(stages, float(second)) for second in (0, 25, 50, 99)] == [
        (0, 1, None),
        (2, 26, None),
        (5, 51, None),
        (9, 100, None),
    ]


def test_a_ramp_of_the_rate_leaves_the_users_alone() -> None:
    stages = plan("ramp", "", "100,200", "20", 40)

    assert at(stages, 10.0) == (5, 40, 150.0)


def test_parts_are_not_shorter_than_locust_can_tell_apart() -> None:
    ramp, soak = plan("ramp", "1,20", "", "5", 1), plan("soak", "5", "", "2,3,2", 1)

    assert [(stage.name, stage.seconds) for stage in ramp] == [("0-50 %", 2.5), ("50-100 %", 2.5)]
    assert [stage.name for stage in soak] == ["up", "part 1 of 1", "down"]


def test_a_spike_comes_back_to_where_it_was() -> None:
    stages = plan("spike", "5,50", "", "10,2,10", 1)

    assert [(stage.name, stage.users[0]) for stage in stages] == [("before", 5), ("spike", 50), ("after", 5)]
    assert at(stages, 11.0) == (1, 50, None)


def test_a_soak_goes_up_holds_and_goes_down() -> None:
    stages = plan("soak", "100", "", "10,1000,10", 1)

    assert len(stages) == 12
    assert sum(stage.seconds for stage in stages) == 1020.0
    assert at(stages, 500.0) == (5, 100, None)
    assert at(stages, 1019.9) == (11, 2, None)


def test_without_a_name_there_are_no_stages() -> None:
    assert plan("", "", "", "", 1) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("step", "1,2", "", ""),
            "unknown shape 'step' (the nearest is 'steps'; valid are steps, ramp, spike, soak)",
        ),
        (("", "1,2", "", ""), "--shape-users needs --shape"),
        (("steps", "1", "", ""), "steps needs several levels, such as --shape-users 10,20,40"),
        (("steps", "1,2", "3,4,5", ""), "--shape-users has 2 values, where one or 3 are needed"),
        (("ramp", "1,x", "", ""), "--shape-users: 'x' is not a number"),
        (("ramp", "0,5", "", ""), "--shape-users: 0 is not between 1 and 1000000"),
        (("ramp", "1,5", "nan", ""), "--shape-rate: nan is not between 0.001 and 1000000"),
        (("ramp", "1,5", "", "1,2"), "--shape-seconds has 2 values, where one is needed"),
        (("spike", "1,5", "", "1,2"), "--shape-seconds has 2 values, where one or 3 are needed"),
        (("soak", "1,2", "", ""), "--shape-users has 2 values, where one is needed"),
    ],
)
def test_what_makes_no_shape_is_named(arguments: tuple[str, str, str, str], complaint: str) -> None:
    with pytest.raises(ShapeError) as caught:
        plan(*arguments, 1)

    assert str(caught.value).startswith(complaint)


def histogram(*values: float) -> Histogram:
    made = Histogram()
    for value in values:
        made.record(value)
    return made


def test_what_is_counted_belongs_to_the_stage_under_way() -> None:
    accounts = StageAccounts()
    accounts.add(histogram(1.0), 1)
    accounts.enter(0, Vitals(seconds=1.0))
    accounts.add(histogram(10.0, 20.0), 1)
    accounts.enter(1, Vitals(seconds=2.0, cpu_seconds=1.0))
    accounts.add(histogram(30.0), 0)
    accounts.leave(Vitals(seconds=3.0))
    accounts.add(histogram(40.0), 5)

    assert [(each.latency.count, each.errors, each.vitals.seconds) for each in accounts.accounts] == [
        (2, 1, 2.0),
        (1, 0, 3.0),
    ]
    assert sorted(accounts.take_changed()) == [0, 1]
    assert accounts.take_changed() == {}


def test_an_account_survives_the_way_to_a_master() -> None:
    account = StageAccount(histogram(5.0, 7000.0), 3, Vitals(seconds=2.0, cpu_seconds=0.5))

    assert pack(unpack(pack(account), StageAccount)) == pack(account)


def test_each_stage_has_its_own_figures_and_verdict() -> None:
    light = StageAccount(histogram(*[1000.0] * 50), 0, Vitals(seconds=10.0, cpu_seconds=1.0))
    heavy = StageAccount(histogram(*[9000.0] * 400), 0, Vitals(seconds=10.0, cpu_seconds=9.9))

    figures = stage_figures(
        ["low", "high", "skipped"],
        [None, 50.0, None],
        [5, 10, 10],
        [(100.0, 110.0), (110.0, 120.0), (120.0, 120.0)],
        [[light, light], [light, heavy], []],
        [(100.0, 0.0), (105.0, 1.0), (115.0, 3.0), (119.5, 7.5)],
        [(101.0, 0.0), (110.0, 4.5), (119.5, 12.5)],
    )

    assert [stage.name for stage in figures] == ["low", "high"]
    assert [stage.operations_per_second for stage in figures] == [10.0, 45.0]
    assert [stage.validity.verdict for stage in figures] == ["SUSPECT", "INVALID"]
    causes = [[finding.cause for finding in stage.validity.findings] for stage in figures]
    assert causes == [["neighbour"], ["cpu", "neighbour"]]
    assert figures[0].server_cpu_share == pytest.approx(0.2)
    assert figures[1].server_cpu_share == pytest.approx(5.5 / 9.5)
    assert figures[1].p99_us == pytest.approx(9000.0, rel=0.01)
    assert len(list(render_stages(figures))) == 3
