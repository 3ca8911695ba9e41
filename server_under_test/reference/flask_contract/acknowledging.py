"""Handlers that return or raise, and the acknowledgement that the client gets."""

from __future__ import annotations

from typing import Any

from server_under_test.reference.flask_contract.extensions import socketio

RETURNED: dict[str, Any] = {
    "none": None,
    "one": "a",
    "tuple": ("a", 1),
    "empty tuple": (),
    "list": [1, 2],
    "dict": {"a": 1},
    "false": False,
    "zero": 0,
    "bytes": b"\x01\x02",
    "nested bytes": {"list": [b"\x03", "text"]},
}


@socketio.on("return", namespace="/acks")
def return_it(kind: str) -> Any:
    return RETURNED[kind]


@socketio.on("echo", namespace="/acks")
def echo(*arguments: Any) -> tuple[Any, ...]:
    return arguments


@socketio.on("two arguments", namespace="/acks")
@socketio.on("two arguments", namespace="/handled")
def two_arguments(first: Any, second: Any) -> list[Any]:
    return [first, second]


@socketio.on("raise", namespace="/acks")
@socketio.on("raise", namespace="/handled")
def raise_an_error(text: str) -> None:
    raise RuntimeError(text)


@socketio.on_error("/handled")
def handled(error: Exception) -> tuple[str, str]:
    """Its return value is the acknowledgement of the failed event."""
    return type(error).__name__, str(error)
