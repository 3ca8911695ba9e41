"""The sections of a profile: what is read, what is planned, and what becomes of each measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from load.capacity.__main__ import main as search
from load.comparing.__main__ import main
from load.comparing.plan import Profile, ProfileError, read_profile
from load.comparing.progress import Progress
from load.comparing.sections.bench import Bench, NotMeasured
from load.comparing.sections.registry import only_sections, read_sections
from load.comparing.sections.running import Sections, planned
from load.comparing.sections.task import Task, key_of
from load.doctor.__main__ import main as examine
from load.servers.processes import ChildError
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.results.comparison import SECTIONS, Measurement
from sioprobe.results.files import read_measurements
from sioprobe.results.loads import Block
from tests.in_process import run_here
from tests.reports.measurements import ERRORS, NEIGHBOUR, PRESSURE, block

ARMS = """
[[arms]]
id = "threading"
title = "threading"
mode = "threading"

[[arms]]
id = "gevent"
title = "gevent"
mode = "gevent"
"""


@pytest.fixture
def profile_of(tmp_path: Path) -> Callable[[str], Profile]:
    def read(sections: str) -> Profile:
        path = tmp_path / "mine.toml"
        path.write_text(f'title = "mine"\n{sections}\n{ARMS}')
        return read_profile(str(path))

    return read


def plans_of(profile: Profile) -> Any:
    return read_sections(profile, [arm.id for arm in profile.arms])


def tasks_of(profile: Profile) -> dict[Any, list[Task]]:
    return planned(profile, plans_of(profile))


def test_full_measures_every_section_within_an_hour_and_quick_one_within_a_minute() -> None:
    tasks = tasks_of(read_profile("full"))
    every = [task for each in tasks.values() for task in each]

    assert list(tasks) == list(SECTIONS)
    assert len({task.key for task in every}) == len(every) > 150
    # Judging, lives and blocks take the rest of it.
    assert sum(task.seconds for task in every) < 54 * 60
    quick = tasks_of(read_profile("quick"))
    assert list(quick) == ["processes"]
    assert sum(task.seconds for task in quick["processes"]) < 60


def test_in_each_situation_all_arms_follow_one_another(profile_of: Callable[[str], Profile]) -> None:
    tasks = tasks_of(profile_of("[fanout]\nroom_sizes = [3, 2, 5]"))["fanout"]

    situations = [task.situation["room_size"] for task in tasks]
    assert situations == [3, 3, 2, 2, 5, 5]
    assert {(task.arm.id, task.situation["room_size"]) for task in tasks} == {
        (arm, size) for arm in ("threading", "gevent") for size in (2, 3, 5)
    }


def test_a_section_measures_the_arms_that_it_names(profile_of: Callable[[str], Profile]) -> None:
    profile = profile_of('[settings]\narms = ["gevent"]')
    plans = plans_of(profile)

    assert [task.arm.id for task in planned(profile, plans)["settings"]] == ["gevent"]
    assert planned(profile.only(["threading"]), plans)["settings"] == []


def test_an_application_of_ones_own_is_asked_for_no_event_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    sections = "[fanout]\nroom_sizes = [3]\n[life]\n[payload]\n[processes]\n[settings]\n"
    own = '[[arms]]\nid = "chat"\ntitle = "chat"\ncommand = "python chat.py --port {port}"\n'
    path.write_text(sections + own)

    tasks = tasks_of(read_profile(str(path)))

    assert [(name, len(each)) for name, each in tasks.items()] == [
        ("fanout", 0),
        ("life", 2),
        ("payload", 0),
        ("processes", 0),
        ("settings", 1),
    ]
    assert [task.situation["scenario"] for task in tasks["life"]] == ["churn", "storm"]

    # Who names it says that it knows the events.
    path.write_text(sections.replace("[3]", '[3]\narms = ["chat"]') + own)
    assert len(tasks_of(read_profile(str(path)))["fanout"]) == 1


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ("[fanout]\nroom_size = [1]", "fanout: unknown key 'room_size' (the nearest is 'room_sizes'"),
        ("[fanout]\nroom_sizes = 10", "fanout: room_sizes is 10, it should be of type array"),
        ("[fanout]\nroom_sizes = []", "fanout: room_sizes is [], its length should be at least 1"),
        ("[fanout]\nroom_sizes = [0]", "fanout: room_sizes[0] is 0, it should be at least 1"),
        ('[payload]\ntransports = ["websockt"]', "(the nearest is 'websocket'"),
        ('[payload]\narms = ["gevnt"]', "payload: there is no arm 'gevnt' (the nearest is 'gevent'"),
        ('[capacity]\nobjective = ["p99<100"]', "capacity: 'p99<100': p99 has the unit"),
        ('[load]\nscenario = "idle"\n[capacity]', "capacity: scenario idle has no rate to search for"),
        ("[latency]", "latency: needs the section [capacity] too"),
        (
            '[capacity]\ntransports = ["polling"]\n[latency]\ntransports = ["websocket"]',
            "latency: transports: [capacity] does not measure websocket",
        ),
        ('[capacity]\narms = ["gevent"]\n[latency]', "latency: arms: [capacity] does not measure every arm"),
        ("fanout = 3", "fanout: is not a table"),
    ],
)
def test_a_wrong_table_is_named_in_one_line(
    sections: str, complaint: str, profile_of: Callable[[str], Profile]
) -> None:
    with pytest.raises(ProfileError) as caught:
        plans_of(profile_of(sections))

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_section_is_named_in_one_line() -> None:
    unknown = run_here(main, "sioprobe compare", "--profile", "full", "--section", "fan-out")
    absent = run_here(main, "sioprobe compare", "--profile", "standard", "--section", "fanout")

    assert (unknown.returncode, absent.returncode) == (2, 2)
    assert unknown.stderr.startswith(
        "sioprobe compare: error: unknown section 'fan-out' (the nearest is 'fanout'"
    )
    assert absent.stderr == (
        "sioprobe compare: error: profile standard has no section fanout:"
        " it has none; --profile full has all\n"
    )


def test_a_section_brings_those_that_it_needs() -> None:
    plans = plans_of(read_profile("full"))

    assert list(only_sections(plans, ["latency"], "full")) == ["capacity", "latency"]


def test_processes_are_measured_behind_each_queue_and_once_without(
    profile_of: Callable[[str], Profile],
) -> None:
    tasks = tasks_of(profile_of('[processes]\nworkers = [2, 1]\nqueue = ["redis", "zeromq"]'))["processes"]

    acks = [task for task in tasks if task.situation["scenario"] == "ack" and task.arm.id == "gevent"]
    assert {(task.situation["queue"], task.situation["processes"], task.arm.queue) for task in acks} == {
        ("none", 1, ""),
        *((queue, workers, queue) for queue in ("redis", "zeromq") for workers in (1, 2)),
    }
    assert [task.situation["scenario"] for task in tasks].count("fanout") == len(tasks) / 2
    assert len({task.key for task in tasks}) == len(tasks)


class FakeServer:
    urls = ("http://127.0.0.1:1",)
    pids = (1,)
    partners: ClassVar[dict[str, list[int]]] = {}


def bench_on(results: dict[str, Measurement], *, fails: str = "") -> Bench:
    """A bench whose servers do nothing; the server of the arm `fails` does not start."""

    @contextmanager
    def start(arm: Any, cores: Any, *options: str) -> Iterator[Any]:
        if arm.id == fails:
            raise ChildError("did not say READY within 60 s")
        yield FakeServer()

    return Bench(start, lambda: None, results, ConnectionOptions())


def measure(profile: Profile, folder: Path, *, fails: str = "") -> dict[str, Measurement]:
    sections = Sections(profile, plans_of(profile), folder, Progress())
    sections.measure(bench_on(sections.results, fails=fails))
    return sections.results


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A doctor that finds nothing; the arms that it examined."""
    examined: list[str] = []

    def examine(self: Bench, arm: Any, *arguments: str) -> dict[str, Any]:
        with self._server(arm):
            examined.append(arm.id)
            return {"findings": [], "not_examined": []}

    monkeypatch.setattr(Bench, "doctor", examine)
    return examined


def test_a_measurement_that_fails_is_a_row_with_its_problem(
    tmp_path: Path, profile_of: Callable[[str], Profile], doctor: list[str]
) -> None:
    measure(profile_of("[settings]"), tmp_path, fails="threading")

    written = {each["arm"]: each for each in read_measurements(tmp_path / "measurements.jsonl")}
    assert written["threading"]["result"] is None
    assert written["threading"]["problem"] == "did not say READY within 60 s"
    assert written["gevent"]["problem"] is None
    assert doctor == ["gevent"]


def test_the_time_of_the_whole_is_said_first(
    tmp_path: Path,
    profile_of: Callable[[str], Profile],
    doctor: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = profile_of("[settings]\n[payload]\nseconds = 56.5")
    sections = Sections(profile, plans_of(profile), tmp_path, Progress())

    sections.tell_time({"judging": 120.0, "blocks": 0.0})

    # 2 examinations of 33.5 s, and 2 x 3 x 2 blocks of a minute.
    assert capsys.readouterr().err == "about 15 min: judging 2, sections 13 (14 measurements)\n"


def test_a_mistake_of_ours_does_not_end_the_run(
    tmp_path: Path, profile_of: Callable[[str], Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Bench, *arguments: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(Bench, "doctor", broken)

    results = measure(profile_of("[settings]"), tmp_path)

    assert [each["problem"] for each in results.values()] == ["internal error: KeyError: 'oops'"] * 2


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, profile_of: Callable[[str], Profile], doctor: list[str]
) -> None:
    profile = profile_of("[settings]")
    tasks = tasks_of(profile)["settings"]
    measure(profile.only([tasks[0].arm.id]), tmp_path)
    with (tmp_path / "measurements.jsonl").open("a") as file:
        file.write('{"schema": 1, "kind": "measu')  # the run was killed while it wrote the second

    measure(profile, tmp_path)

    keys = [each["key"] for each in read_measurements(tmp_path / "measurements.jsonl")]
    assert keys == [task.key for task in tasks]
    assert doctor == [task.arm.id for task in tasks]


def found(section: str, arm: str, situation: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """A measurement over WebSocket, by its key."""
    return {key_of(section, arm, "websocket", situation): {"result": result, "problem": None}}


def test_rates_follow_from_the_capacities(
    profile_of: Callable[[str], Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, float] = {}

    def asking(self: Bench, arm: Any, transport: str, request: dict[str, Any]) -> tuple[Any, Any]:
        asked[f"{arm.id} {len([key for key in asked if arm.id in key])}"] = request["total_rate"]
        return request, {}

    monkeypatch.setattr(Bench, "block", asking)
    profile = profile_of(
        '[capacity]\n[latency]\nshares = [0.5, 0.9]\ncommon_share = 0.25\ntransports = ["websocket"]'
    )
    results: Any = found("capacity", "threading", {}, {"knee": {"rate": 1000.0}})
    results |= found("capacity", "gevent", {}, {"knee": {"rate": 4000.0}})
    bench = bench_on(results)

    for task in tasks_of(profile)["latency"]:
        task.measure(bench)

    assert asked == {
        "threading 0": 500.0,
        "threading 1": 900.0,
        "threading 2": 250.0,
        "gevent 0": 2000.0,
        "gevent 1": 3600.0,
        "gevent 2": 250.0,
    }


@pytest.mark.parametrize(
    ("findings", "blocks"),
    [
        ([NEIGHBOUR, None], 2),
        ([NEIGHBOUR, NEIGHBOUR, None], 2),
        ([PRESSURE, None], 1),
        ([ERRORS, None], 1),
    ],
)
def test_a_block_that_others_disturbed_is_measured_a_second_time(
    findings: list[Any], blocks: int, profile_of: Callable[[str], Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[dict[str, Any]] = []

    class Generator:
        def measure(self, request: dict[str, Any], deadline: float) -> Block:
            requests.append(request)
            finding = findings[len(requests) - 1]
            return msgspec.convert(block("fanout", findings=[finding] if finding else []), Block)

    monkeypatch.setattr(Bench, "_living_generator", lambda self: Generator())
    task = tasks_of(profile_of("[fanout]"))["fanout"][0]

    bench = bench_on({})
    bench.connection = ConnectionOptions(auth={"token": "secret"})

    asked, result = task.measure(bench)

    assert len(requests) == blocks
    last = findings[blocks - 1]
    assert result["validity"]["reasons"] == ([last["reason"]] if last else [])
    # What was asked for holds no address of this run, and no secret.
    assert "secret" not in str(asked)
    assert requests[0] == {
        **asked,
        "auth": {"token": "secret"},
        "transport": "websocket",
        "urls": FakeServer.urls,
        "server_pids": FakeServer.pids,
        "partner_pids": {},
    }


def test_another_command_gets_only_options_that_it_has(
    profile_of: Callable[[str], Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, set[str]] = {}

    def ask(module: str, *words: str, **_: Any) -> tuple[int, str, str]:
        given[module] = {word.partition("=")[0] for word in words if word.startswith("--")}
        return 0, "{}", ""

    monkeypatch.setattr("load.comparing.sections.bench.ask_child", ask)
    bench, arm = bench_on({}), tasks_of(profile_of("[settings]"))["settings"][0].arm
    bench.connection = ConnectionOptions(
        path="/chat/", ca_file="ca.pem", verify=False, auth={"token": "t"}, max_packets_per_post=8
    )
    bench.doctor(arm)
    with pytest.raises(ChildError):
        bench.capacity(arm, "polling", {"scenario": "ack", "connections": 1}, 1.0)

    for module, command in (("load.doctor", examine), ("load.capacity", search)):
        assert given[module] <= {name for option in command.params for name in option.opts}
    assert given["load.capacity"] - given["load.doctor"] >= {"--max-packets-per-post"}


def test_without_a_capacity_there_is_no_latency(profile_of: Callable[[str], Profile]) -> None:
    profile = profile_of('[capacity]\n[latency]\ntransports = ["websocket"]')
    statement = "no rate met p99<100ms"
    results: Any = found("capacity", "gevent", {}, {"knee": None, "statement": statement})
    bench = bench_on(results)
    told = {}
    for task in tasks_of(profile)["latency"]:
        with pytest.raises(NotMeasured) as caught:
            task.measure(bench)
        told[task.arm.id, task.situation["load"]] = str(caught.value)

    assert told["gevent", 0.5] == f"its capacity is not known: {statement}"
    assert told["threading", 0.5] == "its capacity was not measured"
    assert told["gevent", "common"] == "no capacity is known, so there is no rate for all"


def test_more_threads_than_a_machine_bears_are_not_tried(profile_of: Callable[[str], Profile]) -> None:
    profile = profile_of("[connections]\nidle = [100, 1000, 10000]")
    results: Any = {}
    for arm, threads in (("threading", 4.0), ("gevent", 0.0)):
        results |= found(
            "connections", arm, {"idle": 100}, {"found": {"server_threads_per_connection": threads}}
        )
    bench = bench_on(results, fails="gevent")
    told = {}
    for task in tasks_of(profile)["connections"]:
        if task.situation.get("idle") == 10_000:
            with pytest.raises((NotMeasured, ChildError)) as caught:
                task.measure(bench)
            told[task.arm.id] = str(caught.value)

    assert told["threading"] == (
        "not tried: 100 connections had 4.0 threads each, so 10,000 would need 40,000 threads"
    )
    # It was tried: its server was started.
    assert told["gevent"] == "did not say READY within 60 s"
