"""Disconnect handlers, and their reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from socketio.packet import ACK, BINARY_ACK

from tests.conformance.flask_faults.breaking import (
    Faults,
    engine,
    handler_wrapped,
    manager,
    no_type_error,
    server,
    triggered,
    wrapped,
)


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


def twice_at_the_end(event: str, run: Callable[[], Any]) -> Any:
    if event == "disconnect":
        run()
    return run()


FAULTS: Faults = {
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
    "disconnect-handlers-run-twice": (
        triggered(twice_at_the_end),
        ("tells_each_namespace_once_of_the_end", "takes_a_disconnect_handler_without_reason"),
    ),
}
