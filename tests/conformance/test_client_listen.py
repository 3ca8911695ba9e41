"""`--client-listen`: agents that come by themselves, good and bad ones."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from conformance.__main__ import main
from conformance.agent import agent, listener, pulled
from conformance.agent.listener import Listener
from conformance.client_target import ClientTarget
from conformance.finding.client import NoClient, find_pulled
from conformance.judging.client_runner import answer_question
from conformance.judging.collecting import all_questions
from conformance.verdicts import HarnessError, Judgement, Verdict
from tests.conformance.test_client_lies import AGENT, CASES, FEATURES
from tests.in_process import run_here

HELLO = {"seen": "hello", "client": "c", "version": "1", "features": ["websocket"]}


def ask(url: str, body: object = None) -> Any:
    """What is answered to a GET, or to a POST of this value."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data=data) as answer:
        return json.loads(answer.read())


async def listening(given: str = "0") -> Listener:
    agents = Listener(given)
    await agents.listen()
    return agents


async def judged(lie: str) -> list[Judgement]:
    """What comes of three cases, one after the other, that this agent plays."""
    agents = await listening()
    liar = await asyncio.create_subprocess_exec(sys.executable, str(AGENT), lie, agents.url)
    target = ClientTarget(level=1, given="0", address=agents.address, features=FEATURES)
    asked = [question for question in all_questions("client") if question.label in CASES]
    try:
        await agents.give(await agents.first(), usable=True)
        outcomes = [(await answer_question(question, target, agents))[0] for question in asked]
    finally:
        if liar.returncode is None:
            liar.kill()
        await liar.wait()
        await agents.close()
    assert all((one.judgement.verdict is Verdict.NOT_JUDGED) == bool(one.cause) for one in outcomes)
    return [one.judgement for one in outcomes]


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ("connects nowhere", "says that it sees connect, and nothing came to the judge"),
        ("invents an event", "says that it sees event, and the judge sent none"),
        ("prints garbage", "says that it sees event, and the judge sent none"),
    ],
)
def test_a_lie_is_no_verdict_on_the_client(lie: str, said: str) -> None:
    for judgement in asyncio.run(judged(lie)):
        assert judgement.verdict is Verdict.HARNESS_ERROR, judgement
        assert said in (judgement.reason or "")


def test_an_agent_that_goes_away_ends_the_run_without_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulled, "GONE_SECONDS", 0.2)
    first, *others = asyncio.run(judged("dies"))

    assert first.verdict is Verdict.INCONCLUSIVE
    assert "'liar' sent no request" in (first.reason or "")
    assert "nobody can tell which" in (first.reason or "")
    assert [one.verdict for one in others] == [Verdict.NOT_JUDGED] * 2


def test_an_agent_that_does_not_answer_is_not_believed_before_it_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a failure would be the client's, whose agent is gone."""
    monkeypatch.setattr(pulled, "GONE_SECONDS", 0.5)
    monkeypatch.setattr(agent, "RESET_SECONDS", 0.01)

    async def play() -> tuple[bool, bool]:
        agents = await listening()
        await asyncio.to_thread(ask, f"{agents.url}/seen?agent=a", HELLO)
        taken = await agents.take()
        usable = await taken.reset()
        gone = taken.process.ended
        await agents.close()
        return usable, gone

    assert asyncio.run(play()) == (False, True)


def test_an_agent_that_begins_anew_goes_on() -> None:
    async def play() -> tuple[str, Any]:
        agents = await listening()
        await asyncio.to_thread(ask, f"{agents.url}/seen?agent=a", HELLO)
        before = await agents.take()
        await asyncio.to_thread(ask, f"{agents.url}/seen?agent=a", [HELLO])
        after = await agents.take()
        after.process.tell({"do": "reset"})
        commands = await asyncio.to_thread(ask, f"{agents.url}/next?agent=a")
        await agents.close()
        return str(before.process.crash()), commands

    why, commands = asyncio.run(play())

    assert "the agent 'a' began anew" in why
    assert commands == [{"do": "reset"}]


def test_each_agent_that_comes_is_a_place_for_a_case() -> None:
    async def play() -> tuple[bool, bool]:
        agents = await listening()
        for name in ("a", "b", "a"):
            await asyncio.to_thread(ask, f"{agents.url}/seen?agent={name}", HELLO)
        for _ in range(2):
            await agents.places.acquire()
        taken = [await agents.take(), await agents.take()]
        await agents.close()
        return agents.places.locked(), taken[0] is taken[1]

    assert asyncio.run(play()) == (True, False)


def test_who_has_not_said_hello_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HELLO_SECONDS", 0.01)

    async def play() -> tuple[Any, list[str]]:
        agents = await listening()
        commands = await asyncio.to_thread(ask, f"{agents.url}/next")
        problems = []
        other = {**HELLO, "version": "2"}
        await asyncio.to_thread(ask, f"{agents.url}/seen?agent=a", HELLO)
        for name, body in (("b", {"seen": "reset"}), ("b", other), ("a", 7), ("a", [])):
            try:
                await asyncio.to_thread(ask, f"{agents.url}/seen?agent={name}", body)
            except urllib.error.HTTPError as error:
                problems.append(json.loads(error.read())["error"])
        await agents.close()
        return commands, problems

    commands, problems = asyncio.run(play())

    assert commands == [{"do": "hello"}]
    assert [problem[:15] for problem in problems] == ["say hello first", "this run judges", "what it posts i"]


@pytest.mark.parametrize(("given", "name"), [("0", "localhost"), ("127.0.0.2:0", "127.0.0.2")])
def test_an_agent_finds_the_stage_where_it_finds_the_judge(given: str, name: str) -> None:
    """At the same address, by whatever name the agent has for it: 10.0.2.2 in an emulator."""

    async def play() -> tuple[str, bytes]:
        agents = await listening(given)
        judge = agents.url.replace("127.0.0.1", name)
        finding = asyncio.create_task(find_pulled(agents))
        await asyncio.to_thread(ask, f"{judge}/seen", HELLO)
        (unknown,) = await asyncio.to_thread(ask, f"{judge}/next")
        await asyncio.to_thread(ask, f"{judge}/seen", {"seen": "unknown", **unknown})
        (connect,) = await asyncio.to_thread(ask, f"{judge}/next")
        handshake = f"{connect['url']}/socket.io/?EIO=4&transport=polling"
        with await asyncio.to_thread(urllib.request.urlopen, handshake) as answer:
            opened = answer.read()
        finding.cancel()
        await asyncio.wait({finding})
        await agents.close()
        return connect["url"], opened

    url, opened = asyncio.run(play())

    assert url.startswith(f"http://{name}:")
    assert opened.startswith(b"0{")


def test_a_page_of_any_origin_may_be_an_agent() -> None:
    async def play() -> Any:
        agents = await listening()
        request = urllib.request.Request(f"{agents.url}/seen", method="OPTIONS")
        with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
            headers = answer.headers
        await agents.close()
        return headers

    assert asyncio.run(play())["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("hello", "error", "said"),
    [
        (None, NoClient, "no agent came within"),
        ({"seen": "hello"}, HarnessError, "its hello has no client or no version"),
    ],
)
def test_what_is_no_agent_gets_one_line(
    hello: Any, error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        agents = await listening()
        try:
            finding = asyncio.create_task(find_pulled(agents))
            if hello:
                with pytest.raises(urllib.error.HTTPError):
                    await asyncio.to_thread(ask, f"{agents.url}/seen", hello)
            await finding
        finally:
            await agents.close()

    if hello is None:
        monkeypatch.setattr(listener, "COME_SECONDS", 0.1)
    with pytest.raises(error, match=said):
        asyncio.run(play())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--client-listen", "x"], "'x' is neither PORT nor HOST:PORT"),
        (["--client-listen", "70000"], "neither PORT nor HOST:PORT"),
        (["--client-listen", "203.0.113.1:0"], "--client-listen 203.0.113.1:0: "),
        (["--client-listen", "0", "--jobs", "2"], "leave --jobs out"),
        (["--client-listen", "0", "--level", "0"], "--level 0 judges a program that is started"),
        (["--client-listen", "0", "--client", "js"], "give one of them"),
        (["--client-listen", "0", "--url", "http://127.0.0.1:1"], "give one of them"),
        (["--client-listen", "0", "--matrix", "a.json"], "leave --client-listen out"),
    ],
)
def test_wrong_words_get_one_line_and_2(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    words = [word.replace("a.json", str(tmp_path / "a.json")) for word in words]

    done = run_here(main, "sioprobe conform", *words)

    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
