"""The plain HTTP routes: the page, the description and usage of this server, and events on request."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from server_under_test.reference.about import describe
from server_under_test.reference.extensions import socketio
from server_under_test.reference.process_usage import measure
from server_under_test.starting.options import Options

blueprint = Blueprint("routes", __name__)


@blueprint.get("/")
def index() -> str:
    return render_template("index.html", about=_about())


@blueprint.get("/about")
def about() -> Response:
    """The object after READY."""
    return jsonify(_about())


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counts and sizes of this process now."""
    return jsonify(measure(socketio, _about()["mode"]))


@blueprint.post("/emit")
def emit() -> tuple[Response, int]:
    """`{"event", "data", "namespace", "room"}`: emits an event to all, or to a room."""
    body = _body()
    if not isinstance(body.get("event"), str):
        return jsonify(error="event is missing, or is not a string"), 400
    socketio.emit(body["event"], body.get("data"), namespace=body.get("namespace"), to=body.get("room"))
    return jsonify(emitted=body["event"]), 202


@blueprint.post("/send")
def send() -> tuple[Response, int]:
    """`{"data", "namespace", "room"}`: sends an unnamed event in the same way."""
    body = _body()
    if "data" not in body:
        return jsonify(error="data is missing"), 400
    socketio.send(body["data"], namespace=body.get("namespace"), to=body.get("room"))
    return jsonify(sent=True), 202


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    return current_app.send_static_file("favicon.svg")


def _about() -> dict[str, Any]:
    options: Options = current_app.config["SERVER_OPTIONS"]
    return describe(options)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
