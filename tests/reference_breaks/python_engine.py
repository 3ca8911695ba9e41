"""Breaks of python-engineio and simple-websocket."""

from __future__ import annotations

import base64
import itertools
import queue
import time
import unicodedata
from typing import Any

from engineio import packet
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from engineio.packet import Packet
from engineio.payload import Payload
from engineio.server import Server
from engineio.socket import Socket
from simple_websocket.ws import Base
from wsproto.events import CloseConnection, Message, Ping

from tests.reference_breaks.registry import Registry, replace

BREAKS = breaks = Registry()


# Handshake


def change_open(change: Any) -> None:
    @replace(Socket, "send")
    def send(original: Any, self: Socket, pkt: Packet) -> None:
        if pkt.packet_type == packet.OPEN:
            change(pkt.data)
        original(self, pkt)


@breaks("EIO-HS-12")
def ping_values_are_swapped() -> None:
    """OPEN holds the interval as timeout and the timeout as interval."""

    def swap(data: dict[str, Any]) -> None:
        data["pingInterval"], data["pingTimeout"] = data["pingTimeout"], data["pingInterval"]

    change_open(swap)


@breaks("EIO-HS-11")
def open_holds_texts() -> None:
    """The numbers of OPEN are strings."""
    change_open(lambda data: data.update({key: str(data[key]) for key in ("pingInterval", "maxPayload")}))


@breaks("EIO-HS-11", "EIO-HS-13")
def upgrades_are_null() -> None:
    """`upgrades` is null where there are none."""

    @replace(Server, "_upgrades")
    def upgrades(original: Any, self: Server, *given: Any) -> Any:
        return original(self, *given) or None


@breaks("EIO-HS-22")
def session_ids_are_plain_base64() -> None:
    """Session ids hold `+` and `/`, which mean something else in a URL."""

    @replace(Server, "generate_id")
    def generate(original: Any, self: Server) -> str:
        return str(original(self).replace("_", "/").replace("-", "+"))


@breaks("EIO-HS-04")
def eio_3_is_accepted() -> None:
    """A handshake of revision 3 is answered in the encoding of revision 4."""

    @replace(Server, "handle_request")
    def handle(original: Any, self: Server, environ: dict[str, Any], start: Any) -> Any:
        environ["QUERY_STRING"] = environ["QUERY_STRING"].replace("EIO=3", "EIO=4")
        return original(self, environ, start)


@breaks("EIO-HS-06")
def unknown_transport_is_polling() -> None:
    """An unknown transport is taken for polling."""

    @replace(Server, "handle_request")
    def handle(original: Any, self: Server, environ: dict[str, Any], start: Any) -> Any:
        query = environ["QUERY_STRING"]
        if "transport=" in query and "websocket" not in query:
            environ["QUERY_STRING"] = "&".join(
                part for part in query.split("&") if not part.startswith("transport=")
            )
        return original(self, environ, start)


@breaks("EIO-HS-03", "EIO-HS-04", "EIO-HS-06", "EIO-HS-16")
def refusals_are_200() -> None:
    """What is refused is refused with HTTP 200."""

    @replace(Server, "_bad_request")
    def bad(original: Any, self: Server, *given: Any) -> Any:
        return {**original(self, *given), "status": "200 OK"}


@breaks("EIO-CO-01")
def cors_headers_are_missing() -> None:
    """A cross-origin request that is allowed is answered without a CORS header."""
    replace(Server, "_cors_headers")(lambda original, self, environ: [])


# Polling


@breaks("EIO-PL-04")
def poll_does_not_wait() -> None:
    """A poll with nothing to deliver is answered by a NOOP at once."""

    @replace(Socket, "poll")
    def poll(original: Any, self: Socket) -> Any:
        if not self.upgraded and self.queue.empty():
            return [Packet(packet.NOOP)]
        return original(self)


@breaks("EIO-PL-05", "SIO-OR-01")
def payload_has_sixteen_packets() -> None:
    """What waits for a poll beyond sixteen packets is lost."""

    @replace(Payload, "encode")
    def encode(original: Any, self: Payload, *given: Any, **named: Any) -> Any:
        del self.packets[16:]
        return original(self, *given, **named)


@breaks("EIO-EN-04", "EIO-EN-03")
def base64_has_lines() -> None:
    """Base64 is broken into lines of 76 characters."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet, b64: bool = False) -> Any:
        if self.binary and b64:
            return "b" + base64.encodebytes(self.data).decode().rstrip("\n")
        return original(self, b64)


@breaks("EIO-EN-03")
def binary_has_no_mark() -> None:
    """Binary in a payload is base64 without the `b`."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet, b64: bool = False) -> Any:
        encoded = original(self, b64)
        return encoded[1:] if self.binary and b64 else encoded


@breaks("SIO-OR-02", "SIO-BN-03")
def push_is_read_backwards() -> None:
    """The packets of a push are processed last first."""

    @replace(Payload, "decode")
    def decode(original: Any, self: Payload, encoded: str) -> None:
        original(self, encoded)
        self.packets.reverse()


@breaks("EIO-EN-02", "EIO-PL-15")
def push_loses_its_last_packet() -> None:
    """The last packet of a push of several is lost."""

    @replace(Payload, "decode")
    def decode(original: Any, self: Payload, encoded: str) -> None:
        original(self, encoded)
        self.packets = self.packets[:-1] or self.packets


@breaks("EIO-PL-06")
def poll_has_no_charset() -> None:
    """The answer to a poll does not name its charset."""

    @replace(Server, "_ok")
    def ok(original: Any, self: Server, *given: Any, **named: Any) -> Any:
        return {**original(self, *given, **named), "headers": [("Content-Type", "text/plain")]}


@breaks("EIO-PL-18")
def gzip_is_deflate() -> None:
    """What is called gzip is deflate."""
    replace(Server, "_gzip")(lambda original, self, response: self._deflate(response))


@breaks("EIO-EN-05")
def push_is_latin_1() -> None:
    """A push is read as Latin-1."""

    @replace(Payload, "decode")
    def decode(original: Any, self: Payload, encoded: str) -> None:
        original(self, encoded.encode().decode("latin-1"))


@breaks("EIO-EN-05")
def websocket_text_is_ascii() -> None:
    """Characters beyond ASCII become question marks over WebSocket."""

    @replace(SimpleWebSocketWSGI, "wait")
    def wait(original: Any, self: SimpleWebSocketWSGI) -> Any:
        data = original(self)
        return data.encode("ascii", "replace").decode() if isinstance(data, str) else data


@breaks("EIO-EN-05", "SIO-EN-06")
def text_is_decomposed() -> None:
    """Text is sent in another normal form of Unicode than it came in."""

    @replace(Packet, "decode")
    def decode(original: Any, self: Packet, encoded: Any) -> None:
        original(self, unicodedata.normalize("NFD", encoded) if isinstance(encoded, str) else encoded)


@breaks("EIO-MX-04")
def limit_is_one_byte_early() -> None:
    """A push of exactly maxPayload bytes is refused."""

    @replace(Socket, "handle_post_request")
    def handle(original: Any, self: Socket, environ: dict[str, Any]) -> None:
        if int(environ.get("CONTENT_LENGTH", "0")) >= self.server.max_http_buffer_size:
            environ["CONTENT_LENGTH"] = str(self.server.max_http_buffer_size + 1)
        original(self, environ)


@breaks("EIO-MX-04")
def websocket_cuts_long_text() -> None:
    """Text beyond 32768 characters is cut off over WebSocket."""

    @replace(SimpleWebSocketWSGI, "wait")
    def wait(original: Any, self: SimpleWebSocketWSGI) -> Any:
        data = original(self)
        return data[:32768] if isinstance(data, str) else data


# Heartbeat


@breaks("EIO-HB-01")
def pings_come_in_pairs() -> None:
    """Two pings are sent at each interval."""

    @replace(Socket, "send")
    def send(original: Any, self: Socket, pkt: Packet) -> None:
        original(self, pkt)
        if pkt.packet_type == packet.PING:
            original(self, pkt)


@breaks("EIO-HB-01")
def pings_hold_a_time() -> None:
    """A ping has data."""

    @replace(Socket, "send")
    def send(original: Any, self: Socket, pkt: Packet) -> None:
        original(self, Packet(packet.PING, "1700000000") if pkt.packet_type == packet.PING else pkt)


@breaks("EIO-HB-01")
def pings_come_at_half_time() -> None:
    """Pings come every half of the ping interval."""

    @replace(Socket, "_send_ping")
    def ping(original: Any, self: Socket) -> None:
        self.server.sleep(self.server.ping_interval / 2)
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.send(Packet(packet.PING))


@breaks("EIO-HB-02")
def pong_is_not_read() -> None:
    """A pong does not count, so that the session times out."""

    @replace(Socket, "receive")
    def receive(original: Any, self: Socket, pkt: Packet) -> None:
        if pkt.packet_type != packet.PONG:
            original(self, pkt)


@breaks("EIO-HB-06")
def unasked_pong_closes() -> None:
    """A pong that nothing asked for ends the session."""

    @replace(Socket, "schedule_ping")
    def schedule(original: Any, self: Socket) -> None:
        if self.last_ping is None:
            self.close(wait=False, abort=True)
        original(self)


# Upgrade and close


@breaks("EIO-UP-02")
def probe_is_echoed() -> None:
    """The probe is answered by a ping with the same data."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet, b64: bool = False) -> Any:
        return "2probe" if self.data == "probe" else original(self, b64)


def when_sent_over_polling(kind: int, act: Any) -> None:
    @replace(Server, "create_queue")
    def create(original: Any, self: Server, *given: Any, **named: Any) -> Any:
        made = original(self, *given, **named)
        put = made.put
        made.put = lambda item, *rest: put(item, *rest) if not act(item, kind) else None
        return made


@breaks("EIO-UP-03")
def probe_sends_no_noop() -> None:
    """The pending poll is not ended after the probe."""
    when_sent_over_polling(packet.NOOP, lambda item, kind: item is not None and item.packet_type == kind)


@breaks("EIO-UP-05")
def upgrade_empties_the_queue() -> None:
    """What waits for a poll is lost when the upgrade completes."""

    @replace(Server, "start_background_task")
    def start(original: Any, self: Server, target: Any, *given: Any, **named: Any) -> Any:
        if target.__name__ == "writer":
            session = target.__closure__[target.__code__.co_freevars.index("self")].cell_contents
            with session.queue.mutex:
                kept = [item for item in session.queue.queue if item and item.packet_type == packet.OPEN]
                session.queue.queue.clear()
                session.queue.queue.extend(kept)
        return original(self, target, *given, **named)


@breaks("EIO-UP-05")
def upgrade_sends_a_packet_twice() -> None:
    """The first packet that waits for a poll is sent twice when the upgrade completes."""

    @replace(Server, "start_background_task")
    def start(original: Any, self: Server, target: Any, *given: Any, **named: Any) -> Any:
        if target.__name__ == "writer":
            session = target.__closure__[target.__code__.co_freevars.index("self")].cell_contents
            waiting = [p for p in session.queue.queue if p is not None and p.packet_type == packet.MESSAGE]
            for item in waiting[:1]:
                session.queue.put(item)
        return original(self, target, *given, **named)


@breaks("EIO-UP-06")
def polls_wait_during_the_upgrade() -> None:
    """A poll during an upgrade waits for a packet."""

    @replace(Socket, "handle_get_request")
    def handle(original: Any, self: Socket, environ: dict[str, Any], start: Any) -> Any:
        if self.upgrading and "HTTP_UPGRADE" not in environ:
            return self.poll()
        return original(self, environ, start)


@breaks("EIO-UP-07")
def polls_are_served_after_the_upgrade() -> None:
    """A poll after the upgrade is answered by a NOOP."""

    @replace(Server, "handle_request")
    def handle(original: Any, self: Server, environ: dict[str, Any], start: Any) -> Any:
        sid = environ["QUERY_STRING"].partition("sid=")[2].partition("&")[0]
        if environ["REQUEST_METHOD"] == "GET" and sid in self.sockets and self.sockets[sid].upgraded:
            start("200 OK", [("Content-Type", "text/plain; charset=UTF-8")])
            return [b"6"]
        return original(self, environ, start)


@breaks("EIO-UP-08")
def pushes_are_read_after_the_upgrade() -> None:
    """A push after the upgrade is processed."""

    @replace(Server, "handle_request")
    def handle(original: Any, self: Server, environ: dict[str, Any], start: Any) -> Any:
        sid = environ["QUERY_STRING"].partition("sid=")[2].partition("&")[0]
        if environ["REQUEST_METHOD"] == "POST" and sid in self.sockets and self.sockets[sid].upgraded:
            self.sockets[sid].handle_post_request(environ)
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"OK"]
        return original(self, environ, start)


@breaks("EIO-UP-15", "EIO-WS-03")
def binary_is_base64_over_websocket() -> None:
    """Binary travels as base64 over WebSocket."""
    replace(Packet, "encode")(lambda original, self, b64=False: original(self, True))


@breaks("EIO-CL-01", "EIO-CL-02")
def close_is_ignored() -> None:
    """A CLOSE packet from the client does nothing."""

    @replace(Socket, "receive")
    def receive(original: Any, self: Socket, pkt: Packet) -> None:
        if pkt.packet_type != packet.CLOSE:
            original(self, pkt)


@breaks("EIO-CL-01", "EIO-PL-20")
def close_leaves_the_poll_pending() -> None:
    """The pending poll is not ended when the client sends CLOSE."""

    @replace(Server, "create_queue")
    def create(original: Any, self: Server, *given: Any, **named: Any) -> Any:
        made = original(self, *given, **named)
        put = made.put
        made.put = lambda item, *rest: None if item is None else put(item, *rest)
        return made


@breaks("EIO-CL-03")
def polling_resumes_after_the_websocket() -> None:
    """The end of the WebSocket gives an upgraded session back to polling."""

    @replace(Socket, "close")
    def close(original: Any, self: Socket, *given: Any, **named: Any) -> None:
        if named.get("reason") == self.server.reason.TRANSPORT_CLOSE and not self.closed:
            self.upgraded = False
        else:
            original(self, *given, **named)


@breaks("EIO-CL-02")
def websocket_stays_open() -> None:
    """The WebSocket of a session that has ended is not closed."""
    replace(SimpleWebSocketWSGI, "close")(lambda original, self: None)


# WebSocket


def change_events(change: Any) -> None:
    @replace(Base, "_handle_events")
    def handle(original: Any, self: Base) -> Any:
        events = list(itertools.chain.from_iterable(change(event) for event in self.ws.events()))
        read = self.ws.events
        self.ws.events = lambda: events
        try:
            return original(self)
        finally:
            self.ws.events = read


@breaks("EIO-WS-07")
def websocket_ping_is_not_answered() -> None:
    """A ping frame gets no pong frame."""
    change_events(lambda event: [] if isinstance(event, Ping) else [event])


@breaks("EIO-WS-07")
def close_frame_is_not_answered() -> None:
    """A close frame gets no close frame."""
    change_events(lambda event: [] if isinstance(event, CloseConnection) else [event])


@breaks("EIO-WS-07")
def fragments_are_messages() -> None:
    """Each fragment of a WebSocket message is taken for a message."""

    def finish(event: Any) -> list[Any]:
        if isinstance(event, Message):
            return [type(event)(event.data, event.frame_finished, True)]
        return [event]

    change_events(finish)


@breaks("SIO-OR-01", "EIO-PL-05", "EIO-UP-05")
def queue_is_a_stack() -> None:
    """What waits is sent last first."""

    @replace(Server, "create_queue")
    def create(original: Any, self: Server, *given: Any, **named: Any) -> Any:
        return queue.LifoQueue(*given, **named)


@breaks("SIO-OR-01", "EIO-PL-05", "EIO-UP-05")
def queue_is_short() -> None:
    """Packets beyond sixty-four that wait are lost."""

    @replace(Server, "create_queue")
    def create(original: Any, self: Server, *given: Any, **named: Any) -> Any:
        made = original(self, *given, **named)
        put = made.put
        made.put = lambda item, *rest: None if item is not None and made.qsize() >= 64 else put(item, *rest)
        return made
