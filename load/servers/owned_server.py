"""A server that belongs to a load run: a command starts it, a storm may restart it, and it ends with the run.

The waits use calls of the standard library, which Locust has patched: the hub runs on meanwhile.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from load.servers.children import ChildError
from load.servers.command import CommandError, ServerCommand, split_command
from load.servers.started import StartedServer, accepts

__all__ = ["OwnedServer", "OwnedServerError"]

STOP_SECONDS = 5.0


class OwnedServerError(RuntimeError):
    """The server could not be started. One line."""


class OwnedServer:
    """One server. `command` starts it; it must listen at the port of `url`."""

    def __init__(self, command: str, url: str) -> None:
        try:
            self._command = ServerCommand(command=split_command(command), ready="port")
        except CommandError as error:
            raise OwnedServerError(f"--server-command {error}") from None
        parts = urlsplit(url if "//" in url else f"//{url}")
        if not parts.hostname or not parts.port:
            raise OwnedServerError(f"--server-command needs a URL with a port, not {url!r}")
        self._address = (parts.hostname, parts.port)
        self._url = url
        self._server: StartedServer | None = None

    def start(self) -> None:
        """Start it, and wait until its port accepts connections. Raises OwnedServerError."""
        try:
            if accepts(self._address):
                raise OwnedServerError(f"--server-command: another server listens at {self._url} already")
            self._server = StartedServer(self._command, url=self._url)
            self._server.wait()
        except ChildError as error:
            raise OwnedServerError(f"--server-command: {error}") from None

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL to what is left of it after 5 s."""
        server, self._server = self._server, None
        if server is not None:
            server.ended(STOP_SECONDS)

    def restart(self) -> None:
        """Stop it and start it again, as a deployment does. Raises OwnedServerError."""
        self.stop()
        self.start()
