"""Questions from the server: callbacks and call()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from socketio.exceptions import TimeoutError as CallTimeout

from tests.conformance.flask_faults.breaking import (
    Faults,
    manager,
    options_server,
    replaced,
    server,
    wrapped,
)


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


def first_of_several(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    value = original(*values, **named)
    return value[0] if isinstance(value, tuple) else value


def once_for_all() -> Callable[..., None]:
    """Of the callbacks of one process, only the first runs."""
    ran: list[str] = []

    def wrapper(original: Callable[..., Any], sid: str, ack_id: int, data: Any) -> None:
        ran.append(sid)
        if len(ran) == 1:
            original(sid, ack_id, data)

    return wrapper


def no_wait_for_the_gone(original: Callable[..., Any], *values: Any, **named: Any) -> Any:
    connected = manager().is_connected(named["to"], named["namespace"])
    return original(*values, **named) if connected else None


FAULTS: Faults = {
    "call-does-not-wait-for-the-gone": (
        wrapped(server, "call", no_wait_for_the_gone),
        ("call_waits_for_a_client_that_is_gone",),
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
    "call-returns-the-first-answer": (
        wrapped(server, "call", first_of_several),
        ("call_returns_what_the_client_answers",),
    ),
    "broadcast-callback-runs-once": (
        wrapped(manager, "trigger_callback", once_for_all()),
        ("runs_the_callback_of_a_broadcast_for_each",),
    ),
}
