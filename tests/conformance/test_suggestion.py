"""A run that fails says whose known deviations its failures are, and which option to give."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conformance.client_target import ClientTarget
from conformance.judging.collecting import all_questions
from conformance.judging.known_deviations import find_deviation
from conformance.judging.runner import Outcome, Question
from conformance.target import Target
from conformance.telling.console import header
from conformance.telling.known import about_software, suggestion
from conformance.telling.result_file import Results
from conformance.telling.summary import summary
from conformance.verdicts import Judgement, Verdict
from tests.conformance.mutation import target_of
from tests.strict_server.server import StrictServer


@pytest.fixture
def target() -> Target:
    async def make() -> Target:
        async with StrictServer(None) as server:
            return target_of(server, {})

    return asyncio.run(make())


def results_of(library: str, version: str, mode: str | None = None, *, wrong: int = 0) -> Results:
    """What a whole run of such a server comes to; `wrong` more cases fail."""
    server = ClientTarget(given="", command=(), level=2, library=library, version=version, mode=mode)
    found: Results = []
    for question in all_questions():
        if question.requirement.contract == 3 or question.requirement.id.startswith(("FSIO", "EIO3", "SIO4")):
            continue
        entry = find_deviation(question, server)
        verdict = Verdict.FAIL if entry is not None and not entry.sometimes else Verdict.PASS
        if verdict is Verdict.PASS and wrong and question.requirement.id == "EIO-HS-01":
            verdict, wrong = Verdict.FAIL, wrong - 1
        found.append((question, Outcome(Judgement(verdict))))
    return found


def failures(results: Results) -> int:
    return sum(outcome.judgement.verdict is Verdict.FAIL for _, outcome in results)


def test_all_failures_of_a_plain_application_are_its_librarys(target: Target) -> None:
    results = results_of("flask-socketio", "5.7.0")
    assert suggestion(target, results) == (
        f"all {failures(results)} failures are known deviations of flask-socketio 5.7.0: "
        "if the server is one, give --target-library flask-socketio --target-version 5.7.0"
    )
    assert suggestion(target, results) in summary(target, results)


def test_the_mode_is_named_where_it_explains_more(target: Target) -> None:
    said = suggestion(target, results_of("flask-socketio", "5.7.0", "gevent_uwsgi"))
    assert said is not None
    assert said.endswith("--target-library flask-socketio --target-version 5.7.0 --target-mode gevent_uwsgi")


def test_a_fault_of_the_application_does_not_hide_the_library(target: Target) -> None:
    results = results_of("socket.io", "4.8.4", wrong=1)
    number = failures(results)
    said = suggestion(target, results)
    assert said is not None
    assert said.startswith(f"{number - 1} of {number} failures are known deviations of socket.io 4.8.4: ")


def test_a_version_without_entries_and_one_that_is_not_known(target: Target) -> None:
    results = results_of("flask-socketio", "5.7.0")
    number = failures(results)
    covers = f"those of 5.7.0 would cover {number} of {number} failures: give --target-library flask-socketio"
    old = replace(target, library="flask-socketio", version="5.4.1")
    assert str(suggestion(old, results)).startswith(f"no entries for flask-socketio 5.4.1; {covers}")
    unknown = replace(target, library="flask-socketio")
    said = str(suggestion(unknown, results))
    assert said.startswith(f"no version of flask-socketio is known; {covers}")
    assert about_software(unknown) == [
        "no version of flask-socketio is known, so no known deviation applies;"
        " those of 4.3.2, 5.3.6 and 5.7.0 are listed"
    ]
    assert about_software(old) == [
        "no entries for flask-socketio 5.4.1, so no known deviation applies;"
        " those of 4.3.2, 5.3.6 and 5.7.0 are listed"
    ]
    assert about_software(old)[0] in header(old)


def test_the_mode_alone_may_be_missing(target: Target) -> None:
    unmasked: list[Question] = [
        question
        for question in all_questions()
        if question.name == "test_closes_on_a_frame_without_a_mask" and question.transport == "websocket"
    ]
    results: Results = [(unmasked[0], Outcome(Judgement(Verdict.FAIL)))]
    known = replace(target, library="flask-socketio", version="5.7.0")
    assert suggestion(known, results) == (
        "the failure is a known deviation of mode gevent, gevent_uwsgi or gunicorn-geventwebsocket: "
        "if the server is one, give --target-mode gevent"
    )
    assert suggestion(replace(known, mode="threading"), results) is None


def test_another_version_than_was_given_is_named(target: Target) -> None:
    """It is one that is listed, so that nothing else says that it is the wrong one."""
    results = results_of("flask-socketio", "5.7.0")
    wrong = replace(target, library="flask-socketio", version="4.3.2")
    assert suggestion(wrong, results) == (
        f"all {failures(results)} failures are known deviations of flask-socketio 5.7.0: "
        "if the server is one, give --target-library flask-socketio --target-version 5.7.0"
    )


def test_what_the_process_shows_is_not_contradicted(target: Target) -> None:
    results = results_of("flask-socketio", "5.7.0")
    number = failures(results)
    node = replace(target, shown={"socket.io": "4.8.4"})
    assert suggestion(node, results) is None
    older = replace(target, shown={"flask-socketio": "5.4.1"})
    assert suggestion(older, results) == (
        f"no entries for flask-socketio 5.4.1; those of 5.7.0 would cover {number} of {number} failures: "
        "give --target-library flask-socketio --target-version 5.7.0"
    )
    wrong = replace(target, library="flask-socketio", version="4.0", shown={"flask-socketio": "5.7.0"})
    assert suggestion(wrong, results) == (
        f"all {number} failures are known deviations of flask-socketio 5.7.0: "
        "as its process shows, give --target-library flask-socketio --target-version 5.7.0"
    )


def test_a_mode_that_no_list_knows_is_no_advice(target: Target) -> None:
    strict = replace(target, mode="strict", library=None)
    said = str(suggestion(strict, results_of("flask-socketio", "5.7.0")))
    assert said.endswith("give --target-library flask-socketio --target-version 5.7.0")


def test_where_nothing_fits_nothing_is_said(target: Target) -> None:
    passes: Results = [(question, Outcome(Judgement(Verdict.PASS))) for question, _ in results_of("x", "1")]
    assert suggestion(target, passes) is None
    # One failure that several libraries share, and none of their others.
    alone = [
        (question, Outcome(Judgement(Verdict.FAIL)))
        if question.requirement.id == "EIO-PL-02"
        else (question, o)
        for question, o in passes
    ]
    assert suggestion(target, alone) is None
    assert suggestion(target, results_of("x", "1", wrong=1)) is None
    flask = results_of("flask-socketio", "5.7.0")
    assert suggestion(replace(target, unlisted=True), flask) is None


def test_a_better_server_is_noted(target: Target) -> None:
    question = all_questions()[0]
    reason = (
        "listed as a known deviation, and not seen with zishang520/socket.io 3.0.6 (tried: 3.0.4): a reason"
    )
    lines = summary(target, [(question, Outcome(Judgement(Verdict.PASS, reason=reason)))])
    assert lines[0] == "better than listed:"
    assert lines[1].endswith(reason)
