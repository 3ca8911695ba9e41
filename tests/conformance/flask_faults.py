"""Single breaks of Flask-SocketIO, and of the applications that show what it does.

Each entry of `FAULTS` is done to a forked process before it serves (flask_fault_servers.py); `CASES` says
which cases notice it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import flask
import flask_socketio
from socketio.exceptions import TimeoutError as CallTimeout
from socketio.packet import ACK, BINARY_ACK, Packet

from server_under_test.flask_contract import connecting, emitting
from server_under_test.flask_contract.classes import ClassNamespace
from server_under_test.flask_contract.extensions import options_socketio, socketio

Break = Callable[[], Any]


def nothing(*arguments: Any, **named: Any) -> None:
    """Stands in for what is taken away."""


def wrapped(find: Callable[[], Any], name: str, wrapper: Callable[..., Any]) -> Break:
    """`wrapper(original, *arguments)` takes the place of an attribute. What owns it is found in the fork."""
    return lambda: setattr(find(), name, partial(wrapper, getattr(find(), name)))


def replaced(find: Callable[[], Any], name: str, value: Any) -> Break:
    return lambda: setattr(find(), name, value)


def handled_by(namespace: str, event: str, handler: Callable[..., Any]) -> Break:
    """Another function in the application for this event."""
    return lambda: socketio.on_event(event, handler, namespace=namespace)


def handler_wrapped(namespace: str, event: str, wrapper: Callable[..., Any]) -> Break:
    """Around what Flask-SocketIO registered with python-socketio."""

    def do() -> None:
        handlers = socketio.server.handlers[namespace]
        handlers[event] = partial(wrapper, handlers[event])

    return do


def forgotten(namespace: str, event: str, server: Any = socketio) -> Break:
    return lambda: server.server.handlers[namespace].pop(event)


def server() -> Any:
    return socketio.server


def manager() -> Any:
    return socketio.server.manager


def engine() -> Any:
    return socketio.server.eio


def options_server() -> Any:
    return options_socketio.server


def options_engine() -> Any:
    return options_socketio.server.eio


def this(owner: Any) -> Callable[[], Any]:
    return lambda: owner


def triggered(change: Callable[[str, Callable[[], Any]], Any], find: Callable[[], Any] = server) -> Break:
    """`change(event, run)` decides what comes of running the handlers of an event."""

    def wrapper(original: Callable[..., Any], event: str, namespace: str, *arguments: Any) -> Any:
        return change(event, lambda: original(event, namespace, *arguments))

    return wrapped(find, "_trigger_event", wrapper)


def returned(change: Callable[[Any], Any], *events: str, find: Callable[[], Any] = server) -> Break:
    """What handlers return is changed; for all events where none is named."""

    def decide(event: str, run: Callable[[], Any]) -> Any:
        value = run()
        return change(value) if not events or event in events else value

    return triggered(decide, find)


# Connect


def no_failure(event: str, run: Callable[[], Any]) -> Any:
    """An exception of a connect handler refuses, one of another handler is acknowledged."""
    try:
        return run()
    except connecting.ConnectionRefusedError:
        raise
    except Exception:
        return False if event == "connect" else None


def no_type_error(event: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except TypeError as error:
        raise RuntimeError(str(error)) from None


def twice(event: str, run: Callable[[], Any]) -> Any:
    if event == "connect":
        run()
    return run()


def refuse_with(change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Break:
    original = connecting.ConnectionRefusedError
    return replaced(
        this(connecting), "ConnectionRefusedError", lambda *arguments: original(*change(arguments))
    )


def run_once(auth: Any = None) -> None:
    connecting.emit("running", {"auth": auth})
    raise RuntimeError("not about the arguments")


def refuse_as_socketio() -> None:
    raise connecting.ConnectionRefusedError("nope")


def connect_with_data(change: Callable[[Any], Any]) -> Break:
    return wrapped(
        server,
        "_handle_connect",
        lambda original, eio_sid, namespace, data: original(eio_sid, namespace, change(data)),
    )


def connect_anew(original: Callable[..., Any], eio_sid: str, namespace: str | None, data: Any) -> None:
    """A second CONNECT takes the place of the first."""
    first = manager().sid_from_eio_sid(eio_sid, namespace or "/")
    if first is not None:
        server().disconnect(first, namespace)
    original(eio_sid, namespace, data)


def connect_by_event(
    original: Callable[..., Any], eio_sid: str, namespace: str, ack_id: int, data: Any
) -> None:
    if manager().sid_from_eio_sid(eio_sid, namespace or "/") is None:
        server()._handle_connect(eio_sid, namespace, None)
    original(eio_sid, namespace, ack_id, data)


# Disconnect


def another_reason(original: Callable[..., Any], event: str, namespace: str, *arguments: Any) -> Any:
    if event == "disconnect":
        arguments = (*arguments[:-1], "another reason")
    return original(event, namespace, *arguments)


def no_ack_after_the_end(original: Callable[..., Any], eio_sid: str, packet: Any) -> None:
    gone = manager().sid_from_eio_sid(eio_sid, packet.namespace or "/") is None
    if not (gone and packet.packet_type in (ACK, BINARY_ACK)):
        original(eio_sid, packet)


def leave_with_the_session(original: Callable[..., Any], eio_sid: str, *arguments: Any) -> None:
    original(eio_sid, *arguments)
    engine().disconnect(eio_sid)


def disconnect_the_session(original: Callable[..., Any], sid: str, namespace: str) -> None:
    eio_sid = manager().eio_sid_from_sid(sid, namespace)
    original(sid, namespace=namespace)
    engine().disconnect(eio_sid)


def raise_no_type_error(original: Callable[..., Any], *arguments: Any) -> Any:
    return no_type_error("", lambda: original(*arguments))


def reason_needed(original: Callable[..., Any], sid: str, *reason: str) -> Any:
    return original(sid, *reason) if reason else None


def no_words_while_leaving(
    original: Callable[..., Any], event: str, data: Any, namespace: str, **named: Any
) -> None:
    leaving = manager().pending_disconnect.values()
    if not any(named.get("room") in sids for sids in leaving):
        original(event, data, namespace, **named)


# Emitting


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


# Rooms


def leave_by_joining(original: Callable[..., Any], sid: str, namespace: str, room: str, **named: Any) -> None:
    if room in manager().get_rooms(sid, namespace):
        manager().leave_room(sid, namespace, room)
    else:
        original(sid, namespace, room, **named)


def never_leave_oneself(original: Callable[..., Any], sid: str, namespace: str, room: str) -> None:
    if room != sid:
        original(sid, namespace, room)


def emit_next_door(original: Callable[..., Any], event: str, data: Any, namespace: str, **named: Any) -> None:
    original(event, data, namespace, **named)
    if namespace == "/rooms":
        original(event, data, "/rooms-too", **named)


def keep_rooms() -> None:
    """Who connects again is in the rooms of before."""
    kept: dict[str, list[str]] = {}

    def disconnect(original: Callable[..., Any], sid: str, namespace: str, **named: Any) -> Any:
        eio_sid = manager().eio_sid_from_sid(sid, namespace)
        kept[eio_sid] = [room for room in manager().get_rooms(sid, namespace) if room != sid]
        return original(sid, namespace, **named)

    def pre_connect(original: Callable[..., Any], eio_sid: str, namespace: str) -> Any:
        sid = original(eio_sid, namespace)
        for room in kept.get(eio_sid, []):
            manager().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
        return sid

    wrapped(manager, "disconnect", disconnect)()
    wrapped(manager, "pre_connect", pre_connect)()


# Asking


def run_again(original: Callable[..., Any], sid: str, ack_id: int, data: Any) -> None:
    callback = manager().callbacks.get(sid, {}).get(ack_id)
    original(sid, ack_id, data)
    if callback is not None and ack_id:
        manager().callbacks[sid][ack_id] = callback


def no_callback_for_all(
    original: Callable[..., Any], event: str, data: Any, namespace: str, **named: Any
) -> None:
    if named.get("room") is None:
        named["callback"] = None
    original(event, data, namespace, **named)


def give_up_silently(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    try:
        return original(*values, **named)
    except CallTimeout:
        return None


# Handlers


def another_name(
    original: Callable[..., Any], handler: Any, message: str, namespace: str, sid: str, *arguments: Any
) -> Any:
    name = message if message in ("connect", "disconnect", None) else f"not {message}"
    return original(handler, name, namespace, sid, *arguments)


def class_first(original: Callable[..., Any], event: str, namespace: str, arguments: Any) -> Any:
    handler = server().namespace_handlers.get(namespace)
    if handler is not None and hasattr(handler, f"on_{event}"):
        return None, arguments
    return original(event, namespace, arguments)


class EmptySession(flask_socketio._ManagedSession):  # type: ignore[misc, name-defined]
    """A copy of the session that leaves everything out."""

    def __init__(self, values: Any) -> None:
        super().__init__()


def another_error() -> Break:
    return replaced(this(flask_socketio), "ConnectionRefusedError", type("Other", (Exception,), {}))


# Name of the fault: what it does, and the cases that notice it (without `test_flask_`).
FAULTS: dict[str, tuple[Break, tuple[str, ...]]] = {
    "connect-false-in-python-refuses": (
        returned(lambda value: None if value is None else bool(value), "connect"),
        ("accepts_whatever_connect_returns_but_false",),
    ),
    "connect-false-accepts": (
        returned(lambda value: None, "connect"),
        ("refuses_where_connect_returns_false",),
    ),
    "refusal-has-no-data": (
        refuse_with(lambda values: values[:1]),
        ("refuses_with_what_the_exception_says",),
    ),
    "refusal-has-a-text-of-its-own": (
        refuse_with(lambda values: values or ("other",)),
        ("refuses_without_arguments_as_by_false",),
    ),
    "pythons-refusal-keeps-its-text": (
        handled_by("/refuses-builtin", "connect", refuse_as_socketio),
        ("refuses_by_the_exception_of_python",),
    ),
    "failures-are-answered": (
        triggered(no_failure),
        ("leaves_a_connect_that_fails_unanswered", "acknowledges_nothing_where_the_handler_raises"),
    ),
    "error-handler-cannot-refuse": (
        lambda: socketio.exception_handlers.update({"/raises-handled": nothing}),
        ("lets_an_error_handler_decide_on_a_connect",),
    ),
    "type-error-runs-fewer": (
        triggered(no_type_error),
        ("runs_connect_four_times_for_a_type_error",),
    ),
    "type-error-runs-once": (
        handled_by("/type-error", "connect", run_once),
        ("runs_connect_twice_for_a_type_error_with_auth",),
    ),
    "auth-is-lost": (connect_with_data(nothing), ("gives_connect_the_auth_of_the_client",)),
    "auth-is-an-object": (
        connect_with_data(lambda data: data if isinstance(data, dict) else None),
        ("gives_connect_whatever_json_the_client_sends",),
    ),
    "connect-runs-twice": (triggered(twice), ("takes_a_connect_handler_without_auth",)),
    "every-namespace-exists": (
        replaced(server, "namespaces", "*"),
        ("refuses_a_namespace_without_handlers",),
    ),
    "namespace-of-functions-is-unknown": (
        lambda: server().handlers.pop("/acks"),
        ("has_namespaces_of_functions_and_classes",),
    ),
    "connect-is-answered-first": (
        replaced(server, "always_connect", True),
        ("sends_what_connect_emits_before_the_answer",),
    ),
    "connect-is-answered-last": (
        replaced(options_server, "always_connect", False),
        ("answers_first_with_always_connect",),
    ),
    "disconnect-ends-a-connect": (
        replaced(manager, "can_disconnect", lambda *arguments: True),
        ("ignores_a_disconnect_inside_connect",),
    ),
    "second-connect-replaces": (
        wrapped(server, "_handle_connect", connect_anew),
        ("refuses_a_second_connect",),
    ),
    "event-connects": (
        wrapped(server, "_handle_event", connect_by_event),
        ("ignores_an_event_before_connect",),
    ),
    "reason-is-another": (
        wrapped(server, "_trigger_event", another_reason),
        (
            "reason_of_a_disconnect_packet",
            "reason_of_a_close_packet",
            "reason_of_a_disconnect_by_the_server",
            "reason_of_a_closed_websocket",
            "reason_of_a_silent_client",
        ),
    ),
    "no-ack-after-disconnect": (
        wrapped(server, "_send_packet", no_ack_after_the_end),
        ("acknowledges_after_the_disconnect",),
    ),
    "disconnect-packet-ends-the-session": (
        wrapped(server, "_handle_disconnect", leave_with_the_session),
        ("takes_a_client_back_after_its_disconnect",),
    ),
    "disconnect-ends-the-session": (
        wrapped(server, "disconnect", disconnect_the_session),
        ("takes_a_client_back_that_it_disconnected",),
    ),
    "disconnect-runs-once": (
        handler_wrapped("/leave-type-error", "disconnect", raise_no_type_error),
        ("runs_disconnect_twice_for_a_type_error",),
    ),
    "disconnect-needs-its-reason": (
        handler_wrapped("/leave-without-reason", "disconnect", reason_needed),
        ("takes_a_disconnect_handler_without_reason",),
    ),
    "end-misses-a-namespace": (
        wrapped(manager, "get_namespaces", lambda original: [n for n in original() if n != "/leave-too"]),
        ("tells_each_namespace_once_of_the_end",),
    ),
    "leaving-client-hears-nothing": (
        wrapped(manager, "emit", no_words_while_leaving),
        ("sends_what_a_disconnect_handler_emits_to_its_client",),
    ),
    "tuple-is-acked-as-a-list": (
        returned(lambda value: list(value) if isinstance(value, tuple) else value),
        ("acknowledges_with_what_the_handler_returns",),
    ),
    "bytes-are-acked-as-text": (
        returned(lambda value: value.hex() if isinstance(value, bytes) else value),
        ("acknowledges_with_bytes",),
    ),
    "ack-without-an-id": (
        wrapped(
            server,
            "_handle_event",
            lambda original, eio_sid, namespace, ack_id, data: original(
                eio_sid, namespace, 99 if ack_id is None else ack_id, data
            ),
        ),
        ("acknowledges_nothing_without_an_id",),
    ),
    "error-handler-returns-nothing": (
        lambda: socketio.exception_handlers.update({"/handled": nothing}),
        ("acknowledges_with_what_the_error_handler_returns",),
    ),
    "unknown-event-is-acked": (
        returned(lambda value: None if value is server().not_handled else value),
        ("acknowledges_nothing_without_a_function",),
    ),
    "class-does-not-ack-unknown-events": (
        wrapped(
            this(ClassNamespace),
            "trigger_event",
            lambda original, *arguments: server().not_handled,
        ),
        ("acknowledges_without_a_method",),
    ),
    "no-catch-all": (
        forgotten("/catch-all", "*"),
        ("acknowledges_with_what_the_catch_all_returns",),
    ),
    "id-zero-is-no-id": (
        wrapped(
            server,
            "_handle_event",
            lambda original, eio_sid, namespace, ack_id, data: original(
                eio_sid, namespace, ack_id or None, data
            ),
        ),
        ("acknowledges_ids_as_numbers",),
    ),
    "lost-client-is-acked-without-arguments": (
        returned(lambda value: None if value == ("", 400) else value, find=options_server),
        ("acknowledges_a_client_it_does_not_find",),
    ),
    "any-number-of-arguments-with-error-handler": (
        handled_by("/handled", "two arguments", lambda *values: list(values)),
        ("takes_the_wrong_number_of_arguments_for_an_error",),
    ),
    "any-number-of-arguments": (
        handled_by("/acks", "two arguments", lambda *values: list(values)),
        ("acknowledges_nothing_for_the_wrong_number_of_arguments",),
    ),
    "callback-gets-one-argument": (
        wrapped(manager, "trigger_callback", lambda original, sid, n, data: original(sid, n, data[:1])),
        ("runs_the_callback_with_what_the_client_answers",),
    ),
    "question-uses-two-ids": (
        wrapped(
            manager,
            "_generate_ack_id",
            lambda original, sid, callback: (original(sid, callback), original(sid, callback))[1],
        ),
        ("numbers_its_questions_from_one",),
    ),
    "callback-runs-again": (
        wrapped(manager, "trigger_callback", run_again),
        ("ignores_a_second_answer_and_one_to_nothing",),
    ),
    "broadcast-asks-nothing": (
        wrapped(manager, "emit", no_callback_for_all),
        ("runs_the_callback_of_a_broadcast_for_each",),
    ),
    "call-returns-a-list": (
        wrapped(server, "call", lambda original, *values, **named: [original(*values, **named)]),
        ("call_returns_what_the_client_answers",),
    ),
    "call-ends-silently": (wrapped(server, "call", give_up_silently), ("call_gives_up",)),
    "options-run-handlers-at-once": (
        replaced(options_server, "async_handlers", True),
        ("call_needs_handlers_that_run_at_once", "runs_the_handlers_of_a_client_in_turn"),
    ),
    "handlers-run-in-turn": (
        replaced(server, "async_handlers", False),
        ("serves_other_events_while_call_waits", "runs_the_handlers_of_a_client_at_once"),
    ),
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
    "event-has-another-name": (
        wrapped(this(socketio), "_handle_event", another_name),
        ("request_tells_who_sent_what_where", "request_of_a_catch_all"),
    ),
    "class-comes-first": (
        wrapped(server, "_get_event_handler", class_first),
        (
            "prefers_a_function_to_a_class",
            "prefers_a_catch_all_to_a_class",
            "prefers_a_handler_for_every_namespace_to_a_class",
        ),
    ),
    "catch-all-gets-connect": (replaced(server, "reserved_events", []), ("gives_no_catch_all_a_connect",)),
    "no-connect-for-every-namespace": (
        forgotten("*", "connect", options_socketio),
        ("gives_a_handler_for_every_namespace_a_connect",),
    ),
    "on-event-registers-nothing": (forgotten("/handlers", "plain"), ("registers_handlers_in_three_ways",)),
    "default-error-handler-for-all": (
        lambda: options_socketio.exception_handlers.pop("/handled"),
        ("prefers_the_error_handler_of_the_namespace",),
    ),
    "refusal-is-an-error": (another_error(), ("shows_no_error_handler_a_refusal",)),
    "class-handles-no-errors": (
        lambda: delattr(ClassNamespace, "error"),
        ("lets_a_class_handle_its_errors",),
    ),
    "own-room-is-not-listed": (
        wrapped(
            manager, "get_rooms", lambda original, sid, *rest: [r for r in original(sid, *rest) if r != sid]
        ),
        ("puts_a_client_into_the_room_of_its_id",),
    ),
    "own-room-comes-first": (
        wrapped(
            manager,
            "get_rooms",
            lambda original, sid, *rest: sorted(original(sid, *rest), key=lambda room: room != sid),
        ),
        ("lists_rooms_in_the_order_they_came_to_be",),
    ),
    "joining-again-leaves": (
        wrapped(manager, "enter_room", leave_by_joining),
        ("joins_and_leaves_once_and_again",),
    ),
    "room-is-never-closed": (replaced(server, "close_room", nothing), ("closes_a_room_for_all",)),
    "rooms-of-ids-are-free": (
        replaced(manager, "is_sid_room", lambda *arguments: False),
        ("reserves_the_rooms_of_ids",),
    ),
    "own-room-is-never-left": (
        wrapped(manager, "leave_room", never_leave_oneself),
        ("loses_a_client_that_left_its_own_room",),
    ),
    "rooms-span-namespaces": (
        wrapped(manager, "emit", emit_next_door),
        ("keeps_the_rooms_of_namespaces_apart",),
    ),
    "rooms-are-kept": (keep_rooms, ("takes_a_client_out_of_its_rooms_when_it_leaves",)),
    "session-begins-empty": (
        replaced(this(flask_socketio), "_ManagedSession", EmptySession),
        ("events_see_the_session_of_the_handshake",),
    ),
    "session-is-not-managed": (
        replaced(this(socketio), "manage_session", False),
        ("events_keep_a_session_of_their_own",),
    ),
    "session-is-managed": (
        replaced(this(options_socketio), "manage_session", True),
        ("session_in_a_cookie_is_frozen_unmanaged",),
    ),
    "grace-period-is-not-told": (
        replaced(options_engine, "ping_interval_grace_period", 0),
        ("adds_the_grace_period_to_the_ping_interval",),
    ),
    "buffer-size-is-another": (
        replaced(options_engine, "max_http_buffer_size", 1_000_000),
        ("tells_the_buffer_size",),
    ),
    "no-cookie": (replaced(options_engine, "cookie", None), ("sets_a_cookie_where_it_is_named",)),
    "threshold-is-higher": (
        replaced(engine, "compression_threshold", 100_000),
        ("compresses_polls_beyond_the_threshold",),
    ),
    "every-origin-is-taken": (
        replaced(engine, "cors_allowed_origins", "*"),
        ("takes_its_own_origin_only",),
    ),
    "origins-of-the-list-are-not-enough": (
        replaced(options_engine, "cors_allowed_origins", "*"),
        ("takes_the_origins_of_its_list",),
    ),
    "upgrade-is-offered": (
        replaced(options_engine, "allow_upgrades", True),
        ("offers_no_upgrade_where_it_allows_none",),
    ),
    "path-is-another": (
        lambda: setattr(options_socketio.sockio_mw, "engineio_path", "/socket.io/"),
        ("serves_at_its_path",),
    ),
    "namespaces-are-named": (
        replaced(options_server, "namespaces", ["/"]),
        ("takes_every_namespace_where_it_is_told",),
    ),
}

# Each case with the faults that it notices.
CASES: dict[str, tuple[str, ...]] = {
    f"test_flask_{case}": tuple(name for name, (_, cases) in FAULTS.items() if case in cases)
    for _, noticing in FAULTS.values()
    for case in noticing
}
