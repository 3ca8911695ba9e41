"""Connect handlers, and what becomes of a CONNECT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server_under_test.reference.flask_contract import connecting
from server_under_test.reference.flask_contract.extensions import socketio
from tests.conformance.flask_faults.breaking import (
    Break,
    Faults,
    handled_by,
    manager,
    no_type_error,
    nothing,
    options_server,
    replaced,
    returned,
    server,
    this,
    triggered,
    wrapped,
)


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


def clean_up_a_failure(original: Callable[..., Any], eio_sid: str, namespace: str | None, data: Any) -> None:
    try:
        original(eio_sid, namespace, data)
    except RuntimeError:
        sid = manager().sid_from_eio_sid(eio_sid, namespace)
        manager().disconnect(sid, namespace)
        raise


def twice(event: str, run: Callable[[], Any]) -> Any:
    if event == "connect":
        run()
    return run()


FAULTS: Faults = {
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
    "failed-connect-may-be-tried-again": (
        wrapped(server, "_handle_connect", clean_up_a_failure),
        ("leaves_a_connect_that_fails_unanswered",),
    ),
}
