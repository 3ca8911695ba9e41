"""The load engine: Socket.IO connections as callbacks on the gevent hub.

It imports gevent but never Locust, and patches nothing. `Connection` is one client; `Engine` holds all
connections of a process. It speaks only revision 4 of Engine.IO.
"""

from sioprobe.engine.connection import Connection, Listener
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.reconnect import Backoff
from sioprobe.engine.session import TRANSPORTS
from sioprobe.engine.target import Target

__all__ = [
    "TRANSPORTS",
    "Backoff",
    "Connection",
    "Engine",
    "Kind",
    "Listener",
    "SwarmError",
    "Target",
]
