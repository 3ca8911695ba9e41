"""Socket.IO 4 over one Engine.IO 3 session: `/` is connected unasked, CONNECT carries no data, a client's
words for a namespace are its query, and refusals are ERROR packets.

What comes for a namespace that the peer is not in is ignored, as socket.io 2 does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from tests.strict_server.app import App, Refused
from tests.strict_server.faults import Faults
from tests.strict_server.liberties import Liberty
from tests.strict_server.packets import PacketError
from tests.strict_server.parser import NOTHING, SocketPacket, SocketType
from tests.strict_server.session import Session
from tests.strict_server.socketio import LATER_SECONDS, Client, NamespaceSocket


class Client4(Client):
    """The Socket.IO side of one session of revision 3."""

    def __init__(self, session: Session, app: App, faults: Faults) -> None:
        super().__init__(session, app, faults)
        self._connect_timer.cancel()
        if not faults("main-namespace-waits-for-connect"):
            self._join("/", {})

    def _receive_packet(self, packet: SocketPacket) -> None:
        if packet.type is SocketType.CONNECT and packet.data is not NOTHING:
            raise PacketError("CONNECT with data")
        if packet.type is SocketType.CONNECT_ERROR:
            return
        super()._receive_packet(packet)

    def _receive_elsewhere(self, packet: SocketPacket) -> None:
        pass

    def _connect_again(self, socket: NamespaceSocket, packet: SocketPacket) -> None:
        pass

    def _connect(self, packet: SocketPacket) -> None:
        namespace, _, query = packet.namespace.partition("?")
        if self.faults("query-is-part-of-the-namespace"):
            namespace = packet.namespace
        auth = {} if self.faults("query-is-lost") else dict(parse_qsl(query, keep_blank_values=True))
        if namespace in self._sockets:
            return
        try:
            if self.faults("good-token-is-refused") and auth.get("token") == "good":
                raise Refused("bad token")
            self._app.check_connect(namespace, auth)
        except Refused as refusal:
            self._refuse(namespace, refusal)
            return
        self._join(namespace, auth)

    def _answer_connect(self, socket: NamespaceSocket) -> None:
        data: Any = {"sid": socket.id} if self.faults("connect-answer-has-a-sid") else NOTHING
        self.send(SocketPacket(SocketType.CONNECT, socket.namespace, data))

    def _ack(self, socket: NamespaceSocket, packet: SocketPacket) -> Callable[..., None]:
        send = super()._ack(socket, packet)
        if Liberty.ACKS_IN_ANY_ORDER not in self._session.config.liberties or not (packet.ack_id or 0) % 2:
            return send

        def send_later(*args: Any) -> None:
            asyncio.get_running_loop().call_later(LATER_SECONDS, send, *args)

        return send_later

    def send(self, packet: SocketPacket) -> None:
        if packet.data == [] and Liberty.ACKS_WITHOUT_DATA in self._session.config.liberties:
            packet = replace(packet, data=NOTHING)
        super().send(packet)

    def _refuse(self, namespace: str, refusal: Refused) -> None:
        if str(refusal) == "Invalid namespace" and self.faults("unknown-namespace-is-not-answered"):
            return
        data = refusal.data.get("data", str(refusal))
        if Liberty.SILENT_ERRORS in self._session.config.liberties:
            data = NOTHING
        self.send(SocketPacket(SocketType.CONNECT_ERROR, namespace, data))
        if self.faults("refusal-closes-the-session"):
            self._session.close()
