"""Breaks of kinds that the first ones do not try, written before the suite was sharpened for those."""

from __future__ import annotations

from typing import Any

from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from engineio.server import Server as EngineServer
from socketio.base_manager import BaseManager
from socketio.manager import Manager
from socketio.server import Server

from tests.reference_breaks.registry import Registry, replace

BREAKS = breaks = Registry()


@breaks("EIO-MX-04", "EIO-WS-02", "SIO-OR-01")
def long_messages_are_cut() -> None:
    """A WebSocket message that the server sends ends after 64 KiB."""

    @replace(SimpleWebSocketWSGI, "send")
    def send(original: Any, self: SimpleWebSocketWSGI, message: Any) -> Any:
        return original(self, message[:65535])


@breaks("SIO-BN-01", "SIO-BN-13")
def sessions_share_the_wait_for_attachments() -> None:
    """An attachment is taken for the header that came last, whoever sent it."""

    @replace(Server, "_handle_eio_message")
    def handle(original: Any, self: Server, eio_sid: str, data: Any) -> None:
        if isinstance(data, bytes) and self._binary_packet:
            eio_sid = list(self._binary_packet)[-1]
        original(self, eio_sid, data)


@breaks("SIO-RM")
def room_names_are_short() -> None:
    """The name of a room is cut after 16 characters where a client enters it."""

    @replace(Manager, "enter_room")
    def enter(original: Any, self: Manager, sid: str, namespace: str, room: Any, **named: Any) -> None:
        original(self, sid, namespace, room[:16], **named)


@breaks("SIO-CE-04", "SIO-CN-03")
def refusal_is_remembered() -> None:
    """A namespace that has refused a session refuses it for good."""

    @replace(Manager, "disconnect")
    def disconnect(original: Any, self: Manager, sid: str, namespace: str, **named: Any) -> Any:
        if not self.is_pre_connected(sid, namespace):
            return original(self, sid, namespace, **named)
        return None


@breaks("SIO-EV-03", "SIO-EV-02", "SIO-RM-02", "SIO-AK-07")
def events_without_a_name_are_dropped() -> None:
    """An event whose name is the empty string is not sent."""

    @replace(Manager, "emit")
    def emit(original: Any, self: Manager, event: str, *given: Any, **named: Any) -> None:
        if event:
            original(self, event, *given, **named)


@breaks("SIO-AK-07", "SIO-DC-03")
def leaving_drops_the_questions_of_all() -> None:
    """When a client leaves a namespace, no open question is answered any more."""

    @replace(BaseManager, "basic_disconnect")
    def disconnect(original: Any, self: BaseManager, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        for asked in self.callbacks.values():
            for number in [number for number in asked if number != 0]:
                del asked[number]


@breaks("EIO-CL-01", "EIO-CL-03", "EIO-PL-19")
def closed_sessions_answer() -> None:
    """A poll of a session that has ended is answered by a NOOP."""
    known: set[str] = set()

    @replace(EngineServer, "handle_request")
    def handle(original: Any, self: EngineServer, environ: dict[str, Any], start: Any) -> Any:
        sid = environ["QUERY_STRING"].partition("sid=")[2].partition("&")[0]
        known.update(self.sockets)
        if environ["REQUEST_METHOD"] == "GET" and sid in known and sid not in self.sockets:
            start("200 OK", [("Content-Type", "text/plain; charset=UTF-8")])
            return [b"6"]
        return original(self, environ, start)
