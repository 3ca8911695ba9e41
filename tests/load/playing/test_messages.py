"""An event of somebody's application: what is read, and each mistake in one line."""

from __future__ import annotations

from typing import Any

import pytest

from load.playing.messages import Message, filled, messages_of, starts_of
from load.playing.parameters import ParameterError


def test_arguments_lose_their_spaces_and_nothing_else() -> None:
    text = '[ "lobby" , {"n": {n}, "say": "a { b } \\" , c é"},\n  [1.50, {user}] ]'

    assert Message("say", text).arguments == '["lobby",{"n":{n},"say":"a { b } \\" , c é"},[1.50,{user}]]'


def test_numbers_stand_in_texts_and_alone() -> None:
    assert filled('[{n},"{n} of {user}",{"{user}":null}]', 7, 3) == '[7,"7 of 3",{"3":null}]'


def test_a_table_may_have_its_arguments_as_an_array() -> None:
    message = Message.of({"event": "say", "arguments": ["lobby", {"n": "{n}"}], "weight": 2}, "/chat")

    assert message == Message("say", '["lobby",{"n":"{n}"}]', weight=2, namespace="/chat")
    assert message.prefix == "/chat,"


@pytest.mark.parametrize(
    ("text", "event", "arguments"),
    [
        ("join", "join", "[]"),
        ('join:["lobby"]', "join", '["lobby"]'),
        ("room:join", "room:join", "[]"),
        ('room:join:[{"id": {user}}]', "room:join", '[{"id":{user}}]'),
    ],
)
def test_a_start_is_an_event_with_or_without_arguments(text: str, event: str, arguments: str) -> None:
    assert starts_of(text, "/") == (Message(event, arguments),)


def test_several_starts_are_texts_and_objects() -> None:
    text = '["login:[\\"me\\"]", {"event": "join", "arguments": ["lobby"]}]'

    assert starts_of(text, "/a") == (
        Message("login", '["me"]', namespace="/a"),
        Message("join", '["lobby"]', namespace="/a"),
    )
    assert starts_of("[]", "/") == ()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "event: is missing: the name of the event to send"),
        ({"event": ""}, "event: is empty: give the name of an event"),
        ({"event": 3}, "event: 3 is not text"),
        ({"event": "disconnect"}, "event: event with the reserved name 'disconnect'"),
        ({"event": "a\udc80"}, "event: is not UTF-8"),
        ({"event": "a", "argument": []}, "event: unknown key 'argument' (the nearest is 'arguments'; valid"),
        ({"event": "a", "arguments": "hello"}, "arguments: 'hello' is not JSON: Expecting value"),
        (
            {"event": "a", "arguments": "[{n}, {m}]"},
            "arguments: '[{n}, {m}]' is not JSON: Expecting property",
        ),
        ({"event": "a", "arguments": '"hello"'}, 'arguments: \'"hello"\' is no JSON array, such as ["lobby"'),
        ({"event": "a", "arguments": 3}, "arguments: '3' is no JSON array"),
        ({"event": "a", "arguments": "[NaN]"}, "arguments: data is not JSON: "),
        ({"event": "a", "arguments": [float("inf")]}, "arguments: holds a value that JSON does not have"),
        ({"event": "a", "arguments": ["\udc80"]}, "arguments: is not UTF-8"),
        ({"event": "a", "arguments": f'["{"x" * 99}"'}, "arguments: '[\"" + "x" * 53 + "...' is not JSON: "),
        ({"event": "a", "answer": ""}, "answer: is empty: give the name of an event"),
        ({"event": "a", "answer": "connect"}, "answer: event with the reserved name 'connect'"),
        ({"event": "a", "match": "n={n}"}, "match: 'n={n}' is not PATH=VALUE, where PATH begins with the"),
        ({"event": "a", "match": "0.n"}, "match: '0.n' is not PATH=VALUE"),
        ({"event": "a", "match": "0..n=1"}, "match: '0..n=1' is not PATH=VALUE"),
        ({"event": "a", "match": 3}, "match: 3 is not text"),
        ({"event": "a", "match": "0=1", "answer": "none"}, "match: needs an answer, and answer is none"),
        ({"event": "a", "weight": 0}, "weight: 0 is not a whole number from 1 to 1000"),
        ({"event": "a", "weight": 1.5}, "weight: 1.5 is not a whole number"),
        ({"event": "a", "weight": True}, "weight: True is not a whole number"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Message.of(given)

    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_namespace_is_checked() -> None:
    with pytest.raises(ParameterError, match="namespace: 'chat' does not start with '/'"):
        Message("a", namespace="chat")


@pytest.mark.parametrize(
    ("read", "text", "line"),
    [
        (messages_of, "{", "events: '{' is not JSON: "),
        (messages_of, "{}", "events: '{}' is no JSON array"),
        (messages_of, '["say"]', "events: number 1: event: 'say' is no object with the key event"),
        (
            messages_of,
            '[{"event":"a"},{"event":"b","answr":"c"}]',
            "events: number 2: event: unknown key 'answr'",
        ),
        (messages_of, '[{"event":"a","namespace":"/x"}]', "events: number 1: event: unknown key 'namespace'"),
        (
            starts_of,
            'join:"lobby"',
            "on_start: number 1: arguments: 'join:\"lobby\"' needs a JSON array, such as",
        ),
        (starts_of, "join:[lobby]", "on_start: number 1: arguments: '[lobby]' is not JSON: "),
        (starts_of, "[3]", "on_start: number 1: event: 3 is no object with the key event"),
        (starts_of, '[{"event":"a","answer":"b"}]', "on_start: number 1: event: unknown key 'answer'"),
        (starts_of, "", "on_start: number 1: event: is empty"),
    ],
)
def test_a_mistake_in_one_of_several_says_which(read: Any, text: str, line: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read(text, "/")

    assert str(caught.value).startswith(line)
