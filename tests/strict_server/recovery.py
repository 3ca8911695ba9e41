"""Connection state recovery: what the server keeps of a peer that was lost, and whom it gives it to.

The socket of a lost peer stays in its rooms and goes on with its log. So the log has just what the peer
missed, whatever was said to whom.
It leaves out the packets (socketio.py). Nothing is forgotten while the server runs.
"""

import secrets
from typing import TYPE_CHECKING, Any

from tests.strict_server.faults import Faults
from tests.strict_server.parser import SocketPacket

if TYPE_CHECKING:
    from tests.strict_server.socketio import NamespaceSocket

# An event with its offset, which is its last argument too.
Logged = tuple[str, SocketPacket]


class Recovery:
    """The lost peers of one server."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._count = 0
        self._lost: dict[tuple[str, str], NamespaceSocket] = {}

    def new_pid(self, socket: "NamespaceSocket") -> str:
        """A private id for this socket."""
        return socket.id if self._faults("private-id-is-the-socket-id") else secrets.token_urlsafe(15)

    def new_offset(self) -> Any:
        """An offset that no other event has."""
        self._count += 1
        if self._faults("offsets-are-used-again"):
            return f"offset-{self._count % 10}"
        return self._count if self._faults("offset-is-a-number") else f"offset-{self._count}"

    def keep(self, socket: "NamespaceSocket") -> None:
        """Keep the socket of a lost peer."""
        assert socket.pid is not None
        self._lost[self._place(socket.namespace, socket.pid)] = socket

    def find(self, namespace: str, auth: dict[str, Any]) -> "NamespaceSocket | None":
        """The lost socket of the peer that shows this pid and this offset, if it can be recovered."""
        pid, offset = auth.get("pid"), auth.get("offset")
        if not isinstance(pid, str) or self._faults("nothing-is-recovered"):
            return None
        socket = self._lost.get(self._place(namespace, pid))
        if socket is None:
            return None
        knows = any(logged == offset for logged, _ in socket.log)
        return socket if knows or self._faults("unknown-offset-recovers") else None

    def _place(self, namespace: str, pid: str) -> tuple[str, str]:
        return ("" if self._faults("private-id-is-good-in-every-namespace") else namespace, pid)

    def missed(self, socket: "NamespaceSocket", offset: Any) -> list[Logged]:
        """What the socket logged after this offset."""
        if self._faults("missed-events-are-forgotten"):
            return []
        places = [place for place, (logged, _) in enumerate(socket.log) if logged == offset]
        found = socket.log[places[0] + 1 :] if places else list(socket.log)
        if self._faults("last-event-is-replayed"):
            found = socket.log[places[0] :]
        if self._faults("replay-begins-with-the-first-event"):
            found = list(socket.log)
        if self._faults("replay-loses-one-event"):
            found = found[:-1]
        if self._faults("replay-comes-twice"):
            found = found * 2
        return found[::-1] if self._faults("replay-is-reversed") else found
