"""Every feature of the Flask-SocketIO guide, one test each, in every async mode.

Each test is run a second time against a server that lacks its feature: see test_missing_features.
"""

from __future__ import annotations

import time
from typing import Any

from tests.server_under_test.peers import Peer, Refused, deadline, post

GUIDE = "/guide"
CHAT = "/chat"


# Connection events


def test_connect_handlers_run_in_each_namespace(url: str) -> None:
    with Peer(url) as peer:
        peer.connect("/test")
        assert peer.expect("my response", namespace="/test") == [{"data": "Connected"}]
        peer.connect(CHAT)
        assert peer.expect("welcome", namespace=CHAT) == ["to the chat"]


def test_disconnect_handlers_run_in_each_namespace(url: str) -> None:
    with Peer(url, "/test", CHAT) as witness, Peer(url, "/test", CHAT) as leaver:
        leaver.disconnect("/test")
        left = {"sid": leaver.socket_ids["/test"], "reason": "client disconnect"}
        assert witness.expect("left", namespace="/test") == [left]
        leaver.drop()
        assert witness.expect("gone", namespace=CHAT) == [{"sid": leaver.socket_ids[CHAT]}]


def test_returning_false_refuses_a_connection(url: str) -> None:
    with Peer(url) as peer:
        assert refusal(peer, "/members", {"member": False}) == {"message": "Connection rejected by server"}
        peer.connect("/members", {"member": True})


def test_an_exception_refuses_a_connection_with_a_reason_and_data(url: str) -> None:
    with Peer(url) as peer:
        assert refusal(peer, "/closed") == {"message": "closed for today", "data": {"opens": "tomorrow"}}


def refusal(peer: Peer, namespace: str, auth: Any = None) -> Any:
    """What the server answers instead of a connection."""
    try:
        peer.connect(namespace, auth)
    except Refused as refused:
        return refused.data
    raise AssertionError(f"{namespace} accepted the connection")


# Receiving


def test_the_unnamed_event_carries_a_string(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("message", "hello", namespace=GUIDE)
        assert peer.expect("message", namespace=GUIDE) == ["received message: hello"]


def test_the_unnamed_json_event_carries_json(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("json", {"a": [1, None]}, namespace=GUIDE)
        assert peer.expect("json", namespace=GUIDE) == [{"received json": {"a": [1, None]}}]


def test_a_custom_event_carries_a_string(url: str) -> None:
    assert response_to(url, "Grüße, 世界") == ["Grüße, 世界"]


def test_a_custom_event_carries_bytes(url: str) -> None:
    assert response_to(url, b"\x00\x01\xff") == [b"\x00\x01\xff"]


def test_a_custom_event_carries_an_integer(url: str) -> None:
    assert response_to(url, 42) == [42]


def test_a_custom_event_carries_json(url: str) -> None:
    assert response_to(url, {"list": [1, 2.5, None, True]}) == [{"list": [1, 2.5, None, True]}]


def response_to(url: str, data: Any) -> list[Any]:
    with Peer(url, GUIDE) as peer:
        peer.emit("my event", data, namespace=GUIDE)
        return peer.expect("my response", namespace=GUIDE)


def test_a_custom_event_carries_several_arguments(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("my arguments", "one", 2, {"three": 3}, namespace=GUIDE)
        assert peer.expect("my response", namespace=GUIDE) == [
            {"first": "one", "second": 2, "third": {"three": 3}}
        ]


def test_namespaces_share_a_connection_and_keep_their_events_apart(url: str) -> None:
    with Peer(url, GUIDE, "/test") as peer:
        peer.expect("my response", namespace="/test")
        peer.emit("my event", "hello", namespace="/test")
        assert peer.expect("my response", namespace="/test") == [{"in /test": "hello"}]
        peer.emit("my event", "hello", namespace=GUIDE)
        assert peer.expect("my response", namespace=GUIDE) == ["hello"]


def test_on_event_registers_a_handler_without_a_decorator(url: str) -> None:
    with Peer(url, "/test") as peer:
        peer.expect("my response", namespace="/test")
        peer.emit("my function", "hello", namespace="/test")
        assert peer.expect("my response", namespace="/test") == [{"on_event": "hello"}]


def test_a_handler_without_a_return_value_acknowledges_without_arguments(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        assert peer.call("ack nothing", namespace=GUIDE) == []


def test_a_return_value_is_the_argument_of_the_acknowledgement(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        assert peer.call("ack one", [1, 2], namespace=GUIDE) == [[1, 2]]


def test_a_returned_tuple_is_the_arguments_of_the_acknowledgement(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        assert peer.call("ack several", "three", namespace=GUIDE) == ["one", 2, "three"]


# Sending


def test_send_answers_with_the_unnamed_event(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("send it back", "hello", namespace=GUIDE)
        assert peer.expect("message", namespace=GUIDE) == ["hello"]


def test_send_with_json_answers_with_the_unnamed_json_event(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("send json back", {"a": 1}, namespace=GUIDE)
        assert peer.expect("json", namespace=GUIDE) == [{"a": 1}]


def test_emit_answers_with_a_named_event(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("emit it back", {"a": 1}, namespace=GUIDE)
        assert peer.expect("my response", namespace=GUIDE) == [{"a": 1}]


def test_send_takes_another_namespace(url: str) -> None:
    with Peer(url, GUIDE, CHAT) as peer:
        peer.emit("send to the chat", "hello", namespace=GUIDE)
        assert peer.expect("message", namespace=CHAT) == ["hello"]


def test_emit_takes_another_namespace(url: str) -> None:
    with Peer(url, GUIDE, CHAT) as peer:
        peer.emit("emit to the chat", {"a": 1}, namespace=GUIDE)
        assert peer.expect("my response", namespace=CHAT) == [{"a": 1}]


def test_an_emitted_tuple_is_several_arguments(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("emit a tuple", {"a": 1}, namespace=GUIDE)
        assert peer.expect("my response", namespace=GUIDE) == ["foo", "bar", {"a": 1}]


def test_the_callback_of_emit_gets_what_the_client_answers(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("emit with a callback", "question", namespace=GUIDE)
        question = peer.expect_packet("my response", namespace=GUIDE)
        assert question.data == ["my response", "question"]
        peer.answer(question, "yes", {"really": True})
        assert peer.expect("acknowledged", namespace=GUIDE) == ["yes", {"really": True}]


def test_the_callback_of_send_gets_what_the_client_answers(url: str) -> None:
    with Peer(url, GUIDE) as peer:
        peer.emit("send with a callback", "question", namespace=GUIDE)
        question = peer.expect_packet("message", namespace=GUIDE)
        assert question.data == ["message", "question"]
        peer.answer(question)
        assert peer.expect("acknowledged", namespace=GUIDE) == []


# Broadcasting


def test_emit_broadcasts_to_all_with_the_sender(url: str) -> None:
    with Peer(url, GUIDE) as sender, Peer(url, GUIDE) as other:
        sender.emit("my broadcast event", {"a": 1}, namespace=GUIDE)
        assert sender.expect("my response", namespace=GUIDE) == [{"a": 1}]
        assert other.expect("my response", namespace=GUIDE) == [{"a": 1}]


def test_send_broadcasts_to_all_with_the_sender(url: str) -> None:
    with Peer(url, GUIDE) as sender, Peer(url, GUIDE) as other:
        sender.emit("my broadcast message", "hello", namespace=GUIDE)
        assert sender.expect("message", namespace=GUIDE) == ["hello"]
        assert other.expect("message", namespace=GUIDE) == ["hello"]


def test_a_broadcast_may_leave_out_its_sender(url: str) -> None:
    with Peer(url, GUIDE) as sender, Peer(url, GUIDE) as other:
        sender.emit("my broadcast to others", "hello", namespace=GUIDE)
        assert other.expect("my response", namespace=GUIDE) == ["hello"]
        sender.call("ack nothing", namespace=GUIDE)
        assert sender.unread(GUIDE) == []


def test_a_broadcast_asks_for_no_acknowledgement(url: str) -> None:
    with Peer(url, GUIDE) as sender, Peer(url, GUIDE) as other:
        sender.emit("my broadcast event", "hello", namespace=GUIDE)
        assert other.expect_packet("my response", namespace=GUIDE).ack_id is None
        assert sender.expect_packet("my response", namespace=GUIDE).ack_id is None


# Events that the server starts


def test_a_background_task_emits_to_all(url: str) -> None:
    with Peer(url, GUIDE) as starter, Peer(url, GUIDE) as other:
        starter.emit("start counting", 3, namespace=GUIDE)
        for peer in (starter, other):
            counted = [peer.expect("counted", namespace=GUIDE) for _ in range(3)]
            assert counted == [[{"data": 1}], [{"data": 2}], [{"data": 3}]]


def test_a_background_task_sends_to_all(url: str) -> None:
    with Peer(url, GUIDE) as starter, Peer(url, GUIDE) as other:
        starter.emit("start counting", 0, namespace=GUIDE)
        assert starter.expect("message", namespace=GUIDE) == ["counted to the end"]
        assert other.expect("message", namespace=GUIDE) == ["counted to the end"]


def test_an_http_route_emits_to_all(url: str) -> None:
    with Peer(url, GUIDE) as one, Peer(url, GUIDE) as other:
        assert post(url + "/emit", {"event": "news", "data": {"a": 1}, "namespace": GUIDE}) == 202
        assert one.expect("news", namespace=GUIDE) == [{"a": 1}]
        assert other.expect("news", namespace=GUIDE) == [{"a": 1}]


def test_an_http_route_sends_to_all(url: str) -> None:
    with Peer(url, GUIDE) as one, Peer(url, GUIDE) as other:
        assert post(url + "/send", {"data": "news", "namespace": GUIDE}) == 202
        assert one.expect("message", namespace=GUIDE) == ["news"]
        assert other.expect("message", namespace=GUIDE) == ["news"]


# Rooms


def test_who_joins_a_room_gets_what_is_sent_to_it(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as ben:
        enter(anna, "anna", "lounge")
        enter(ben, "ben", "lounge")
        assert anna.expect("message", namespace=CHAT) == ["ben has entered the room."]
        ben.emit("say", {"room": "lounge", "text": "hi"}, namespace=CHAT)
        assert anna.expect("said", namespace=CHAT) == ["hi"]


def test_who_is_not_in_a_room_gets_nothing_of_it(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as outsider:
        enter(anna, "anna", "kitchen")
        anna.emit("say", {"room": "kitchen", "text": "hi"}, namespace=CHAT)
        assert anna.expect("said", namespace=CHAT) == ["hi"]
        anna.call("who is here", "kitchen", namespace=CHAT)
        assert outsider.call("who is here", "kitchen", namespace=CHAT) == [[anna.socket_ids[CHAT]]]
        assert ["said", "hi"] not in outsider.unread(CHAT)


def test_who_leaves_a_room_gets_nothing_more_of_it(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as ben:
        enter(anna, "anna", "garden")
        enter(ben, "ben", "garden")
        ben.emit("leave", {"username": "ben", "room": "garden"}, namespace=CHAT)
        assert anna.expect("message", namespace=CHAT) == ["ben has entered the room."]
        assert anna.expect("message", namespace=CHAT) == ["ben has left the room."]
        anna.emit("say", {"room": "garden", "text": "hi"}, namespace=CHAT)
        assert anna.expect("said", namespace=CHAT) == ["hi"]
        anna.call("who is here", "garden", namespace=CHAT)
        ben.call("who is here", "garden", namespace=CHAT)
        assert ["said", "hi"] not in ben.unread(CHAT)


def test_every_client_has_a_room_of_its_own_named_by_its_id(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as ben, Peer(url, CHAT) as outsider:
        anna.emit("whisper", {"sid": ben.socket_ids[CHAT], "text": "psst"}, namespace=CHAT)
        assert ben.expect("whispered", namespace=CHAT) == [{"from": anna.socket_ids[CHAT], "text": "psst"}]
        outsider.call("who is here", "nowhere", namespace=CHAT)
        assert [data[0] for data in outsider.unread(CHAT)] == ["welcome"]


def test_a_callback_asks_one_client_on_behalf_of_another(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as ben:
        anna.emit("ask somebody", {"sid": ben.socket_ids[CHAT], "text": "ready?"}, namespace=CHAT)
        question = ben.expect_packet("asked", namespace=CHAT)
        ben.answer(question, "in", 5)
        assert anna.expect("answered", namespace=CHAT) == ["in", 5]


def test_who_disconnects_leaves_its_rooms(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as ben:
        enter(anna, "anna", "cellar")
        enter(ben, "ben", "cellar")
        both = sorted([anna.socket_ids[CHAT], ben.socket_ids[CHAT]])
        assert anna.call("who is here", "cellar", namespace=CHAT) == [both]
        ben.drop()
        anna.expect("gone", namespace=CHAT)
        wait_until_alone(anna, "cellar")


def test_a_background_task_emits_to_a_room(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as outsider:
        enter(anna, "anna", "attic")
        anna.emit("announce later", {"room": "attic", "text": "dinner"}, namespace=CHAT)
        assert anna.expect("announced", namespace=CHAT) == ["dinner"]
        assert anna.expect("message", namespace=CHAT) == ["dinner"]
        outsider.call("who is here", "attic", namespace=CHAT)
        assert [data[0] for data in outsider.unread(CHAT)] == ["welcome"]


def test_an_http_route_emits_to_a_room(url: str) -> None:
    with Peer(url, CHAT) as anna, Peer(url, CHAT) as outsider:
        enter(anna, "anna", "hall")
        post(url + "/emit", {"event": "announced", "data": "dinner", "namespace": CHAT, "room": "hall"})
        assert anna.expect("announced", namespace=CHAT) == ["dinner"]
        outsider.call("who is here", "hall", namespace=CHAT)
        assert [data[0] for data in outsider.unread(CHAT)] == ["welcome"]


def enter(peer: Peer, name: str, room: str) -> None:
    """Join and wait for the greeting that everybody in the room gets."""
    peer.emit("join", {"username": name, "room": room}, namespace=CHAT)
    assert peer.expect("message", namespace=CHAT) == [f"{name} has entered the room."]


def wait_until_alone(peer: Peer, room: str) -> None:
    # The disconnect handler runs, and is heard of, just before the rooms are left.
    end = time.monotonic() + deadline.get()
    while peer.call("who is here", room, namespace=CHAT) != [[peer.socket_ids[CHAT]]]:
        assert time.monotonic() < end, f"somebody stays in {room}"
        time.sleep(0.02)


# Error handling


def test_on_error_handles_the_main_namespace(url: str) -> None:
    assert handled_error(url, "/")["by"] == "on_error()"


def test_on_error_handles_its_namespace(url: str) -> None:
    assert handled_error(url, CHAT)["by"] == "on_error('/chat')"


def test_on_error_default_handles_the_other_namespaces(url: str) -> None:
    assert handled_error(url, GUIDE)["by"] == "on_error_default"


def test_an_error_handler_gets_the_exception(url: str) -> None:
    assert handled_error(url, GUIDE)["error"] == "my error"


def test_request_event_tells_an_error_handler_what_was_sent(url: str) -> None:
    assert handled_error(url, GUIDE)["event"] == {"message": "my error event", "args": [{"a": 1}]}


def handled_error(url: str, namespace: str) -> Any:
    with Peer(url, namespace) as peer:
        peer.emit("my error event", {"a": 1}, namespace=namespace)
        return peer.expect("error handled", namespace=namespace)[0]


# Class-based namespaces


def test_a_class_handles_connect(url: str) -> None:
    with Peer(url, "/class") as peer:
        assert peer.expect("my_response", namespace="/class") == ["connected"]


def test_a_class_handles_disconnect(url: str) -> None:
    with Peer(url, "/class") as witness, Peer(url, "/class") as leaver:
        leaver.disconnect("/class")
        assert witness.expect("left", namespace="/class") == [{"sid": leaver.socket_ids["/class"]}]


def test_a_class_handles_an_event_in_the_method_of_its_name(url: str) -> None:
    with Peer(url, "/class") as peer:
        peer.expect("my_response", namespace="/class")
        peer.emit("my_event", {"a": 1}, namespace="/class")
        assert peer.expect("my_response", namespace="/class") == [{"a": 1}]


def test_a_class_ignores_an_event_that_it_has_no_method_for(url: str) -> None:
    with Peer(url, "/class") as peer:
        peer.expect("my_response", namespace="/class")
        peer.emit("no_such_event", "hello", namespace="/class")
        assert peer.call("shared", namespace="/class") == ["function"]
        peer.emit("my_event", "still here", namespace="/class")
        assert peer.expect("my_response", namespace="/class") == ["still here"]
        assert peer.unread("/class") == []


def test_a_class_emits_to_its_own_namespace(url: str) -> None:
    with Peer(url, "/class") as teller, Peer(url, "/class") as other:
        teller.emit("tell_all", "news", namespace="/class")
        assert teller.expect("told", namespace="/class") == ["news"]
        assert other.expect("told", namespace="/class") == ["news"]


def test_a_function_comes_before_a_class(url: str) -> None:
    with Peer(url, "/class") as peer:
        assert peer.call("shared", namespace="/class") == ["function"]
