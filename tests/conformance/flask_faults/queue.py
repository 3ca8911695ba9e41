"""A message queue between forked servers, without a service: an inbox for each, to which all publish."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask_socketio import SocketIO
from socketio.pubsub_manager import PubSubManager

from server_under_test.reference.flask_contract.extensions import socketio
from tests.conformance.flask_faults.asking import run_again
from tests.conformance.flask_faults.breaking import Break, Faults, manager, nothing, wrapped

MESSAGE_BYTES = 65_536


class Inbox:
    """One process reads it, all write to it; a datagram is a message."""

    def __init__(self) -> None:
        self.reading, self.writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


class InboxManager(PubSubManager):  # type: ignore[misc]
    """Publishes to every inbox, and listens to its own."""

    def __init__(self, inboxes: Sequence[Inbox], own: Inbox | None = None) -> None:
        super().__init__(write_only=own is None)
        self._inboxes = inboxes
        self._own = own

    def _publish(self, data: Any) -> None:
        for inbox in self._inboxes:
            inbox.writing.send(json.dumps(data).encode())

    def _listen(self) -> Iterator[bytes]:
        while self._own is not None:
            yield self._own.reading.recv(MESSAGE_BYTES)


def join(inboxes: Sequence[Inbox], own: Inbox) -> None:
    """Make this process one of those with these inboxes, with a process without clients beside it."""
    server = socketio.server
    server.manager = InboxManager(inboxes, own)
    server.manager.set_server(server)
    server.manager_initialized = True
    server.manager.initialize()
    without_clients = SocketIO()
    without_clients.init_app(None, client_manager=InboxManager(inboxes), async_mode=server.async_mode)
    socketio.sockio_mw.flask_app.extensions["other process"] = without_clients


def of_others_ignored(method: str) -> Break:
    """What other processes ask for is not done here."""

    def wrapper(original: Callable[..., Any], message: dict[str, Any]) -> None:
        if message["host_id"] == manager().host_id:
            original(message)

    return wrapped(manager, method, wrapper)


def always_by_the_queue(original: Callable[..., Any], *values: Any, **named: Any) -> None:
    original(*values, **{**named, "ignore_queue": False})


# For both processes of a pair.
QUEUE_FAULTS: Faults = {
    "events-of-others-are-lost": (
        of_others_ignored("_handle_emit"),
        ("lets_a_process_without_clients_emit", "keeps_an_event_within_its_process"),
    ),
    "rooms-are-not-closed-by-others": (
        of_others_ignored("_handle_close_room"),
        ("lets_a_process_without_clients_emit",),
    ),
    "join-by-others-is-lost": (
        wrapped(manager, "_handle_enter_room", nothing),
        ("joins_a_client_of_another_process",),
    ),
    "callback-runs-for-each-answer": (
        wrapped(manager, "trigger_callback", run_again),
        ("runs_the_callback_for_the_first_answer_of_a_room",),
    ),
    "events-leave-their-process": (
        wrapped(manager, "emit", always_by_the_queue),
        ("keeps_an_event_within_its_process",),
    ),
}
