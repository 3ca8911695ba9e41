"""A WebSocket to one endpoint: opening handshake, then whole messages in both directions.

The codec of frames is `sioprobe.wire`. Short text frames are the most frequent ones in a load test, so they
are encoded here, and decoded here if they come whole in one read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from sioprobe.engine.errors import Kind, SwarmError, http_refusal
from sioprobe.engine.target import Target
from sioprobe.engine.transports.http import open_stream
from sioprobe.engine.transports.stream import Stream
from sioprobe.wire import (
    Frame,
    MessageDecoder,
    Opcode,
    RemoteProtocolError,
    check_upgrade_response,
    decode_close,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_upgrade_request,
    new_key,
)
from sioprobe.wire.cookies import Cookies

__all__ = ["WebSocketChannel", "message_frame"]

MAX_HEAD = 65536


def _shapes() -> Iterator[tuple[bytes, int, int]]:
    # For each length: the head of the frame, the number that repeats a mask over the payload, and the length
    # of the payload in whole masks.
    for length in range(126):
        words = (length + 3) // 4
        yield bytes((0x81, 0x80 | length)), int.from_bytes(b"\1\0\0\0" * words, "little"), words * 4


_SHORT_TEXTS = tuple(_shapes())


def _masks() -> Iterator[bytes]:
    # One system call for many masks: it costs as much as the rest of a frame.
    while True:
        block = os.urandom(4096)
        for start in range(0, len(block), 4):
            yield block[start : start + 4]


_next_mask = _masks().__next__
_from_bytes = int.from_bytes


def message_frame(text: str) -> bytes:
    """The frame in which a server sends `text` as the data of an Engine.IO MESSAGE."""
    payload = b"4" + text.encode()
    length = len(payload)
    if length < 126:
        return bytes((0x81, length)) + payload
    if length < 0x10000:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload


class WebSocketChannel:
    """`opened()`, `text(str)`, `binary(bytes)` and `lost(failure or None)` are called on the hub.

    The last three are attributes, because an upgrade replaces those of the probe by those of the session. If
    `message` is set, it gets the data of a MESSAGE, and `text` only gets the other packets. `frame_tap` sees
    the bytes of each read that begins with a new frame; if it returns True, they are done with.

    `oversized` has the bytes of the last message that was longer than `max_payload`, and 0 if there was none
    or the server has sent two PINGs since.
    """

    __slots__ = (
        "_close_sent",
        "_cookies",
        "_decoder",
        "_endpoint",
        "_head",
        "_key",
        "_open",
        "_opened",
        "_pings",
        "_slow",
        "_stream",
        "_target",
        "binary",
        "frame_tap",
        "lost",
        "max_payload",
        "message",
        "oversized",
        "text",
    )

    def __init__(
        self,
        loop: Any,
        target: Target,
        endpoint: str,
        cookies: Cookies,
        *,
        opened: Callable[[], None],
        text: Callable[[str], None],
        binary: Callable[[bytes], None],
        lost: Callable[[SwarmError | None], None],
    ) -> None:
        self._target = target
        self._endpoint = endpoint
        self._cookies = cookies
        self._opened = opened
        self.text = text
        self.binary = binary
        self.lost = lost
        self.message: Callable[[str], None] | None = None
        self.frame_tap: Callable[[bytes], bool] | None = None
        self._decoder = MessageDecoder()
        self._head = b""
        self._key = ""
        self._open = False
        self._slow = False
        self._close_sent = False
        self.max_payload: float = math.inf
        self.oversized = 0
        self._pings = 0
        self._stream: Stream = open_stream(loop, target, self._receive, self._stream_lost, self._request)

    def _request(self) -> None:
        self._key = new_key()
        headers = self._target.headers + self._cookies.header
        self._stream.write(encode_upgrade_request(self._target.host, self._endpoint, self._key, headers))

    def _receive(self, data: bytes) -> None:
        tap = self.frame_tap
        if tap is not None and not self._slow and tap(data):
            return
        if data[0] == 0x81 and self._open and not self._slow and 2 < len(data) == data[1] + 2 < 128:
            # The most frequent case in a load test: one short text, alone.
            if data[2] == 0x34 and self.message is not None:
                self.message(data[3:].decode())
            else:
                self.text(data[2:].decode())
            return
        if not self._open:
            data = self._take_head(data)
        if not self._slow:
            data = self._take_short_texts(data)
        if data:
            self._take_all(data)

    def _take_head(self, data: bytes) -> bytes:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > MAX_HEAD:
                raise SwarmError(Kind.MALFORMED_INPUT, "endless head of the answer to the upgrade")
            return b""
        head, rest, self._head = self._head[:end], self._head[end + 4 :], b""
        response = decode_response_head(head)
        try:
            check_upgrade_response(response, self._key)
        except RemoteProtocolError as error:
            if response.status != 101:
                raise http_refusal(response.status, str(error)) from None
            raise SwarmError(Kind.MALFORMED_INPUT, str(error)) from None
        set_cookies = [value for name, value in response.headers if name == "set-cookie"]
        if set_cookies:
            self._cookies.take(set_cookies)
        self._open = True
        self._opened()
        return rest

    def _take_short_texts(self, data: bytes) -> bytes:
        """Deliver unfragmented texts of less than 126 bytes; return the rest for the decoder."""
        position, end = 0, len(data)
        while end - position > 1 and data[position] == 0x81:
            stop = position + 2 + data[position + 1]
            if data[position + 1] > 125 or stop > end:
                break
            text = str(data[position + 2 : stop], "utf-8")
            position = stop
            self.text(text)
            if self._slow:  # a callback closed the channel
                return b""
        return data[position:] if position else data

    def _take_all(self, data: bytes) -> None:
        self._slow = True
        for message in self._decoder.decode(data):
            if isinstance(message, str):
                self.text(message)
            elif isinstance(message, Frame):
                self._take_control(message)
            else:
                self.binary(message)
            if not self._open:
                return
        self._slow = not self._decoder.idle

    def _take_control(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self._stream.write(encode_frame(Opcode.PONG, frame.payload))
        elif frame.opcode is Opcode.CLOSE:
            code, reason = decode_close(frame.payload)
            if not self._close_sent:
                self._close_sent = True
                self._stream.write(encode_frame(Opcode.CLOSE, frame.payload[:2]))
            self.close()
            said = f"close frame, code {code} {reason!r}" if code is not None else "close frame"
            self.lost(SwarmError(Kind.CONNECTION_CLOSED, said))

    def _stream_lost(self, failure: SwarmError | None) -> None:
        self._open = False
        self._slow = True
        self.lost(failure)

    def send_text(self, text: str) -> None:
        """Send one text message."""
        payload = text.encode()
        length = len(payload)
        if length > 125:
            if length > self.max_payload:
                self._note_oversized(length)
            self._stream.write(encode_frame(Opcode.TEXT, payload))
            return
        # The same as `apply_mask`, with less work for each frame.
        head, ones, padded = _SHORT_TEXTS[length]
        mask = _next_mask()
        masked = _from_bytes(payload, "little") ^ (_from_bytes(mask, "little") * ones)
        self._stream.write(head + mask + masked.to_bytes(padded, "little")[:length])

    def send_binary(self, data: bytes) -> None:
        """Send one binary message."""
        if len(data) > self.max_payload:
            self._note_oversized(len(data))
        self._stream.write(encode_frame(Opcode.BINARY, data))

    def _note_oversized(self, size: int) -> None:
        self.oversized = size
        self._pings = 0

    def note_ping(self) -> None:
        """A PING of the session came. Only a second one is surely later than the message."""
        if self.oversized:
            self._pings += 1
            if self._pings > 1:
                self.oversized = 0

    def send_close(self, last: str) -> None:
        """Send a last text and start the closing handshake, in one write.

        `lost` is called when the server answers or ends the stream.
        """
        if self._open and not self._close_sent:
            self._close_sent = True
            text = encode_frame(Opcode.TEXT, last.encode())
            self._stream.write(text + encode_frame(Opcode.CLOSE, encode_close(1000)))

    def stop_reading(self) -> None:
        """Leave in the kernel all that arrives from now on."""
        self._stream.stop_reading()

    def start_reading(self) -> None:
        """Read again."""
        self._stream.start_reading()

    @property
    def ended_by_peer(self) -> bool | None:
        """As `Stream.ended_by_peer`."""
        return self._stream.ended_by_peer

    def close(self) -> None:
        """Close the stream at once. No callback follows."""
        self._open = False
        self._slow = True
        self._stream.close()

    @property
    def unsent(self) -> int:
        """Bytes that wait until the server reads."""
        return self._stream.unsent
