"""Connection state recovery: what a client shows to a server so that it gets back what it has lost.

A server that recovers connections puts a private id, the `pid`, into its answer to CONNECT. Each event that
asks for no ack then ends with an offset. After a loss the client shows the `pid` and its last offset in its
CONNECT, and the server replays what the client has missed, before it answers. The official client holds
these events until the answer comes, and so does this one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sioprobe.wire import MAIN_NAMESPACE, SocketPacket

__all__ = ["Answered", "Recovery"]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a CONNECT: whether it `asked` for recovery, and whether the server `recovered` us.

    `replayed` are the events that came before it, in order. `twice` of them had come before.
    """

    asked: bool
    recovered: bool
    replayed: list[SocketPacket]
    twice: int


class Recovery:
    """What one client knows of the namespaces that the server can recover, through all its connections.

    `recovered` are the namespaces whose last CONNECT was answered by the `pid` that it showed. `replaying`
    says that the listener is being told what the server has replayed.
    """

    __slots__ = ("_held", "_offsets", "_pids", "_shown", "recovered", "replaying")

    def __init__(self) -> None:
        self._pids: dict[str, str] = {}
        self._offsets: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        """The offsets that were shown in a CONNECT which has no answer yet."""
        self._held: dict[str, list[tuple[SocketPacket, str | None]]] = {}
        """The events that came before that answer."""
        self.recovered: set[str] = set()
        self.replaying = False

    # CONNECT and its answer

    def can_ask(self, namespace: str) -> bool:
        """Whether there is something to show that can bring back what was lost."""
        return namespace in self._pids and namespace in self._offsets

    def ask(self, namespace: str, packet: str) -> str:
        """The CONNECT packet with what there is to show. A key of the auth payload wins over ours."""
        self.recovered.discard(namespace)
        self._held.pop(namespace, None)
        pid, offset = self._pids.get(namespace), self._offsets.get(namespace)
        if pid is None:
            return packet
        known = {"pid": pid}
        if offset is not None:
            self._shown[namespace] = known["offset"] = offset
            self._held[namespace] = []
        head = packet[: 2 if namespace == MAIN_NAMESPACE else 3 + len(namespace)]
        shown = json.dumps(known, separators=(",", ":"))
        auth = packet[len(head) + 1 :]
        return head + (shown if auth in ("", "}") else f"{shown[:-1]},{auth}")

    def answered(self, namespace: str, pid: Any) -> Answered:
        """Take the `pid` of a CONNECT answer; None stands for none."""
        shown = self._shown.pop(namespace, None)
        held = self._held.pop(namespace, [])
        known = self._pids.get(namespace)
        if not isinstance(pid, str):
            self.forget(namespace)
        elif pid != known:
            self._pids[namespace] = pid
            self._offsets.pop(namespace, None)
        else:
            self.recovered.add(namespace)
        offsets = [offset for _, offset in held if offset is not None]
        if offsets and namespace in self._pids:
            self._offsets[namespace] = offsets[-1]
        return Answered(
            shown is not None,
            namespace in self.recovered,
            [packet for packet, _ in held],
            len(offsets) - len({*offsets} - {shown}),
        )

    def forget(self, namespace: str) -> None:
        """Nothing can be recovered there: somebody has ended it on purpose, or the server no longer can."""
        for known in (self._pids, self._offsets, self._shown, self._held):
            known.pop(namespace, None)
        self.recovered.discard(namespace)

    # Events

    def take(self, packet: SocketPacket, *, cut: bool) -> bool:
        """Note the offset of an event that has one, and `cut` it off if that is wanted.

        True if the event is held until the answer to CONNECT.
        """
        namespace, data = packet.namespace, packet.data
        offset = None
        if packet.ack_id is None and namespace in self._pids and len(data) > 1 and type(data[-1]) is str:
            offset = data.pop() if cut else data[-1]
        held = self._held.get(namespace)
        if held is not None:
            held.append((packet, offset))
            return True
        if offset is not None:
            self._offsets[namespace] = offset
        return False

    def tap(self, tap: Callable[[str], bool], text: str) -> bool:
        """Show `tap` the text of a packet without its offset. True if it takes it."""
        start = text.find("[")
        head = text[:start]
        if head == "2":
            namespace = MAIN_NAMESPACE
        elif head[:2] == "2/" and head[-1] == ",":
            namespace = head[1:-1]
        else:
            return tap(text)  # an event with an ack id or attachments, or no event
        end = text.rfind(',"')
        offset = text[end + 2 : -2]
        if end < 0 or text[-2:] != '"]' or '"' in offset or "\\" in offset or namespace not in self._pids:
            return tap(text)
        if namespace in self._held or not tap(f"{text[:end]}]"):
            return False
        self._offsets[namespace] = offset
        return True
