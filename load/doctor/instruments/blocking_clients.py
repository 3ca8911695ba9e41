"""Two blocking Socket.IO clients: one polls, one speaks WebSocket. A call is a packet and its answer.

Any server answers a CONNECT to an unknown namespace with CONNECT_ERROR, so that is a call. If the server has
the events of the contract, the call is `message-with-ack`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from load.doctor.instruments.http_link import HttpAnswer, HttpLink, cookie_header, receive_all
from load.doctor.instruments.tcp_link import TIMEOUT, Link
from sioprobe.engine import SwarmError, Target
from sioprobe.engine.errors import Kind, above_max_payload, http_refusal
from sioprobe.wire import (
    RECORD_SEPARATOR,
    Frame,
    MessageDecoder,
    Opcode,
    OpenData,
    RemoteProtocolError,
    check_upgrade_response,
    decode_open,
    decode_packet,
    decode_response_head,
    encode_close,
    encode_frame,
    encode_upgrade_request,
    new_key,
)

__all__ = ["Call", "Calls", "PollingClient", "SocketClient", "open_of"]

UNKNOWN = "/sioprobe-doctor-"
# One counter for the process, so that no two calls have the same answer.
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Call:
    """A packet to send, and the beginnings of the packets that answer it."""

    text: str
    answers: tuple[str, ...]

    def is_answer(self, packet: str) -> bool:
        """Whether a packet answers this call."""
        return packet.startswith(self.answers)


class Calls:
    """Makes calls. Each has an answer of its own."""

    def __init__(self, *, acks: bool = False, namespace: str = "/") -> None:
        self.acks = acks
        self._prefix = "" if namespace == "/" else namespace + ","
        self.namespace = namespace

    @property
    def what(self) -> str:
        """The call in words."""
        if self.acks:
            return "message-with-ack and its ack"
        return "CONNECT to an unknown namespace and its refusal"

    def next(self, padding: int = 0) -> Call:
        """The next call. `padding` makes the call and its answer longer by so many bytes."""
        number = next(_numbers)
        if self.acks and not padding:
            return Call(f'42{self._prefix}{number}["message-with-ack","x"]', (f"43{self._prefix}{number}[",))
        name = f"{UNKNOWN}{number}{'-' + 'x' * padding if padding else ''},"
        return Call("40" + name, ("44" + name, "40" + name))


def _payload(auth: dict[str, Any] | None) -> str:
    return "" if auth is None else json.dumps(auth, ensure_ascii=False, separators=(",", ":"))


def open_of(packet: str) -> OpenData:
    """The OPEN packet at the beginning of a session. Raises SwarmError."""
    try:
        # As in revision 3, which needs no maxPayload: some servers of revision 4 name none.
        return decode_open(decode_packet(packet), revision=3)
    except ValueError as error:
        raise SwarmError(Kind.MALFORMED_INPUT, f"no OPEN packet: {error}") from None


class PollingClient:
    """One session over polling: polls on one connection, pushes on another. Raises SwarmError."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.poll = HttpLink(target)
        self.push = HttpLink(target)
        self._outstanding = False
        self.handshake = self.poll.request("GET", target.endpoint("polling"))
        if self.handshake.status != 200:
            raise http_refusal(self.handshake.status, self.handshake.excerpt)
        self.push.cookies = self.poll.cookies
        packets = self.handshake.text.split(RECORD_SEPARATOR)
        self.opened = open_of(packets[0])
        self._endpoint = target.endpoint("polling", self.opened.session_id)
        self.last_poll: HttpAnswer | None = None
        self.last_push: HttpAnswer | None = None

    def set_acks(self, *, at_once: bool) -> None:
        """Set how this kernel acknowledges, on both connections."""
        self.poll.ack_at_once = self.push.ack_at_once = at_once

    def call(self, call: Call, headers: Iterable[tuple[str, str]] = (), timeout: float = TIMEOUT) -> float:
        """Push a packet, poll until its answer comes, and return the seconds that it took."""
        end = time.perf_counter() + timeout
        if not self._outstanding:
            self.start_poll(headers)
        started = time.perf_counter()
        self.push.start("POST", self._endpoint, call.text.encode())
        try:
            found = self._take_both(end - time.perf_counter(), call)
        except SwarmError as error:
            raise above_max_payload(error, len(call.text.encode()), self.opened.max_payload) from None
        while not found:
            self.start_poll(headers)
            found = self._digest(receive_all([self.poll], end - time.perf_counter())[0], call)
        return time.perf_counter() - started

    def start_poll(self, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Start a poll. Its answer is read later."""
        self.poll.start("GET", self._endpoint, headers=tuple(headers))
        self._outstanding = True

    def _take_both(self, timeout: float, call: Call) -> bool:
        # A PING may answer the poll first. Even then this waits for the answer to the push.
        poll, push = receive_all([self.poll, self.push], timeout)
        self.last_push = push
        if push.status != 200:
            raise http_refusal(push.status, push.excerpt)
        return self._digest(poll, call)

    def _digest(self, answer: HttpAnswer, call: Call) -> bool:
        self._outstanding = False
        self.last_poll = answer
        if answer.status != 200:
            raise http_refusal(answer.status, answer.excerpt)
        if answer.headers.get("content-encoding"):
            # It is not decompressed: the caller only wants to see that it is compressed.
            return True
        packets = answer.text.split(RECORD_SEPARATOR)
        if "1" in packets:
            raise SwarmError(Kind.CLOSED_BY_SERVER)
        if "2" in packets:
            self.send("3")
        return any(call.is_answer(packet) for packet in packets)

    def send(self, packet: str) -> HttpAnswer:
        """Push one packet and wait for the answer to the push."""
        self.last_push = self.push.request("POST", self._endpoint, packet.encode())
        if self.last_push.status != 200:
            raise http_refusal(self.last_push.status, self.last_push.excerpt)
        return self.last_push

    def connect(self, namespace: str, auth: dict[str, Any] | None = None) -> bool:
        """CONNECT to a namespace. True if the server accepted it."""
        text = "40" if namespace == "/" else f"40{namespace},"
        self.call(Call(text + _payload(auth), (text, "44" + text[2:])))
        assert self.last_poll is not None
        return any(packet.startswith(text) for packet in self.last_poll.text.split(RECORD_SEPARATOR))

    @property
    def endpoint(self) -> str:
        """The request target of this session."""
        return self._endpoint

    def close(self) -> None:
        """Leave without waiting for anything."""
        with contextlib.suppress(SwarmError):
            self.push.start("POST", self._endpoint, b"1")
        self.abort()

    def abort(self) -> None:
        """Close both connections."""
        self.poll.close()
        self.push.close()


class SocketClient:
    """One session over WebSocket. It offers `extensions`. Raises SwarmError."""

    def __init__(
        self,
        target: Target,
        *,
        extensions: str = "",
        headers: Iterable[tuple[str, str]] = (),
        cookies: Mapping[str, str] | None = None,
        session_id: str | None = None,
    ) -> None:
        self.target = target
        key = new_key()
        given = [*target.headers, *headers, *cookie_header(target, cookies or {})]
        if extensions:
            given.append(("Sec-WebSocket-Extensions", extensions))
        self.link = Link(target)
        endpoint = target.endpoint("websocket", session_id)
        self.link.send(encode_upgrade_request(target.host, endpoint, key, tuple(given)))
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.link.receive()
            if not data:
                raise SwarmError(Kind.CONNECTION_CLOSED, "in the middle of the answer to the upgrade")
            head += data
            if len(head) > 65536:
                raise SwarmError(Kind.MALFORMED_INPUT, "endless head of the answer to the upgrade")
        head, _, self._rest = head.partition(b"\r\n\r\n")
        response = decode_response_head(head)
        self.extensions = dict(response.headers).get("sec-websocket-extensions", "")
        try:
            if not self.extensions:
                check_upgrade_response(response, key)
            elif response.status != 101:
                raise RemoteProtocolError(f"HTTP {response.status} instead of 101")
        except RemoteProtocolError as error:
            self.link.close()
            raise http_refusal(response.status, str(error)) from None
        self._decoder = MessageDecoder()
        self._messages: list[str] = []
        self.opened: OpenData | None = None
        if session_id is None and not self.extensions:
            self.opened = open_of(self.take())

    def send(self, *packets: str) -> None:
        """Send packets in one write."""
        self.link.send(b"".join(encode_frame(Opcode.TEXT, packet.encode()) for packet in packets))

    def take(self, timeout: float = TIMEOUT) -> str:
        """The next packet. PINGs are answered and left out. Raises SwarmError (TIMEOUT) if none comes."""
        end = time.perf_counter() + timeout
        while True:
            if self._messages:
                packet = self._messages.pop(0)
                if packet == "2":
                    self.link.send(encode_frame(Opcode.TEXT, b"3"))
                    continue
                if packet == "1":
                    raise SwarmError(Kind.CLOSED_BY_SERVER)
                return packet
            data, self._rest = self._rest or self.link.receive(end - time.perf_counter()), b""
            if not data:
                raise SwarmError(Kind.CONNECTION_CLOSED)
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            for message in self._decoder.decode(data):
                if isinstance(message, str):
                    self._messages.append(message)
                elif isinstance(message, Frame) and message.opcode is Opcode.CLOSE:
                    raise SwarmError(Kind.CONNECTION_CLOSED, "by a close frame")
                elif isinstance(message, Frame) and message.opcode is Opcode.PING:
                    self.link.send(encode_frame(Opcode.PONG, message.payload))
        except ValueError as error:
            raise SwarmError(Kind.MALFORMED_INPUT, str(error)) from None

    def call(self, *calls: Call, timeout: float = TIMEOUT) -> list[float]:
        """Send calls in one write. Returns for each, in their order, the seconds to its answer."""
        started = time.perf_counter()
        self.send(*(call.text for call in calls))
        times: dict[int, float] = {}
        while len(times) < len(calls):
            try:
                packet = self.take(timeout - (time.perf_counter() - started))
            except SwarmError as error:
                size = max(len(call.text.encode()) for call in calls)
                raise above_max_payload(error, size, self.opened.max_payload if self.opened else 0) from None
            now = time.perf_counter() - started
            for index, call in enumerate(calls):
                if index not in times and call.is_answer(packet):
                    times[index] = now
        return [times[index] for index in range(len(calls))]

    def connect(self, namespace: str, auth: dict[str, Any] | None = None) -> bool:
        """CONNECT to a namespace. True if the server accepted it."""
        text = "40" if namespace == "/" else f"40{namespace},"
        self.send(text + _payload(auth))
        while True:
            packet = self.take()
            if packet.startswith((text, "44" + text[2:])):
                return packet.startswith(text)

    def send_close(self) -> None:
        """Close the session and the WebSocket, as a client that leaves."""
        self.link.send(encode_frame(Opcode.TEXT, b"1") + encode_frame(Opcode.CLOSE, encode_close(1000)))

    def close(self) -> None:
        """Leave without waiting for anything."""
        with contextlib.suppress(SwarmError):
            self.send_close()
        self.link.close()
