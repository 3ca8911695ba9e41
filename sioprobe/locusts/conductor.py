"""The steps at each event of Locust, in their order, for a locustfile with `SocketIOUser`s.

At the end of a headless run it prints our figures and the verdict. It leaves the exit code to Locust, because
such a file may measure other things too.
"""

from __future__ import annotations

import sys
from typing import Any

from locust.env import Environment

from sioprobe.locusts.attachment import Attachment
from sioprobe.measured.rendering import render
from sioprobe.results.loads import RunResult

__all__ = ["Conductor", "attachment_of"]


class Conductor:
    """One method for each event. Those of a test are in the order in which Locust fires the events."""

    def __init__(self, attachment: Attachment) -> None:
        self.attachment = attachment
        self.environment = attachment.environment

    def test_starts(self) -> None:
        """Before there is any user."""
        self.attachment.begin()

    def users_are_there(self) -> None:
        """All users are spawned. With `--reset-stats` Locust begins to count anew."""
        if self.environment.reset_stats:
            self.attachment.reset()

    def test_is_stopping(self) -> None:
        """All users are still there."""
        self.attachment.come_to_rest()

    def test_stops(self) -> None:
        """No user is left. With a web page another test may follow."""
        self.attachment.end()

    def test_is_over(self) -> None:
        """The process quits, and Locust has stopped its test. Locust makes the exit code after this."""
        self.attachment.close()

    def says_goodbye(self) -> None:
        """Locust has printed its own figures. Ours go to stderr, because stdout may hold Locust's JSON."""
        options = self.environment.parsed_options
        if (
            options is None
            or not options.headless
            or self.attachment.is_worker
            or not self.attachment.started
        ):
            return
        print(render(self.result()), file=sys.stderr, flush=True)

    def reports_to_master(self, data: dict[str, Any]) -> None:
        """This worker reports: once a second, and when its master asks."""
        self.attachment.reports.write(data)

    def worker_reports(self, client_id: str, data: dict[str, Any]) -> None:
        """A worker of this master has reported."""
        self.attachment.reports.read(client_id, data)

    def result(self) -> RunResult:
        """The figures so far."""
        return self.attachment.result()


def attachment_of(environment: Environment) -> Attachment:
    """What is attached to the environment. The first call attaches it."""
    return Attachment.of(environment) or Attachment(environment, Conductor)
