"""The path of a Socket.IO endpoint, as clients ask for it."""

from __future__ import annotations

__all__ = ["DEFAULT_PATH", "endpoint_path"]

DEFAULT_PATH = "/socket.io/"


def endpoint_path(path: str) -> str:
    """The path with a slash at both ends. The official clients add the last one too."""
    return f"/{path.strip('/')}/" if path.strip("/") else "/"
