"""A WebSocket over asyncio streams, framed by `sioprobe.wire`. It answers WebSocket pings by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from conformance.client.address import Address, Headers
from conformance.client.http import Answer, NoAnswer, broken_answer, open_stream, take_cookies
from conformance.client.steps import Step
from conformance.client.transcript import RECORDING, TO_CLIENT, TO_SERVER, describe_engine
from sioprobe.wire import (
    DeflateOffer,
    DeflateParameters,
    Deflater,
    Frame,
    Inflater,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    check_upgrade_response,
    decode_close,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_upgrade_request,
    mark_compressed,
    new_key,
)
from sioprobe.wire.cookies import Cookies

__all__ = ["Ended", "WebSocket", "open_websocket"]


class End(StrEnum):
    """How a WebSocket can end."""

    CLOSE = "WebSocket close"
    CLOSE_WITHOUT_CODE = "WebSocket close without a code"
    WRONG_FRAME = "invalid WebSocket frame"
    RESET = "TCP reset"
    FIN = "TCP end without a close frame"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a WebSocket ended; `error` is what was wrong with the bytes."""

    kind: End
    code: int | None = None
    error: str | None = None

    @property
    def by_a_close_frame(self) -> bool:
        return self.kind in (End.CLOSE, End.CLOSE_WITHOUT_CODE)

    def __str__(self) -> str:
        return self.kind.value if self.code is None else f"{self.kind} {self.code}"


class WebSocket:
    """An open WebSocket. `label` marks its lines in the transcript.

    `agreed` is what client and server have agreed on about permessage-deflate, None if they do not use it.
    Even then it compresses only what `send_compressed` sends.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        label: str = "",
        agreed: DeflateParameters | None = None,
    ) -> None:
        self.label = label
        self._reader = reader
        self._writer = writer
        self.agreed = agreed
        self.deflater = Deflater(agreed or DeflateParameters())
        self.inflater = Inflater(agreed) if agreed else None
        self._decoder = MessageDecoder(inflater=self.inflater)
        self._ready: list[str | bytes | Frame] = []
        self._wrong: str | None = None
        self._recording = RECORDING.get()
        self.on_control: Callable[[], None] = lambda: None
        self.pongs: list[bytes] = []

    async def send(self, message: str | bytes) -> None:
        """One message in one frame."""
        self._recording.add(TO_SERVER, "websocket", message, self.label + describe_engine(message))
        if isinstance(message, str):
            await self.send_frame(Opcode.TEXT, message.encode("utf-8"))
        else:
            await self.send_frame(Opcode.BINARY, message)

    async def send_compressed(self, message: str | bytes, *, frames: int = 1) -> None:
        """One compressed message, cut into so many frames."""
        meaning = f"{self.label}{describe_engine(message)} (compressed, in frames: {frames})"
        self._recording.add(TO_SERVER, "websocket", message, meaning)
        opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
        data = self.deflater.deflate(message.encode() if isinstance(message, str) else message)
        cuts = [len(data) * number // frames for number in range(frames + 1)]
        for number in range(frames):
            await self.send_frame(
                Opcode.CONTINUATION if number else opcode,
                data[cuts[number] : cuts[number + 1]],
                fin=number == frames - 1,
                compressed=number == 0,
            )

    async def send_frame(
        self, opcode: Opcode, payload: bytes = b"", *, fin: bool = True, compressed: bool = False
    ) -> None:
        """One frame, unchanged. Nothing is raised if the server has dropped the connection.

        `compressed` sets the bit that says that the message is, and compresses nothing.
        """
        frame = encode_frame(opcode, payload, fin=fin)
        with contextlib.suppress(OSError):
            self._writer.write(mark_compressed(frame) if compressed else frame)
            await self._writer.drain()

    async def send_bytes(self, data: bytes) -> None:
        """Bytes, unchanged, whether they are a frame or not."""
        self._recording.add(TO_SERVER, "websocket", data, f"{self.label}raw bytes")
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def probe(self, seconds: float) -> str | bytes | Ended | None:
        """Send the probe of an upgrade. Returns what comes next, None if nothing does in this time."""
        await self.send("2probe")
        try:
            async with asyncio.timeout(seconds):
                return await self.receive()
        except TimeoutError:
            return None

    async def receive(self) -> str | bytes | Ended:
        """The next message, or how the connection ended."""
        while True:
            while self._ready:
                message = self._ready.pop(0)
                if not isinstance(message, Frame):
                    self._recording.add(
                        TO_CLIENT, "websocket", message, self.label + describe_engine(message)
                    )
                    return message
                if message.opcode is Opcode.PING:
                    await self.send_frame(Opcode.PONG, message.payload)
                elif message.opcode is Opcode.PONG:
                    self.pongs.append(message.payload)
                    self.on_control()
                elif message.opcode is Opcode.CLOSE:
                    return await self._end_of(message)
            if self._wrong is not None:
                return self._ended(Ended(End.WRONG_FRAME, error=self._wrong))
            try:
                data = await self._reader.read(2**16)
            except OSError:
                return self._ended(Ended(End.RESET))
            if not data:
                return self._ended(Ended(End.FIN))
            try:
                for message in self._decoder.decode(data):
                    self._ready.append(message)
            except RemoteProtocolError as error:
                self._wrong = str(error)

    async def _end_of(self, frame: Frame) -> Ended:
        await self.send_frame(Opcode.CLOSE, frame.payload[:2])
        try:
            code, _ = decode_close(frame.payload)
        except RemoteProtocolError as error:
            return self._ended(Ended(End.CLOSE, error=str(error)))
        return self._ended(Ended(End.CLOSE_WITHOUT_CODE if code is None else End.CLOSE, code))

    def _ended(self, ended: Ended) -> Ended:
        self._recording.add(TO_CLIENT, "websocket", "", f"{self.label}{ended}")
        return ended

    async def close(self, code: int | None = 1000) -> None:
        """Send a close frame and let go of the connection."""
        self._recording.add(TO_SERVER, "websocket", "", f"{self.label}WebSocket close {code or ''}")
        await self.send_frame(Opcode.CLOSE, encode_close(code))
        with contextlib.suppress(OSError):
            self._writer.close()

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        self._recording.add(TO_SERVER, "websocket", "", f"{self.label}TCP connection dropped")
        self._writer.transport.abort()


async def open_websocket(
    address: Address,
    query: str,
    *,
    seconds: float,
    headers: Headers = (),
    label: str = "",
    cookies: Cookies | None = None,
    offer: DeflateOffer | None = None,
) -> WebSocket | Answer | NoAnswer:
    """An open WebSocket at `?query`, the HTTP answer that refused it, or no answer at all.

    Without `cookies` it is that of a new client. `offer` offers permessage-deflate.
    """
    cookies = cookies or address.new_cookies()
    recording = RECORDING.get()
    offered = f", offering {offer}" if offer else ""
    recording.add(TO_SERVER, "http", "", f"{label}GET ?{query} with Upgrade: websocket{offered}")
    if offer:
        headers = [*headers, ("Sec-WebSocket-Extensions", str(offer))]
    stream = await open_stream(address, seconds)
    steps = Step.WEBSOCKET, "an upgrade" if "sid=" in query else "a handshake", 3 if "EIO=3" in query else 4
    if isinstance(stream, NoAnswer):
        recording.attempt(*steps, stream)
        return stream
    reader, writer = stream
    try:
        outcome = await _shake_hands(address, query, headers, cookies, seconds, reader, writer, offer)
    except BaseException:
        writer.transport.abort()
        raise
    opened = outcome is None or isinstance(outcome, DeflateParameters)
    recording.attempt(*steps, None if opened else outcome)
    if outcome is None or isinstance(outcome, DeflateParameters):
        told = ", with permessage-deflate" if outcome else ""
        recording.add(TO_CLIENT, "http", "", f"{label}answer to GET: 101{told}")
        websocket = WebSocket(reader, writer, label, outcome)
        recording.opened.append(websocket)
        return websocket
    writer.transport.abort()
    meaning = f"answer to GET: {outcome.headline}" if isinstance(outcome, Answer) else str(outcome)
    recording.add(TO_CLIENT, "http", outcome.text if isinstance(outcome, Answer) else "", label + meaning)
    return outcome


async def _shake_hands(
    address: Address,
    query: str,
    headers: Headers,
    cookies: Cookies,
    seconds: float,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    offer: DeflateOffer | None,
) -> Answer | NoAnswer | DeflateParameters | None:
    key = new_key()
    target = address.with_query(f"{address.path}?{query}")
    shown = address.with_headers(cookies, headers)
    head = b""
    try:
        async with asyncio.timeout(seconds):
            writer.write(encode_upgrade_request(address.host_header, target, key, shown))
            head = await reader.readuntil(b"\r\n\r\n")
            response = decode_response_head(head[:-4])
            take_cookies(cookies, response.headers)
            if response.status == 101:
                check_upgrade_response(response, key, offers_extensions=offer is not None)
                extensions = [value for name, value in response.headers if name == "sec-websocket-extensions"]
                return offer.agreed(", ".join(extensions)) if offer else None
            length = response.header("content-length") or ""
            body = await reader.readexactly(int(length)) if length.isdigit() else b""
            return Answer(response.status, response.headers, body)
    except TimeoutError:
        return NoAnswer(f"no answer within {seconds:.1f} s", silent=True)
    except asyncio.IncompleteReadError as error:
        return broken_answer(head or error.partial, "no status line", closed=True)
    except RemoteProtocolError as error:
        if head.startswith(b"HTTP/"):
            return NoAnswer(f"no WebSocket: {error}")
        return broken_answer(head, "no status line", closed=False)
    except asyncio.LimitOverrunError:
        return NoAnswer("answer without an end of its headers")
    except OSError:
        return NoAnswer("connection reset")
