"""The change from polling to WebSocket within a session.

C→S `2probe`, S→C `3probe`, the pending poll is ended by `6`, C→S `5`: from then on the WebSocket carries
everything.
Until the probe arrives polling goes on as before; when anything else arrives, or nothing in time, only the
WebSocket is closed.
"""

import asyncio

from tests.strict_server.packets import (
    NOOP,
    EnginePacket,
    EngineType,
    PacketError,
    decode_packet,
    encode_text,
)
from tests.strict_server.polling import Polling
from tests.strict_server.session import Session, State
from tests.strict_server.websocket import WebSocket

# A poll that arrives during the upgrade waits this long for data before it gets its NOOP:
# without the pause a client that polls on would be answered as fast as it can ask.
NOOP_SECONDS = 0.1


class Upgrade:
    """One WebSocket that asks to take over `session`."""

    def __init__(self, session: Session, websocket: WebSocket) -> None:
        self._session = session
        self._faults = session.faults
        self._websocket = websocket
        self._transport = session.new_websocket(websocket)
        self._loop = asyncio.get_running_loop()
        self._probed = False
        self._completed = False
        self._noop_sent = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def holds_packets(self) -> bool:
        """Whether polling must not carry data now."""
        return self._faults("opening-a-websocket-starves-polling") or (
            self._probed and self._faults("failed-upgrade-starves-polling")
        )

    async def run(self) -> None:
        """Carry the WebSocket until it ends."""
        self._session.upgrade = self
        if not self._faults("upgrade-never-times-out") and not self._faults("upgrade-is-timed-by-its-probe"):
            self._start_timer()
        async for message in self._websocket.messages():
            if self._completed:
                self._transport.receive(message)
            else:
                self._receive_before_completion(message)
        if not self._completed:
            if self._faults("failed-upgrade-closes-the-session") and self._session.upgrade is self:
                self._session.end("upgrade failed")
            self._leave()
        elif self._faults("session-falls-back-to-polling") and self._session.state is State.OPEN:
            self._session.upgraded = False
            self._session.transport = Polling(self._session)
        else:
            self._session.end("transport close")

    def receive_poll(self) -> None:
        """A poll has come and waits."""
        if self._probed and not (self._noop_sent and self._faults("only-one-noop-during-the-upgrade")):
            self._loop.call_later(NOOP_SECONDS, self._release_poll)

    def abandon(self) -> None:
        """Close the WebSocket and leave the session to polling."""
        self._leave()
        if not self._completed:
            self._websocket.close()

    def _receive_before_completion(self, message: str | bytes) -> None:
        packet = self._decode(message)
        if self._session.state is State.CLOSED or self._session.upgrade is not self:
            return
        if packet == EnginePacket(EngineType.PING, "probe"):
            self._receive_probe()
        elif packet is not None and packet.type is EngineType.UPGRADE and self._probed:
            self._complete()
        elif self._faults("wrong-probe-closes-the-session"):
            self._session.end("wrong probe")
        elif not self._faults("wrong-probe-keeps-the-websocket"):
            self.abandon()

    def _decode(self, message: str | bytes) -> EnginePacket | None:
        if isinstance(message, bytes):
            return None
        try:
            return decode_packet(message, self._faults)
        except PacketError:
            return None

    def _receive_probe(self) -> None:
        if self._faults("probe-is-not-answered") or (
            self._faults("probe-needs-a-waiting-poll") and not self._session.transport.writable
        ):
            return
        answer = EnginePacket(EngineType.PONG, "" if self._faults("probe-answer-has-no-data") else "probe")
        self._websocket.send(encode_text(answer))
        self._probed = True
        if self._faults("upgrade-is-timed-by-its-probe"):
            self._start_timer()
        # It waits until the upgrade completes, which then forgets it.
        if not self._faults("upgrade-drops-the-waiting-poll"):
            self._release_poll()

    def _release_poll(self) -> None:
        if self._session.upgrade is not self or self._faults("poll-is-kept-during-the-upgrade"):
            return
        if self._session.transport.writable:
            self._noop_sent = True
            noop = [] if self._faults("poll-is-emptied-during-the-upgrade") else [NOOP]
            self._session.transport.send(noop)

    def _complete(self) -> None:
        session = self._session
        self._completed = True
        self._leave()
        polling = session.transport
        session.upgraded = True
        session.transport = self._transport
        session.on_upgrade()
        polling.drop()
        if self._faults("packets-of-the-upgrade-are-lost"):
            session.buffer.clear()
        if self._faults("packets-of-the-upgrade-come-twice"):
            session.buffer *= 2
        if self._faults("packets-of-the-upgrade-are-reversed"):
            session.buffer.reverse()
        if self._faults("noop-follows-the-upgrade"):
            session.buffer.insert(0, NOOP)
        if self._faults("upgrade-stops-the-heartbeat"):
            session.stop_heartbeat()
        session.flush()
        if session.state is State.CLOSING:
            self._websocket.close()
            session.end("server close")

    def _start_timer(self) -> None:
        seconds = self._session.config.upgrade_timeout
        if self._faults("upgrade-times-out-early"):
            seconds /= 3
        self._timer = self._loop.call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        if self._faults("upgrade-timeout-closes-the-session"):
            self._session.end("upgrade timeout")
        self.abandon()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        starves = self._faults("failed-upgrade-starves-polling") and not self._completed
        if self._session.upgrade is self and not starves:
            self._session.upgrade = None
