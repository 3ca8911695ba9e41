"""What handlers return and raise, and the acks of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server_under_test.reference.flask_contract import connecting
from server_under_test.reference.flask_contract.classes import ClassNamespace
from server_under_test.reference.flask_contract.extensions import socketio
from tests.conformance.flask_faults.breaking import (
    Faults,
    forgotten,
    handled_by,
    nothing,
    options_server,
    returned,
    server,
    this,
    triggered,
    wrapped,
)


def no_failure(event: str, run: Callable[[], Any]) -> Any:
    """An exception of a connect handler refuses, one of another handler is acknowledged."""
    try:
        return run()
    except connecting.ConnectionRefusedError:
        raise
    except Exception:
        return False if event == "connect" else None


FAULTS: Faults = {
    "failures-are-answered": (
        triggered(no_failure),
        ("leaves_a_connect_that_fails_unanswered", "acknowledges_nothing_where_the_handler_raises"),
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
    "nested-bytes-are-acked-as-text": (
        returned(lambda value: {"list": ["03", "text"]} if isinstance(value, dict) else value),
        ("acknowledges_with_bytes",),
    ),
    "none-is-acked": (
        returned(lambda value: [None] if value is None else value),
        ("acknowledges_with_what_the_handler_returns",),
    ),
}
