"""Profiles of a comparison: the built-in ones are sound, and a mistake is named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from load.comparing.axes import Axes
from load.comparing.plan import ArmPlan, ProfileError, read_profile
from load.profiles.reading import built_in_profiles
from load.servers.processes import known_servers


@pytest.mark.parametrize("name", built_in_profiles(compares=True))
def test_built_in_profiles_can_be_read(name: str) -> None:
    profile = read_profile(name)

    assert profile.title == name
    if not any(arm.load for arm in profile.arms):
        return
    assert {"threading", "eventlet", "gevent"} <= {arm.mode for arm in profile.arms if arm.load}
    assert {"polling", "websocket"} <= set(profile.load.transports)
    assert any(arm.workers == 2 and arm.queue == "redis" for arm in profile.arms)


ARM = '[[arms]]\nid = "a"\ntitle = "A"\nmode = "gevent"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "mine.toml: needs at least one [[arms]]"),
        ("titel = 1\n" + ARM, "mine.toml: unknown key 'titel' (the nearest is 'title'"),
        ("[load]\nround = 3\n" + ARM, "mine.toml: load: unknown key 'round' (the nearest is 'rounds'"),
        ("[load]\nrounds = 0\n" + ARM, "mine.toml: load: rounds is 0, it should be at least 1"),
        ("[load]\nrounds = true\n" + ARM, "mine.toml: load: rounds is true, it should be of type integer"),
        (
            "nonsense = 1\n" + ARM,
            "mine.toml: unknown key 'nonsense' (valid are title, load, side_by_side, conformance, arms,"
            " capacity,",
        ),
        (
            "[side_by_side]\nlives = -1\n" + ARM,
            "mine.toml: side_by_side: lives is -1, it should be at least 0",
        ),
        (
            "[side_by_side]\nlifes = 1\n" + ARM,
            "mine.toml: side_by_side: unknown key 'lifes' (the nearest is 'lives'",
        ),
        ("[load]\nseconds = inf\n" + ARM, "mine.toml: load: seconds is Infinity, it should be at most"),
        ("[load]\nseconds = nan\n" + ARM, "mine.toml: load: seconds is NaN, it should be at least 0.2"),
        (
            "[load]\nseconds = 0.1\n" + ARM,
            "mine.toml: load: seconds is 0.1, it should be at least 0.2",
        ),
        (
            '[load]\ntransports = ["poling"]\n' + ARM,
            "mine.toml: load: unknown transport 'poling' (the nearest is 'polling'",
        ),
        (
            '[load]\nlocustfile = "chat.py"\nscenario = "ack"\n' + ARM,
            "mine.toml: load: locustfile and scenario say two different things",
        ),
        (
            '[load]\nlocustfile = "chat.py"\npayload_bytes = 3\n' + ARM,
            "mine.toml: load: locustfile and payload_bytes say two different things",
        ),
        ('[load]\nscenario = "akc"\n' + ARM, "mine.toml: load: unknown scenario 'akc' (the nearest is 'ack'"),
        (
            "[load]\nrounds = 2\nminimum_rounds = 3\n" + ARM,
            "mine.toml: load: minimum_rounds = 3 is above rounds = 2",
        ),
        (
            "[load]\npayload_byte = 3\n" + ARM,
            "mine.toml: load: unknown key 'payload_byte' (the nearest is 'payload_bytes'",
        ),
        (
            '[load]\nscenario = "upgrade"\n[[arms]]\nid = "a"\ntitle = "A"\nmode = "gevent"\n',
            "mine.toml: load: transport: scenario upgrade needs upgrade",
        ),
        (
            "[load]\nroom_size = 3\n" + ARM,
            "mine.toml: load: room_size: scenario ack does not know it (fanout, slow do)",
        ),
        (
            '[load]\nscenario = "fanout"\nroom_size = 0\n' + ARM,
            "mine.toml: load: room_size: 0 is less than 1",
        ),
        (
            "[load]\nusers = 3\n",
            "mine.toml: needs at least one [[arms]]; without one it is a profile of `sioprobe load`",
        ),
        (ARM + ARM, "mine.toml: there are two arms 'a'"),
        (ARM + "workers = 2\n", 'mine.toml: arms[0]: 2 workers need a queue, such as queue = "redis"'),
        (
            ARM + "workers = [1, 2]\n",
            'mine.toml: arms[0]: workers = [1, 2] need a queue, such as queue = "redis"',
        ),
        (
            ARM + 'workers = [1, 0]\nqueue = "redis"\n',
            "mine.toml: arms[0]: workers is 0, it should be at least 1",
        ),
        (ARM + "queue = [1]\n", "mine.toml: arms[0]: queue is 1, it should be of type string"),
        ('[[arms]]\nid = "a"\ntitle = "A"\n', "mine.toml: arms[0]: needs mode, server, command or url"),
        (ARM + 'server = "node"\n', "mine.toml: arms[0]: has mode and server; one is enough"),
        (
            ARM.replace('"a"', '"../a"'),
            "mine.toml: arms[0]: id '../a' may hold letters, digits, '-' and '_' only",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(ProfileError) as caught:
        read_profile(str(path))

    assert str(caught.value).startswith(complaint)


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(ProfileError, match=r"no profile or file 'quik' .the nearest is 'quick'"):
        read_profile("quik")


def test_the_quick_profile_has_blocks_enough_for_an_interval() -> None:
    assert read_profile("quick").load.minimum_rounds >= 5


def test_the_built_in_profiles_name_modes_and_servers_that_exist() -> None:
    known = known_servers()
    for name in built_in_profiles(compares=True):
        read_profile(name).check_servers(*known)
    assert "it stays in its process" in known.queues["memory"]
    assert known.queues["redis"] == ""


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ('mode = "gevnt"', "arm a: unknown mode 'gevnt' (the nearest is 'gevent'"),
        ('mode = "node"', "arm a: 'node' is a server and no async mode: write server = 'node'"),
        ('server = "nod"', "arm a: unknown server 'nod' (the nearest is 'node'"),
        ('server = "gevent"', "arm a: unknown server 'gevent'"),
        ('mode = "gevent"\nqueue = "redis"\nproxy = "ngnix"', "arm a: unknown proxy 'ngnix' (the nearest is"),
        ('mode = "gevent"\nqueue = "reddis"', "arm a: unknown queue 'reddis' (the nearest is 'redis'"),
        (
            'mode = "gevent"\n[processes]\nqueue = ["redis", "rabbit"]',
            "processes: unknown queue 'rabbit' (the nearest is 'rabbitmq'",
        ),
    ],
)
def test_an_unknown_mode_or_server_is_named_with_its_arm(given: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ARM.replace('mode = "gevent"', given))

    with pytest.raises(ProfileError) as caught:
        read_profile(str(path)).check_servers(
            ["threading", "gevent"], ["node", "aiohttp"], ["redis", "rabbitmq"], ["nginx"]
        )

    assert complaint in str(caught.value)


def test_lists_of_workers_and_queues_make_an_arm_for_each_pair(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ARM + 'rounds = 2\nworkers = [1, 2]\nqueue = ["redis", "rabbitmq"]\n')

    arms = read_profile(str(path)).arms

    assert [(arm.id, arm.title) for arm in arms] == [
        ("a-1-redis", "A, 1 process, redis"),
        ("a-1-rabbitmq", "A, 1 process, rabbitmq"),
        ("a-2-redis", "A, 2 processes, redis"),
        ("a-2-rabbitmq", "A, 2 processes, rabbitmq"),
    ]
    assert arms[3].serve_options == ("--mode", "gevent", "--workers", "2", "--queue", "rabbitmq")
    assert {arm.rounds for arm in arms} == {2}
    assert read_profile(str(path)).queues() == ["redis", "rabbitmq"]


@pytest.mark.parametrize(
    ("axes", "sections", "made", "measured"),
    [
        # One axis alone has the usual values of the other.
        (Axes((2,), ()), (), {"gevent-2-redis"}, ([2], ["redis"])),
        (
            Axes((), ("redis", "rabbitmq")),
            (),
            {f"gevent-{n}-{queue}" for n in (1, 2) for queue in ("redis", "rabbitmq")},
            ([1, 2, 4], ["redis", "rabbitmq"]),
        ),
        # The section has its clusters by itself.
        (Axes((3,), ("redis",)), ("processes",), set(), ([3], ["redis"])),
    ],
)
def test_axes_of_the_command_line_are_those_of_arms_and_section(
    axes: Axes, sections: tuple[str, ...], made: set[str], measured: tuple[Any, ...], tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    others = '[[arms]]\nid = "two"\nmode = "eventlet"\nworkers = 2\nqueue = "redis"\n'
    others += '[[arms]]\nid = "node"\nserver = "node"\n'
    path.write_text(
        '[processes]\nworkers = [1, 2, 4]\nqueue = ["redis"]\n' + ARM.replace('"a"', '"gevent"') + others
    )

    profile = axes.over(read_profile(str(path)), sections)

    assert {arm.id for arm in profile.arms} == {"gevent", "two", "node", *made}
    table = profile.sections["processes"]
    assert (table["workers"], table["queue"]) == measured


def test_an_arm_that_is_there_is_not_made_again() -> None:
    arms = Axes((2,), ("redis",)).over(read_profile("quick").only(["gevent", "gevent-2-redis"]), ()).arms
    assert [arm.id for arm in arms] == ["gevent", "gevent-2-redis"]


def test_a_foreign_server_may_have_a_queue_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ARM.replace('mode = "gevent"', 'server = "node"\nworkers = 2\nqueue = "cluster"'))

    profile = read_profile(str(path))
    profile.check_servers([], ["node"], ["redis"], [])

    assert profile.arms[0].serve_options == ("--server", "node", "--workers", "2", "--queue", "cluster")


def test_only_keeps_the_order_of_the_profile_and_refuses_an_unknown_arm() -> None:
    profile = read_profile("quick")

    assert [arm.id for arm in profile.only(["gevent", "threading"]).arms] == ["threading", "gevent"]
    with pytest.raises(ProfileError, match=r"no arm 'gevnt' .the nearest is 'gevent'"):
        profile.only(["gevnt"])


def test_parameters_of_the_scenario_are_keys_of_load(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[load]\nscenario = "fanout"\nroom_size = 3\nrounds = 4\n' + ARM)

    load = read_profile(str(path)).load

    assert (load.scenario, load.rounds, load.parameters) == ("fanout", 4, {"room_size": 3})


def test_a_profile_of_the_other_command_is_refused() -> None:
    with pytest.raises(ProfileError, match="'fanout' is one of `sioprobe load`, not of `sioprobe compare`"):
        read_profile("fanout")


def test_an_arm_with_fewer_rounds_has_them_spread_over_those_of_the_plan() -> None:
    def rounds(own: int, planned: int) -> list[int]:
        arm = ArmPlan("a", "A", "gevent", rounds=own)
        return [number for number in range(1, planned + 1) if arm.in_round(number, planned)]

    assert rounds(3, 6) == [1, 3, 5]
    assert rounds(2, 5) == [1, 4]
    assert rounds(0, 3) == rounds(3, 3) == rounds(9, 3) == [1, 2, 3]
