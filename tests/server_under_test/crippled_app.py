"""The reference application with one feature of the guide taken away, a server process for each feature.

    python -m tests.server_under_test.crippled_app

The application is imported once; then a child is forked for each feature, takes it away, and serves.
One READY line names them: `{"urls": [], "without": {"name of the guide's test": "http://127.0.0.1:port"}}`.
The real application knows nothing of this.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import flask_socketio
from bidict import bidict
from flask import Flask
from flask_socketio import emit
from werkzeug.serving import make_server

from server_under_test.app import create_app
from server_under_test.reference import routes
from server_under_test.reference.extensions import socketio
from server_under_test.reference.guide import (
    broadcasting,
    class_namespaces,
    failures,
    rooms,
    sending,
    server_initiated,
)
from server_under_test.starting.options import Options
from tests.children import fork


def nothing(*arguments: Any, **named: Any) -> None:
    """Stands in for what is taken away."""


def without_handler(namespace: str, event: str) -> Callable[[], None]:
    return lambda: socketio.server.handlers[namespace].pop(event)


def with_handler(namespace: str, event: str, handler: Callable[..., Any]) -> Callable[[], None]:
    return lambda: socketio.on_event(event, handler, namespace=namespace)


def with_attribute(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def without_argument(module: Any, name: str, *arguments: str) -> Callable[[], None]:
    """A module's emit or send forgets arguments."""
    original = getattr(flask_socketio, name)

    def forgetful(*values: Any, **named: Any) -> Any:
        return original(*values, **{key: value for key, value in named.items() if key not in arguments})

    return with_attribute(module, name, forgetful)


def response_without(kind: type) -> Callable[[], None]:
    """The custom event answers anything but data of one type."""

    def handler(data: Any) -> None:
        emit("my response", f"a {kind.__name__}" if isinstance(data, kind) else data)

    return with_handler("/guide", "my event", handler)


def keep_rooms_after_disconnect() -> None:
    manager = socketio.server.manager
    disconnect = manager.disconnect

    def forgetful(socket_id: str, namespace: str, **named: Any) -> None:
        kept = manager.get_rooms(socket_id, namespace) or []
        disconnect(socket_id, namespace, **named)
        for room in kept:
            manager.rooms.setdefault(namespace, {}).setdefault(room, bidict())[socket_id] = "gone"

    manager.disconnect = forgetful


def no_personal_rooms() -> None:
    manager = socketio.server.manager
    connect = manager.connect

    def forgetful(eio_sid: str, namespace: str) -> str:
        socket_id: str = connect(eio_sid, namespace)
        manager.basic_leave_room(socket_id, namespace, socket_id)
        return socket_id

    manager.connect = forgetful
    # With its own room a socket loses the way to itself, also for the greeting.
    socketio.server.handlers["/chat"].pop("connect")


def acknowledge_only_the_first_argument() -> None:
    with_handler("/guide", "ack several", lambda data: "one")()


def answer_unknown_events() -> None:
    original = class_namespaces.MyCustomNamespace.trigger_event

    def trigger_event(self: Any, event: str, *arguments: Any) -> Any:
        if not hasattr(self, "on_" + event):
            socketio.emit("my_response", "unknown event", to=arguments[0], namespace=self.namespace)
        return original(self, event, *arguments)

    class_namespaces.MyCustomNamespace.trigger_event = trigger_event


def emit_as_a_list(event: str, *arguments: Any, **named: Any) -> None:
    data = arguments[0]
    emit(event, list(data) if isinstance(data, tuple) else data, **named)


def emit_with_a_callback(event: str, *arguments: Any, **named: Any) -> None:
    emit(event, *arguments, callback=nothing, **named)


def background_without(name: str) -> Callable[[], None]:
    """Background tasks run, and their emit or send goes nowhere."""

    def cripple() -> None:
        stand_in = SimpleNamespace(
            start_background_task=socketio.start_background_task,
            sleep=socketio.sleep,
            emit=socketio.emit,
            send=socketio.send,
        )
        setattr(stand_in, name, nothing)
        vars(server_initiated)["socketio"] = stand_in

    return cripple


def forget_the_room_outside_of_events(module: Any) -> Callable[[], None]:
    def emit_to_all(event: str, data: Any, namespace: str, to: str | None = None) -> None:
        socketio.emit(event, data, namespace=namespace)

    def send_to_all(data: Any, namespace: str, to: str | None = None) -> None:
        socketio.send(data, namespace=namespace)

    def cripple() -> None:
        module.socketio = SimpleNamespace(
            emit=emit_to_all,
            send=send_to_all,
            server=socketio.server,
            start_background_task=socketio.start_background_task,
        )

    return cripple


def no_error_handler(namespace: str) -> Callable[[], None]:
    return lambda: socketio.exception_handlers.pop(namespace)


def tell_another_error() -> None:
    tell = failures._tell
    failures._tell = lambda handler, error: tell(handler, RuntimeError("some error"))


WITHOUT: dict[str, Callable[[], Any]] = {
    "connect_handlers_run_in_each_namespace": without_handler("/chat", "connect"),
    "disconnect_handlers_run_in_each_namespace": without_handler("/test", "disconnect"),
    "returning_false_refuses_a_connection": with_handler("/members", "connect", nothing),
    "an_exception_refuses_a_connection_with_a_reason_and_data": with_handler(
        "/closed", "connect", lambda auth=None: False
    ),
    "the_unnamed_event_carries_a_string": without_handler("/guide", "message"),
    "the_unnamed_json_event_carries_json": without_handler("/guide", "json"),
    "a_custom_event_carries_a_string": response_without(str),
    "a_custom_event_carries_bytes": response_without(bytes),
    "a_custom_event_carries_an_integer": response_without(int),
    "a_custom_event_carries_json": response_without(dict),
    "a_custom_event_carries_several_arguments": with_handler(
        "/guide", "my arguments", lambda first, *others: emit("my response", {"first": first})
    ),
    "namespaces_share_a_connection_and_keep_their_events_apart": with_handler(
        "/test", "my event", lambda data: emit("my response", data)
    ),
    "on_event_registers_a_handler_without_a_decorator": without_handler("/test", "my function"),
    "a_handler_without_a_return_value_acknowledges_without_arguments": without_handler(
        "/guide", "ack nothing"
    ),
    "a_return_value_is_the_argument_of_the_acknowledgement": with_handler("/guide", "ack one", nothing),
    "a_returned_tuple_is_the_arguments_of_the_acknowledgement": acknowledge_only_the_first_argument,
    "send_answers_with_the_unnamed_event": with_attribute(sending, "send", nothing),
    "send_with_json_answers_with_the_unnamed_json_event": without_argument(sending, "send", "json"),
    "emit_answers_with_a_named_event": with_attribute(sending, "emit", nothing),
    "send_takes_another_namespace": without_argument(sending, "send", "namespace"),
    "emit_takes_another_namespace": without_argument(sending, "emit", "namespace"),
    "an_emitted_tuple_is_several_arguments": with_attribute(sending, "emit", emit_as_a_list),
    "the_callback_of_emit_gets_what_the_client_answers": without_argument(sending, "emit", "callback"),
    "the_callback_of_send_gets_what_the_client_answers": without_argument(sending, "send", "callback"),
    "emit_broadcasts_to_all_with_the_sender": without_argument(broadcasting, "emit", "broadcast"),
    "send_broadcasts_to_all_with_the_sender": without_argument(broadcasting, "send", "broadcast"),
    "a_broadcast_may_leave_out_its_sender": without_argument(broadcasting, "emit", "include_self"),
    "a_broadcast_asks_for_no_acknowledgement": with_attribute(broadcasting, "emit", emit_with_a_callback),
    "a_background_task_emits_to_all": background_without("emit"),
    "a_background_task_sends_to_all": background_without("send"),
    "an_http_route_emits_to_all": with_attribute(routes, "socketio", SimpleNamespace(emit=nothing)),
    "an_http_route_sends_to_all": with_attribute(routes, "socketio", SimpleNamespace(send=nothing)),
    "who_joins_a_room_gets_what_is_sent_to_it": with_attribute(rooms, "join_room", nothing),
    "who_is_not_in_a_room_gets_nothing_of_it": with_handler(
        "/chat", "say", lambda data: emit("said", data["text"], broadcast=True)
    ),
    "who_leaves_a_room_gets_nothing_more_of_it": with_attribute(rooms, "leave_room", nothing),
    "every_client_has_a_room_of_its_own_named_by_its_id": no_personal_rooms,
    "a_callback_asks_one_client_on_behalf_of_another": without_argument(rooms, "emit", "callback"),
    "who_disconnects_leaves_its_rooms": keep_rooms_after_disconnect,
    "a_background_task_emits_to_a_room": forget_the_room_outside_of_events(rooms),
    "an_http_route_emits_to_a_room": forget_the_room_outside_of_events(routes),
    "on_error_handles_the_main_namespace": no_error_handler("/"),
    "on_error_handles_its_namespace": no_error_handler("/chat"),
    "on_error_default_handles_the_other_namespaces": with_attribute(
        socketio, "default_exception_handler", nothing
    ),
    "an_error_handler_gets_the_exception": tell_another_error,
    "request_event_tells_an_error_handler_what_was_sent": with_attribute(
        failures, "request", SimpleNamespace(event={"message": None, "args": ()})
    ),
    "a_class_handles_connect": with_attribute(class_namespaces.MyCustomNamespace, "on_connect", nothing),
    "a_class_handles_disconnect": with_attribute(
        class_namespaces.MyCustomNamespace, "on_disconnect", nothing
    ),
    "a_class_handles_an_event_in_the_method_of_its_name": lambda: delattr(
        class_namespaces.MyCustomNamespace, "on_my_event"
    ),
    "a_class_ignores_an_event_that_it_has_no_method_for": answer_unknown_events,
    "a_class_emits_to_its_own_namespace": with_attribute(class_namespaces.MyCustomNamespace, "emit", nothing),
    "a_function_comes_before_a_class": without_handler("/class", "shared"),
}


def serve_without(feature: str, app: Flask, listener: socket.socket) -> None:
    """In a child process: take the feature away and serve until killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    WITHOUT[feature]()
    make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()


def main() -> None:
    logging.disable(logging.CRITICAL)
    app = create_app(Options(mode="threading"))
    # One event of a session after the other: an answer then shows that the event before it has reached
    # everybody, so that no test misses what comes to the wrong client.
    socketio.server.async_handlers = False
    urls = {}
    for feature in WITHOUT:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        urls[feature] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if fork() == 0:
            # A handler that fails writes its traceback; here each of them is expected.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
            serve_without(feature, app, listener)
            os._exit(0)
        listener.close()
    print("READY " + json.dumps({"urls": list(urls.values()), "without": urls}), flush=True)
    # The whole process group is ended from outside.
    signal.pause()


if __name__ == "__main__":
    main()
