"""One connection before any load: is there a Socket.IO server, and does it accept our namespace?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gevent.event import Event

from sioprobe.commandline.own_limits import advice_on
from sioprobe.diagnosis import QUESTION_SECONDS, Visit, diagnose
from sioprobe.engine.connection import Connection, Listener
from sioprobe.engine.errors import REFUSALS, Kind, SwarmError
from sioprobe.engine.hub import Engine
from sioprobe.engine.target import DEFAULT_PATH, Target
from sioprobe.wire import OpenData

__all__ = ["problem_with"]


class _Visitor(Listener):
    __slots__ = ("done", "failure", "opened", "welcome")

    def __init__(self) -> None:
        self.done = Event()
        self.failure: SwarmError | None = None
        self.welcome = False
        self.opened: OpenData | None = None

    def connected(self, connection: Connection, namespace: str) -> None:
        self.welcome = True
        self.opened = connection.session.opened
        connection.close()

    def refused(self, connection: Connection, namespace: str, data: Any) -> None:
        self.failure = SwarmError(Kind.CONNECT_REFUSED, str(data))
        connection.close()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        self.failure = self.failure or failure
        self.done.set()


def problem_with(
    url: str,
    *,
    transport: str = "polling",
    namespace: str = "/",
    path: str = DEFAULT_PATH,
    seconds: float = 5.0,
    how: Mapping[str, Any] | None = None,
    auth: Any = None,
    redact: Callable[[str], str] = str,
    refused: bool = False,
    learned: Callable[[OpenData], None] | None = None,
) -> str | None:
    """Say in one line why `url` cannot be loaded, or return None. Blocks for a little over `seconds`.

    `how` holds further keyword arguments of `Target.from_url`; `auth` is the auth payload of CONNECT.
    A server may repeat these secrets, so `redact` removes them from its words. If the connection fails, a
    diagnosis asks for the cause, which takes 10 s at most. `refused` says that the server must refuse us.
    `learned` is called with the OPEN packet of a server that can be loaded.
    """
    one = "websocket" if transport == "websocket" else "polling"
    engine = Engine()
    engine.start()
    visitor = _Visitor()
    try:
        connection = Connection(
            engine,
            Target.from_url(url, path, **(how or {})),
            one,
            visitor,
            timeout=seconds,
        )
        connection.connect(namespace, auth)
        if not visitor.done.wait(seconds + 3.0):
            connection.abort()
        failure = visitor.failure
    except SwarmError as error:
        if error.kind != Kind.UNKNOWN_HOST and not advice_on(error.kind):  # what was given cannot be used
            return error.detail or str(error)
        failure = error
    finally:
        engine.stop()
    if refused and visitor.welcome:
        return f"{url} lets this client in, and should refuse it: give it no token (--auth), or a wrong one"
    if visitor.welcome or (refused and failure is not None and failure.kind in REFUSALS):
        if learned is not None and visitor.opened is not None:
            learned(visitor.opened)
        return None
    advice = advice_on(failure.kind) if failure is not None else None
    if advice is not None and failure is not None:
        return f"{url} was not reached, and that is not its fault: {failure.kind}; {advice}"
    shown = {name: value for name, value in (how or {}).items() if name != "max_packets_per_post"}
    visit = Visit(url, path, namespace, auth, one, **shown)
    found = diagnose(visit, question_seconds=min(seconds, QUESTION_SECONDS), redact=redact)
    if found is not None:
        return found.sentence
    failed = redact(str(failure or SwarmError(Kind.CONNECT_TIMEOUT)))
    return f"the first connection to {url} failed ({failed}), and the server let the next one in"
