"""Which handler an event goes to, and what it sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import flask_socketio

from server_under_test.reference.flask_contract.classes import ClassNamespace
from server_under_test.reference.flask_contract.extensions import options_socketio, socketio
from tests.conformance.flask_faults.breaking import (
    Break,
    Faults,
    forgotten,
    handled_by,
    replaced,
    server,
    this,
    wrapped,
)


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


def another_error() -> Break:
    return replaced(this(flask_socketio), "ConnectionRefusedError", type("Other", (Exception,), {}))


def without_arguments_of_the_event(original: Callable[..., Any], handler: Any, *arguments: Any) -> Any:
    def forgetful(*values: Any) -> Any:
        flask.request.event["args"] = ()
        return handler(*values)

    return original(forgetful, *arguments)


def in_the_main_namespace(original: Callable[..., Any], handler: Any, *arguments: Any) -> Any:
    def elsewhere(*values: Any) -> Any:
        flask.request.namespace = "/"
        return handler(*values)

    return original(elsewhere, *arguments)


def every_namespace_first(original: Callable[..., Any], event: str, namespace: str, arguments: Any) -> Any:
    handler = server().handlers.get("*", {}).get(event)
    return (handler, (namespace, *arguments)) if handler else original(event, namespace, arguments)


FAULTS: Faults = {
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
    "event-has-no-arguments": (
        wrapped(this(socketio), "_handle_event", without_arguments_of_the_event),
        ("request_tells_who_sent_what_where",),
    ),
    "namespace-is-the-main-one": (
        wrapped(this(socketio), "_handle_event", in_the_main_namespace),
        ("request_tells_who_sent_what_where",),
    ),
    "every-namespace-comes-first": (
        wrapped(server, "_get_event_handler", every_namespace_first),
        ("prefers_a_handler_for_every_namespace_to_a_class",),
    ),
    "first-registered-counts": (
        handled_by("/handlers", "again", lambda: "first"),
        ("registers_handlers_in_three_ways",),
    ),
    "event-decorator-registers-nothing": (
        forgotten("/handlers", "named_by_its_function"),
        ("registers_handlers_in_three_ways",),
    ),
    "no-default-error-handler": (
        replaced(this(options_socketio), "default_exception_handler", None),
        ("prefers_the_error_handler_of_the_namespace",),
    ),
}
