"""What this process uses and holds: GET /metrics, for the tests and for a load run.

Sessions are Engine.IO sessions, sockets are connected namespaces; personal rooms do not count.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import Any

import psutil
from flask_socketio import SocketIO

_process = psutil.Process()


def measure(socketio: SocketIO, mode: str) -> dict[str, Any]:
    """One JSON object. Sizes are in bytes, times in seconds."""
    manager = socketio.server.manager
    with _process.oneshot():
        cpu = _process.cpu_times()
        numbers = {
            "threads": _process.num_threads(),
            "rss_bytes": _process.memory_info().rss,
            "cpu_seconds": cpu.user + cpu.system,
            "uptime_seconds": time.time() - _process.create_time(),
        }
    members = {namespace: dict(rooms) for namespace, rooms in dict(manager.rooms).items()}
    return {
        "pid": os.getpid(),
        "mode": mode,
        "async_mode": socketio.async_mode,
        "greenlets": _count_greenlets(),
        "sessions": len(socketio.server.eio.sockets),
        "sockets": {namespace: len(rooms.get(None, ())) for namespace, rooms in members.items()},
        "rooms": {namespace: _count_rooms(rooms) for namespace, rooms in members.items()},
        "fds": _process.num_fds(),
        **numbers,
    }


def _count_rooms(rooms: dict[Any, Any]) -> int:
    """Rooms that somebody joined: neither the room of all nor a room that bears the id of a socket."""
    everybody = rooms.get(None, {})
    return sum(1 for room in rooms if room is not None and room not in everybody)


def _count_greenlets() -> int:
    """Live greenlets. Only the garbage collector knows them; without the greenlet module there are none."""
    greenlet = sys.modules.get("greenlet")
    if greenlet is None:
        return 0
    return sum(1 for item in gc.get_objects() if isinstance(item, greenlet.greenlet) and not item.dead)
