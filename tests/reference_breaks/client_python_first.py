"""Breaks of the clients in Python that were written before the cases were read."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from engineio import packet
from engineio.async_client import AsyncClient as EngineClient
from engineio.packet import Packet as EnginePacket
from engineio.payload import Payload
from socketio import packet as socket_packet
from socketio.async_client import AsyncClient
from socketio.packet import Packet

from tests.reference_breaks.registry import Registry, replace

BREAKS = breaks = Registry()


# Engine.IO


@breaks("CLI-HS-01")
def path_has_no_slash_at_its_end() -> None:
    """Requests go to `/socket.io`."""

    @replace(EngineClient, "_get_engineio_url")
    def url(original: Any, self: EngineClient, *given: Any) -> Any:
        return original(self, *given).replace("/?", "?")


@breaks("CLI-UP-12")
def upgrade_packet_has_data() -> None:
    """The upgrade packet ends with `probe`, as the two before it."""

    @replace(EnginePacket, "encode")
    def encode(original: Any, self: EnginePacket, *given: Any, **named: Any) -> Any:
        if self.packet_type == packet.UPGRADE:
            self.data = "probe"
        return original(self, *given, **named)


@breaks("CLI-WS-10", "CLI-PL-16", "CLI-PL-14")
def loss_is_not_told() -> None:
    """A connection that is lost is not told to the application."""

    @replace(EngineClient, "_trigger_event")
    async def trigger(original: Any, self: EngineClient, event: str, *given: Any, **named: Any) -> Any:
        if event == "disconnect" and given == (self.reason.TRANSPORT_ERROR,):
            return None
        return await original(self, event, *given, **named)


@breaks("CLI-PL-04")
def pushes_overlap() -> None:
    """A POST does not wait for the answer to the one before."""

    @replace(EngineClient, "_send_request")
    async def send(original: Any, self: EngineClient, method: str, *given: Any, **named: Any) -> Any:
        if method != "POST":
            return await original(self, method, *given, **named)
        task = asyncio.create_task(original(self, method, *given, **named))
        await asyncio.wait({task}, timeout=0.01)
        return task.result() if task.done() else type("Sent", (), {"status": 200})()


@breaks("CLI-PL-14")
def polls_after_an_error() -> None:
    """A poll that is answered by an error is sent again."""

    @replace(EngineClient, "_send_request")
    async def send(original: Any, self: EngineClient, method: str, *given: Any, **named: Any) -> Any:
        answer = await original(self, method, *given, **named)
        while method == "GET" and self.sid and not isinstance(answer, str) and answer.status >= 400:
            await asyncio.sleep(0.1)
            answer = await original(self, method, *given, **named)
        return answer


@breaks("CLI-HB-03")
def ping_must_come_within_the_interval() -> None:
    """A session over WebSocket ends if no ping comes within pingInterval."""

    @replace(EngineClient, "_read_loop_websocket")
    async def read(original: Any, self: EngineClient) -> Any:
        self.ping_timeout = 0
        return await original(self)


@breaks("CLI-HB-02")
def times_are_taken_for_seconds() -> None:
    """The times of the OPEN packet are taken for seconds."""

    @replace(EngineClient, "_read_loop_websocket")
    async def read(original: Any, self: EngineClient) -> Any:
        self.ping_interval *= 1000
        self.ping_timeout *= 1000
        return await original(self)


@breaks("CLI-PL-01", "CLI-PL-02", "CLI-EV-02")
def last_packet_of_a_payload_is_lost() -> None:
    """The last packet of a payload of three or more is lost."""

    @replace(Payload, "decode")
    def decode(original: Any, self: Payload, encoded: str) -> None:
        original(self, encoded)
        if len(self.packets) > 2:
            self.packets.pop()


@breaks("CLI-WS-09")
def close_frame_is_not_answered() -> None:
    """A close frame is answered by the end of the connection."""

    @replace(aiohttp.ClientSession, "ws_connect")
    def connect(original: Any, self: Any, *given: Any, **named: Any) -> Any:
        return original(self, *given, **named, autoclose=False)

    @replace(aiohttp.ClientWebSocketResponse, "close")
    async def close(original: Any, self: Any, **named: Any) -> bool:
        self._response.close()
        return True


@breaks("CLI-WS-08")
def ping_frames_are_messages() -> None:
    """A ping frame is taken for a message, and has no answer."""

    @replace(aiohttp.ClientSession, "ws_connect")
    def connect(original: Any, self: Any, *given: Any, **named: Any) -> Any:
        return original(self, *given, **named, autoping=False)


@breaks("CLI-EV-02")
def large_messages_come_later() -> None:
    """A message of more than a thousand characters is delivered a little later."""

    @replace(EngineClient, "_receive_packet")
    async def receive(original: Any, self: EngineClient, received: EnginePacket) -> None:
        if received.packet_type == packet.MESSAGE and len(received.data) > 1000:
            asyncio.get_running_loop().call_later(
                0.05, lambda: asyncio.ensure_future(original(self, received))
            )
            return
        await original(self, received)


# Socket.IO


@breaks("CLI-AK-01")
def id_zero_is_no_id() -> None:
    """An event with the id 0 gets no ack."""

    @replace(AsyncClient, "_handle_event")
    def handle(original: Any, self: AsyncClient, namespace: Any, number: Any, data: Any) -> Any:
        return original(self, namespace, number or None, data)


@breaks("CLI-AK-01")
def acks_hold_one_argument() -> None:
    """The arguments of an ack are one argument, which is an array."""

    @replace(AsyncClient, "_send_packet")
    def send(original: Any, self: AsyncClient, sent: Packet) -> Any:
        if sent.packet_type == socket_packet.ACK:
            sent.data = [sent.data]
        return original(self, sent)


@breaks("CLI-BN-01")
def placeholders_are_found_at_the_top() -> None:
    """A placeholder inside of an object or an array stays what it is."""

    @replace(Packet, "_reconstruct_binary_internal")
    def reconstruct(original: Any, data: Any, attachments: list[bytes]) -> Any:
        def put(value: Any) -> Any:
            found = isinstance(value, dict) and value.get("_placeholder")
            return attachments[value["num"]] if found else value

        return [put(value) for value in data]


@breaks("CLI-BN-02", "CLI-BN-03")
def binary_in_objects_is_not_found() -> None:
    """Attachments are looked for in arrays, and not in objects."""

    @replace(Packet, "_deconstruct_binary_internal")
    def deconstruct(original: Any, data: Any, attachments: list[bytes]) -> Any:
        if isinstance(data, dict):
            return {key: list(value) if isinstance(value, bytes) else value for key, value in data.items()}
        return original(data, attachments)


@breaks("CLI-BN-01")
def first_attachment_is_enough() -> None:
    """A packet with more than one attachment is delivered after the first one."""

    @replace(Packet, "add_attachment")
    def add(original: Any, self: Packet, attachment: bytes) -> Any:
        missing = self.attachment_count - 1
        self.attachments += [b""] * missing
        self.attachments.insert(0, attachment)
        self.data = self.reconstruct_binary(self.data, self.attachments)
        return True


@breaks("CLI-CN-01")
def connect_holds_null() -> None:
    """CONNECT without auth holds `null`."""

    @replace(AsyncClient, "_send_packet")
    def send(original: Any, self: AsyncClient, sent: Packet) -> Any:
        if sent.packet_type == socket_packet.CONNECT and not sent.data:
            sent.encode = lambda: f"0{namespace_of(sent)}null"
        return original(self, sent)


@breaks("CLI-CN-02")
def auth_is_a_text() -> None:
    """The auth in CONNECT is a text with JSON in it."""

    @replace(AsyncClient, "_send_packet")
    def send(original: Any, self: AsyncClient, sent: Packet) -> Any:
        if sent.packet_type == socket_packet.CONNECT and sent.data:
            sent.data = Packet.json.dumps(sent.data)
        return original(self, sent)


@breaks("CLI-CN-12")
def id_is_that_of_the_session() -> None:
    """The id of the connection is that of the Engine.IO session."""

    @replace(AsyncClient, "_handle_connect")
    def handle(original: Any, self: AsyncClient, namespace: Any, data: Any) -> Any:
        return original(self, namespace, {"sid": self.sid})


@breaks("CLI-DC-01")
def comes_back_after_a_kick() -> None:
    """A DISCONNECT of the server is followed by CONNECT in the same session."""

    @replace(AsyncClient, "_handle_disconnect")
    async def handle(original: Any, self: AsyncClient, namespace: Any) -> None:
        await self._trigger_event("disconnect", namespace or "/", self.reason.SERVER_DISCONNECT)
        self.namespaces.pop(namespace or "/", None)
        await self._send_packet(Packet(socket_packet.CONNECT, data={}, namespace=namespace))


@breaks("CLI-DC-02", "CLI-NS-08")
def leaves_the_default_namespace_only() -> None:
    """DISCONNECT has no namespace."""

    @replace(AsyncClient, "_send_packet")
    def send(original: Any, self: AsyncClient, sent: Packet) -> Any:
        if sent.packet_type == socket_packet.DISCONNECT:
            sent.namespace = None
        return original(self, sent)


@breaks("CLI-EV-10")
def empty_arguments_are_dropped() -> None:
    """An event has no arguments that are false, 0, empty or null."""

    @replace(AsyncClient, "emit")
    def emit(original: Any, self: AsyncClient, event: str, data: Any = None, **named: Any) -> Any:
        return original(self, event, tuple(value for value in data if value), **named)


def namespace_of(sent: Packet) -> str:
    """What stands for it in an encoded packet."""
    return f"{sent.namespace}," if sent.namespace not in (None, "/") else ""
