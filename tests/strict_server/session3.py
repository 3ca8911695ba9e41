"""An Engine.IO 3 session: the client pings, and whatever it sends shows that it lives."""

from tests.strict_server.faults import Faults
from tests.strict_server.packets import EnginePacket, EngineType, PacketError
from tests.strict_server.packets3 import decode_message, encode_message
from tests.strict_server.session import Config, Session, State, WebSocketTransport
from tests.strict_server.websocket import WebSocket


class Session3(Session):
    """As a session of revision 4 but for its heartbeat and its OPEN packet.

    `takes_binary` is false for a client that asked for base64.
    """

    revision = 3

    def __init__(self, config: Config, faults: Faults, session_id: str, *, takes_binary: bool) -> None:
        super().__init__(config, faults, session_id)
        self.takes_binary = takes_binary

    def new_websocket(self, websocket: WebSocket) -> WebSocketTransport:
        return WebSocketTransport3(self, websocket)

    def _open_data(self) -> dict[str, object]:
        data = super()._open_data()
        data.pop("maxPayload", None)
        if self.faults("open-data-lacks-ping-interval"):
            del data["pingInterval"]
        return data

    def start_heartbeat(self) -> None:
        self._expect_packet()
        if self.faults("server-pings"):
            self._loop.call_later(self.config.ping_interval, self.send, EnginePacket(EngineType.PING))

    def _expect_packet(self) -> None:
        seconds = self.config.ping_interval + self.config.ping_timeout
        if self.faults("client-timeout-is-ignored"):
            seconds = 24 * 3600.0
        if self.faults("client-timeout-is-half"):
            seconds /= 2
        self._set_timer(seconds, lambda: self.end("ping timeout"))

    def receive(self, packet: EnginePacket) -> None:
        """Act on a packet of the peer; CLOSE over polling and the probe are the transports' business."""
        if self.state is not State.OPEN:
            return
        if not (packet.type is EngineType.PING and self.faults("client-ping-does-not-count")):
            self._expect_packet()
        if packet.type is EngineType.MESSAGE:
            self.on_message(packet.data)
        elif packet.type is EngineType.PING and not self.faults("client-ping-is-not-answered"):
            data = "" if self.faults("pong-loses-its-data") else packet.data
            self.send(EnginePacket(EngineType.PONG, data))
        elif packet.type is EngineType.CLOSE and not self.faults("close-packet-over-websocket-is-ignored"):
            self.end("transport close")


class WebSocketTransport3(WebSocketTransport):
    """As revision 4's, with a byte for the type before binary data."""

    def send(self, packets: list[EnginePacket]) -> None:
        for packet in packets:
            self._websocket.send(encode_message(packet, self._session.faults))

    def receive(self, message: str | bytes) -> None:
        """One message of the peer; what is no packet ends the session."""
        try:
            self._session.receive(decode_message(message, self._session.faults))
        except PacketError:
            if not self._session.faults("unknown-packet-over-websocket-is-ignored"):
                self._session.end("parse error")
