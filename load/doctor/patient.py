"""The server that is examined: its address, its handshakes, its processes, and the calls that it answers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from load.doctor.findings import Examined, NotExamined
from load.doctor.instruments.blocking_clients import Calls, PollingClient, SocketClient
from load.doctor.instruments.http_link import HttpLink
from load.watching.locating import Located
from load.watching.process_trees import SamplingError, TreeWatch
from sioprobe.diagnosis import Diagnosis, Visit, diagnose
from sioprobe.engine import Kind, SwarmError, Target
from sioprobe.wire import OpenData

LIBRARIES = ("flask-socketio", "python-socketio", "socket.io")

__all__ = ["NoServer", "Patient", "middle", "milliseconds"]


class NoServer(RuntimeError):
    """There is no Socket.IO server to examine. The text is one line."""


@dataclass(slots=True)
class Patient:
    """The server that all examinations look at. With `max_connections` 0 connections are not counted."""

    target: Target
    located: Located = field(default_factory=Located)
    auth: dict[str, Any] | None = None
    """The auth payload of CONNECT to the main namespace."""
    visit: Visit | None = None
    """A client of the doctor, for a diagnosis. Without it there is none."""
    redact: Callable[[str], str] = str
    max_connections: int = 0
    why_no_connections: str = ""
    calls: Calls = field(default_factory=Calls)
    """The calls that are timed. Any server answers those of `unknown`."""
    unknown: Calls = field(default_factory=Calls)
    polling: str = ""
    """Why there is no polling; empty if there is."""
    websocket: str = ""
    opened: OpenData | None = None
    server_header: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    def meet(self) -> None:
        """Make both handshakes, and ask the server about itself. Raises NoServer."""
        failures: list[SwarmError] = []
        try:
            client = PollingClient(self.target)
            self.opened = client.opened
            self.server_header = client.handshake.headers.get("server", "")
            client.close()
        except (SwarmError, ValueError) as error:
            failures.append(as_failure(error))
            self.polling = str(failures[-1])
        try:
            socket = SocketClient(self.target)
            self.opened = self.opened or socket.opened
            socket.close()
        except (SwarmError, ValueError) as error:
            failures.append(as_failure(error))
            self.websocket = str(failures[-1])
        if self.polling and self.websocket:
            raise NoServer(f"{self.target.url} opens no session: {failures[0]}")
        self._ask_about()

    def _ask_about(self) -> None:
        """GET /about. A server of the contract answers it, and then its events can be called."""
        try:
            answer = HttpLink(self.target).request("GET", "/about", timeout=2.0)
            about = json.loads(answer.text) if answer.status == 200 else None
        except (SwarmError, ValueError):
            return
        if isinstance(about, dict) and isinstance(about.get("transports"), list):
            self.about = about
            self.calls = Calls(acks=True)

    # What examinations begin with

    def poller(self) -> PollingClient:
        """A client that polls and can make calls. Raises NotExamined if there is no polling."""
        if self.polling:
            raise NotExamined(f"no polling: {self.polling}")
        client = PollingClient(self.target)
        if self.calls.acks:
            client.connect("/", self.auth)
        return client

    def socket(self) -> SocketClient:
        """A client on WebSocket that can make calls. Raises NotExamined if there is no WebSocket."""
        if self.websocket:
            raise NotExamined(f"no WebSocket: {self.websocket}")
        client = SocketClient(self.target)
        if self.calls.acks:
            client.connect("/", self.auth)
        return client

    def diagnosis(self, transport: str | None) -> Diagnosis | None:
        """Why a session is not served that was opened, or None if no cause is found.

        `transport` is `websocket`, or None for the first that opens. Ask after a failure only.
        """
        if self.visit is None:
            return None
        return diagnose(replace(self.visit, transport=transport), redact=self.redact)

    def watch(self) -> TreeWatch:
        """Watch the processes of the server. Raises NotExamined if they are not seen."""
        try:
            return self.located.watch()
        except SamplingError as error:
            raise NotExamined(f"the server's processes are not seen: {error}") from None

    @property
    def names(self) -> str:
        """The names of the server's software, in lower case, from its header and /about."""
        versions = self.about.get("versions")
        libraries = [name for name in LIBRARIES if isinstance(versions, dict) and name in versions]
        told = [str(self.about.get(key, "")) for key in ("server", "mode", "async_mode")]
        return " ".join([self.server_header, *told, *libraries]).lower()

    def cpu_of(self, work: Callable[[], object], times: int) -> float:
        """CPU seconds of the server for one call of `work`. Raises NotExamined."""
        watch = self.watch()
        before = watch.sample().cpu_ns
        for _ in range(times):
            work()
        return (watch.sample().cpu_ns - before) / 1e9 / times


def on_each_transport(
    patient: Patient,
    polling: Callable[[Patient, Examined], str],
    websocket: Callable[[Patient, Examined], str],
) -> Examined:
    """Examine each transport that the server has. The functions return what they saw. Raises NotExamined."""
    examined = Examined()
    saw = []
    for name, part in (("polling", polling), ("websocket", websocket)):
        try:
            saw.append(part(patient, examined))
        except (NotExamined, SwarmError) as error:
            examined.left_out.append(f"{name}: {error}")
    if not saw:
        raise NotExamined("; ".join(examined.left_out))
    examined.saw = "; ".join(saw)
    return examined


def as_failure(error: Exception) -> SwarmError:
    """The error as a SwarmError."""
    return error if isinstance(error, SwarmError) else SwarmError(Kind.MALFORMED_INPUT, str(error))


def middle(values: Sequence[float]) -> float:
    """The median."""
    return float(statistics.median(values))


def milliseconds(seconds: float) -> str:
    """A duration as text."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.0995 else f"{seconds * 1000:.0f} ms"
