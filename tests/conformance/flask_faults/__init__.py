"""Single breaks of Flask-SocketIO, and of the applications that show what it does.

Each is done to a forked process before it serves (servers.py), and names the cases that notice it.
"""

from tests.conformance.flask_faults import (
    acknowledging,
    asking,
    connecting,
    dispatching,
    emitting,
    leaving,
    options,
    rooms,
)
from tests.conformance.flask_faults.queue import QUEUE_FAULTS

__all__ = ["EVERY_FAULT", "FAULTS", "QUEUE_FAULTS"]

FAULTS = {
    **connecting.FAULTS,
    **leaving.FAULTS,
    **acknowledging.FAULTS,
    **asking.FAULTS,
    **emitting.FAULTS,
    **rooms.FAULTS,
    **dispatching.FAULTS,
    **options.FAULTS,
}
EVERY_FAULT = FAULTS | QUEUE_FAULTS
