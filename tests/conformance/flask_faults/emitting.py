"""emit() and send(): values, receivers, and where they are called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import flask
from socketio.packet import Packet

from server_under_test.reference.flask_contract import emitting
from server_under_test.reference.flask_contract.classes import ClassNamespace
from server_under_test.reference.flask_contract.extensions import socketio
from tests.conformance.flask_faults.breaking import Break, Faults, manager, nothing, replaced, this, wrapped


def emit_without(*names: str) -> Break:
    """emit() and send() in the handlers forget arguments."""

    def forget(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
        return original(*values, **{key: value for key, value in named.items() if key not in names})

    def do() -> None:
        for function in ("emit", "send"):
            wrapped(this(emitting), function, forget)()

    return do


def emit_with(**more: Any) -> Break:
    return wrapped(
        this(emitting), "emit", lambda original, *values, **named: original(*values, **{**named, **more})
    )


def managed_emit(change: Callable[[Any], Any]) -> Break:
    """The data of each event is changed on its way to the packet."""
    return wrapped(
        manager,
        "emit",
        lambda original, event, data, *rest, **named: original(event, change(data), *rest, **named),
    )


def skip_both(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    if named.get("include_self", True) is False and named.get("skip_sid"):
        named |= {"include_self": True, "skip_sid": [named["skip_sid"], flask.request.sid]}
    return original(*values, **named)


def one_by_one(original: Callable[..., Any], namespace: str, room: Any) -> Iterator[Any]:
    for name in room if isinstance(room, list) else [room]:
        yield from original(namespace, name)


def everybody_in_unknown_rooms(original: Callable[..., Any], namespace: str, room: Any) -> Iterator[Any]:
    known = manager().rooms.get(namespace, {})
    yield from original(namespace, room if isinstance(room, list) or room in known else None)


def nobody_where_empty(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    return None if "to" in named and not named["to"] else original(*values, **named)


def namespace_of_the_case(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    return original(*values, **{"namespace": "/emit", **named})


def silent_in_routes(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    in_route = flask.has_request_context() and not hasattr(flask.request, "sid")
    return None if in_route else original(*values, **named)


def written_by(**options: Any) -> Break:
    """Another JSON module for packets."""
    module = SimpleNamespace(
        dumps=lambda *values, **named: json.dumps(*values, **{**named, **options}), loads=json.loads
    )
    return replaced(this(Packet), "json", module)


def class_emit_to_the_sender(self: Any, event: str, data: Any = None) -> None:
    self.socketio.emit(event, data, to=flask.request.sid, namespace=self.namespace)


def skip_the_first_only(
    original: Callable[..., Any], event: str, data: Any, namespace: str, **named: Any
) -> None:
    if isinstance(named.get("skip_sid"), list):
        named["skip_sid"] = named["skip_sid"][0]
    original(event, data, namespace, **named)


def nobody_by_id(original: Callable[..., Any], namespace: str, room: Any) -> Iterator[Any]:
    everybody = manager().rooms.get(namespace, {}).get(None, {})
    # Who answers is addressed by its id as well.
    if namespace != "/emit" or room not in everybody or flask.request.sid == room:
        yield from original(namespace, room)


def first_room_only(original: Callable[..., Any], namespace: str, room: Any) -> Iterator[Any]:
    yield from original(namespace, room[:1] if isinstance(room, list) else room)


def nobody_where_zero(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    return None if named.get("to") == 0 else original(*values, **named)


def to_all_in_routes(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    if flask.has_request_context() and not hasattr(flask.request, "sid"):
        named.pop("to", None)
    return original(*values, **named)


def count_down(event: str, last: int, sid: str, namespace: str) -> None:
    for number in range(last, 0, -1):
        socketio.emit(event, number, to=sid, namespace=namespace)


FAULTS: Faults = {
    "tuple-is-one-argument": (
        managed_emit(lambda data: list(data) if isinstance(data, tuple) else data),
        ("emits_values_as_arguments",),
    ),
    "none-is-an-argument": (
        managed_emit(lambda data: (None,) if data is None else data),
        ("drops_none_unless_a_tuple_holds_it",),
    ),
    "text-is-not-escaped": (written_by(ensure_ascii=False), ("writes_json_as_python_does",)),
    "json-lacks-the-number": (
        written_by(allow_nan=False),
        ("writes_a_number_that_json_lacks_as_python_does",),
    ),
    "bytes-are-no-attachments": (
        managed_emit(lambda data: data.hex() if isinstance(data, bytes) else data),
        ("emits_bytes_as_attachments",),
    ),
    "send-forgets-json": (emit_without("json"), ("sends_unnamed_events",)),
    "reply-is-a-broadcast": (emit_with(broadcast=True), ("answers_the_sender_in_its_namespace",)),
    "broadcast-is-a-reply": (emit_without("broadcast"), ("broadcasts_to_the_namespace",)),
    "sender-is-never-left-out": (emit_without("include_self"), ("leaves_the_sender_out",)),
    "nobody-is-skipped": (emit_without("skip_sid"), ("skips_clients_by_id",)),
    "emit-skips-both": (wrapped(this(socketio), "emit", skip_both), ("emit_prefers_skip_sid",)),
    "send-skips-both": (wrapped(this(socketio), "send", skip_both), ("send_prefers_include_self",)),
    "room-is-ignored": (emit_without("to"), ("emits_to_a_room_or_a_client",)),
    "rooms-are-served-one-by-one": (
        wrapped(manager, "get_participants", one_by_one),
        ("emits_once_to_who_is_in_several_rooms",),
    ),
    "empty-target-is-nobody": (
        wrapped(this(socketio), "emit", nobody_where_empty),
        ("takes_an_empty_target_for_none",),
    ),
    "empty-target-is-nobody-in-handlers": (
        wrapped(this(emitting), "emit", nobody_where_empty),
        ("answers_the_sender_for_an_empty_target",),
    ),
    "unknown-room-is-everybody": (
        wrapped(manager, "get_participants", everybody_in_unknown_rooms),
        ("emits_to_nobody_in_an_unknown_room",),
    ),
    "room-is-no-alias": (emit_without("room"), ("takes_room_for_to",)),
    "main-namespace-is-another": (
        wrapped(this(socketio), "emit", namespace_of_the_case),
        ("emits_to_the_main_namespace_outside_of_events",),
    ),
    "class-emits-to-the-sender": (
        replaced(this(ClassNamespace), "emit", class_emit_to_the_sender),
        ("class_emits_to_all_of_its_namespace",),
    ),
    "class-emit-takes-everything": (
        replaced(this(ClassNamespace), "emit", nothing),
        ("class_emit_takes_fewer_arguments",),
    ),
    "background-task-is-silent": (replaced(this(emitting), "count", nothing), ("emits_in_the_background",)),
    "route-is-silent": (wrapped(this(socketio), "emit", silent_in_routes), ("emits_from_a_route",)),
    "none-in-a-tuple-is-dropped": (
        managed_emit(lambda data: None if data == (None,) else data),
        ("drops_none_unless_a_tuple_holds_it",),
    ),
    "list-is-several-arguments": (
        managed_emit(lambda data: tuple(data) if isinstance(data, list) else data),
        ("emits_values_as_arguments",),
    ),
    "nested-bytes-are-no-attachments": (
        managed_emit(lambda data: {"list": ["02", 1, "03"]} if isinstance(data, dict) else data),
        ("emits_bytes_as_attachments",),
    ),
    "json-has-spaces": (written_by(separators=(", ", ": ")), ("writes_json_as_python_does",)),
    "reply-crosses-namespaces": (emit_with(namespace="/emit-too"), ("answers_the_sender_in_its_namespace",)),
    "one-of-several-is-skipped": (
        wrapped(manager, "emit", skip_the_first_only),
        ("skips_clients_by_id",),
    ),
    "ids-are-no-rooms": (
        wrapped(manager, "get_participants", nobody_by_id),
        ("emits_to_a_room_or_a_client",),
    ),
    "first-of-several-rooms-only": (
        wrapped(manager, "get_participants", first_room_only),
        ("emits_once_to_who_is_in_several_rooms",),
    ),
    "zero-is-a-room": (
        wrapped(this(socketio), "emit", nobody_where_zero),
        ("takes_an_empty_target_for_none",),
    ),
    "route-emits-to-all": (wrapped(this(socketio), "emit", to_all_in_routes), ("emits_from_a_route",)),
    "background-order-is-reversed": (
        replaced(this(emitting), "count", count_down),
        ("emits_in_the_background",),
    ),
}
