"""Engine.IO polling: one GET outstanding on one connection, pushes on another.

Packets that wait for a push to end go out together in the next one, as those of the official client do.
"""

from __future__ import annotations

import base64
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sioprobe.engine.errors import SwarmError, http_refusal
from sioprobe.engine.target import Target
from sioprobe.engine.transports.http import HttpChannel
from sioprobe.wire import RECORD_SEPARATOR, decode_payload
from sioprobe.wire.cookies import Cookies

__all__ = ["MANY_PACKETS", "PollingChannel"]

_SEPARATOR = RECORD_SEPARATOR.encode()

MANY_PACKETS = 16
"""`pushed` hears of a push with more packets. python-engineio takes no more (`max_decode_packets`)."""


class PollingChannel:
    """`text`, `binary`, `polled()`, `pushed(packets)` and `failed(failure)` are called on the hub.

    `oversized` has the bytes of the push under way if the server takes fewer, else 0; `packets` is how many
    packets the last push had.
    """

    __slots__ = (
        "_binary",
        "_closed",
        "_endpoint",
        "_failed",
        "_loop",
        "_most",
        "_outbox",
        "_paused",
        "_poll",
        "_polled",
        "_push",
        "_pushed",
        "_sent",
        "_taking",
        "_target",
        "_text",
        "max_payload",
        "oversized",
        "packets",
    )

    def __init__(
        self,
        loop: Any,
        target: Target,
        cookies: Cookies,
        *,
        text: Callable[[str], None],
        binary: Callable[[bytes], None],
        polled: Callable[[], None],
        pushed: Callable[[int], None],
        failed: Callable[[SwarmError], None],
    ) -> None:
        self._loop = loop
        self._target = target
        self._text = text
        self._binary = binary
        self._polled = polled
        self._pushed = pushed
        self._failed = failed
        self._poll = HttpChannel(loop, target, cookies, self._take_poll, failed)
        self._push = HttpChannel(loop, target, cookies, self._take_push, failed)
        self._endpoint: str | None = None
        self._outbox: deque[str] = deque()
        self._paused: Callable[[], None] | None = None
        self._sent: Callable[[], None] | None = None
        self._closed = False
        self._taking = False
        self._most = target.max_packets_per_post
        self.max_payload: float = 1_000_000
        self.oversized = 0
        self.packets = 0

    def handshake(self) -> None:
        """Send the request whose answer carries the OPEN packet."""
        self._poll.request("GET", self._target.endpoint("polling"))

    def start(self, session_id: str, max_payload: float) -> None:
        """Poll and push for this session from now on. `max_payload` is in bytes; 0 means no limit."""
        self._endpoint = self._target.endpoint("polling", session_id)
        self.max_payload = max_payload or float("inf")
        self._go_on()

    def _go_on(self) -> None:
        if self._closed or self._taking or self._endpoint is None:
            return
        if self._paused is not None:
            if not self._poll.busy and not self._push.busy:
                done, self._paused = self._paused, None
                done()
            return
        if not self._poll.busy and self._sent is None:  # nobody polls a session that it closes
            self._poll.request("GET", self._endpoint)
        if self._outbox and not self._push.busy:
            self._push.request("POST", self._endpoint, self._next_body())

    def _next_body(self) -> bytes:
        outbox = self._outbox
        body = outbox.popleft().encode()
        self.packets = 1
        if outbox and self._most != 1:
            body = self._join(body)
        if len(body) > self.max_payload:
            # A packet above the limit goes out alone; the server refuses it.
            self.oversized = len(body)
        return body

    def _join(self, first: bytes) -> bytes:
        """The packet, and those after it that the official client would put into the same POST."""
        outbox = self._outbox
        records = [first]
        size = _counted(first)
        while outbox and len(records) != self._most:
            record = outbox[0].encode()
            size += 1 + _counted(record)
            if size > self.max_payload:
                break
            outbox.popleft()
            records.append(record)
        self.packets = len(records)
        if self.packets > MANY_PACKETS:
            self._pushed(self.packets)
        return _SEPARATOR.join(records)

    def _take_poll(self, status: int, body: bytes) -> None:
        if status != 200:
            raise http_refusal(status, _excerpt(body))
        # Handling an answer may send something: an upgrade must not switch in the middle of that.
        self._taking = True
        try:
            records: Iterable[str] = str(body, "utf-8").split(RECORD_SEPARATOR)
        except UnicodeDecodeError:
            # One by one, so that the packets before a wrong one arrive.
            records = (str(record, "utf-8") for record in body.split(_SEPARATOR))
        for record in records:
            if record[:1] == "b":
                self._binary(next(decode_payload(record)).data)  # type: ignore[arg-type]
            else:
                self._text(record)
            if self._closed:
                return
        self._taking = False
        self._polled()
        self._go_on()

    def _take_push(self, status: int, body: bytes) -> None:
        if status != 200:
            packets = f" (POST of {self.packets} packets)" if self.packets > 1 else ""
            raise http_refusal(status, (_excerpt(body) + packets).lstrip())
        self.oversized = 0
        if self._sent is not None and not self._outbox:
            self._sent()
            return
        self._go_on()

    def send_text(self, packet: str) -> None:
        """Push one text packet."""
        self._outbox.append(packet)
        if not self._push.busy:
            self._go_on()

    def send_binary(self, data: bytes) -> None:
        """Push one attachment."""
        self.send_text("b" + base64.b64encode(data).decode("ascii"))

    def pause(self, done: Callable[[], None]) -> None:
        """Start no more requests. `done` is called when none is under way."""
        self._paused = done
        self._go_on()

    def resume(self) -> None:
        """Go on polling after a pause."""
        self._paused = None
        self._go_on()

    def stop_reading(self) -> None:
        """Leave the answer to the poll in the kernel; no other poll follows."""
        self._poll.stop_reading()

    def start_reading(self) -> None:
        """Read the answer, and poll again."""
        self._poll.start_reading()

    def take_unsent(self) -> list[str]:
        """Remove and return the packets that no push has carried yet."""
        packets = list(self._outbox)
        self._outbox.clear()
        return packets

    def when_sent(self, done: Callable[[], None]) -> None:
        """Call `done` when the server has accepted everything that was sent. No poll begins until then."""
        self._sent = done

    @property
    def unsent(self) -> int:
        """Packets that wait for a push."""
        return len(self._outbox)

    def close(self) -> None:
        """Close both connections at once; no callback follows."""
        self._closed = True
        self._outbox.clear()
        self._poll.close()
        self._push.close()


def _counted(record: bytes) -> int:
    """The bytes that the official client counts for a packet: of an attachment 1.33 times its own size."""
    if record[:1] != b"b":
        return len(record)
    return 1 + math.ceil(((len(record) - 1) // 4 * 3 - record[-2:].count(b"=")) * 1.33)


def _excerpt(body: bytes) -> str:
    return body[:80].decode("utf-8", "replace").replace("\n", " ").strip()
