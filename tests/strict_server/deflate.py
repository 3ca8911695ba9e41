"""The server's half of RFC 7692, permessage-deflate: which offer it takes, and its two streams.

It takes every offer that the RFC allows, and compresses each message that is not short.
"""

import zlib
from dataclasses import dataclass

from tests.strict_server.faults import Faults

NAME = "permessage-deflate"
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
WINDOWS = ("server_max_window_bits", "client_max_window_bits")
BOTH_MISSING = b"\x00\x00\xff\xff"
# A message of fewer bytes goes out as it is.
THRESHOLD = 256
# In steps of so many bytes zlib notices what lies outside of a small window.
SMALL_STEP = 128


class InflateError(Exception):
    """The peer's message is no DEFLATE stream."""


class InflatesTooFar(Exception):
    """The peer's message is longer than the maximum payload."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the answer to an offer says; `flags` and `windows` are those that stand in it."""

    flags: frozenset[str]
    windows: dict[str, int]

    def __str__(self) -> str:
        parts = [NAME, *(name for name in FLAGS if name in self.flags)]
        return "; ".join(parts + [f"{name}={bits}" for name, bits in self.windows.items()])


def take_offer(header: str, faults: Faults) -> Agreement | None:
    """The answer to the first offer that can be taken, None when there is none."""
    for offer in header.split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name.lower() == NAME:
            agreement = _take([part.partition("=")[::2] for part in parameters], faults)
            if agreement is not None:
                return agreement
    return None


def _take(parameters: list[tuple[str, str]], faults: Faults) -> Agreement | None:
    flags: set[str] = set()
    windows: dict[str, int] = {}
    seen: set[str] = set()
    for name, value in parameters:
        if not (_is_allowed(name, value) and name not in seen):
            if faults("takes-any-offer"):
                continue
            return None
        seen.add(name)
        if name in FLAGS:
            flags.add(name)
        elif value:
            windows[name] = int(value)
    if faults("limits-the-client-unasked"):
        windows["client_max_window_bits"] = 12
    if faults("answers-without-the-server-window"):
        windows.pop("server_max_window_bits", None)
    return Agreement(frozenset(flags), windows)


def _is_allowed(name: str, value: str) -> bool:
    if name in FLAGS:
        return value == ""
    return name in WINDOWS and (
        value in [str(bits) for bits in range(8, 16)] or (value == "" and name == "client_max_window_bits")
    )


class Deflate:
    """The streams of one WebSocket."""

    def __init__(self, agreement: Agreement, faults: Faults) -> None:
        self._agreement = agreement
        self._faults = faults
        self._compress = self._new_compress()
        self._decompress = self._new_decompress()
        self._inflated = False

    def _new_compress(self) -> "zlib._Compress":
        bits = self._agreement.windows.get("server_max_window_bits", 15)
        if self._faults("server-window-is-too-large"):
            bits = 15
        strategy = zlib.Z_HUFFMAN_ONLY if bits == 8 else zlib.Z_DEFAULT_STRATEGY
        wrapped = max(bits, 9) if self._faults("compressed-message-has-a-zlib-header") else -max(bits, 9)
        return zlib.compressobj(9, zlib.DEFLATED, wrapped, strategy=strategy)

    def _new_decompress(self) -> "zlib._Decompress":
        small = self._faults("client-window-is-too-small")
        return zlib.decompressobj(-9 if small else -self._agreement.windows.get("client_max_window_bits", 15))

    def deflate(self, message: bytes) -> bytes | None:
        """The payload of the compressed message; None when it goes out as it is."""
        if len(message) < THRESHOLD:
            return None
        alone = "server_no_context_takeover" in self._agreement.flags
        if alone and not self._faults("server-takes-its-context-over"):
            self._compress = self._new_compress()
        data = self._compress.compress(message) + self._compress.flush(zlib.Z_SYNC_FLUSH)
        return data if self._faults("compressed-message-keeps-its-tail") else data.removesuffix(BOTH_MISSING)

    def inflate(self, payload: bytes, limit: int) -> bytes:
        """Raises InflateError and InflatesTooFar."""
        alone = "client_no_context_takeover" in self._agreement.flags
        if alone and self._inflated and self._faults("client-context-ends-with-the-first-message"):
            raise InflateError("the stream has ended")
        if alone or self._faults("client-context-is-forgotten"):
            self._decompress = self._new_decompress()
        self._inflated = True
        if self._faults("inflated-size-is-not-limited"):
            limit *= 2
        step = SMALL_STEP if self._faults("client-window-is-too-small") else limit + 1
        message, left = b"", payload + BOTH_MISSING
        try:
            while len(message) <= limit:
                piece = self._decompress.decompress(left, step)
                message, left = message + piece, self._decompress.unconsumed_tail
                if len(piece) < step:
                    return message
        except zlib.error as error:
            raise InflateError(str(error)) from error
        raise InflatesTooFar
