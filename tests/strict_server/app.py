"""What the server does with events: the contract that every server under test carries.

Namespaces `/`, `/custom` and `/auth` (which wants a token); `/reject` refuses everybody; others are unknown.
It leaves out the wire (socketio.py): a Socket here is one peer in one namespace.
"""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, ClassVar, Protocol

from tests.strict_server.faults import Faults
from tests.strict_server.parser import RESERVED_EVENTS, Decoder, holds_bytes

CUSTOM_EVENTS = "events of /custom"  # what an application may be without, beside a namespace or an event
NAMESPACES = ("/", "/custom", "/auth")


class Refused(Exception):
    """A namespace does not take this peer; `data` is the data of the CONNECT_ERROR."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.data = {"message": message} if data is None else {"message": message, "data": data}


class Socket(Protocol):
    """One peer in one namespace, as the application sees it."""

    id: str
    namespace: str
    callbacks: dict[int, Callable[..., None]]
    is_lost: bool

    @property
    def waits_for_a_poll(self) -> bool: ...
    def emit(self, event: Any, *args: Any, on_ack: Callable[..., None] | None = None) -> None: ...
    def disconnect(self) -> None: ...
    def close_session(self) -> None: ...


class App:
    """The application state of one server: who is in which namespace and room.

    `without` names namespaces and events of the contract that the application has no handler for.
    """

    def __init__(self, faults: Faults, without: Collection[str] = ()) -> None:
        self._faults = faults
        self._without = without
        self._sockets: dict[str, dict[str, Socket]] = {name: {} for name in (*NAMESPACES, "/reject")}
        # (namespace, room) to its members by id.
        self._rooms: dict[tuple[str, str], dict[str, Socket]] = {}
        self.shared_decoder = Decoder(faults)  # what one fault gives to all clients
        self._is_mute = False  # what one fault makes of it
        self._to_rooms = 0  # events so far, which one fault counts

    def check_connect(self, namespace: str, auth: dict[str, Any]) -> None:
        """Raises Refused."""
        if namespace in self._without:
            raise Refused("Invalid namespace")
        if namespace == "/reject":
            raise Refused("not authorized", {"code": "E_AUTH"})
        if namespace == "/auth" and auth.get("token") != "good" and not self._faults("token-is-not-checked"):
            raise Refused("bad token")
        if namespace not in NAMESPACES:
            raise Refused("Invalid namespace")

    def add(self, socket: Socket) -> None:
        self._sockets.setdefault(socket.namespace, {})[socket.id] = socket

    def remove(self, socket: Socket) -> None:
        self._sockets.get(socket.namespace, {}).pop(socket.id, None)
        if self._faults("room-ends-with-one-member"):
            for members in self._rooms.values():
                if socket.id in members:
                    members.clear()
        if not self._faults("disconnected-socket-stays-in-its-rooms"):
            self._leave_all(socket)

    def join(self, socket: Socket, *rooms: str) -> None:
        for room in rooms:
            if self._faults("room-name-is-cut"):
                room = room[:32]
            self._rooms.setdefault((self._home(socket), room), {})[socket.id] = socket

    def find(self, socket: Socket, wanted: Callable[[Socket], bool]) -> Socket:
        """The first socket of the namespace that is wanted, else this one."""
        return next(filter(wanted, self._sockets[socket.namespace].values()), socket)

    def rooms_of(self, socket: Socket) -> list[str]:
        rooms = [name for (namespace, name), members in self._rooms.items() if socket.id in members]
        if self._faults("rooms-include-the-socket-id"):
            rooms.append(socket.id)
        return sorted(rooms, reverse=self._faults("rooms-are-not-sorted"))

    def receive(self, socket: Socket, event: Any, args: list[Any], ack: Callable[..., None]) -> None:
        """Run one event of the contract; `ack` does nothing when the peer did not ask for one."""
        handler = self._HANDLERS.get(event) if isinstance(event, str) else None
        missing = event in self._without or (socket.namespace == "/custom" and CUSTOM_EVENTS in self._without)
        if handler is not None and not missing:
            handler(self, socket, args, ack)

    def _message(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if self._faults("event-loses-its-last-argument"):
            args = args[:-1]
        if self._faults("event-arguments-are-reversed"):
            args = args[::-1]
        if self._faults("event-arguments-become-one-array"):
            args = [args]
        if self._faults("answer-reaches-everybody"):
            for other in self._sockets[socket.namespace].values():
                if other is not socket:
                    other.emit("message-back", *args)
        if self._faults("answer-comes-twice"):
            socket.emit("message-back", *args)
        socket.emit("message-back", *args)

    def _message_with_ack(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        ack(*args)

    def _join(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if args and isinstance(args[0], str) and not self._faults("join-does-nothing"):
            if self._faults("joining-a-room-leaves-the-others"):
                self._leave_all(socket)
            self.join(socket, args[0])
        ack(self.rooms_of(socket))

    def _leave(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if args and isinstance(args[0], str):
            if self._faults("leaving-a-room-leaves-all"):
                self._leave_all(socket)
            if not self._faults("leave-does-nothing"):
                self._rooms.get((self._home(socket), args[0]), {}).pop(socket.id, None)
        ack(self.rooms_of(socket))

    def _leave_all(self, socket: Socket) -> None:
        for members in self._rooms.values():
            members.pop(socket.id, None)

    def _home(self, socket: Socket) -> str:
        """The namespace whose rooms a socket is in."""
        return "/" if self._faults("rooms-are-shared-by-namespaces") else socket.namespace

    def _to(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        self._send_to_room(socket, args, with_sender=self._faults("to-includes-the-sender"))

    def _in(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        self._send_to_room(socket, args, with_sender=not self._faults("in-excludes-the-sender"))

    def _send_to_room(self, socket: Socket, args: list[Any], with_sender: bool) -> None:
        if len(args) < 2 or not isinstance(args[0], str) or self._is_mute:
            return
        self._to_rooms += 1
        if self._to_rooms % 50 == 0 and self._faults("every-fiftieth-event-to-a-room-is-lost"):
            return
        members = list(self._rooms.get((self._home(socket), args[0]), {}).values())
        if self._faults("rooms-ignore-case"):
            members = [
                one
                for (namespace, name), some in self._rooms.items()
                if namespace == socket.namespace and name.lower() == args[0].lower()
                for one in some.values()
            ]
        if self._faults("room-is-ignored"):
            members = list(self._sockets[socket.namespace].values())
        if self._faults("room-of-a-lost-member-is-everybodys"):
            members += [one for one in self._sockets[socket.namespace].values() if one.is_lost]
        if self._faults("room-reaches-its-first-member-only"):
            members = members[:1]
        self._send(members, socket, args[1:], with_sender)

    def _broadcast(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        self._send_to_all(socket, args, with_sender=self._faults("broadcast-includes-the-sender"))

    def _all(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        self._send_to_all(socket, args, with_sender=not self._faults("all-excludes-the-sender"))

    def _send_to_all(self, socket: Socket, args: list[Any], with_sender: bool) -> None:
        sockets = list(self._sockets[socket.namespace].values())
        if self._faults("broadcast-crosses-namespaces"):
            sockets = [one for members in self._sockets.values() for one in members.values()]
        if self._faults("broadcast-misses-the-newest"):
            sockets = [one for one in sockets if one is socket or one is not sockets[-1]]
        if self._faults("broadcast-comes-twice"):
            sockets = [one for one in sockets for _ in range(2)]
        if self._faults("broadcast-reaches-eight"):
            sockets = sockets[-8:]
        if self._faults("broadcast-is-lost-between-polls"):
            sockets = [one for one in sockets if not one.waits_for_a_poll]
        self._send(sockets, socket, args, with_sender)

    def _send(self, sockets: Iterable[Socket], sender: Socket, args: list[Any], with_sender: bool) -> None:
        if not args or not isinstance(args[0], str):
            return
        if args[0] in RESERVED_EVENTS and not self._faults("emits-reserved-events"):
            return
        for socket in sockets:
            if with_sender or socket is not sender:
                socket.emit(*args)

    def _ask(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if not args or not isinstance(args[0], str) or args[0] in RESERVED_EVENTS:
            return
        socket.emit(args[0], *args[1:], on_ack=lambda *answer: socket.emit("asked", *answer))

    # What a client does to others

    def _other(self, socket: Socket, args: list[Any]) -> Socket | None:
        """The client of the namespace with the id in the first argument."""
        return self._sockets[socket.namespace].get(args[0]) if args and isinstance(args[0], str) else None

    def _ask_other(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        other = self._other(socket, args)
        if other is None or len(args) < 2 or not isinstance(args[1], str) or args[1] in RESERVED_EVENTS:
            return
        asked = [other]
        if self._faults("question-to-another-reaches-everybody"):
            asked = list(self._sockets[socket.namespace].values())
        if self._faults("question-to-another-is-heard-in-the-main-namespace"):
            asked += self._sockets["/"].values()
        for one in asked:
            one.emit(*args[1:], on_ack=partial(self._answered, socket, one))

    def _answered(self, asking: Socket, other: Socket, *answer: Any) -> None:
        if holds_bytes(list(answer)):
            self._is_mute = self._faults("rooms-are-mute-after-an-answer-with-binary")
            if self._faults("answer-with-binary-is-lost"):
                return
        if self._faults("answer-comes-back-to-who-gave-it"):
            asking = other
        asking.emit("asked", *answer)

    def _join_other(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        other = self._other(socket, args)
        if other is not None and not self._faults("another-client-does-not-join"):
            self.join(other, *args[1:2])
        ack(*args[:1])

    def _leave_other(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        other = self._other(socket, args)
        if other is not None and not self._faults("another-client-does-not-leave"):
            self._leave(other, args[1:2], lambda *rooms: None)
        ack(*args[:1])

    def _disconnect_other(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        other = self._other(socket, args)
        if other is not None and self._faults("another-client-loses-its-session"):
            other.close_session()
        elif other is not None and not self._faults("another-client-stays-connected"):
            other.disconnect()
        ack(*args[:1])

    def _close_room(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        members = (
            self._rooms.get((self._home(socket), args[0]), {}) if args and isinstance(args[0], str) else {}
        )
        kept = 1 if self._faults("closed-room-keeps-its-newest-member") else 0
        for member in list(members)[: len(members) - kept]:
            del members[member]
        ack(*args[:1])

    def _count(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if len(args) < 3 or not isinstance(args[0], str) or not isinstance(args[1], str):
            return
        own = self._other(socket, args)  # everybody's own id is the name of a room
        members = list(self._rooms.get((self._home(socket), args[0]), {}).values()) or ([own] if own else [])
        numbers = list(range(args[2]))
        if self._faults("counting-swaps-two-events"):
            numbers[-2:] = numbers[:-3:-1]
        if self._faults("counting-loses-its-last-event"):
            numbers = numbers[:-1]
        for number in numbers:
            self._send(members, socket, [args[1], number], with_sender=True)

    def _burst(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        if len(args) < 2 or not all(type(arg) is int and arg >= 0 for arg in args[:2]):
            return
        numbers = list(range(args[0]))
        if self._faults("burst-swaps-two-events") and len(numbers) > 2:
            numbers[1], numbers[2] = numbers[2], numbers[1]
        if self._faults("burst-loses-one-event"):
            numbers = numbers[:-2] + numbers[-1:]
        for number in numbers:
            socket.emit("b", number, "x" * args[1])

    def _kick(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        socket.disconnect()

    def _kick_all(self, socket: Socket, args: list[Any], ack: Callable[..., None]) -> None:
        socket.close_session()

    _HANDLERS: ClassVar[dict[str, Callable[["App", Socket, list[Any], Callable[..., None]], None]]] = {
        "message": _message,
        "message-with-ack": _message_with_ack,
        "join": _join,
        "leave": _leave,
        "to": _to,
        "in": _in,
        "broadcast": _broadcast,
        "all": _all,
        "ask": _ask,
        "ask-other": _ask_other,
        "join-other": _join_other,
        "leave-other": _leave_other,
        "disconnect-other": _disconnect_other,
        "close-room": _close_room,
        "count": _count,
        "burst": _burst,
        "kick": _kick,
        "kick-all": _kick_all,
    }
