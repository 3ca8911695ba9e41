"""A message queue between forked servers, without a service: an inbox for each, to which all publish."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask_socketio import SocketIO
from socketio.pubsub_manager import PubSubManager

from server_under_test.reference.extensions import socketio as main_socketio
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


class Channel:
    """One application in several processes: an inbox for each."""

    def __init__(self, processes: int) -> None:
        self.inboxes = [Inbox() for _ in range(processes)]

    def join(self, server: Any, number: int) -> None:
        """Make the server of this process the one with this number."""
        server.manager = InboxManager(self.inboxes, self.inboxes[number])
        server.manager.set_server(server)
        server.manager_initialized = True
        server.manager.initialize()


def join(flask: Channel, main: Channel, number: int) -> None:
    """Make this process one of several, with a process without clients beside it."""
    flask.join(socketio.server, number)
    main.join(main_socketio.server, number)
    without_clients = SocketIO()
    without_clients.init_app(None, client_manager=InboxManager(flask.inboxes), async_mode=socketio.async_mode)
    extensions = socketio.sockio_mw.flask_app.extensions
    extensions["other process"] = without_clients
    extensions["other program"] = lambda body: without_clients.emit(
        body["event"], *body["values"], **body["named"]
    )


def of_others_ignored(method: str) -> Break:
    """What other processes ask for is not done here."""

    def wrapper(original: Callable[..., Any], message: dict[str, Any]) -> None:
        if message["host_id"] == manager().host_id:
            original(message)

    return wrapped(manager, method, wrapper)


def always_by_the_queue(original: Callable[..., Any], *values: Any, **named: Any) -> None:
    original(*values, **{**named, "ignore_queue": False})


def kept_under_another_name(original: Callable[..., int], sid: str, callback: Any) -> int:
    return original(f"{sid} of somebody", callback)


def with_callbacks_kept(original: Callable[..., None], *arguments: Any, **named: Any) -> None:
    kept = dict(manager().callbacks)
    original(*arguments, **named)
    manager().callbacks.update(kept)


# For both processes of a pair.
QUEUE_FAULTS: Faults = {
    "events-of-others-are-lost": (
        of_others_ignored("_handle_emit"),
        (
            "lets_a_process_without_clients_emit",
            "lets_another_program_emit",
            "keeps_an_event_within_its_process",
            "call_returns_what_a_client_elsewhere_answers",
        ),
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
    "answers-from-elsewhere-are-lost": (
        wrapped(manager, "_handle_callback", nothing),
        ("runs_the_callback_of_a_room_elsewhere", "call_returns_what_a_client_elsewhere_answers"),
    ),
    "channels-are-one": (
        lambda: setattr(main_socketio.server.manager, "_inboxes", manager()._inboxes),
        ("keeps_channels_apart",),
    ),
    "callbacks-elsewhere-are-kept-for-nobody": (
        wrapped(manager, "_generate_ack_id", kept_under_another_name),
        ("keeps_callbacks_of_clients_elsewhere",),
    ),
    "own-clients-leave-their-callbacks": (
        wrapped(manager, "basic_disconnect", with_callbacks_kept),
        ("keeps_callbacks_of_clients_elsewhere",),
    ),
    "events-leave-their-process": (
        wrapped(manager, "emit", always_by_the_queue),
        ("keeps_an_event_within_its_process",),
    ),
}
