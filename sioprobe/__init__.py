"""sioprobe: judges whether a Socket.IO server keeps the protocol, and measures what it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sioprobe.users.user import SocketIOClient as SocketIOClient
    from sioprobe.users.user import SocketIOUser as SocketIOUser

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Only when asked for: it imports Locust, which monkey-patches the process.
    if name in ("SocketIOUser", "SocketIOClient"):
        from sioprobe.users import user

        return getattr(user, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
