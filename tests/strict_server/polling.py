"""The polling transport: the long GET that takes packets, the short POST that brings them.

At most one of each may be open at a time; a second one ends the session.
It leaves out the handshake request's checks (server.py).
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable
from urllib.parse import parse_qsl

from tests.strict_server.faults import Faults
from tests.strict_server.http1 import ConnectionLost, Exchange
from tests.strict_server.liberties import Liberty
from tests.strict_server.packets import (
    CLOSE,
    NOOP,
    EnginePacket,
    EngineType,
    PacketError,
    decode_payload,
    encode_payload,
)
from tests.strict_server.packets3 import decode_body, encode_body
from tests.strict_server.session import Session

# Shorter bodies are not worth compressing: the reference's threshold, in bytes.
COMPRESSION_THRESHOLD = 1024
BINARY = "application/octet-stream"
NO_STORE = ("cache-control", "no-store")


class Polling:
    name = "polling"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._faults = session.faults
        self._poll: Exchange | None = None
        self._push: Exchange | None = None
        self._close_is_due = False

    @property
    def writable(self) -> bool:
        return self._poll is not None

    # Polls

    def receive_poll(self, exchange: Exchange) -> None:
        """Take the GET; it is answered at once when packets wait, otherwise later."""
        if self._poll is not None and not self._faults("accepts-overlapping-polls"):
            exchange.respond(400)
            if not self._faults("overlapping-poll-keeps-the-session"):
                self._session.end("overlapping polls")
            return
        self._poll = exchange
        exchange.on_abort = self._lose_poll
        if self._faults("poll-never-waits") and not self._session.buffer:
            self.send([NOOP])
            return
        self._session.flush()
        if self._poll is not None and self._close_is_due:
            self.send([])
        if self._poll is not None and self._session.upgrade is not None:
            self._session.upgrade.receive_poll()

    def _lose_poll(self) -> None:
        self._poll = None
        if self._faults("cancelled-poll-swallows-packets"):
            self._poll = _Nowhere()  # type: ignore[assignment]
        elif not self._faults("cancelled-poll-keeps-the-session"):
            self._session.end("poll closed prematurely")

    def send(self, packets: list[EnginePacket]) -> None:
        """Answer the waiting poll. The caller asked `writable` first."""
        poll, self._poll = self._poll, None
        assert poll is not None
        if self._close_is_due and not self._session.buffer:
            self._close_is_due = False
            packets = packets if self._faults("server-close-sends-no-close-packet") else [*packets, CLOSE]
            _respond_packets(poll, packets, self._session)
            self._session.end("server close")
        else:
            _respond_packets(poll, packets, self._session)

    # Pushes

    async def receive_push(self, exchange: Exchange) -> None:
        """Read the POST's body, act on its packets and answer."""
        if self._push is not None and not self._faults("accepts-overlapping-pushes"):
            exchange.respond(400)
            if not self._faults("overlapping-push-keeps-the-session"):
                self._session.end("overlapping pushes")
            return
        content_type = exchange.request.headers.get("content-type")
        is_binary = content_type == BINARY
        takes_binary = self._session.revision == 3 and not self._faults("binary-push-is-refused")
        if is_binary and not takes_binary and not self._faults("accepts-octet-stream"):
            exchange.respond(400)
            self._session.end("invalid content")
            return
        if content_type is None and self._faults("push-needs-a-content-type"):
            exchange.respond(400)
            return
        self._push = exchange
        try:
            body = await self._read_body(exchange)
        except ConnectionLost:
            self._session.end("push closed prematurely")
            raise
        finally:
            self._push = None
        if body is not None:
            self._receive_payload(body, "j" in exchange.request.query, is_binary)
            self._answer_push(exchange)

    async def _read_body(self, exchange: Exchange) -> bytes | None:
        """None when it is too long, which has then been answered."""
        limit = self._session.config.max_payload
        if self._faults("refuses-a-push-of-exactly-the-limit"):
            limit -= 1
        body = bytearray()
        if self._faults("ignores-chunked-push") and "transfer-encoding" in exchange.request.headers:
            await exchange.drain()
        async for piece in exchange.body():
            if self._faults("chunks-are-decoded-by-themselves"):
                piece = piece.decode(errors="replace").encode()
            body += piece
            if len(body) <= limit or self._faults("accepts-an-oversized-push"):
                continue
            exchange.respond(400 if self._faults("oversized-push-is-answered-400") else 413)
            if self._faults("oversized-push-closes-the-session"):
                self._session.end("payload too large")
            await exchange.drain()
            return None
        return bytes(body)

    def _receive_payload(self, body: bytes, is_jsonp: bool, is_binary: bool) -> None:
        faults, session = self._faults, self._session
        if not body and faults("accepts-an-empty-push"):
            return
        try:
            for packet in self._decode(body, is_jsonp, is_binary):
                if packet.type is EngineType.CLOSE:
                    self._receive_close()
                    return
                if isinstance(packet.data, str) or not faults("attachment-in-a-push-is-lost"):
                    session.receive(packet)
        except (PacketError, UnicodeDecodeError):
            if not faults("invalid-packet-in-a-push-is-ignored"):
                session.end("parse error")

    def _decode(self, body: bytes, is_jsonp: bool, is_binary: bool) -> Iterable[EnginePacket]:
        """The packets of a push, one by one. Raises PacketError and UnicodeDecodeError."""
        faults = self._faults
        if self._session.revision == 3:
            if is_jsonp and not faults("form-is-taken-as-it-is"):
                body = _unescape(_form_value(body.decode()), faults).encode()
            return decode_body(body, is_binary, faults)
        lenient = faults("accepts-a-push-that-is-not-utf-8") or faults("chunks-are-decoded-by-themselves")
        text = body.decode(errors="replace" if lenient else "strict")
        if is_jsonp:
            text = _unescape(_form_value(text), faults)
        if faults("push-of-many-packets-is-dropped") and text.count("\x1e") >= 16:
            return []
        if faults("event-behind-its-connect-is-lost") and text.startswith("40\x1e"):
            text = "40"
        if faults("packets-before-a-close-are-dropped") and text.endswith("\x1e1"):
            return [CLOSE]
        return decode_payload(text, faults)

    def _receive_close(self) -> None:
        if self._faults("close-packet-in-a-push-is-ignored"):
            return
        leaves_poll = self._faults("client-close-leaves-the-poll-waiting") or self._faults(
            "close-packet-leaves-the-poll-open"
        )
        if self._poll is not None and not leaves_poll:
            self._session.buffer.clear()
            poll, self._poll = self._poll, None
            _respond_packets(
                poll, [] if self._faults("client-close-empties-the-poll") else [NOOP], self._session
            )
        if leaves_poll:
            self._poll = None
        self._session.end("transport close")

    def _answer_push(self, exchange: Exchange) -> None:
        body = b"OK" if self._faults("push-is-answered-in-capitals") else b"ok"
        content_type = "application/json" if self._faults("push-answer-is-json") else "text/html"
        if self._faults("push-is-answered-204"):
            exchange.respond(204, headers=[NO_STORE])
        else:
            exchange.respond(200, body, content_type, [NO_STORE])

    # The end

    def close(self) -> bool:
        if self._poll is not None and not self._session.buffer:
            poll, self._poll = self._poll, None
            _respond_packets(
                poll, [NOOP if self._faults("server-close-sends-no-close-packet") else CLOSE], self._session
            )
            return True
        self._close_is_due = True
        return False

    def drop(self) -> None:
        if self._poll is not None and not (
            self._session.upgraded and self._faults("upgrade-drops-the-waiting-poll")
        ):
            poll, self._poll = self._poll, None
            _respond_packets(poll, [NOOP if self._session.upgraded else CLOSE], self._session)
        if self._push is not None:
            self._push.abandon()
            self._push = None


class _Nowhere:
    """Stands in for a poll whose peer has gone, and loses what it is given."""

    def respond(self, *arguments: object) -> None:
        pass


def _unescape(text: str, faults: Faults) -> str:
    """Newlines as they were before a client escaped them: forms change those that are not."""
    if faults("escaped-newlines-stay-escaped"):
        return text
    return re.sub(r"\\(\\)?n", lambda found: "\\n" if found[1] else "\n", text)


def _form_value(text: str) -> str:
    values = dict(parse_qsl(text, keep_blank_values=True))
    if "d" not in values:
        raise PacketError("no d in a JSONP push")
    return values["d"]


def _respond_packets(poll: Exchange, packets: list[EnginePacket], session: Session) -> None:
    faults = session.faults
    if isinstance(poll, _Nowhere):
        return
    if faults("poll-reverses-packets"):
        packets = packets[::-1]
    callback = poll.request.query.get("j")
    if session.revision == 3:
        takes_binary = session.takes_binary and callback is None
        always = Liberty.BINARY_PAYLOADS in session.config.liberties
        encoded = encode_body(packets, takes_binary, faults, always_binary=always)
    else:
        encoded = encode_payload(packets, faults)
    if isinstance(encoded, bytes):
        poll.respond(200, encoded, BINARY, [NO_STORE])
        return
    text, content_type = encoded, "text/plain; charset=UTF-8"
    if callback is not None and not faults("jsonp-is-not-asked-for"):
        digits = "".join(character for character in callback if character in "0123456789")
        if faults("jsonp-calls-another-function"):
            digits += "0"
        text = f"___eio[{digits}]({json.dumps(text)});"
        content_type = "text/javascript; charset=UTF-8"
    body = text.encode("latin-1", "replace") if faults("poll-in-latin-1") else text.encode()
    headers = [] if faults("poll-may-be-cached") else [NO_STORE]
    if faults("poll-content-type-is-octet-stream"):
        content_type = "application/octet-stream"
    encoding = _choose_encoding(poll.request.headers.get("accept-encoding"), session)
    if encoding is not None and len(body) >= COMPRESSION_THRESHOLD:
        is_gzip = encoding == "gzip" and not faults("gzip-is-deflate")
        body = gzip.compress(body, 1) if is_gzip else zlib.compress(body, 1)
        headers = [*headers, ("Content-Encoding", encoding), ("Vary", "Accept-Encoding")]
    poll.respond(200, body, content_type, headers)


def _choose_encoding(accepted: str | None, session: Session) -> str | None:
    """gzip or deflate, whichever the peer prefers, gzip when it does not care; None for neither."""
    if session.faults("compresses-without-being-asked"):
        return "gzip"
    if session.faults("never-compresses"):
        return None
    weights: dict[str, float] = {}
    for option in (accepted or "").lower().split(","):
        coding, _, parameter = option.partition(";")
        name, _, weight = parameter.strip().partition("=")
        ignores_weight = name.strip() != "q" or session.faults("ignores-the-weight-of-an-encoding")
        try:
            weights[coding.strip()] = 1.0 if ignores_weight else float(weight)
        except ValueError:
            weights[coding.strip()] = 0.0
    wildcard = weights.get("*", 0.0)
    offered = {name: weights.get(name, wildcard) for name in ("gzip", "deflate")}
    best = max(offered, key=lambda name: offered[name])
    return best if offered[best] > 0 else None
