"""Every row of the contract holds in every mode, and on the foreign servers.

netty-socketio is left out: it gives handlers binary as text, refuses only clients that authenticate, and
knows each client by one id in all namespaces. Its deviations say the same.
node-2 speaks Engine.IO 3, which the clients of these tests do not: the judge asks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest

from server_under_test.foreign.servers import FOREIGN
from server_under_test.starting.modes import MODES
from tests.server_under_test.peers import Peer, Refused
from tests.servers import Server, start_server


@pytest.fixture(params=[*MODES, *(name for name in FOREIGN if name not in ("netty-socketio", "node-2"))])
def url(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> str:
    return running(request.param).url


@pytest.fixture(params=["/", "/custom"])
def namespace(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_client_is_told_what_it_authenticated_with(url: str, namespace: str) -> None:
    with Peer(url) as peer:
        peer.connect(namespace, {"a": [1]})
        assert peer.expect("auth", namespace=namespace) == [{"a": [1]}]


def test_a_client_without_authentication_is_told_an_empty_object(url: str, namespace: str) -> None:
    with Peer(url, namespace) as peer:
        assert peer.expect("auth", namespace=namespace) == [{}]


def test_reject_refuses_everybody(url: str) -> None:
    data = {"data": {"code": "E_AUTH"}} if can(url, "connect_error_data") else {}
    with Peer(url) as peer:
        assert refusal(peer, "/reject") == {"message": "not authorized", **data}


def test_auth_wants_its_token(url: str) -> None:
    with Peer(url) as peer:
        assert refusal(peer, "/auth")["message"] == "bad token"
        assert refusal(peer, "/auth", {"token": "bad"})["message"] == "bad token"
        peer.connect("/auth", {"token": "good"})
        assert peer.expect("auth", namespace="/auth") == [{"token": "good"}]


def test_other_namespaces_are_unknown(url: str) -> None:
    with Peer(url) as peer, pytest.raises(Refused):
        peer.connect("/unknown")


def refusal(peer: Peer, namespace: str, auth: Any = None) -> Any:
    with pytest.raises(Refused) as refused:
        peer.connect(namespace, auth)
    return refused.value.data


def test_a_message_comes_back(url: str, namespace: str) -> None:
    arguments = ["text", 1, None, {"nested": [b"\x00\x01", "é"]}, b"\x02"]
    with Peer(url, namespace) as peer:
        peer.emit("message", *arguments, namespace=namespace)
        assert peer.expect("message-back", namespace=namespace) == arguments


def test_a_message_without_arguments_comes_back_without_any(url: str) -> None:
    with Peer(url, "/") as peer:
        peer.emit("message", namespace="/")
        assert peer.expect("message-back", namespace="/") == []


def test_a_message_with_ack_is_acknowledged_with_its_arguments(url: str, namespace: str) -> None:
    with Peer(url, namespace) as peer:
        arguments = ["text", [1, 2], {"a": b"\x00"}]
        assert peer.call("message-with-ack", *arguments, namespace=namespace) == arguments
        assert peer.call("message-with-ack", namespace=namespace) == []


def test_join_and_leave_answer_the_rooms(url: str, namespace: str) -> None:
    with Peer(url, namespace) as peer:
        assert peer.call("join", "b", namespace=namespace) == [["b"]]
        assert peer.call("join", "a", namespace=namespace) == [["a", "b"]]
        assert peer.call("leave", "b", namespace=namespace) == [["a"]]


def test_to_leaves_out_the_sender_and_in_does_not(url: str, namespace: str) -> None:
    with (
        Peer(url, namespace) as sender,
        Peer(url, namespace) as member,
        Peer(url, namespace) as outsider,
    ):
        for peer in (sender, member):
            peer.call("join", "room", namespace=namespace)
        sender.emit("to", "room", "first", 1, b"\x01", namespace=namespace)
        sender.emit("in", "room", "second", 2, namespace=namespace)
        assert member.expect("first", namespace=namespace) == [1, b"\x01"]
        assert member.expect("second", namespace=namespace) == [2]
        assert sender.expect("second", namespace=namespace) == [2]
        outsider.call("join", "elsewhere", namespace=namespace)
        assert names(sender, namespace) == {"auth"}
        assert names(outsider, namespace) == {"auth"}


def test_broadcast_leaves_out_the_sender_and_all_does_not(url: str, namespace: str) -> None:
    other_namespace = "/custom" if namespace == "/" else "/"
    with Peer(url, namespace, other_namespace) as sender, Peer(url, namespace, other_namespace) as other:
        sender.emit("broadcast", "first", 1, namespace=namespace)
        sender.emit("all", "second", 2, namespace=namespace)
        assert other.expect("first", namespace=namespace) == [1]
        assert other.expect("second", namespace=namespace) == [2]
        assert sender.expect("second", namespace=namespace) == [2]
        assert names(sender, namespace) == {"auth"}
        assert names(other, other_namespace) == {"auth"}


def test_ask_tells_what_was_answered(url: str, namespace: str) -> None:
    with Peer(url, namespace) as peer:
        peer.emit("ask", "question", 1, namespace=namespace)
        question = peer.expect_packet("question", namespace=namespace)
        assert question.data == ["question", 1]
        peer.answer(question, "yes", None)
        assert peer.expect("asked", namespace=namespace) == ["yes", None]


def test_burst_keeps_its_order(url: str) -> None:
    with Peer(url, "/") as peer:
        peer.emit("burst", 100, 3, namespace="/")
        assert [peer.expect("b", namespace="/") for _ in range(100)] == [[i, "xxx"] for i in range(100)]


def test_kick_ends_one_namespace(url: str) -> None:
    with Peer(url, "/", "/custom") as peer:
        peer.emit("kick", namespace="/custom")
        peer.expect_disconnect("/custom")
        assert peer.call("message-with-ack", "still here", namespace="/") == ["still here"]


def test_kick_all_closes_the_session(url: str) -> None:
    with Peer(url, "/", "/custom") as peer:
        peer.emit("kick-all", namespace="/custom")
        if can(url, "kick_all"):
            peer.expect_close()
        else:
            # A library that has no way to close a session leaves it alone.
            assert peer.call("message-with-ack", "still here", namespace="/") == ["still here"]


def can(url: str, capability: str) -> bool:
    """Whether the server has it: it says so where it has not."""
    with urlopen(f"{url}/about") as answer:
        return bool(json.load(answer).get("capabilities", {}).get(capability, True))


def names(peer: Peer, namespace: str) -> set[str]:
    """What came and was not asked for."""
    return {data[0] for data in peer.unread(namespace) if isinstance(data, list)}


def test_events_of_the_connect_handler_come_first_unless_always_connect() -> None:
    with start_server("threading", always_connect=True) as server, Peer(server.url) as peer:
        assert server.about["always_connect"] is True
        peer.connect("/", {"a": 1})
        assert peer.unread("/") == []
        assert peer.expect("auth", namespace="/") == [{"a": 1}]
    with start_server("threading") as server, Peer(server.url) as peer:
        assert server.about["always_connect"] is False
        peer.connect("/", {"a": 1})
        assert peer.unread("/") == [["auth", {"a": 1}]]
