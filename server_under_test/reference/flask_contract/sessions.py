"""The session of the user in events and HTTP routes, and events that a route emits."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, session

from server_under_test.reference.flask_contract.extensions import options_socketio, socketio

NAMESPACES = ("/session", "/session-too")

blueprint = Blueprint("sessions", __name__)


@blueprint.post("/session")
def write_over_http() -> Response:
    """Add the object in the body to the session, and set its cookie."""
    session.update(request.get_json())
    return jsonify(dict(session))


@blueprint.get("/session")
def read_over_http() -> Response:
    return jsonify(dict(session))


@blueprint.post("/emit")
def emit() -> tuple[Response, int]:
    """`{"event", "values", "named"}`: emit from this process, or as a process without clients does."""
    body = request.get_json()
    sender = current_app.extensions["other process" if body.get("from_outside") else "socketio"]
    sender.emit(body["event"], *body["values"], **body["named"])
    return jsonify(emitted=body["event"]), 202


@blueprint.post("/emit-by-program")
def emit_by_program() -> tuple[Response, int]:
    """`{"event", "values", "named"}`: emit from a program that starts for it, and ends."""
    body = request.get_json()
    current_app.extensions["other program"](body)
    return jsonify(emitted=body["event"]), 202


@blueprint.post("/close-room")
def close_room() -> tuple[Response, int]:
    """`{"room", "namespace"}`: close the room as a process without clients does."""
    body = request.get_json()
    current_app.extensions["other process"].close_room(body["room"], namespace=body["namespace"])
    return jsonify(closed=body["room"]), 202


def write(values: dict[str, Any]) -> dict[str, Any]:
    session.update(values)
    return dict(session)


def read() -> dict[str, Any]:
    return dict(session)


for server in (socketio, options_socketio):
    for namespace in NAMESPACES:
        server.on_event("write", write, namespace=namespace)
        server.on_event("read", read, namespace=namespace)
