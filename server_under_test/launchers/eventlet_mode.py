# ruff: noqa: E402 - the patching comes before the imports
"""eventlet's WSGI server, patched: WebSocket and polling from eventlet alone."""

import warnings

# Each import of eventlet warns that it is deprecated, and Python shows the warning.
# The user chose this mode, and knows it.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet

eventlet.monkey_patch()

import os
import signal
from collections.abc import Callable
from types import FrameType

import eventlet.wsgi
from eventlet.hubs import trampoline

from server_under_test.app import create_app
from server_under_test.reference.about import announce
from server_under_test.reference.extensions import socketio
from server_under_test.reference.farewell import tell_clients
from server_under_test.starting.listener import listening_socket

# Connections at a time. eventlet's own limit is 1024, and the next one waits without an answer.
MAX_CONNECTIONS = 20_000


def main() -> None:
    options, listener = listening_socket("eventlet")
    app = create_app(options)
    wait_for_signal = _signal_waiter()
    eventlet.spawn(eventlet.wsgi.server, listener, app, max_size=MAX_CONNECTIONS, log_output=False)
    announce(options)

    wait_for_signal()
    tell_clients(socketio)
    # The end of the main greenlet ends the process.
    # To wait for the WSGI server would take as long as somebody keeps a connection open.


def _signal_waiter() -> Callable[[], object]:
    """A function that blocks its greenlet until SIGTERM or SIGINT.

    The hub sleeps in a system call, which Python resumes after a signal. A handler alone does not wake it.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def on_signal(number: int, frame: FrameType | None) -> None:
        """Do nothing. Python writes a byte to the pipe, and that is the message."""

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    signal.set_wakeup_fd(writing)
    return lambda: trampoline(reading, read=True)


if __name__ == "__main__":
    main()
