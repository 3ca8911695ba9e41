"""Socket.IO over one Engine.IO session: namespaces, events, acks.

A wrong packet, or a right one that does not fit the state, closes the session.
It leaves out the packets' text (parser.py) and what events do (app.py).
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.strict_server.app import App, Refused
from tests.strict_server.faults import Faults
from tests.strict_server.packets import IgnoredPacket, PacketError
from tests.strict_server.parser import NOTHING, Decoder, SocketPacket, SocketType, encode, holds_bytes
from tests.strict_server.recovery import Logged, Recovery
from tests.strict_server.session import Session

# How long a fault keeps attachments back, so that packets sent meanwhile come between.
INTERLEAVE_SECONDS = 0.05
# How long a fault keeps an event back, so that the next overtakes it.
LATER_SECONDS = 0.02
# How long a fault makes a namespace deaf after its CONNECT.
SOON_SECONDS = 0.3


class NamespaceSocket:
    """One peer in one namespace."""

    def __init__(self, client: "Client", namespace: str, socket_id: str) -> None:
        self.id = socket_id
        self.namespace = namespace
        self.callbacks: dict[int, Callable[..., None]] = {}
        self.binary_questions: set[int] = set()
        self.pid: str | None = None
        self.log: list[Logged] = []  # with recovery, its events that can be replayed
        self.is_lost = False
        self._client = client
        self._next_ack_id = 0

    def emit(self, event: Any, *args: Any, on_ack: Callable[..., None] | None = None) -> None:
        """Send an EVENT; `on_ack` is called with the arguments of the peer's ACK."""
        if self._client.faults("event-name-is-cut"):
            event = event[:64]
        ack_id = None
        if on_ack is not None:
            ack_id = self._next_ack_id
            if not self._client.faults("ack-ids-are-used-again"):
                self._next_ack_id += 1
            self.callbacks[ack_id] = on_ack
            if any(isinstance(arg, bytes) for arg in args):
                self.binary_questions.add(ack_id)
        if self._client.faults("event-asks-for-no-ack"):
            ack_id = None
        packet = SocketPacket(SocketType.EVENT, self.namespace, [event, *args], ack_id)
        if self.pid is not None:
            packet = self._with_offset(packet)
        if not self.is_lost:
            self._client.send(packet)

    def _with_offset(self, packet: SocketPacket) -> SocketPacket:
        """The event as a client that may be recovered gets it."""
        recovery, faults = self._client.recovery, self._client.faults
        assert recovery is not None
        assert isinstance(packet.data, list)
        question = packet.ack_id is not None and not faults("question-has-an-offset")
        unmarked = faults("answer-has-no-offset") and packet.data[0] == "message-back"
        if question or unmarked or (faults("binary-event-has-no-offset") and holds_bytes(packet.data)):
            return packet
        offset = recovery.new_offset()
        whole = replace(packet, data=[*packet.data, offset])
        self.log.append((offset, packet if faults("replayed-event-has-no-offset") else whole))
        return whole

    @property
    def waits_for_a_poll(self) -> bool:
        return not self._client.is_writable

    def disconnect(self) -> None:
        self._client.disconnect(self)

    def close_session(self) -> None:
        self._client.close_session()


class Client:
    """The Socket.IO side of one session."""

    def __init__(self, session: Session, app: App, faults: Faults, recovery: Recovery | None = None) -> None:
        self.faults = faults
        self.recovery = recovery
        self._session = session
        self._app = app
        self._decoder = Decoder(faults)
        self._sockets: dict[str, NamespaceSocket] = {}
        self._was_connected = False
        self._entered = 0.0
        self._events = 0
        self._last_event: SocketPacket | None = None
        self._first_auth: dict[str, Any] | None = None
        if faults("attachments-are-taken-from-any-client"):
            self._decoder = app.shared_decoder
        if faults("upgrade-drops-the-questions"):
            session.on_upgrade = lambda: [one.callbacks.clear() for one in self._sockets.values()]
        # What only some faults remember: the socket and the rooms that a namespace had before its disconnect.
        self._left: dict[str, tuple[NamespaceSocket, list[str]]] = {}
        session.on_message = self.receive
        session.on_end = self._end
        if faults("pong-drops-attachments"):
            session.on_pong = self._decoder.forget
        timeout = session.config.connect_timeout / (3 if faults("connect-timeout-comes-early") else 1)
        self._connect_timer = asyncio.get_running_loop().call_later(timeout, self._connect_timed_out)
        if faults("main-namespace-needs-no-connect") or faults("main-namespace-is-joined-unasked"):
            self._enter(NamespaceSocket(self, "/", self._new_socket_id("/")))
        if faults("main-namespace-is-joined-unasked"):
            self._answer_connect(self._sockets["/"])

    @property
    def is_writable(self) -> bool:
        return self._session.transport.writable

    # Receiving

    def receive(self, message: str | bytes) -> None:
        try:
            packet = self._decoder.add(message)
            if packet is not None:
                self._receive_packet(packet)
        except IgnoredPacket:
            pass
        except PacketError:
            if not self.faults("undecodable-packet-is-ignored"):
                self._session.close()
        except RecursionError:
            # Data nested deeper than this interpreter follows cannot be answered, so it is not accepted.
            self._session.close()

    def _receive_packet(self, packet: SocketPacket) -> None:
        socket = self._sockets.get(packet.namespace)
        if packet.type is SocketType.CONNECT:
            if socket is None:
                self._connect(packet)
            else:
                self._connect_again(socket, packet)
        elif packet.type is SocketType.CONNECT_ERROR:
            if not self.faults("connect-error-of-a-client-is-ignored"):
                self._session.close()
        elif socket is None:
            self._receive_elsewhere(packet)
        elif packet.type is SocketType.DISCONNECT:
            self._receive_disconnect(socket)
        elif packet.type in (SocketType.EVENT, SocketType.BINARY_EVENT):
            self._receive_event(socket, packet)
        else:
            self._receive_ack(socket, packet)

    def _receive_elsewhere(self, packet: SocketPacket) -> None:
        """A packet for a namespace that the peer is not in."""
        if self.faults("event-before-connect-is-ignored") and not self._was_connected:
            return
        if self.faults("event-for-another-namespace-is-ignored") and self._sockets:
            return
        if self.faults("disconnect-of-another-namespace-is-ignored") and packet.type is SocketType.DISCONNECT:
            return
        if self.faults("event-after-disconnect-is-processed") and packet.namespace in self._left:
            self._receive_event(self._left[packet.namespace][0], packet)
            return
        self._session.close()

    def _receive_event(self, socket: NamespaceSocket, packet: SocketPacket) -> None:
        if not isinstance(packet.data, list) or not packet.data:
            return
        if packet.ack_id is None and self.faults("event-without-an-id-is-acked"):
            self.send(SocketPacket(SocketType.ACK, socket.namespace, [], 0))
        since = asyncio.get_running_loop().time() - self._entered
        if since < SOON_SECONDS and self.faults("event-at-once-after-connect-is-lost"):
            return
        self._events += 1
        if self.faults("every-second-event-is-handled-later") and self._events % 2:
            asyncio.get_running_loop().call_later(LATER_SECONDS, self._handle_event, socket, packet)
        else:
            self._handle_event(socket, packet)
        if self.faults("event-is-handled-in-every-namespace"):
            for other in self._sockets.values():
                if other is not socket:
                    self._handle_event(other, packet)

    def _handle_event(self, socket: NamespaceSocket, packet: SocketPacket) -> None:
        self._app.receive(socket, packet.data[0], packet.data[1:], self._ack(socket, packet))

    def _ack(self, socket: NamespaceSocket, packet: SocketPacket) -> Callable[..., None]:
        ack_id = packet.ack_id
        if (
            ack_id is None
            or self.faults("acks-nothing")
            or (ack_id == 0 and self.faults("ack-id-zero-is-lost"))
        ):
            return lambda *args: None
        if self.faults("ack-id-is-one-too-high"):
            ack_id += 1
        if self.faults("ack-id-has-sixteen-bits"):
            ack_id &= 0xFFFF
        namespace = "/" if self.faults("ack-goes-to-the-main-namespace") else socket.namespace
        kind = SocketType.EVENT if self.faults("ack-is-sent-as-event") else SocketType.ACK

        def send(*args: Any) -> None:
            data: Any = list(args)
            if self.faults("ack-data-is-the-first-argument"):
                data = args[0] if args else None
            if self.faults("ack-of-nothing-has-no-data") and not args:
                data = NOTHING
            answer = SocketPacket(kind, namespace, data, ack_id)
            if self.faults("ack-of-a-binary-event-is-binary") and packet.type is SocketType.BINARY_EVENT:
                answer = replace(answer, type=SocketType.BINARY_ACK)
            self.send(answer)
            if self.faults("acks-twice"):
                self.send(answer)

        return send

    def _receive_ack(self, socket: NamespaceSocket, packet: SocketPacket) -> None:
        if self.faults("ack-of-the-client-is-ignored"):
            return
        ack_id = -1 if packet.ack_id is None else packet.ack_id
        plain = packet.type is SocketType.ACK and ack_id in socket.binary_questions
        if plain and self.faults("binary-question-wants-a-binary-answer"):
            return
        if self.faults("ack-of-any-namespace-is-an-answer"):
            socket = next((one for one in self._sockets.values() if ack_id in one.callbacks), socket)
        if self.faults("ack-of-any-client-is-an-answer"):
            socket.callbacks.update(self._app.find(socket, lambda one: ack_id in one.callbacks).callbacks)
        callback = socket.callbacks.get(ack_id)
        if not self.faults("second-ack-is-accepted"):
            socket.callbacks.pop(ack_id, None)
        if callback is not None:
            callback(*(packet.data if isinstance(packet.data, list) else []))
        elif self.faults("unknown-ack-closes"):
            self._session.close()

    # Namespaces

    def _connect(self, packet: SocketPacket) -> None:
        auth = packet.data if isinstance(packet.data, dict) else {}
        self._first_auth = auth if self._first_auth is None else self._first_auth
        if self.faults("auth-is-that-of-the-first-connect"):
            auth = self._first_auth
        if self.faults("auth-values-become-text"):
            auth = {key: str(value) for key, value in auth.items()}
        try:
            if not (self.faults("unknown-namespace-is-accepted") and packet.namespace != "/reject"):
                self._app.check_connect(packet.namespace, auth)
        except Refused as refusal:
            self._refuse(packet.namespace, refusal)
            if self.faults("connect-timeout-ends-with-a-refusal"):
                self._connect_timer.cancel()
            return
        if self.faults("second-namespace-replaces-the-first"):
            for other in list(self._sockets.values()):
                self._leave(other)
        lost = self.recovery.find(packet.namespace, auth) if self.recovery is not None else None
        if lost is None and self.faults("unknown-private-id-is-refused") and "pid" in auth:
            self._refuse(packet.namespace, Refused("unknown pid"))
            return
        self._join(packet.namespace, auth, lost)

    def _enter(self, socket: NamespaceSocket) -> None:
        if not self.faults("connect-timeout-closes-everybody"):
            self._connect_timer.cancel()
        self._was_connected = True
        self._entered = asyncio.get_running_loop().time()
        self._sockets[socket.namespace] = socket
        self._app.add(socket)

    def _join(self, namespace: str, auth: dict[str, Any], lost: NamespaceSocket | None = None) -> None:
        socket = NamespaceSocket(self, namespace, self._new_socket_id(namespace))
        if self.recovery is not None and not self.faults("connect-answer-has-no-private-id"):
            socket.pid = self.recovery.new_pid(socket)
        rooms = self._recover(socket, lost) if lost is not None else []
        self._enter(socket)
        self._app.join(socket, *rooms)
        if self.faults("rooms-survive-a-disconnect") and namespace in self._left:
            self._app.join(socket, *self._left[namespace][1])
        if self.faults("event-precedes-the-connect-answer"):
            socket.emit("auth", auth)
        self._answer_connect(socket)
        if lost is not None and self.recovery is not None:
            for _, event in self.recovery.missed(lost, auth.get("offset")):
                self.send(replace(event, namespace=namespace))
        if not self.faults("event-precedes-the-connect-answer"):
            if self.faults("auth-is-lost"):
                auth = {}
            socket.emit("auth", None if self.faults("absent-auth-is-null") and not auth else auth)

    def _recover(self, socket: NamespaceSocket, lost: NamespaceSocket) -> list[str]:
        """Give the socket what the lost one had. Returns its rooms."""
        rooms = self._app.rooms_of(lost)
        self._app.remove(lost)
        if not self.faults("socket-id-is-not-recovered"):
            socket.id = lost.id
        socket.pid, socket.log = lost.pid, list(lost.log)
        if self.faults("private-id-is-not-recovered"):
            socket.pid = f"next-{lost.pid}"
        return [] if self.faults("rooms-are-not-recovered") else rooms

    def _answer_connect(self, socket: NamespaceSocket) -> None:
        data: Any = {"sid": socket.id}
        if socket.pid is not None:
            data["pid"] = socket.pid
        if self.faults("connect-answer-has-no-sid"):
            data = {}
        if self.faults("connect-answer-has-no-data"):
            data = NOTHING
        namespace = "/" if self.faults("connect-answer-names-no-namespace") else socket.namespace
        self.send(SocketPacket(SocketType.CONNECT, namespace, data))

    def _new_socket_id(self, namespace: str) -> str:
        if self.faults("socket-id-is-the-session-id"):
            return self._session.id
        if self.faults("socket-id-is-the-same-in-every-namespace"):
            return self._session.id[::-1]
        if self.faults("second-connection-has-the-same-socket-id"):
            return self._session.id[::-1] + namespace
        return secrets.token_urlsafe(15)

    def _connect_again(self, socket: NamespaceSocket, packet: SocketPacket) -> None:
        unasked = self.faults("main-namespace-is-joined-unasked")
        if packet.namespace == "/" and (unasked or self.faults("main-namespace-needs-no-connect")):
            self._leave(socket)
            self._connect(packet)
        elif self.faults("second-connect-is-answered"):
            self._answer_connect(socket)
        elif not self.faults("second-connect-is-ignored"):
            self._session.close()

    def _refuse(self, namespace: str, refusal: Refused) -> None:
        data: Any = refusal.data
        if self.faults("refusal-is-text"):
            data = refusal.data["message"]
        if self.faults("refusal-has-no-message"):
            data = {"reason": refusal.data["message"]}
        if self.faults("refusal-loses-its-data"):
            data = {"message": refusal.data["message"]}
        if str(refusal) == "Invalid namespace" and self.faults("unknown-namespace-has-another-message"):
            data = {"message": "Unable to connect"}
        if str(refusal) == "Invalid namespace" and self.faults("unknown-namespace-is-not-answered"):
            return
        kind = SocketType.DISCONNECT if self.faults("refusal-is-a-disconnect") else SocketType.CONNECT_ERROR
        self.send(SocketPacket(kind, namespace, NOTHING if kind is SocketType.DISCONNECT else data))
        if self.faults("refusal-closes-the-session"):
            self._session.close()
        if self.faults("refused-socket-stays") and namespace == "/auth":
            socket = NamespaceSocket(self, namespace, self._new_socket_id(namespace))
            self._app.add(socket)

    def _receive_disconnect(self, socket: NamespaceSocket) -> None:
        if self.faults("disconnect-is-ignored"):
            return
        self._leave(socket)
        if self.faults("disconnect-is-answered"):
            self.send(SocketPacket(SocketType.DISCONNECT, socket.namespace))
        if self.faults("disconnect-ends-every-namespace"):
            for other in list(self._sockets.values()):
                self._leave(other)
        if self.faults("disconnect-closes-the-session"):
            self._session.close()

    def _leave(self, socket: NamespaceSocket) -> None:
        if self.faults("who-left-is-recovered") and self.recovery is not None:
            self.recovery.keep(socket)
        self._left[socket.namespace] = socket, self._app.rooms_of(socket)
        if self.faults("leaving-drops-all-questions"):
            for other in self._sockets.values():
                other.callbacks.clear()
        self._sockets.pop(socket.namespace, None)
        self._app.remove(socket)

    # Sending

    def send(self, packet: SocketPacket) -> None:
        is_repeated, self._last_event = packet == self._last_event, packet
        if is_repeated and packet.type is SocketType.EVENT and self.faults("repeated-event-is-dropped"):
            return
        if packet.type is SocketType.EVENT and self.faults("event-names-no-namespace"):
            packet = replace(packet, namespace="/")
        messages = encode(packet, self.faults)
        if len(messages) > 1 and (
            (packet.type is SocketType.EVENT and self.faults("binary-event-names-no-namespace"))
            or (packet.type is SocketType.ACK and self.faults("binary-ack-names-no-namespace"))
        ):
            messages[:1] = encode(replace(packet, namespace="/"), self.faults)[:1]
        if self.faults("attachments-interleave"):
            self._session.send_message(messages.pop(0))
            asyncio.get_running_loop().call_later(INTERLEAVE_SECONDS, self._send_messages, messages)
        elif len(messages) > 10 and self.faults("ten-attachments-are-sent-in-two-parts"):
            self._send_messages(messages[:-1])
            asyncio.get_running_loop().call_later(INTERLEAVE_SECONDS, self._send_messages, messages[-1:])
        else:
            self._send_messages(messages)

    def _send_messages(self, messages: list[str | bytes]) -> None:
        for message in messages:
            self._session.send_message(message)

    def disconnect(self, socket: NamespaceSocket) -> None:
        """Put the peer out of one namespace."""
        if not self.faults("kick-sends-nothing"):
            data = {"message": "kicked"} if self.faults("kick-carries-data") else NOTHING
            self.send(SocketPacket(SocketType.DISCONNECT, socket.namespace, data))
        if not self.faults("kicked-socket-stays"):
            self._leave(socket)

    def close_session(self) -> None:
        """Put the peer out of every namespace and close the session."""
        for socket in list(self._sockets.values()):
            self.send(SocketPacket(SocketType.DISCONNECT, socket.namespace))
            self._leave(socket)
        if not self.faults("kick-all-keeps-the-session"):
            self._session.close()

    # The end

    def _connect_timed_out(self) -> None:
        if not self.faults("connect-timeout-is-ignored"):
            self._session.close()

    def _end(self, reason: str) -> None:
        self._connect_timer.cancel()
        self._decoder.forget()
        for socket in list(self._sockets.values()):
            if socket.pid is not None and self.recovery is not None:
                socket.is_lost = True
                self.recovery.keep(socket)
            else:
                self._leave(socket)
