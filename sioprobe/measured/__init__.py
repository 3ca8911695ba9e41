"""What one process counts and times during a load, and whether the figures can be believed.

There are no sockets here and no Locust. Connections write into a `Recorder`. Scenarios keep a `Ledger` and a
`Schedule`.
"""

from sioprobe.measured.ledger import Ledger
from sioprobe.measured.recorder import Recorder, Series
from sioprobe.measured.schedule import Schedule
from sioprobe.measured.validity import judge
from sioprobe.measured.vitals import Vitals

__all__ = ["Ledger", "Recorder", "Schedule", "Series", "Vitals", "judge"]
