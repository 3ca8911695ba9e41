"""Which steps are taken at which event of Locust, and in which order, in a locustfile of `SocketIOUser`s.

At the end of a headless run it prints our figures and the verdict. The exit code stays Locust's: what else
such a file measures is not known.
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
    """One method for each event; those of a test in the order in which Locust fires them."""

    def __init__(self, attachment: Attachment) -> None:
        self.attachment = attachment
        self.environment = attachment.environment

    def test_starts(self) -> None:
        """Before there is any user."""
        self.attachment.begin()

    def users_are_there(self) -> None:
        """All users were spawned; Locust may begin to count anew."""
        if self.environment.reset_stats:
            self.attachment.reset()

    def test_is_stopping(self) -> None:
        """All users are still there."""
        self.attachment.come_to_rest()

    def test_stops(self) -> None:
        """No user is left. With a web page another test may follow."""
        self.attachment.end()

    def test_is_over(self) -> None:
        """The process quits, and Locust has stopped its test: the exit code is made after this."""
        self.attachment.close()

    def says_goodbye(self) -> None:
        """Locust has printed its own figures; stdout may be its JSON."""
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
        """This worker reports, once a second and when it is told to."""
        self.attachment.reports.write(data)

    def worker_reports(self, client_id: str, data: dict[str, Any]) -> None:
        """A worker of this master has reported."""
        self.attachment.reports.read(client_id, data)

    def result(self) -> RunResult:
        """The figures so far."""
        return self.attachment.result()


def attachment_of(environment: Environment) -> Attachment:
    """What is attached to that environment; a locustfile of `SocketIOUser`s attaches it at the first call."""
    return Attachment.of(environment) or Attachment(environment, Conductor)
