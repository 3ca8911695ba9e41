"""What every launcher begins with."""

from __future__ import annotations

import socket
from dataclasses import replace

from server_under_test.listener import bind, inherited
from server_under_test.options import Options


def listening_socket(mode: str) -> tuple[Options, socket.socket]:
    """The options of this process and its listener; it binds one itself when it was started by hand."""
    options = replace(Options.from_environment(), mode=mode)
    if options.listen_fd is not None:
        return options, inherited(options.listen_fd)
    listener = bind(options.host, options.port, nagle=options.nagle)
    return replace(options, port=listener.getsockname()[1], listen_fd=listener.fileno()), listener
