"""What a server that recovers lost connections puts behind the arguments of its events.

With connection state recovery, the answer to CONNECT holds a private id, the `pid`. Each event that asks for
no ack then ends with an offset, a text. A client that was lost shows both in its next CONNECT.
Cases see events without offsets, so that they ask the same of every server.
"""

from __future__ import annotations

from sioprobe.wire import EVENTS, SocketPacket, SocketPacketType

__all__ = ["Offsets"]


class Offsets:
    """The offsets of one session. `pids` and `last` hold the private id and the last offset by namespace."""

    def __init__(self) -> None:
        self.pids: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self._known: list[tuple[SocketPacket, str]] = []
        self._early: list[SocketPacket] = []
        self._unannounced = False

    def expect_unannounced(self) -> None:
        """Events carry offsets though no CONNECT gives a `pid`: revision 3 of a server that recovers."""
        self._unannounced = True
        for event in self._early:
            self._cut(event)
        self._early.clear()

    def take(self, packet: SocketPacket) -> None:
        """A packet has come. Its offset is cut off, if it has one."""
        namespace = packet.namespace
        if packet.type is SocketPacketType.CONNECT:
            self._connected(namespace, packet.data.get("pid") if isinstance(packet.data, dict) else None)
        elif packet.type in EVENTS and packet.ack_id is None:
            if namespace in self.pids or self._unannounced:
                self._cut(packet)
            else:
                # What was missed may be replayed before the answer to CONNECT.
                self._early.append(packet)

    def of(self, packet: SocketPacket) -> str | None:
        """The offset that this event had, None if it had none."""
        return next((offset for event, offset in self._known if event is packet), None)

    def _connected(self, namespace: str, pid: object) -> None:
        early = [event for event in self._early if event.namespace == namespace]
        self._early = [event for event in self._early if event.namespace != namespace]
        if not isinstance(pid, str):
            self.pids.pop(namespace, None)
            return
        self.pids[namespace] = pid
        for event in early:
            self._cut(event)

    def _cut(self, event: SocketPacket) -> None:
        if len(event.data) > 1 and isinstance(event.data[-1], str):
            offset = event.data.pop()
            self.last[event.namespace] = offset
            self._known.append((event, offset))
