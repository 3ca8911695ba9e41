"""One cause behind many failures is said once. What depends on it is not judged, all else is."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.client.address import parse_url
from conformance.client.steps import Attempt, Step
from conformance.client.timing import Timing
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging import runner
from conformance.judging.causes import MANY, Finding, find_causes
from conformance.judging.collecting import all_questions
from conformance.judging.outcomes import Cause, Outcome, Question
from conformance.judging.presence import Absence
from conformance.judging.runner import Runner
from conformance.target import Target
from conformance.telling.result_file import causes_of
from conformance.telling.summary import TWO_SCREENS
from conformance.verdicts import Conclusion, Judgement, Verdict, conclude, exit_code
from sioprobe.wire import OpenData
from tests.diagnosis.fronts import Apart, Unsticky
from tests.servers import ROOT, Server, start_command

STRICT = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1", "--ping-timeout", "3"]

Judged = list[tuple[Question, Outcome]]


def troubled(*words: str) -> Server:
    return start_command([sys.executable, "-m", "tests.conformance.troubled_server", *words])


def target_at(url: str, level: int | None = None) -> Target:
    return asyncio.run(find_target(parse_url(url), ServerProfile(contract_level=level)))


def judged(target: Target, *areas: str, where: Callable[[Question], bool] = lambda _: True) -> Judged:
    """What a run says of the cases of these areas."""
    asked = [one for one in all_questions() if one.requirement.area in areas and where(one)]
    run = Runner(target, jobs=16, strict=False)
    run.start(asked)
    try:
        return [(one, run.outcome(one)) for one in asked]
    finally:
        run.stop()


def verdicts_of(results: Judged) -> dict[str, set[Verdict]]:
    found: dict[str, set[Verdict]] = {}
    for question, outcome in results:
        found.setdefault(question.requirement.id, set()).add(outcome.judgement.verdict)
    return found


def only_cause(results: Judged) -> Cause:
    [(cause, number)] = causes_of(results)
    unjudged = [outcome for _, outcome in results if outcome.judgement.verdict is Verdict.NOT_JUDGED]
    assert number == len(unjudged)
    for outcome in unjudged:
        assert (outcome.judgement.reason or "").startswith(f"not judged because {cause.what}")
    return cause


def test_a_server_that_dies_is_said_once_and_costs_no_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "RESTART_SECONDS", 1.0)
    with troubled("dies", "40") as server:
        results = judged(target_at(server.url), "SIO-EV", "SIO-AK", "SIO-BN", "EIO-HS", "EIO3")

    cause = only_cause(results)
    assert cause.what.startswith("the server went away ")
    assert cause.detail.startswith("handshake over polling: connection refused; asked again for ")
    assert "the last packets before came from " in cause.detail
    verdicts = [outcome.judgement.verdict for _, outcome in results]
    assert set(verdicts) == {Verdict.PASS, Verdict.NOT_JUDGED, Verdict.NOT_APPLICABLE}
    assert verdicts.count(Verdict.PASS) > 10
    assert exit_code(verdicts) == 1
    # Nobody asked them in vain; what does not apply is known all the same.
    unasked = [one for _, one in results if one.judgement.verdict is Verdict.NOT_JUDGED and not one.attempts]
    assert len(unasked) > 20
    assert verdicts_of(results)["EIO3-02"] == {Verdict.NOT_APPLICABLE}


def test_a_server_that_closes_each_connect() -> None:
    with troubled("closes-each-connect") as server:
        results = judged(target_at(server.url), "SIO-CN", "SIO-CE", "SIO-NS", "EIO-HS", "EIO-PL", "EIO-WS")

    cause = only_cause(results)
    assert cause.what == "no CONNECT is answered"
    assert re.match(r"all of \d+ failed.* with: session closed \(", cause.detail)
    assert cause.detail.endswith("; another parser does this, and so does a connect handler that hangs")
    verdicts = verdicts_of(results)
    # One asks for this answer, the other counts such answers by itself.
    assert [one for one, found in verdicts.items() if Verdict.FAIL in found] == ["SIO-CN-02", "EIO-HS-20"]
    assert verdicts["EIO-HS-05"] == {Verdict.PASS}
    assert Verdict.NOT_JUDGED in verdicts["SIO-CN-09"] | verdicts["EIO-PL-03"]


def test_an_answer_to_connect_that_nobody_can_read_is_quoted() -> None:
    with troubled("answers-connect-with-garbage") as server:
        target = target_at(server.url, level=0)
        [(_, outcome)] = judged(
            target,
            "SIO-CN",
            where=lambda one: one.label == "test_answers_connect_with_a_socket_id[websocket]",
        )

    [attempt] = [one for one in outcome.attempts if one.step is Step.ANSWER]
    assert (attempt.failure or "").startswith("the server sent '0garbage': invalid json")


def test_a_server_that_opens_no_websocket() -> None:
    with troubled("refuses-each-upgrade") as server:
        results = judged(target_at(server.url), "EIO-HS", "EIO-UP", "EIO-WS", "SIO-EV")

    cause = only_cause(results)
    assert cause.what == "no WebSocket opens"
    assert re.match(r"all of \d+ failed.* with: HTTP 400 Bad Request ", cause.detail)
    assert cause.detail.endswith("; a proxy that drops the header Upgrade does this")
    failed = [one for one, found in verdicts_of(results).items() if Verdict.FAIL in found]
    assert sorted(failed) == ["EIO-HS-10", "EIO-UP-02", "EIO-UP-16"]
    by_transport = {
        transport: {outcome.judgement.verdict for one, outcome in results if one.transport == transport}
        for transport in ("polling", "upgraded")
    }
    assert by_transport == {"polling": {Verdict.PASS}, "upgraded": {Verdict.NOT_JUDGED}}


def test_an_application_without_handlers() -> None:
    """Its level is declared, so nobody looked for them. Once it is clear, no case waits for an answer."""
    with troubled("answers-no-event") as server:
        target = target_at(server.url, level=2)
        areas = ("EIO-HS", "SIO-EV", "SIO-AK", "SIO-BN", "SIO-RM")
        results = judged(target, *areas, where=lambda one: one.transport != "upgraded")

    cause = only_cause(results)
    assert cause.what == "no event is answered"
    assert cause.detail.endswith("--level 0 judges what needs none")
    assert verdicts_of(results)["EIO-HS-05"] == {Verdict.PASS}
    assert Verdict.FAIL not in {outcome.judgement.verdict for _, outcome in results}
    assert any(
        outcome.judgement.verdict is Verdict.NOT_JUDGED and not outcome.attempts for _, outcome in results
    )


def test_two_processes_that_share_no_sessions() -> None:
    with start_command(STRICT) as one, start_command(STRICT) as other, Unsticky(one.url, other.url) as front:
        results = judged(target_at(front.url, level=2), "SIO-EV", "SIO-AK", "EIO-HS")

    cause = only_cause(results)
    assert cause.what == "several processes that share no sessions answer at this address"
    assert "of 20 requests of one session went to a process that does not know it; make the" in cause.detail
    verdicts = [outcome.judgement.verdict for one, outcome in results if one.transport == "websocket"]
    assert verdicts.count(Verdict.PASS) > 10
    failed = [one for one, found in verdicts_of(results).items() if Verdict.FAIL in found]
    assert failed == ["EIO-HS-23"]


def test_websockets_that_go_to_another_process_than_polling() -> None:
    with start_command(STRICT) as one, start_command(STRICT) as other, Apart(one.url, other.url) as front:
        results = judged(target_at(front.url, level=2), "SIO-EV", "EIO-UP")

    cause = only_cause(results)
    assert cause.what == "no WebSocket opens for an upgrade"
    assert cause.detail.endswith("WebSockets to another process than the polling of their session")


def test_one_that_closes_them_only_when_it_is_probed() -> None:
    """gevent-websocket answers 101, and then closes a session that it does not know."""
    closed = Attempt(Step.UPGRADE, "", 4, "the probe was answered by WebSocket close without a code")
    tried = [(question(place), failing((*OPENED, closed))) for place in range(MANY)]
    [finding] = found(tried, ("websocket",))
    assert finding.cause.what == "no session can upgrade to WebSocket"
    assert finding.cause.detail.endswith("than the polling of their session")


def test_processes_that_no_queue_joins() -> None:
    across, others = (
        [one for one in all_questions() if test(one.requirement)]
        for test in (
            lambda entry: entry.id == "SIO-CL-01",
            lambda entry: entry.area == "SIO-CL" and entry.id not in ("SIO-CL-01", "SIO-CL-12"),
        )
    )
    failed = [(one, failing()) for one in (*across, *others)]
    [finding] = found(failed, ("websocket",))
    assert finding.cause.what == "no event goes from one process to another"
    assert [finding.accounts_for(*one) for one in failed] == [False] * len(across) + [True] * len(others)
    # One that arrives shows that they are joined.
    assert causes([*failed, (across[0], failing(verdict=Verdict.PASS))]) == []


# What a cause is not


def question(place: int) -> Question:
    return replace(all_questions()[place], transport="websocket")


def failing(attempts: tuple[Attempt, ...] = (), verdict: Verdict = Verdict.FAIL) -> Outcome:
    return Outcome(Judgement(verdict, actual="nothing"), attempts=attempts)


def causes(tried: Judged, absence: Absence | None = None) -> list[str]:
    return [one.cause.what for one in found(tried, ("websocket",), absence)]


def found(tried: Judged, upgrades: tuple[str, ...], absence: Absence | None = None) -> list[Finding]:
    opened = OpenData("s", upgrades, 1000, 1000, 1000)
    target = Target(parse_url("http://127.0.0.1:9"), opened, Timing(1, 1), {"polling": True}, level=2)
    return asyncio.run(find_causes(target, tried, absence, 0.0))


REFUSED = (Attempt(Step.WEBSOCKET, "a handshake", 4, "HTTP 403 Forbidden"),)
OPENED = (Attempt(Step.WEBSOCKET, "a handshake", 4),)


def test_a_step_that_worked_once_is_no_cause() -> None:
    tried = [(question(place), failing(REFUSED)) for place in range(30)]
    assert causes(tried) == ["no WebSocket opens"]
    assert causes([*tried, (question(30), failing(OPENED))]) == []


def test_a_server_that_offers_no_upgrade_may_have_no_websocket() -> None:
    tried = [(question(place), failing(REFUSED)) for place in range(MANY)]
    [cause] = [one.cause for one in found(tried, ())]
    assert "proxy" not in cause.detail
    assert "a profile says so ([capabilities] websocket = false)" in cause.detail


def test_few_failures_speak_for_themselves() -> None:
    tried = [(question(place), failing(REFUSED)) for place in range(MANY - 1)]
    assert causes(tried) == []


def test_a_step_that_fails_in_one_place_says_where() -> None:
    tried = [(question(place), failing(REFUSED)) for place in range(MANY)]
    tried.append((question(MANY), failing((Attempt(Step.WEBSOCKET, "an upgrade", 4),))))
    assert causes(tried) == ["no WebSocket opens for a handshake"]


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        ("connection refused", "the server went away 5 s after the start"),
        ("no answer within 5.0 s", "the server stopped answering 5 s after the start"),
        ("HTTP 502 Bad Gateway", "the server opened no more sessions 5 s after the start"),
    ],
)
def test_an_absence_is_called_what_it_is(seen: str, what: str) -> None:
    assert causes([], Absence(5.0, f"handshake over polling: {seen}", 15.0)) == [what]


@pytest.mark.parametrize(
    ("verdicts", "conclusion", "code"),
    [
        ([Verdict.PASS, Verdict.NOT_JUDGED], Conclusion.FAILURES, 1),
        ([Verdict.NOT_JUDGED, Verdict.NOT_APPLICABLE], Conclusion.HARNESS_ERROR, 4),
        ([Verdict.NOT_APPLICABLE], Conclusion.HARNESS_ERROR, 2),
    ],
)
def test_what_is_not_judged_is_no_success(verdicts: list[Verdict], conclusion: Conclusion, code: int) -> None:
    assert (conclude(verdicts), exit_code(verdicts)) == (conclusion, code)


# How it is told


def test_a_run_with_a_cause_fits_two_screens_and_every_file_keeps_all(tmp_path: Path) -> None:
    forms = ("report", "junit", "html", "markdown")
    words = [word for form in forms for word in (f"--{form}", str(tmp_path / form))]
    areas = [word for area in ("SIO-CN", "SIO-CE", "SIO-NS", "EIO-HS") for word in ("--area", area)]

    def conform(url: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sioprobe", "conform", "--url", url, *areas, *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)

    with troubled("closes-each-connect") as server:
        done = conform(server.url, *words)
        verbose = conform(server.url, "--verbose")

    assert (done.returncode, verbose.returncode) == (1, 1)
    assert "\ncause: no CONNECT is answered\n" in done.stdout
    assert len(done.stdout.splitlines()) <= TWO_SCREENS
    assert len(verbose.stdout.splitlines()) > len(done.stdout.splitlines())
    result = json.loads((tmp_path / "report").read_text())
    [cause] = result["causes"]
    unjudged = [case for case in result["cases"] if case["verdict"] == "not judged"]
    assert (cause["what"], cause["cases"]) == ("no CONNECT is answered", len(unjudged))
    assert all(case["transcript"] for case in unjudged)
    root = ElementTree.parse(tmp_path / "junit").getroot()
    [told] = root.findall(".//testcase[@classname='cause']")
    assert told.get("name") == "no CONNECT is answered"
    assert told.find("failure") is not None
    assert len(root.findall(".//skipped[@type='not judged']")) == len(unjudged)
    for form in ("html", "markdown"):
        assert f"no CONNECT is answered: {cause['detail'][:20]}" in (tmp_path / form).read_text()
