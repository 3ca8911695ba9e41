"""Breaks of python-socketio and Flask-SocketIO."""

from __future__ import annotations

from typing import Any

import flask
from flask_socketio import SocketIO
from socketio import packet
from socketio.base_manager import BaseManager
from socketio.manager import Manager
from socketio.packet import Packet
from socketio.server import Server

from tests.reference_breaks.registry import Registry, replace

BREAKS = breaks = Registry()


def change_sent(types: tuple[int, ...], change: Any) -> None:
    """Change packets of these types before they are encoded."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet) -> Any:
        if self.packet_type in types:
            change(self)
        return original(self)


def change_values(change: Any) -> None:
    """Change each JSON value that is sent in an event or an ack."""

    def walk(value: Any) -> Any:
        value = change(value)
        if isinstance(value, (list, tuple)):
            return [walk(item) for item in value]
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items()}
        return value

    def apply(pkt: Packet) -> None:
        pkt.data = walk(pkt.data)

    change_sent((packet.EVENT, packet.ACK, packet.BINARY_EVENT, packet.BINARY_ACK), apply)


# CONNECT


@breaks("SIO-CN-12", "SIO-NS-01")
def connect_names_no_namespace() -> None:
    """The answer to CONNECT of a custom namespace does not name it."""
    change_sent((packet.CONNECT,), lambda pkt: setattr(pkt, "namespace", None))


@breaks("SIO-CN-02")
def socket_id_is_called_id() -> None:
    """The answer to CONNECT holds `id` instead of `sid`."""
    change_sent((packet.CONNECT,), lambda pkt: setattr(pkt, "data", {"id": pkt.data["sid"]}))


@breaks("SIO-CN-06")
def auth_values_become_texts() -> None:
    """The values of auth are strings for the application."""

    @replace(Server, "_handle_connect")
    def connect(original: Any, self: Server, eio_sid: str, namespace: str, data: Any) -> None:
        original(self, eio_sid, namespace, {key: str(data[key]) for key in data} if data else data)


@breaks("SIO-CE-01", "SIO-CE-03")
def refusal_has_no_message() -> None:
    """CONNECT_ERROR holds its text as `error`."""

    def rename(pkt: Packet) -> None:
        if isinstance(pkt.data, dict):
            pkt.data["error"] = pkt.data.pop("message")

    change_sent((packet.CONNECT_ERROR,), rename)


@breaks("SIO-CE-01", "SIO-CN-03", "SIO-CE-03", "SIO-NS-01")
def refusal_names_no_namespace() -> None:
    """CONNECT_ERROR of a custom namespace does not name it."""
    change_sent((packet.CONNECT_ERROR,), lambda pkt: setattr(pkt, "namespace", None))


@breaks("SIO-CE-04")
def refused_client_is_in() -> None:
    """A client that was refused is in the namespace all the same."""

    @replace(Manager, "disconnect")
    def disconnect(original: Any, self: Manager, sid: str, namespace: str, **named: Any) -> Any:
        if self.is_pre_connected(sid, namespace):
            return self.connect(sid, namespace)
        return original(self, sid, namespace, **named)


@breaks("SIO-CN-13")
def namespace_is_connected_once() -> None:
    """CONNECT after DISCONNECT is refused."""
    seen: set[tuple[str, str]] = set()

    @replace(BaseManager, "pre_connect")
    def connect(original: Any, self: BaseManager, eio_sid: str, namespace: str) -> Any:
        if (eio_sid, namespace) in seen:
            return None
        seen.add((eio_sid, namespace))
        return original(self, eio_sid, namespace)


@breaks("SIO-CN-09", "SIO-CN-08")
def socket_id_is_the_session_id() -> None:
    """The socket id of each namespace is the session id."""

    @replace(BaseManager, "pre_connect")
    def connect(original: Any, self: BaseManager, eio_sid: str, namespace: str) -> Any:
        generate = self.server.eio.generate_id
        self.server.eio.generate_id = lambda: eio_sid
        try:
            return original(self, eio_sid, namespace)
        finally:
            self.server.eio.generate_id = generate


@breaks("SIO-CN-12")
def namespace_needs_its_comma() -> None:
    """A namespace that no comma ends loses its last character."""

    @replace(Packet, "decode")
    def decode(original: Any, self: Packet, encoded: str) -> Any:
        attachments = original(self, encoded)
        if self.namespace and "," not in encoded:
            self.namespace = self.namespace[:-1]
        return attachments


# Events


@breaks("SIO-EN-06")
def booleans_become_texts() -> None:
    """Booleans are sent as strings."""
    change_values(lambda value: str(value).lower() if isinstance(value, bool) else value)


@breaks("SIO-EN-06")
def keys_become_lower_case() -> None:
    """The keys of objects are sent in lower case."""
    change_values(
        lambda value: {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else value
    )


@breaks("SIO-EN-06", "EIO-EN-05")
def texts_end_at_nul() -> None:
    """A string ends before its first NUL."""
    change_values(lambda value: value.partition("\0")[0] if isinstance(value, str) else value)


@breaks("SIO-EN-06")
def integers_lose_precision() -> None:
    """Integers beyond 24 bits lose their last digits."""
    change_values(
        lambda value: value // 1000 * 1000 if type(value) is int and abs(value) > 1 << 24 else value
    )


@breaks("SIO-EN-06")
def deep_data_is_cut() -> None:
    """What is nested deeper than four levels becomes null."""

    def cut(value: Any, depth: int = 0) -> Any:
        if depth > 5:
            return None
        if isinstance(value, list):
            return [cut(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {key: cut(item, depth + 1) for key, item in value.items()}
        return value

    change_sent((packet.EVENT, packet.ACK), lambda pkt: setattr(pkt, "data", cut(pkt.data)))


@breaks("SIO-EN-06", "EIO-PL-05", "EIO-WS-02", "EIO-MX-04", "SIO-OR-01")
def long_texts_are_cut() -> None:
    """A string is cut after 1000 characters."""
    change_values(lambda value: value[:1000] if isinstance(value, str) else value)


@breaks("SIO-EV-03")
def last_of_several_arguments_is_lost() -> None:
    """The last argument of an event of several is lost."""

    @replace(Server, "_handle_event_internal")
    def handle(
        original: Any, self: Server, server: Server, sid: str, eio_sid: str, data: list[Any], *rest: Any
    ) -> None:
        original(self, server, sid, eio_sid, data[:-1] if len(data) > 2 else data, *rest)


@breaks("SIO-EV-04", "SIO-AK-05")
def event_is_handled_twice() -> None:
    """Each event is handled twice."""

    @replace(Server, "_handle_event")
    def handle(original: Any, self: Server, *given: Any) -> None:
        original(self, *given)
        original(self, *given)


@breaks("SIO-EV-04")
def answers_go_to_everybody() -> None:
    """What the server emits to one client reaches all of the namespace."""

    @replace(Server, "emit")
    def emit(original: Any, self: Server, event: str, *given: Any, **named: Any) -> None:
        sid_room = self.manager.is_sid_room(named.get("namespace"), named.get("to"))
        original(self, event, *given, **{**named, "to": None if sid_room else named.get("to")})


@breaks("SIO-NS-01", "SIO-AK-04")
def binary_packets_name_no_namespace() -> None:
    """A packet with binary does not name its custom namespace."""
    change_sent((packet.BINARY_EVENT, packet.BINARY_ACK), lambda pkt: setattr(pkt, "namespace", None))


# Acks


@breaks("SIO-AK-02")
def ack_id_is_one_too_high() -> None:
    """An ACK has the next id."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "id", pkt.id + 1))


@breaks("SIO-AK-02")
def ack_ids_have_sixteen_bits() -> None:
    """Ack ids are cut to 16 bits."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "id", pkt.id & 0xFFFF))


@breaks("SIO-AK-02", "SIO-AK-03")
def ack_has_one_argument() -> None:
    """An ACK holds its first argument only."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "data", pkt.data[:1]))


@breaks("SIO-AK-03")
def empty_ack_holds_null() -> None:
    """An ACK without arguments holds null."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "data", pkt.data or [None]))


@breaks("SIO-AK-04")
def ack_names_no_namespace() -> None:
    """An ACK of a custom namespace does not name it."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "namespace", None))


@breaks("SIO-RM-01", "SIO-AK-02")
def ack_spreads_lists() -> None:
    """A list that is acknowledged becomes the arguments."""

    def spread(pkt: Packet) -> None:
        if len(pkt.data) == 1 and isinstance(pkt.data[0], list):
            pkt.data = pkt.data[0]

    change_sent((packet.ACK,), spread)


@breaks("SIO-AK-07")
def question_has_no_id() -> None:
    """An event of the server that asks for an ACK has no id."""
    change_sent((packet.EVENT,), lambda pkt: setattr(pkt, "id", None))


@breaks("SIO-AK-07")
def questions_share_an_id() -> None:
    """Every event of the server that asks for an ACK has the id 1."""

    @replace(BaseManager, "_generate_ack_id")
    def generate(original: Any, self: BaseManager, sid: str, callback: Any) -> int:
        self.callbacks[sid] = {1: callback}
        return 1


@breaks("SIO-AK-07")
def answer_has_one_argument() -> None:
    """Only the first argument of the client's ACK is read."""

    @replace(Manager, "trigger_callback")
    def trigger(original: Any, self: Manager, sid: str, id: int, data: list[Any]) -> None:
        original(self, sid, id, data[:1])


@breaks("SIO-AK-06")
def answers_may_be_repeated() -> None:
    """A second ACK of the same id is an answer again."""

    @replace(Manager, "trigger_callback")
    def trigger(original: Any, self: Manager, sid: str, id: int, data: list[Any]) -> None:
        callback = self.callbacks.get(sid, {}).get(id)
        original(self, sid, id, data)
        if callback is not None:
            self.callbacks[sid][id] = callback


@breaks("SIO-AK-08", "SIO-BN-11")
def every_ack_is_binary() -> None:
    """An ACK without binary has the type of an ACK with binary."""
    change_sent((packet.ACK,), lambda pkt: setattr(pkt, "packet_type", packet.BINARY_ACK))


# Binary


@breaks("SIO-BN-01")
def attachments_are_miscounted() -> None:
    """A packet announces one attachment more than it has."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet) -> Any:
        encoded = original(self)
        if isinstance(encoded, list):
            count, _, rest = encoded[0][1:].partition("-")
            encoded[0] = f"{encoded[0][0]}{int(count) + 1}-{rest}"
        return encoded


@breaks("SIO-BN-01", "SIO-BN-13")
def attachments_come_first() -> None:
    """Attachments are sent before their header."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet) -> Any:
        encoded = original(self)
        return encoded[1:] + encoded[:1] if isinstance(encoded, list) else encoded


@breaks("SIO-BN-02")
def binary_in_objects_is_not_found() -> None:
    """Binary is not looked for in objects."""

    @replace(Packet, "data_is_binary")
    def search(original: Any, data: Any) -> bool:
        return False if isinstance(data, dict) else bool(original(data))


@breaks("SIO-BN-01", "SIO-BN-02", "SIO-BN-06")
def placeholder_numbers_are_not_read() -> None:
    """The attachments fill the placeholders in the order in which these stand."""

    @replace(Packet, "reconstruct_binary")
    def reconstruct(original: Any, data: Any, attachments: list[bytes]) -> Any:
        waiting = iter(attachments)

        def walk(value: Any) -> Any:
            if isinstance(value, list):
                return [walk(item) for item in value]
            if isinstance(value, dict):
                if value.get("_placeholder"):
                    return next(waiting)
                return {key: walk(item) for key, item in value.items()}
            return value

        return walk(data)


@breaks("SIO-BN-14")
def empty_attachments_are_null() -> None:
    """Empty binary becomes null."""
    change_values(lambda value: None if value == b"" else value)


@breaks("SIO-BN-01", "SIO-BN-02")
def attachments_lose_their_last_byte() -> None:
    """Each attachment is sent without its last byte."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet) -> Any:
        encoded = original(self)
        if isinstance(encoded, list):
            return [encoded[0], *(item[:-1] for item in encoded[1:])]
        return encoded


# Rooms and broadcast


@breaks("SIO-RM-01")
def joining_again_leaves() -> None:
    """Who joins a room that it is in leaves it."""

    @replace(Manager, "enter_room")
    def enter(original: Any, self: Manager, sid: str, namespace: str, room: str, **named: Any) -> None:
        if room in self.get_rooms(sid, namespace):
            self.leave_room(sid, namespace, room)
        else:
            original(self, sid, namespace, room, **named)


@breaks("SIO-RM-01", "SIO-RM-02")
def leaving_empties_the_room() -> None:
    """When one member leaves a room everybody does."""

    @replace(Manager, "leave_room")
    def leave(original: Any, self: Manager, sid: str, namespace: str, room: str) -> None:
        self.close_room(room, namespace)


@breaks("SIO-RM-03", "SIO-BC-02")
def sender_is_always_left_out() -> None:
    """`in` and `all` leave the sender out."""

    @replace(SocketIO, "emit")
    def emit(original: Any, self: SocketIO, event: str, *given: Any, **named: Any) -> None:
        if named.get("to") != flask.request.sid:
            named["skip_sid"] = flask.request.sid
        original(self, event, *given, **named)


@breaks("SIO-RM-02", "SIO-BC-03")
def rooms_are_shared_by_namespaces() -> None:
    """A room has the members of the rooms of its name in every namespace."""

    @replace(BaseManager, "get_participants")
    def participants(original: Any, self: BaseManager, namespace: str, room: Any) -> Any:
        for name in list(self.rooms):
            if name == namespace or (isinstance(room, str) and not self.is_sid_room(namespace, room)):
                yield from original(self, name, room)


@breaks("SIO-BC-01", "SIO-BC-02")
def broadcast_reaches_three() -> None:
    """A broadcast reaches three clients at most."""

    @replace(BaseManager, "get_participants")
    def participants(original: Any, self: BaseManager, namespace: str, room: Any) -> Any:
        found = list(original(self, namespace, room))
        yield from found if room is not None else found[-3:]


@breaks("SIO-BC-01")
def broadcast_misses_the_newest() -> None:
    """A broadcast misses the client that came last."""

    @replace(BaseManager, "get_participants")
    def participants(original: Any, self: BaseManager, namespace: str, room: Any) -> Any:
        found = list(original(self, namespace, room))
        yield from found if room is not None else found[:-1]


@breaks("SIO-RM-04", "SIO-DC-02")
def rooms_outlive_disconnect() -> None:
    """Who disconnects from a namespace still gets what is sent to its rooms there."""

    @replace(BaseManager, "basic_leave_room")
    def leave(original: Any, self: BaseManager, sid: str, namespace: str, room: Any) -> None:
        if room in (None, sid) or self.is_connected(sid, namespace):
            original(self, sid, namespace, room)


# DISCONNECT


@breaks("SIO-DC-04", "SIO-DC-02")
def kicked_client_stays_in() -> None:
    """A client that the server disconnects gets the packet and stays in the namespace."""

    @replace(Server, "disconnect")
    def disconnect(original: Any, self: Server, sid: str, namespace: str | None = None, **named: Any) -> None:
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace or "/")
        self._send_packet(eio_sid, Packet(packet.DISCONNECT, namespace=namespace))


@breaks("SIO-DC-03", "SIO-DC-01", "SIO-CN-13")
def leaving_the_main_namespace_ends_the_session() -> None:
    """DISCONNECT from the main namespace closes the session."""

    @replace(Server, "_handle_disconnect")
    def disconnect(original: Any, self: Server, eio_sid: str, namespace: str, *rest: Any) -> None:
        original(self, eio_sid, namespace, *rest)
        if namespace in (None, "/") and eio_sid in self.eio.sockets:
            self.eio.sockets[eio_sid].close(wait=False)


@breaks("SIO-DC-01")
def disconnect_is_answered() -> None:
    """DISCONNECT is answered by DISCONNECT."""

    @replace(Server, "_handle_disconnect")
    def disconnect(original: Any, self: Server, eio_sid: str, namespace: str, *rest: Any) -> None:
        original(self, eio_sid, namespace, *rest)
        self._send_packet(eio_sid, Packet(packet.DISCONNECT, namespace=namespace))


@breaks("SIO-DC-04", "SIO-NS-01")
def kick_names_no_namespace() -> None:
    """The server's DISCONNECT of a custom namespace does not name it."""
    change_sent((packet.DISCONNECT,), lambda pkt: setattr(pkt, "namespace", None))


@breaks("SIO-DC-05")
def kick_has_data() -> None:
    """DISCONNECT holds a reason."""
    change_sent((packet.DISCONNECT,), lambda pkt: setattr(pkt, "data", {"reason": "kicked"}))
