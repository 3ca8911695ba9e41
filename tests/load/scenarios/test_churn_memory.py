"""`churn`: memory that grows life after life, and lives that end with a refusal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from load.scenarios import SCENARIOS, make_options
from load.scenarios.churn.leak import leak_observed
from load.watching.locating import locate
from load.watching.run_watch import RunWatch
from load.watching.server_state import Cooled, Look, ServerWatch, Watched
from sioprobe.engine import TRANSPORTS
from sioprobe.engine.first_visit import problem_with
from tests.engine.clients import Peer, ScriptedServer
from tests.load.lame_servers import CrowdedServer, LameServer
from tests.load.stage import Stage
from tests.servers import start_command

MIB = 2**20
KIB = 1024


def watched(
    size: Callable[[int], float],
    *,
    threads: Callable[[int], float] = lambda lives: 1,
    after: dict[str, Any] | None = None,
    lives: int = 1200,
) -> Watched:
    """A run with a look after every fifty lives. `after` changes the look at the end of the cool-down."""
    looks = [
        Look(float(ended), None, int(60 * MIB + size(ended)), int(threads(ended)), 9, ended)
        for ended in range(0, lives + 1, 50)
    ]
    last = looks[-1].rss_bytes
    end = {"sessions": 0, "rss_bytes": last, "threads": 1, "fds": 9} | (after or {})
    before = Look(0.0, 0, 60 * MIB, 1, 9)
    return Watched(before=before, looks=[before, *looks], cooled=Cooled(Look(99.0, **end), 3.0, True))


def told(server: Watched) -> tuple[str, str, str]:
    """The verdict, that on memory, and the words."""
    found = leak_observed(server, 1200)
    return found.figures["verdict"], found.figures["memory"], found.words[0]


def test_memory_that_grows_with_each_life_is_a_leak() -> None:
    found = leak_observed(watched(lambda lives: 54 * KIB * lives), 1200)

    assert (found.figures["verdict"], found.figures["kept"]) == ("leaks", {})
    assert found.figures["rss_bytes_per_life"] == 54 * KIB
    assert found.figures["growth_per_life"]["rss_bytes"]["lives"] == 800
    assert found.words == [
        "the server leaks: memory grew 54 KiB a life [54, 54] over 800 lives: it keeps something of each;"
        " sessions 0 (0 before), threads 1 (1 before), open files 9 (9 before) 3.0 s later"
    ]


def test_memory_that_grows_at_first_only_has_settled() -> None:
    verdict, memory, words = told(watched(lambda lives: 20 * KIB * min(lives, 400)))

    assert (verdict, memory) == ("clean", "settled")
    assert words == (
        "the server kept nothing: sessions 0 (0 before), threads 1 (1 before), open files 9 (9 before)"
        " 3.0 s later; memory settled: 0.0 KiB a life [0.0, 0.0] over 800 lives"
    )


def test_a_little_growth_of_many_lives_is_a_leak_and_of_few_is_none() -> None:
    few = watched(lambda lives: 500 * lives)
    many = watched(lambda lives: 500 * lives, lives=9000)

    assert told(few)[:2] == ("clean", "settled")
    assert told(many)[:2] == ("leaks", "grows")


def test_growth_that_slows_down_or_differs_is_not_called_a_leak() -> None:
    slowing = told(watched(lambda lives: 4 * MIB * lives**0.3))
    differing = told(watched(lambda lives: 3 * KIB * lives + (lives // 50 % 4) * MIB))

    for verdict, memory, words in (slowing, differing):
        assert (verdict, memory) == ("clean", "too few lives")
        assert words.startswith("the server kept no session, thread or open file: sessions 0")
        assert "; too few lives to tell whether memory grows: " in words


def test_memory_that_is_given_back_is_not_kept() -> None:
    server = watched(lambda lives: 54 * KIB * lives, after={"rss_bytes": 61 * MIB})
    verdict, memory, words = told(server)

    assert (verdict, memory) == ("clean", "given back")
    assert "; memory grew 54 KiB a life [54, 54] over 800 lives, and the server gave it back" in words
    assert leak_observed(server, 1200).figures["rss_bytes_per_life"] == MIB / 800


def test_threads_that_stay_for_a_while_explain_memory_that_grows_with_them() -> None:
    def threads(lives: int) -> float:
        return 1 + lives / 2

    gone = told(watched(lambda lives: 54 * KIB * lives, threads=threads))
    kept = told(watched(lambda lives: 54 * KIB * lives, threads=threads, after={"threads": 601}))

    assert gone[:2] == ("clean", "too few lives")
    assert "memory grew 54 KiB a life [54, 54], but so did its threads, which are gone now" in gone[2]
    assert kept[:2] == ("leaks", "grows")
    assert kept[2].startswith("the server leaks: 600 threads more than before, 3 s after")


def test_memory_that_grew_is_told_of_a_server_that_ended() -> None:
    gone = dict.fromkeys(("sessions", "rss_bytes", "threads", "fds"))
    verdict, memory, words = told(watched(lambda lives: 54 * KIB * lives, after=gone))

    assert (verdict, memory) == ("leaks", "grows")
    assert words.startswith("the server leaks: memory grew 54 KiB a life [54, 54] over 800 lives: ")
    assert words.endswith("its processes are not seen: they ended during the run")


def test_memory_that_nobody_sees_is_not_known() -> None:
    before = Look(0.0, 0)
    unseen = Watched(before=before, looks=[before], cooled=Cooled(Look(9.0, 0), 1.0, True))

    verdict, memory, words = told(unseen)
    assert (verdict, memory) == ("clean", "unknown")
    assert words == "the server kept no session: sessions 0 (0 before) 1.0 s later; its memory is not known"


def test_without_a_cool_down_memory_is_judged_all_the_same() -> None:
    server = watched(lambda lives: 54 * KIB * lives)
    server.cooled = None

    verdict, memory, words = told(server)
    assert (verdict, memory) == ("leaks", "grows")
    assert words.endswith("it keeps something of each; nobody looked whether the server kept anything")


@pytest.mark.parametrize(("keeps", "verdict"), [("memory", "leaks"), ("nothing", "clean")])
def test_a_real_server_that_keeps_50_kb_of_each_client_is_told_from_one_that_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, keeps: str, verdict: str
) -> None:
    churn = SCENARIOS["churn"]
    monkeypatch.setattr(churn, "look_seconds", 0.02)
    with start_command([sys.executable, "-m", "tests.load.lame_servers", keeps]) as server:
        watch = ServerWatch([server.url], locate([], tuple(server.about["pids"])))
        with Stage(server.url, "churn", "websocket", 4, acks=0) as stage:
            run = RunWatch(churn, watch, lambda: [stage.scenario.state()])
            # Many looks: on a busy machine some come late, and each window needs its own.
            stage.wait(lambda: stage.scenario.lives >= 600 and len(watch.looks) >= 40, "enough to tell")
            run.hold()
            stage.finish()
            found = run.found([stage.scenario.state()], stage.engine.recorder, {"cool_down": 60.0})

    assert found is not None
    leak = found["leak"]
    assert leak["verdict"] == verdict, found["words"]
    assert (leak["memory"] == "grows") is (keeps == "memory"), found["words"]
    if keeps == "memory":
        assert leak["rss_bytes_per_life"] == pytest.approx(50_000, rel=0.2)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_refusal_ends_a_life_well_if_it_is_expected(transport: str) -> None:
    with CrowdedServer(0) as server, Stage(server.url, "churn", transport, 3, expect="refused") as stage:
        stage.wait(lambda: stage.scenario.lives >= 12, "a dozen refusals")
        found = stage.finish()
        counts = {series.type: sample.timed for series, sample in stage.engine.recorder.totals()}

    assert stage.errors() == {}
    assert counts["SIO life"] == found["lives"] >= 12
    assert "SIO connect" not in counts
    assert found["failed"] == {}
    assert found["words"][0] == f"{found['lives']} lives from connect to refusal"


@pytest.mark.parametrize(("status", "expected"), [(401, True), (403, True), (404, False)])
def test_a_refusal_of_the_handshake_counts_and_another_failure_does_not(status: int, expected: bool) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".encode())

    options = {"expect": "refused"}
    with ScriptedServer(script) as server, Stage(server.url, "churn", "polling", 2, **options) as stage:
        stage.wait(lambda: stage.scenario.lives >= 4 or stage.scenario.failed, "lives")
        found = stage.finish()

    if expected:
        assert (stage.errors(), found["failed"]) == ({}, {})
    else:
        assert set(stage.errors()) == {f"http {status}"}
        assert (found["lives"], set(found["failed"])) == (0, {f"connect: http {status}"})


def test_who_is_let_in_against_expectation_is_an_error() -> None:
    with LameServer() as server, Stage(server.url, "churn", "websocket", 2, expect="refused") as stage:
        stage.wait(lambda: sum(stage.scenario.failed.values()) >= 2, "two who came in")
        found = stage.finish()

    assert (found["lives"], set(found["failed"])) == (0, {"connect: let in"})
    assert stage.errors() == {"let in": 2}


def test_a_first_visit_wants_the_refusal_too() -> None:
    with CrowdedServer(0) as server:
        assert problem_with(server.url, refused=True) is None
        assert problem_with(server.url) is not None
    with LameServer() as server:
        problem = problem_with(server.url, refused=True) or ""
    assert problem.startswith(f"{server.url} lets this client in, and should refuse it: ")


def test_the_floor_of_refusals_is_that_of_lives_without_acks() -> None:
    floor = SCENARIOS["churn"].floor(make_options("churn", {"expect": "refused", "rate": 2.0}))

    assert (floor.expect, floor.acks, floor.rate) == ("connected", 0, 2.0)
