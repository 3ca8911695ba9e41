"""Breaks of the clients in Python that were written after the cases were read."""

from __future__ import annotations

import asyncio
import base64
import itertools
from typing import Any

from aiohttp._websocket.writer import WebSocketWriter
from engineio import packet
from engineio.async_client import AsyncClient as EngineClient
from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload
from socketio import packet as socket_packet
from socketio.async_client import AsyncClient
from socketio.packet import Packet

from tests.reference_breaks.registry import Registry, replace

BREAKS = breaks = Registry()


def when_received(kind: int, change: Any) -> None:
    """Let `change` have each packet of this type first. It answers whether the client has it, too."""

    @replace(EngineClient, "_receive_packet")
    async def receive(original: Any, self: EngineClient, received: EnginePacket) -> None:
        if received.packet_type != kind or change(self, received):
            await original(self, received)


# Engine.IO


@breaks("CLI-HB-01")
def pong_is_a_ping() -> None:
    """A ping is answered by a ping."""

    @replace(EngineClient, "_send_packet")
    def send(original: Any, self: EngineClient, sent: EnginePacket) -> Any:
        return original(self, EnginePacket(packet.PING) if sent.packet_type == packet.PONG else sent)


@breaks("CLI-HB-06", "CLI-HB-01")
def polls_hold_no_pings() -> None:
    """A ping is not answered over polling."""
    when_received(packet.PING, lambda client, received: client.current_transport == "websocket")


@breaks("CLI-CL-01")
def close_packet_is_ignored() -> None:
    """A CLOSE packet of the server is ignored."""
    when_received(packet.CLOSE, lambda client, received: False)


@breaks("CLI-CL-03")
def noop_ends_the_session() -> None:
    """A NOOP is taken for CLOSE."""

    def close(client: EngineClient, received: EnginePacket) -> bool:
        received.packet_type = packet.CLOSE
        return True

    when_received(packet.NOOP, close)


@breaks("CLI-CL-04")
def leaves_without_a_close_packet() -> None:
    """No CLOSE packet is sent."""

    @replace(EngineClient, "_send_packet")
    async def send(original: Any, self: EngineClient, sent: EnginePacket) -> None:
        if sent.packet_type != packet.CLOSE:
            await original(self, sent)


@breaks("CLI-PL-05")
def push_waits_for_the_poll() -> None:
    """One request at a time: a POST waits for the end of the pending GET."""
    locks: dict[int, asyncio.Lock] = {}

    @replace(EngineClient, "_send_request")
    async def send(original: Any, self: EngineClient, *given: Any, **named: Any) -> Any:
        async with locks.setdefault(id(self), asyncio.Lock()):
            return await original(self, *given, **named)


@breaks("CLI-PL-07")
def base64_has_lines() -> None:
    """Base64 is broken into lines of 76 characters."""

    @replace(EnginePacket, "encode")
    def encode(original: Any, self: EnginePacket, b64: bool = False) -> Any:
        if self.binary and b64:
            return "b" + base64.encodebytes(self.data).decode().rstrip("\n")
        return original(self, b64)


@breaks("CLI-PL-08")
def pushes_are_json() -> None:
    """A POST says that its body is JSON."""

    @replace(EngineClient, "_send_request")
    def send(original: Any, self: EngineClient, method: str, *given: Any, **named: Any) -> Any:
        if method == "POST":
            named["headers"] = {"Content-Type": "application/json"}
        return original(self, method, *given, **named)


@breaks("CLI-PL-09", "CLI-PL-12")
def answers_are_latin_1() -> None:
    """An answer is read as Latin-1."""

    @replace(Payload, "decode")
    def decode(original: Any, self: Payload, encoded: str) -> None:
        original(self, encoded.encode().decode("latin-1"))


@breaks("CLI-UP-05")
def upgrades_of_the_server_are_not_read() -> None:
    """An upgrade is tried where the server offers none."""

    @replace(EngineClient, "_trigger_event")
    async def trigger(original: Any, self: EngineClient, event: str, *given: Any, **named: Any) -> Any:
        if event == "connect" and self.current_transport == "polling":
            self.upgrades = ["websocket"]
        return await original(self, event, *given, **named)


@breaks("CLI-UP-04")
def failed_upgrade_ends_the_session() -> None:
    """A session ends if its upgrade fails."""

    @replace(EngineClient, "_connect_websocket")
    async def connect(original: Any, self: EngineClient, *given: Any) -> Any:
        done = await original(self, *given)
        if not done:
            self.state = "disconnected"
        return done


@breaks("CLI-WS-02")
def mask_is_zero() -> None:
    """The mask of each frame is four zeros."""

    @replace(WebSocketWriter, "_write_websocket_frame")
    def write(original: Any, self: WebSocketWriter, *given: Any) -> Any:
        self.get_random_bits = lambda: 0
        return original(self, *given)


@breaks("CLI-EV-11")
def queue_is_a_stack() -> None:
    """What was emitted last is sent first."""
    replace(EngineClient, "create_queue")(lambda original, self, *given: asyncio.LifoQueue(*given))


# Socket.IO


@breaks("CLI-CN-03")
def joins_the_default_namespace_too() -> None:
    """Before CONNECT to another namespace comes one to /."""

    @replace(AsyncClient, "_send_packet")
    async def send(original: Any, self: AsyncClient, sent: Packet) -> None:
        if sent.packet_type == socket_packet.CONNECT and sent.namespace != "/":
            await original(self, Packet(socket_packet.CONNECT, namespace="/", data={}))
        await original(self, sent)


@breaks("CLI-CN-04")
def refusal_has_no_data() -> None:
    """The data of a refused CONNECT does not reach the application."""

    @replace(AsyncClient, "_handle_error")
    def handle(original: Any, self: AsyncClient, namespace: Any, data: Any) -> Any:
        return original(self, namespace, data.get("message") if isinstance(data, dict) else data)


@breaks("CLI-AK-02")
def empty_acks_hold_null() -> None:
    """An ack without arguments holds null."""

    @replace(AsyncClient, "_send_packet")
    def send(original: Any, self: AsyncClient, sent: Packet) -> Any:
        if sent.packet_type == socket_packet.ACK and not sent.data:
            sent.data = [None]
        return original(self, sent)


@breaks("CLI-AK-03")
def ids_begin_anew() -> None:
    """Each question has the id 1."""

    @replace(AsyncClient, "_generate_ack_id")
    def generate(original: Any, self: AsyncClient, namespace: Any, callback: Any) -> Any:
        if namespace in self.callbacks:
            self.callbacks[namespace][0] = itertools.count(1)
        return original(self, namespace, callback)


@breaks("CLI-BN-03")
def binary_ack_is_an_ack() -> None:
    """An ack with binary is an ACK with placeholders."""

    @replace(Packet, "encode")
    def encode(original: Any, self: Packet) -> Any:
        done = original(self)
        return ["3" + done[0].partition("-")[2], *done[1:]] if done[0].startswith("6") else done


@breaks("CLI-BN-10")
def half_a_packet_is_kept() -> None:
    """A half packet of a session that was lost is kept."""

    async def disconnect(self: AsyncClient, reason: Any) -> None:
        half = self._binary_packet
        await original(self, reason)
        self._binary_packet = half

    original = AsyncClient._handle_eio_disconnect
    AsyncClient._handle_eio_disconnect = disconnect


@breaks("CLI-DC-03", "CLI-DC-07")
def leaving_is_told_twice() -> None:
    """The application sees disconnect twice."""

    @replace(AsyncClient, "_trigger_event")
    async def trigger(original: Any, self: AsyncClient, event: str, *given: Any, **named: Any) -> Any:
        if event == "disconnect":
            await original(self, event, *given, **named)
        return await original(self, event, *given, **named)


@breaks("CLI-EV-01", "CLI-EV-10")
def surrogates_are_escaped() -> None:
    """Texts beyond the basic plane become question marks."""

    @replace(Packet, "decode")
    def decode(original: Any, self: Packet, encoded: str) -> Any:
        return original(self, "".join(one if ord(one) < 0x10000 else "?" for one in encoded))


@breaks("CLI-EV-06")
def arguments_end_at_ten() -> None:
    """An event has no more than ten arguments."""

    @replace(AsyncClient, "_handle_event")
    def handle(original: Any, self: AsyncClient, namespace: Any, number: Any, data: Any) -> Any:
        return original(self, namespace, number, data[:11])
