"""The farewell of a server that stops: it tells every client, on each transport, within two seconds.

Each socket gets a Socket.IO DISCONNECT. Then each remaining session gets an Engine.IO CLOSE.
Without these a WebSocket client sees a broken connection, and a polling client waits for its ping timeout.
"""

from __future__ import annotations

from collections.abc import Callable

from flask_socketio import SocketIO

# A polling client between two polls comes back within one round trip.
FETCH_SECONDS = 1.0
LEAVE_SECONDS = 0.3
CLOSE_SECONDS = 0.5
LOOK_SECONDS = 0.02


def tell_clients(socketio: SocketIO) -> None:
    """Disconnect every client of this process, and wait for a limited time until they have heard of it."""
    server = socketio.server
    manager = server.manager
    sessions = server.eio.sockets
    for namespace in list(manager.get_namespaces()):
        for socket_id, _ in list(manager.get_participants(namespace, None)):
            server.disconnect(socket_id, namespace=namespace, ignore_queue=True)
    _wait(socketio, FETCH_SECONDS, lambda: all(s.closed or s.queue.empty() for s in list(sessions.values())))

    # The official clients end a session themselves when its last namespace is gone.
    _wait(socketio, LEAVE_SECONDS, lambda: all(s.closed for s in list(sessions.values())))

    remaining = [session for session in list(sessions.values()) if not session.closed]
    for session in remaining:
        session.close(wait=False, reason=server.reason.SERVER_DISCONNECT)
    # The mark after the CLOSE packet stays in the queue. The writer of the session stops at it.
    _wait(socketio, CLOSE_SECONDS, lambda: all(s.queue.qsize() <= 1 for s in remaining))


def _wait(socketio: SocketIO, seconds: float, condition: Callable[[], bool]) -> None:
    # Counted in looks, not by the clock: a machine that pauses must not take the time of the clients.
    for _ in range(round(seconds / LOOK_SECONDS)):
        if condition():
            return
        socketio.sleep(LOOK_SECONDS)
