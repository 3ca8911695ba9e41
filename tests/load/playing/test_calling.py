"""Which answer belongs to which call, without a server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from load.playing.calling import Calls, Pending
from load.playing.messages import Message
from sioprobe.engine.acks import WaitingAcks


class Line:
    """A connection that keeps what is sent."""

    def __init__(self, *messages: Message, user: int = 1) -> None:
        self.sent: list[str] = []
        self._connection: Any = SimpleNamespace(acks=WaitingAcks(), send_raw=self.sent.append)
        self.calls = Calls(messages, user)
        self.waiting: list[Pending] = []

    def send(self, number: int, place: int = 0) -> Pending:
        self.waiting.append(self.calls.each[place].send(self._connection, number))
        return self.waiting[-1]

    def unread(self, text: str) -> Pending | None:
        return self.calls.unread(text, self.waiting)

    def event(self, name: str, *args: Any) -> Pending | None:
        """It came as a packet that was not known."""
        assert self.unread(f'2["{name}",{args}]') is None
        return self.calls.of_event(name, list(args), self.waiting)


def test_packets_have_namespace_ack_id_and_numbers() -> None:
    line = Line(
        Message("say", '["{n}", {user}]', namespace="/chat"),
        Message("hello", answer="said", namespace="/chat"),
        user=9,
    )
    line.send(7)
    line.send(8, place=1)
    line.send(10)

    assert line.sent == ['42/chat,1["say","7",9]', '42/chat,["hello"]', '42/chat,2["say","10",9]']


@pytest.mark.parametrize("name", ["{n}", 'a "b" {user}'])
def test_the_name_of_an_event_is_sent_as_it_is(name: str) -> None:
    line = Line(Message(name, "[1]"))
    line.send(7)

    assert line.sent == [f'421["{name}",1]'.replace('a "b"', 'a \\"b\\"')]


def test_an_event_answers_the_call_that_has_waited_longest() -> None:
    line = Line(Message("ask", answer="told"))
    first, _ = line.send(1), line.send(2)

    assert line.event("tell") is None
    assert line.event("told", "anything") is first


@pytest.mark.parametrize("number", [2, "2"])
def test_a_match_finds_its_own_call(number: object) -> None:
    line = Line(Message("ask", answer="told", match="0.ids.1={n}"))
    line.send(1)
    second = line.send(2)

    assert line.event("told", {"ids": [0, number]}) is second
    for other in ({"ids": [0, 3]}, {"ids": [2]}, {"ids": {"1": {}}}, {"id": [0, 2]}, "2", None, b"2"):
        assert line.event("told", other) is None
    assert line.event("told") is None


@pytest.mark.parametrize(
    ("value", "answer"),
    [("true", True), ("null", None), ("1.5", 1.5), ('{"a":[]}', {"a": []}), ("a=b", "a=b"), ("", "")],
)
def test_a_match_compares_json(value: str, answer: object) -> None:
    line = Line(Message("ask", answer="told", match=f"0={value}"))
    asked = line.send(1)

    assert line.event("told", answer) is asked
    assert line.event("told", "other") is None


def test_an_answer_like_the_one_before_need_not_be_read() -> None:
    line = Line(Message("say", namespace="/a"), Message("ask", answer="told", namespace="/a"))
    say, ask = line.send(1), line.send(2, place=1)

    assert line.unread('3/a,1["ok"]') is None
    assert line.calls.of_ack(1, ["ok"], line.waiting) == (say, True)
    assert line.unread('2/a,["told",1]') is None
    assert line.calls.of_event("told", [1], line.waiting) is ask
    line.waiting = []
    say, ask = line.send(3), line.send(4, place=1)

    assert line.unread('2/a,["told",1]') is ask
    assert line.unread('3/a,2["ok"]') is say
    # Nobody waits for these, or they say something else.
    for text in (
        '3/a,1["ok"]',
        '3/a,2["no"]',
        '3/a,2["ok"',
        '3/b,2["ok"]',
        '2/a,["ok"]',
        '2["told",1]',
        "",
        "3",
    ):
        assert line.unread(text) is None


def test_an_answer_with_the_number_of_its_call_is_always_read() -> None:
    line = Line(Message("say", match="0={n}"))
    first = line.send(1)
    assert line.unread("31[1]") is None
    assert line.calls.of_ack(1, [1], line.waiting) == (first, True)
    line.waiting = []
    second = line.send(2)

    assert line.unread("32[1]") is None
    assert line.calls.of_ack(2, [1], line.waiting) == (second, False)


def test_a_wrong_ack_is_not_known_as_a_right_one() -> None:
    line = Line(Message("say", match="0.ok=true"))
    call = line.send(1)

    for _ in range(2):
        assert line.unread('31[{"ok":false}]') is None
        assert line.calls.of_ack(1, [{"ok": False}], line.waiting) == (call, False)
    assert line.calls.of_ack(5, [{"ok": True}], line.waiting) == (None, False)
