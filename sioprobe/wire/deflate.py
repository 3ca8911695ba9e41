"""RFC 7692, permessage-deflate, for a client: the offer, the answer to it, messages in and out of DEFLATE.

No sockets and no frames: `MessageDecoder` takes an `Inflater`, and a caller marks what a `Deflater` gave.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from sioprobe.wire.errors import RemoteProtocolError

__all__ = ["DeflateOffer", "DeflateParameters", "Deflater", "Inflater"]

NAME = "permessage-deflate"
TAIL = b"\x00\x00\xff\xff"  # what a sender leaves out at the end of a message: section 7.2.1
MAX_SIZE = 2**26
LARGEST_WINDOW = 15
# zlib sees only a reference that reaches back beyond its window and beyond what the same call has written.
# So a small window is checked in small steps.
STEP = 256


@dataclass(frozen=True, slots=True)
class DeflateParameters:
    """What client and server have agreed on. The bits are the logarithms of the windows' sizes, 8 to 15."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = LARGEST_WINDOW
    client_max_window_bits: int = LARGEST_WINDOW


@dataclass(frozen=True, slots=True)
class DeflateOffer:
    """What a client offers. None: no limit of a window is named.

    `client_may_limit`: the client takes a limit of its own window, and names none unless
    `client_max_window_bits` does. `also` is put behind the parameters as it is.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    client_may_limit: bool = False
    also: str = ""

    def __str__(self) -> str:
        """The value of the header Sec-WebSocket-Extensions."""
        parts = [NAME]
        parts += ["server_no_context_takeover"] if self.server_no_context_takeover else []
        parts += ["client_no_context_takeover"] if self.client_no_context_takeover else []
        if self.server_max_window_bits is not None:
            parts.append(f"server_max_window_bits={self.server_max_window_bits}")
        if self.client_max_window_bits is not None:
            parts.append(f"client_max_window_bits={self.client_max_window_bits}")
        elif self.client_may_limit:
            parts.append("client_max_window_bits")
        return "; ".join(parts) + self.also

    def agreed(self, answer: str) -> DeflateParameters | None:
        """What the server's header Sec-WebSocket-Extensions agrees to; None if it declines (an empty one).

        Raises RemoteProtocolError for an answer that this offer does not allow.
        """
        if not answer:
            return None
        found = _parameters(answer)
        if self.server_no_context_takeover and "server_no_context_takeover" not in found:
            raise RemoteProtocolError(f"{answer!r} takes the offer without its server_no_context_takeover")
        # Without a limit the window is the largest, so an answer that does not repeat it leaves nothing open.
        limit = self.server_max_window_bits or LARGEST_WINDOW
        if limit < LARGEST_WINDOW and "server_max_window_bits" not in found:
            raise RemoteProtocolError(f"{answer!r} takes the offer without its server_max_window_bits")
        if "client_max_window_bits" in found and not self._limits_client:
            raise RemoteProtocolError(f"{answer!r} has client_max_window_bits, which was not offered")
        return DeflateParameters(
            "server_no_context_takeover" in found,
            "client_no_context_takeover" in found,
            _window(found, "server_max_window_bits", self.server_max_window_bits),
            _window(found, "client_max_window_bits", self.client_max_window_bits),
        )

    @property
    def _limits_client(self) -> bool:
        return self.client_may_limit or self.client_max_window_bits is not None


def _parameters(answer: str) -> dict[str, str]:
    """The parameters of one extension; the value of those without one is empty."""
    name, *parts = answer.split(";")
    if "," in answer or name.strip().lower() != NAME:
        raise RemoteProtocolError(f"extension {answer!r} where permessage-deflate was offered")
    found: dict[str, str] = {}
    for part in parts:
        key, equals, value = (text.strip() for text in part.partition("="))
        if key in found:
            raise RemoteProtocolError(f"{answer!r} names {key} twice")
        has_value = key in ("server_max_window_bits", "client_max_window_bits")
        if not has_value and key not in ("server_no_context_takeover", "client_no_context_takeover"):
            raise RemoteProtocolError(f"{answer!r} has the unknown parameter {key!r}")
        if has_value != bool(equals):
            raise RemoteProtocolError(f"{answer!r} has {key} {'without' if has_value else 'with'} a value")
        found[key] = value.strip('"')
    return found


def _window(found: dict[str, str], name: str, limit: int | None) -> int:
    largest = limit or LARGEST_WINDOW
    value = found.get(name, str(LARGEST_WINDOW))
    if name in found and value not in map(str, range(8, largest + 1)):
        raise RemoteProtocolError(f"{name}={value} where 8 to {largest} is allowed")
    return int(value)


class Deflater:
    """Compresses the messages of the client."""

    def __init__(self, agreed: DeflateParameters) -> None:
        self._agreed = agreed
        self._stream = self._fresh()

    def _fresh(self) -> zlib._Compress:
        bits = self._agreed.client_max_window_bits
        # zlib writes no window of 8 bits. Without references to earlier bytes any window will do.
        strategy = zlib.Z_HUFFMAN_ONLY if bits == 8 else zlib.Z_DEFAULT_STRATEGY
        return zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, -max(bits, 9), strategy=strategy)

    def deflate(self, message: bytes) -> bytes:
        """The payload of a compressed message, which may be cut into frames."""
        if not message:
            return b"\x00"  # section 7.2.3.6
        if self._agreed.client_no_context_takeover:
            self._stream = self._fresh()
        data = self._stream.compress(message) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(TAIL)


class Inflater:
    """Reads the compressed messages of the server. `messages` counts them."""

    def __init__(self, agreed: DeflateParameters) -> None:
        self._agreed = agreed
        self._stream: zlib._Decompress | None = None
        self.messages = 0

    def inflate(self, payload: bytes, max_size: int = MAX_SIZE) -> bytes:
        """A message of at most `max_size` bytes. Raises RemoteProtocolError."""
        self.messages += 1
        if self._stream is None or self._agreed.server_no_context_takeover:
            self._stream = zlib.decompressobj(-self._agreed.server_max_window_bits)
        stream = self._stream
        small = self._agreed.server_max_window_bits < LARGEST_WINDOW
        step = STEP if small else max_size + 1
        pieces: list[bytes] = []
        size, left = 0, payload + TAIL
        try:
            while size <= max_size:
                piece = stream.decompress(left, step)
                left = stream.unconsumed_tail
                pieces.append(piece)
                size += len(piece)
                if stream.eof or (not left and len(piece) < step):
                    break
        except zlib.error as error:
            reason = str(error).rpartition(": ")[2]
            raise RemoteProtocolError(f"compressed message that does not inflate ({reason})") from None
        if size > max_size:
            raise RemoteProtocolError(f"compressed message of more than {max_size} bytes")
        if stream.eof:
            self._stream = None  # its last block was marked as the last of the stream
        return b"".join(pieces)
