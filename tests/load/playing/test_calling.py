"""Which answer belongs to which call, without a server."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from load.playing import calling
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

    def text(self, text: str) -> Pending | None:
        return self.calls.of_text(text, self.waiting)

    def event(self, name: str, *args: Any) -> Pending | None:
        """The call that it answers, whether it comes as a text or is read by the connection."""
        read = self.calls.of_event(name, list(args), self.waiting)
        text = json.dumps([name, *args], default=repr, separators=(",", ":"))
        assert self.text("2" + text) is read
        return read


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


@pytest.mark.parametrize("spelled", ["{}", " {}", "{} "])
def test_an_ack_is_known_by_its_id_and_must_be_json(spelled: str) -> None:
    line = Line(Message("say", namespace="/a"))
    first, second = line.send(1), line.send(2)
    data = spelled.format('{"ok":1}')

    for _ in range(2):  # the second time it is known
        assert line.text(f"3/a,2[{data}]") is second
        assert line.text(f"3/a,1[{data}]") is first
        for text in (
            f"3/a,3[{data}]",
            f"31[{data}]",
            f"3/b,1[{data}]",
            "3/a,1[",
            "3/a,1[NaN]",
            f"3/a,1[{data}",
            "3/a,1",
            "3",
            "",
        ):
            assert line.text(text) is None
    assert line.calls.of_ack(2, line.waiting) is second
    assert line.calls.of_ack(3, line.waiting) is None


@pytest.mark.parametrize("answer", ["told", 'a "b" é'])
def test_an_event_is_known_by_its_name(answer: str) -> None:
    line = Line(Message("ask", answer=answer, namespace="/a"))
    asked = line.send(1)
    name = json.dumps(answer, ensure_ascii=False)

    for _ in range(2):
        assert line.text(f"2/a,[{name},1]") is asked
        for text in (
            f"2/a,[{name}x]",
            f'2/a,[{name[:-1]}x",1]',
            f"2[{name}]",
            f"2/a,7[{name}]",
            "2/a,[]",
            f"2/a,[{name}",
        ):
            assert line.text(text) is None


def test_an_answer_like_the_one_before_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(Message("say"), Message("ask", answer="told", match="0=1"), Message("ask", match="0={n}"))
    say, ask, own = line.send(1), line.send(2, place=1), line.send(3, place=2)
    assert (line.text('31["ok"]'), line.text('2["told",1]'), line.text("32[3]")) == (say, ask, own)
    monkeypatch.setattr(calling, "decode_json", lambda text: pytest.fail(f"{text} was read"))

    assert (line.text('31["ok"]'), line.text('2["told",1]')) == (say, ask)
    # It holds the number of its call, and so is right for no other.
    with pytest.raises(pytest.fail.Exception):
        line.text("32[3]")


def test_a_wrong_ack_is_not_taken_and_not_known() -> None:
    line = Line(Message("say", match="0.ok=true"))
    call = line.send(1)

    for _ in range(2):
        assert line.text('31[{"ok":false}]') is None
        assert line.text('31[{"ok":"true"}]') is call
    assert not call.fits([{"ok": False}])
    assert call.fits([{"ok": True}])
