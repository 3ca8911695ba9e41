"""The judge through a long way, and through a proxy that buffers: the same verdicts, or why not."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.client.address import parse_url
from conformance.client.revisions import REVISION_4
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording
from conformance.finding.distance import measure_round_trip
from conformance.judging.runner import Outcome, answer_question
from conformance.races import passes_unfinished_requests
from conformance.running.suite_run import jobs_for
from conformance.target import Target
from conformance.verdicts import Verdict
from tests.conformance.fronts import buffering, far_away, ignoring_aborts
from tests.conformance.mutation import CONFIG, NOTICED, PING_SECONDS, cases, of_requirement, target_of
from tests.servers import ROOT, start_command
from tests.strict_server.server import StrictServer

STRICT = [sys.executable, "-m", "tests.strict_server", "--port", "0", "--ping-interval", "1"]
ONE_WAY = 0.075  # a request takes four ways, and three of them more than a ping interval

# What takes a race or counts seconds, and the faults that show so from far away.
RACES = {
    "EIO-PL-02": "accepts-overlapping-pushes",
    "EIO-PL-03": "accepts-overlapping-polls",
    "EIO-PL-16": "cancelled-poll-swallows-packets",
    "EIO-PL-20": "client-close-empties-the-poll",
    "EIO-CL-01": "close-packet-leaves-the-poll-open",
    "EIO-UP-03": "poll-is-emptied-during-the-upgrade",
    "EIO-UP-06": "upgrade-drops-the-waiting-poll",
    "EIO-HB-10": "ping-is-dropped-when-no-poll-waits",
    "EIO3-18": "eio3-accepts-overlapping-polls",
}
SECONDS = ("EIO-HB-01", "EIO-HB-02", "EIO-HB-03", "EIO-HB-07", "EIO-HB-09", "EIO3-08")

FINE = (Verdict.PASS, Verdict.HIDDEN)

Answers = dict[str, list[Outcome]]


def conform(folder: Path, url: str, *ids: str) -> tuple[int, dict[str, str], str]:
    """Exit code, the worst verdict of each requirement, and the output of a run."""
    words = [word for id_ in ids for word in ("--id", id_)]
    command = [sys.executable, "-m", "sioprobe", "conform", "--url", url, *words, "--report", "result.json"]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    result = json.loads((folder / "result.json").read_text())
    return done.returncode, {case["id"]: case["verdict"] for case in result["cases"]}, done.stdout


def test_a_proxy_that_keeps_bodies_back_hides_what_needs_half_a_request(tmp_path: Path) -> None:
    """It is no failure, and the run says what nobody knows. What the proxy hands on is judged."""
    with start_command(STRICT) as server, buffering(server.url) as url:
        code, verdicts, output = conform(tmp_path, url, "EIO-PL-01", "EIO-PL-02", "EIO-PL-11")

    assert code == 0, output
    assert verdicts == {"EIO-PL-01": "pass", "EIO-PL-02": "hidden by the path", "EIO-PL-11": "pass"}
    assert "hidden by the path:\n  EIO-PL-02  no request is answered before its body is complete" in output
    assert "the path hides a part: the rest may still be broken" in output
    assert "contract level 2: nothing broken: " in output


def test_a_server_that_takes_two_pushes_at_once_fails_where_they_overlap(tmp_path: Path) -> None:
    """And behind such a proxy nobody can know."""
    with start_command([*STRICT, "--fault", "accepts-overlapping-pushes"]) as server:
        direct = conform(tmp_path, server.url, "EIO-PL-02")
        with buffering(server.url) as url:
            hidden = conform(tmp_path, url, "EIO-PL-02")

    assert direct[:2] == (1, {"EIO-PL-02": "fail"}), direct[2]
    assert hidden[:2] == (0, {"EIO-PL-02": "hidden by the path"}), hidden[2]


async def measured(server: StrictServer, url: str) -> Target:
    """The server as the judge finds it there."""
    RECORDING.set(Recording())
    target = target_of(server, {})
    address = parse_url(url)
    found = await measure_round_trip(address, REVISION_4)
    assert found is not None
    return replace(target, address=address, timing=replace(target.timing, round_trip=found))


async def ask(fault: str | None, *ids: str) -> list[Outcome]:
    """The outcomes of all cases of these requirements, from far away, against a server with this fault."""
    async with StrictServer(fault, **CONFIG) as server:
        with far_away(server.url, ONE_WAY) as url:
            target = await measured(server, url)
            asked = [question for id_ in ids for question in of_requirement(cases(), id_)]
            # In tasks of their own: a case sets context variables.
            tasks = [asyncio.create_task(answer_question(question, target)) for question in asked]
            return list(await asyncio.gather(*tasks))


@pytest.fixture(scope="module")
def answers() -> tuple[list[Outcome], Answers]:
    """Of a server without a fault, and of each fault. All at the same time, since they mostly wait."""

    async def run() -> tuple[list[Outcome], Answers]:
        faultless, *faulty = await asyncio.gather(
            ask(None, *RACES, *SECONDS), *(ask(fault, id_) for id_, fault in RACES.items())
        )
        # Ten servers and their clients share this process. What failed in the crowd is asked again, alone.
        if any(outcome.judgement.verdict not in FINE for outcome in faultless):
            faultless = await ask(None, *RACES, *SECONDS)
        return faultless, dict(zip(RACES, faulty, strict=True))

    return asyncio.run(run())


def test_a_server_far_away_is_judged_as_one_that_is_near(answers: tuple[list[Outcome], Answers]) -> None:
    faultless, _ = answers
    found = [outcome.judgement for outcome in faultless]

    assert [str(one) for one in found if one.verdict not in FINE] == []
    # A busy machine may hide one or two from afar. It never hides half of them.
    assert sum(one.verdict is Verdict.PASS for one in found) > 0.8 * len(found), found


def test_faults_are_noticed_from_far_away(answers: tuple[list[Outcome], Answers]) -> None:
    _, faulty = answers
    missed = {
        id_: [str(outcome.judgement) for outcome in outcomes]
        for id_, outcomes in faulty.items()
        if not any(outcome.judgement.verdict in NOTICED for outcome in outcomes)
    }

    assert missed == {}


def test_half_a_request_passes_unless_something_keeps_it_back() -> None:
    async def look() -> list[bool]:
        async with StrictServer(**CONFIG) as server:
            near = await measured(server, server.url)
            with buffering(server.url) as url:
                behind = replace(near, address=parse_url(url))
                return [await passes_unfinished_requests(target) for target in (near, behind)]

    assert asyncio.run(look()) == [True, False]


def test_a_heartbeat_that_the_distance_breaks_is_hidden_and_no_failure() -> None:
    """The pong comes when pingTimeout is over. Near by, the same is a failure."""

    async def look(round_trip: float) -> list[Outcome]:
        async with StrictServer(ping_interval=PING_SECONDS, ping_timeout=0.2) as server:
            with far_away(server.url, 0.1) as url:
                timing = Timing(PING_SECONDS, 0.2, round_trip=round_trip)
                target = replace(target_of(server, {}), address=parse_url(url), timing=timing)
                asked = [
                    question
                    for question in of_requirement(cases(), "EIO-HB-02")
                    if question.name == "test_keeps_a_client_that_answers"
                ]
                tasks = [asyncio.create_task(answer_question(question, target)) for question in asked]
                return list(await asyncio.gather(*tasks))

    hidden, failing = asyncio.run(look(0.4)), asyncio.run(look(0.0))

    assert {outcome.judgement.verdict for outcome in hidden} == {Verdict.HIDDEN}
    assert {outcome.judgement.verdict for outcome in failing} == {Verdict.FAIL}
    reason = hidden[0].judgement.reason or ""
    assert (
        "pingTimeout is 0.2 s, and a request takes 0.4 s, so pongs may come too late (session closed"
        in reason
    )


def test_waits_follow_from_the_distance_and_a_near_server_has_none() -> None:
    near, unmeasured, far = (Timing(1, 3, round_trip=seconds) for seconds in (0.005, 0.0, 0.3))

    for wait in ("answer", "close", "quiet", "late"):
        assert getattr(near, wait) == getattr(unmeasured, wait)
        assert getattr(far, wait) >= getattr(near, wait) + 0.3
    assert [one.is_far for one in (near, unmeasured, far)] == [False, False, True]
    assert not Timing(25, 20, round_trip=0.3).is_far
    assert [Timing(1, 1, round_trip=seconds).keeps_heartbeat for seconds in (0.2, 0.3)] == [True, False]


def test_the_farther_a_server_is_the_more_cases_work_at_a_time() -> None:
    assert [jobs_for(seconds) for seconds in (0.0, 0.2, 0.6, 1.0, 2.0)] == [16, 16, 38, 64, 64]


def test_an_aborted_poll_behind_haproxy_says_nothing_about_the_server(tmp_path: Path) -> None:
    """It lets the server answer a poll whose client is gone. Without it the same server fails."""
    swallows = [*STRICT, "--fault", "cancelled-poll-swallows-packets"]
    with start_command(STRICT) as server, ignoring_aborts(server.url) as url:
        _, behind, output = conform(tmp_path, url, "EIO-PL-16")
    with start_command(swallows) as server:
        _, direct, _ = conform(tmp_path, server.url, "EIO-PL-16")

    assert behind == {"EIO-PL-16": "hidden by the path"}
    assert "HAProxy stands before the server, and may not tell it that a client is gone" in output
    assert direct == {"EIO-PL-16": "non-strict"}


def test_the_head_says_that_a_server_is_far_away(tmp_path: Path) -> None:
    with start_command(STRICT) as server, far_away(server.url, 0.1) as url:
        _, verdicts, output = conform(tmp_path, url, "EIO-HS-05")

    assert verdicts == {"EIO-HS-05": "pass"}
    found = re.search(r"^a request takes (\d+) ms \(far away, or busy\), and each wait", output, re.MULTILINE)
    assert found is not None, output
    assert int(found[1]) >= 400
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["target"]["round_trip"] >= 0.4
