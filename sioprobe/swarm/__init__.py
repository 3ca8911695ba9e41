"""The load engine: Socket.IO connections as readiness callbacks on the gevent hub.

`Connection` (callbacks) and what it stands on import gevent but never Locust, and patch nothing.
`SocketIOUser` and `LocustStatistics` import Locust, which monkey-patches the process: they stay in
modules of their own (`sioprobe.swarm.user`, `sioprobe.swarm.locust_statistics`).
"""

from sioprobe.swarm.connection import DROPPED, Connection, Listener
from sioprobe.swarm.engine import Engine
from sioprobe.swarm.errors import SwarmError
from sioprobe.swarm.ledger import Ledger
from sioprobe.swarm.reconnect import Backoff
from sioprobe.swarm.recorder import Recorder, Series
from sioprobe.swarm.schedule import Schedule
from sioprobe.swarm.session import TRANSPORTS
from sioprobe.swarm.target import Target
from sioprobe.swarm.validity import Floor, Validity, judge
from sioprobe.swarm.vitals import Vitals

__all__ = [
    "DROPPED",
    "TRANSPORTS",
    "Backoff",
    "Connection",
    "Engine",
    "Floor",
    "Ledger",
    "Listener",
    "Recorder",
    "Schedule",
    "Series",
    "SwarmError",
    "Target",
    "Validity",
    "Vitals",
    "judge",
]
