"""The session of the user, and options of the SocketIO object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_socketio

from server_under_test.reference.flask_contract.extensions import (
    options_socketio,
    socketio,
    websocket_socketio,
)
from tests.conformance.flask_faults.breaking import (
    Faults,
    engine,
    options_engine,
    options_server,
    replaced,
    this,
)


class EmptySession(flask_socketio._ManagedSession):  # type: ignore[misc, name-defined]
    """A copy of the session that leaves everything out."""

    def __init__(self, values: Any) -> None:
        super().__init__()


def shared_session() -> Callable[[Any], Any]:
    sessions: list[Any] = []
    original = flask_socketio._ManagedSession

    def first_of_all(values: Any) -> Any:
        sessions.append(original(values))
        return sessions[0]

    return first_of_all


FAULTS: Faults = {
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
    "polling-is-taken": (
        lambda: setattr(websocket_socketio.server.eio, "transports", ["polling", "websocket"]),
        ("refuses_a_transport_that_is_left_out",),
    ),
    "session-is-shared-by-clients": (
        replaced(this(flask_socketio), "_ManagedSession", shared_session()),
        ("events_keep_a_session_of_their_own",),
    ),
    "cookie-without-the-option": (replaced(engine, "cookie", "io"), ("sets_a_cookie_where_it_is_named",)),
    "threshold-is-lower": (
        replaced(engine, "compression_threshold", 10),
        ("compresses_polls_beyond_the_threshold",),
    ),
    "compression-is-not-switched-off": (
        replaced(options_engine, "http_compression", True),
        ("compresses_polls_beyond_the_threshold",),
    ),
    "no-origin-is-taken": (
        replaced(engine, "cors_allowed_origins", ["http://nobody.example"]),
        ("takes_its_own_origin_only",),
    ),
    "path-is-a-prefix-of-all": (
        lambda: setattr(options_socketio.sockio_mw, "engineio_path", "/"),
        ("serves_at_its_path",),
    ),
}
