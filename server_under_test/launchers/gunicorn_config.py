"""gunicorn's configuration for the three gunicorn modes: `gunicorn --config python:<this module>`.

The master process reads it without patching. The worker patches, and then imports everything else.
"""

from __future__ import annotations

import signal
import socket
import sys
from types import FrameType
from typing import Any

from server_under_test.starting.options import Options
from server_under_test.starting.parent import die_with_parent

_options = Options.from_environment()

# (worker class, more settings) by mode.
_WORKERS: dict[str, tuple[str, dict[str, int]]] = {
    # A WebSocket or a waiting poll holds a thread.
    "gunicorn-gthread": ("gthread", {"threads": 4096, "worker_connections": 8192}),
    "gunicorn-gevent": ("gevent", {"worker_connections": 20_000}),
    "gunicorn-geventwebsocket": (
        "geventwebsocket.gunicorn.workers.GeventWebSocketWorker",
        {"worker_connections": 20_000},
    ),
}

if _options.mode == "gunicorn-gevent":
    # Engine.IO takes gevent-websocket whenever it can be imported, and then fails under the plain worker.
    sys.modules["geventwebsocket"] = None  # type: ignore[assignment]

worker_class, _settings = _WORKERS[str(_options.mode)]
threads = _settings.get("threads", 1)
worker_connections = _settings["worker_connections"]

wsgi_app = "server_under_test.app:create_app()"
bind = [f"fd://{_options.listen_fd}"]
# Rooms and sessions live in one process. Several processes need a queue, and a port each.
workers = 1
# Enough for the farewell. After that gunicorn kills the worker.
graceful_timeout = 2
accesslog = None
loglevel = "warning"
# Its file is in the home directory, and every gunicorn of the user shares it.
control_socket_disable = True


def when_ready(server: Any) -> None:
    # gunicorn sets TCP_NODELAY by itself.
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not _options.nagle)


def post_fork(server: Any, worker: Any) -> None:
    # By itself the worker looks for its master once a second, and not at all while SIGSTOP holds it.
    die_with_parent(server.pid, signal.SIGKILL)


def post_worker_init(worker: Any) -> None:
    from server_under_test.reference.about import announce
    from server_under_test.reference.extensions import socketio
    from server_under_test.reference.farewell import tell_clients

    def stop(number: int, frame: FrameType | None) -> None:
        tell_clients(socketio)
        worker.handle_exit(number, frame)

    def on_signal(number: int, frame: FrameType | None) -> None:
        socketio.start_background_task(stop, signal.SIGTERM, None)

    # The master passes SIGTERM on and turns SIGINT into SIGQUIT. A terminal sends SIGINT to both.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, on_signal)
    announce(_options)
