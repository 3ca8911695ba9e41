"""What becomes of a session: does it reach the process that knows it, and is it let into the namespace?"""

from __future__ import annotations

import base64
import binascii
import contextlib
import time
from dataclasses import dataclass
from typing import Any

from sioprobe.diagnosis.answers import Ended, Lack, Nothing, Reply, quoted
from sioprobe.diagnosis.asking import Asker, OutOfTime
from sioprobe.diagnosis.causes import Cause
from sioprobe.diagnosis.streams import WebSocket
from sioprobe.diagnosis.visit import Visit
from sioprobe.wire import (
    MAIN_NAMESPACE,
    RECORD_SEPARATOR,
    OpenData,
    RemoteProtocolError,
    SocketDecoder,
    SocketPacket,
    SocketPacketType,
    decode_packet,
    decode_payload,
    encode_socket_packet,
    engineio3,
)
from sioprobe.wire.cookies import Cookies

__all__ = ["Found", "open_of", "open_of_message", "over_polling", "over_websocket", "scattered"]

PONG = "3"
REQUESTS = 12
"""So many requests of one session are sent, each on a new connection, until one of them finds it."""
SILENCE = "no answer to CONNECT"
CLOSED = "the server closed the session"


@dataclass(frozen=True, slots=True)
class Found:
    """A cause, with what fills its sentence."""

    cause: Cause
    seen: str = ""
    given: str = ""


def open_of(reply: Reply | Nothing, revision: int = 4) -> OpenData | None:
    """The OPEN packet in the answer to a handshake over polling, or None."""
    if isinstance(reply, Nothing) or reply.status != 200:
        return None
    try:
        if revision == 4:
            # Some servers of revision 4 leave maxPayload out.
            return engineio3.decode_open(next(decode_payload(reply.body)))
        binary = reply.header("content-type").startswith("application/octet-stream")
        return engineio3.decode_open(next(engineio3.decode_payload(reply.body, binary=binary)))
    except (RemoteProtocolError, StopIteration):
        return None


def open_of_message(message: str | bytes | Ended | None) -> OpenData | None:
    """The OPEN packet in the first message of a WebSocket, or None."""
    try:
        return engineio3.decode_open(decode_packet(message)) if isinstance(message, str) else None
    except RemoteProtocolError:
        return None


def over_websocket(asker: Asker, websocket: WebSocket) -> Found | None:
    """What becomes of a session whose OPEN packet has come, or None if it is let in. Closes the WebSocket."""
    try:
        websocket.send(f"4{_connect(asker)}")
        end = asker.clock.next()
        while True:
            message = websocket.receive(end)
            if message is None:
                return _without_an_answer(asker)
            if isinstance(message, Ended):
                return _without_an_answer(asker, f"the WebSocket ended ({message.how})")
            if message == "2":
                websocket.send("3")
            settled, found = _read(asker, message)
            if settled:
                return found
    finally:
        websocket.close()


def over_polling(asker: Asker, opened: OpenData, cookies: Cookies) -> Found | None:
    """What becomes of a session after its handshake over polling, or None if it is let in."""
    session = _Polling(asker, opened.session_id, cookies)
    try:
        failed = session.push(f"4{_connect(asker)}")
        if isinstance(failed, Nothing) and failed.lack is Lack.SILENT:
            return _no_connect(asker, "its POST got no answer")
        end = asker.clock.next()
        while failed is None:
            if time.monotonic() > end:
                return _without_an_answer(asker)
            answer = session.poll()
            if isinstance(answer, Nothing) and answer.lack is Lack.SILENT:
                return _without_an_answer(asker)
            if isinstance(answer, Nothing) or answer.status != 200:
                failed = answer
                break
            for packet in answer.body.decode("utf-8", "replace").split(RECORD_SEPARATOR):
                settled, found = _read(asker, packet)
                if settled:
                    return found
                if packet == "2":
                    session.push("3")
        return session.is_unknown(failed)
    finally:
        with contextlib.suppress(OutOfTime):
            session.push("1")


def scattered(asker: Asker) -> Found | None:
    """The cause if requests of a session over polling go to processes that do not know it, else None."""
    cookies = asker.visit.new_cookies()
    opened = open_of(asker.request("GET", asker.visit.target("polling"), cookies=cookies))
    if opened is None:
        return None
    session = _Polling(asker, opened.session_id, cookies)
    try:
        for number in range(REQUESTS):
            refused = session.push(_harmless(number))
            if refused is not None:
                found = session.is_unknown(refused)
                return found if found.cause is Cause.PROCESSES else None
        return None
    finally:
        with contextlib.suppress(OutOfTime):
            session.push("1")


class _Polling:
    """A session over polling. Each request goes over a new connection."""

    def __init__(self, asker: Asker, session_id: str, cookies: Cookies) -> None:
        self._asker = asker
        self._cookies = cookies
        self._target = asker.visit.target("polling", session_id=session_id)

    def poll(self) -> Reply | Nothing:
        """One GET."""
        return self._asker.request("GET", self._target, cookies=self._cookies)

    def push(self, packet: str, link: Any = None) -> Reply | Nothing | None:
        """One POST: None if the server took it, otherwise what came."""
        answer = self._asker.request(
            "POST", self._target, body=packet.encode(), cookies=self._cookies, link=link
        )
        return None if isinstance(answer, Reply) and answer.status == 200 else answer

    def is_unknown(self, refused: Reply | Nothing) -> Found:
        """Why a request of the session was refused.

        A process that has lost a session never finds it again. So a request that finds the session after
        another was refused has reached another process.
        """
        told = str(refused) if isinstance(refused, Reply) else refused.detail or str(refused.lack)
        for asked in range(2, REQUESTS + 1):
            if self.push(_harmless(asked)) is None:
                if isinstance(refused, Nothing):
                    # A server that does not know a session says so. Its closing has another reason.
                    return _no_connect(self._asker, f"a request got {told}, and the next was answered")
                return self._several(f"a request of a session found it, {asked - 1} got {told}")
        if _keeps_to_a_connection(self._asker):
            return self._several(f"a session is known on the connection that opened it, others got {told}")
        return (
            _without_an_answer(self._asker, CLOSED)
            if _knows_sessions(self._asker)
            else Found(Cause.SESSION_REFUSED, told)
        )

    def _several(self, seen: str) -> Found:
        helps = self._asker.visit.transport == "polling"
        advice = "write --transport websocket" if helps else "give the URL of one process"
        return Found(Cause.PROCESSES, seen, advice)


def _keeps_to_a_connection(asker: Asker) -> bool:
    """Whether a new session is known on the connection of its handshake, and refused on another one."""
    link = asker.connect(asker.clock.next(), secure=asker.visit.secure)
    if isinstance(link, Nothing):
        return False
    try:
        cookies = asker.visit.new_cookies()
        opened = open_of(asker.request("GET", asker.visit.target("polling"), cookies=cookies, link=link))
        if opened is None:
            return False
        session = _Polling(asker, opened.session_id, cookies)
        return session.push(_harmless(0)) is not None and session.push(_harmless(1), link) is None
    finally:
        link.close()


def _knows_sessions(asker: Asker) -> bool:
    """Whether a new session is known on a second connection, as long as nobody sends CONNECT."""
    cookies = asker.visit.new_cookies()
    opened = open_of(asker.request("GET", asker.visit.target("polling"), cookies=cookies))
    return opened is not None and _Polling(asker, opened.session_id, cookies).push(PONG) is None


def _harmless(number: int) -> str:
    """A packet that every server answers: CONNECT to a namespace that does not exist."""
    return f"40/sioprobe-diagnosis-{number},"


def _connect(asker: Asker) -> str:
    return encode_socket_packet(
        SocketPacket(SocketPacketType.CONNECT, asker.visit.namespace, asker.visit.auth)
    )[0]


def _read(asker: Asker, message: str | bytes) -> tuple[bool, Found | None]:
    """Whether an Engine.IO packet settles the matter, and what it says; None if the client is let in."""
    if message == "1":
        return True, _without_an_answer(asker, CLOSED)
    if not isinstance(message, str) or not message.startswith(("40", "44")):
        return False, None
    try:
        packet = SocketDecoder().decode(message[1:])
    except RemoteProtocolError as error:
        return True, _no_connect(asker, f"it answers {quoted(message, asker.redact)} ({error})")
    if packet is None or (packet.namespace != asker.visit.namespace and message != "40"):
        return False, None
    if packet.type is SocketPacketType.CONNECT:
        if isinstance(packet.data, dict) and packet.data.get("sid"):
            return True, None
        # Only Socket.IO 4 answers without a socket id, or connects / unasked.
        return True, Found(Cause.OLD_REVISION)
    return True, Found(Cause.NAMESPACE_REFUSED, _words(packet.data), _hint(asker.visit))


def _hint(visit: Visit) -> str:
    if visit.namespace != MAIN_NAMESPACE:
        return "; --namespace names another"
    shown = visit.auth is not None or visit.headers or visit.cookies or visit.query
    return "" if shown else "; --auth, --header, --cookie or --query may show what it wants"


def _words(data: Any) -> str:
    message = data.get("message") if isinstance(data, dict) else data
    return message if isinstance(message, str) and (data == message or len(data) == 1) else str(data)


def _no_connect(asker: Asker, seen: str) -> Found:
    return Found(Cause.NO_CONNECT, seen, asker.visit.namespace)


def _without_an_answer(asker: Asker, seen: str = SILENCE) -> Found:
    return Found(Cause.PARSER) if _speaks_msgpack(asker) else _no_connect(asker, seen)


def _speaks_msgpack(asker: Asker) -> bool:
    """Whether a new session answers a CONNECT that is packed by msgpack with a packet of the same kind."""
    name = asker.visit.namespace.encode()
    packed = b"\x83\xa4type\x00\xa4data\x80\xa3nsp\xda" + len(name).to_bytes(2, "big") + name
    websocket = asker.websocket()
    if isinstance(websocket, WebSocket):
        try:
            if open_of_message(asker.first_message(websocket)) is None:
                return False
            websocket.send(packed)
            end = asker.clock.next()
            while isinstance(message := websocket.receive(end), (str, bytes)):
                if isinstance(message, bytes):
                    return _is_packed(message)
            return False
        finally:
            websocket.close()
    cookies = asker.visit.new_cookies()
    opened = open_of(asker.request("GET", asker.visit.target("polling"), cookies=cookies))
    if opened is None:
        return False
    session = _Polling(asker, opened.session_id, cookies)
    if session.push("b" + base64.b64encode(packed).decode()) is not None:
        return False
    answer = session.poll()
    records = answer.body.split(RECORD_SEPARATOR.encode()) if isinstance(answer, Reply) else []
    return any(record.startswith(b"b") and _is_packed(_unpacked(record[1:])) for record in records)


def _unpacked(record: bytes) -> bytes:
    try:
        return base64.b64decode(record)
    except binascii.Error:
        return b""


def _is_packed(data: bytes) -> bool:
    """Whether it is a map with the keys of a Socket.IO packet, as msgpack writes it."""
    return data[:1] in (b"\x82", b"\x83", b"\x84", b"\x85") and b"\xa4type" in data and b"\xa3nsp" in data
