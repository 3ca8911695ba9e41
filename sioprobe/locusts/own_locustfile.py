"""What is said at the end of a headless run of a user's own locustfile: our figures, and the verdict.

`load/swarm.py` says its own, with the server's side, thresholds and an exit code. Here the exit code stays
Locust's: what else such a file measures is not known.
"""

from __future__ import annotations

import sys
from typing import Any

from locust.env import Environment
from locust.runners import WorkerRunner

from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.measured.summary import render

__all__ = ["tell_at_end"]


def tell_at_end(environment: Environment) -> None:
    """Print the summary to stderr when Locust has printed its own; stdout may be its JSON."""
    options = environment.parsed_options
    if options is None or not options.headless:
        return

    def quitting(**_: Any) -> None:
        # The last of all listeners, whoever else prints at the end.
        environment.events.quit.add_listener(lambda **_: tell(environment))

    environment.events.quitting.add_listener(quitting)


def tell(environment: Environment) -> None:
    """Nothing of a worker, whose master tells; nothing where `load/swarm.py` takes part, which tells all."""
    statistics = LocustStatistics.of(environment)
    if isinstance(environment.runner, WorkerRunner) or statistics.extras or not statistics.started:
        return
    print(render(statistics.summary()), file=sys.stderr, flush=True)
