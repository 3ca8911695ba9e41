"""sioprobe: judges whether a Socket.IO server keeps the protocol, and measures what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sioprobe.swarm.user import SocketIOUser as SocketIOUser

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Only when asked for: it imports Locust, which monkey-patches the process.
    if name == "SocketIOUser":
        from sioprobe.swarm.user import SocketIOUser

        return SocketIOUser
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
