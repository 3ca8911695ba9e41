"""How many packets a server takes in one POST. It is found out by asking the server, on sessions of its own.

python-engineio takes 16. It drops all packets of a POST with more, answers 200 and keeps the session. So a
client does not learn of the loss. The official client puts all packets that wait into one POST, and so does
ours. The first POST with many packets makes this module ask: it sends a POST with as many packets that any
server answers (CONNECT to a namespace that does not exist), and one more packet in a POST of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.hub import SECOND, Engine
from sioprobe.engine.session import Session
from sioprobe.engine.target import Target
from sioprobe.engine.transports.polling import MANY_PACKETS
from sioprobe.wire import RECORD_SEPARATOR

__all__ = ["PushLimit", "limit_of"]

NAMESPACE = "/sioprobe-"
LAST = f"{NAMESPACE}last"
SWEEP_SECONDS = 0.05
LARGEST = 1000
"""A server that takes so many packets is not asked about more."""
QUIET = SECOND // 2
"""No answer for so long after that to the last packet: the others are lost. Servers answer in order."""
DEADLINE = 10 * SECOND
USUAL = (MANY_PACKETS + 1, MANY_PACKETS)

Dropped = Callable[[int, int], None]
"""It is called with the packets of a POST that the server dropped, and the most that it takes."""


def limit_of(engine: Engine, target: Target) -> PushLimit:
    """What this engine knows of the server of this target."""
    key = ("push limit", target.address, target.host, target.path)
    found = engine.companions.get(key)
    if not isinstance(found, PushLimit):
        found = engine.companions[key] = PushLimit(engine.loop, target)
    return found


class PushLimit:
    """One server: `taken` packets in one POST arrived, `refused` did not (0: nothing was refused so far).

    `closes` says how the server ended the session after such a POST. It is empty if the server answered 200
    and went on. `unknown` says why the server could not be asked; then nothing more is asked.
    """

    def __init__(self, loop: Any, target: Target) -> None:
        self._loop = loop
        self._target = target
        self.taken = 1
        self.refused = 0
        self.closes = ""
        self.unknown = ""
        self._open: list[tuple[int, Dropped]] = []
        self._done: Callable[[], None] | None = None
        self._timer: Any = None
        """It runs while something is asked."""
        self._session: Session | None = None
        self._asked = 0
        self._arrived: set[str] = set()
        self._sent = False
        self._last_sent = False
        self._verdict: bool | None = None
        self._deadline = self._quiet_at = 0

    def note(self, packets: int, dropped: Dropped) -> None:
        """A client has sent a POST with so many packets. Calls `dropped` if it is lost, at once or later."""
        if min(packets, LARGEST) <= self.taken or self.unknown:
            return
        if self._timer is not None:
            self._open.append((packets, dropped))
        elif not self.refused:
            self._open.append((packets, dropped))
            self.find(min(packets, LARGEST))
        elif not self.closes:
            # If the server closes the session, the client counts that itself.
            dropped(packets, self.taken)

    def find(self, most: int, done: Callable[[], None] | None = None) -> None:
        """Find out whether the server takes `most` packets, or how many. `done` is called on the hub."""
        self._done = done
        self._timer = self._loop.timer(SWEEP_SECONDS, SWEEP_SECONDS)
        self._timer.start(self._sweep)
        self._ask(most)

    def stop(self) -> None:
        """Ask no more."""
        self._open.clear()
        self._done = None
        self._end("stopped")
        if self._session is not None:
            session, self._session = self._session, None
            session.abort()

    # One question

    def _ask(self, packets: int) -> None:
        self._asked = packets
        self._arrived.clear()
        self._sent = self._last_sent = False
        self._verdict = None
        self._quiet_at = 0
        self._deadline = monotonic_ns() + DEADLINE
        self._session = Session(self._loop, self._target, "polling", self)
        self._session.open()

    def _sweep(self) -> None:
        session, now = self._session, monotonic_ns()
        if session is None:
            return
        session.check(now)
        if session.state != "open":
            return
        if not self._last_sent and not session.unsent:
            # The POST is under way, so this one goes out in the next.
            self._last_sent = True
            session.send_text(f"40{LAST},")
        if self._quiet_at and now > self._quiet_at:
            self._conclude(False)
        elif now > self._deadline:
            self._conclude(None)

    def session_opened(self) -> None:
        """Send the POST: packets in one text, which the transport does not divide."""
        session = self._session
        assert session is not None
        assert session.opened is not None
        body = RECORD_SEPARATOR.join(f"40{NAMESPACE}{number}," for number in range(self._asked))
        if 0 < session.opened.max_payload < len(body):
            session.abort(SwarmError(Kind.CANNOT_BE_SENT, f"{self._asked} packets are above maxPayload"))
        else:
            self._sent = True
            session.send_text(body)

    def session_text(self, data: str) -> None:
        """Count the answers: refusals, or CONNECTs where any namespace exists."""
        name = data.partition(",")[0][1:]
        if name == LAST:
            self._quiet_at = monotonic_ns() + QUIET
        elif name.startswith(NAMESPACE):
            self._arrived.add(name)
            if self._quiet_at:
                self._quiet_at = monotonic_ns() + QUIET
        if self._quiet_at and len(self._arrived) == self._asked:
            self._conclude(True)

    def session_closed(self, failure: SwarmError | None) -> None:
        """Ask the next question, or end."""
        session, self._session = self._session, None
        if session is None:
            return
        verdict = self._verdict
        if failure is not None and verdict is None and self._sent and not self._quiet_at:
            verdict, self.closes = False, str(failure)
        if verdict is None:
            self._end(str(failure) if failure is not None else "no answer")
            return
        if verdict:
            self.taken = self._asked
        else:
            self.refused = self._asked
        self._go_on()

    def session_binary(self, data: bytes) -> None:
        """Nothing binary was asked for."""

    def session_polled(self) -> None:
        """The answers count, not the polls."""

    def session_pushed(self, packets: int) -> None:
        """The POST is one text for the transport."""

    def session_pinged(self) -> None:
        """The session answers it."""

    def session_upgraded(self, nanoseconds: int, failure: SwarmError | None) -> None:
        """It stays on polling."""

    def _conclude(self, verdict: bool | None) -> None:
        if self._session is not None and self._session.state == "open":
            self._verdict = verdict
            self._session.close()

    # All questions

    def _go_on(self) -> None:
        if not self.refused or self.refused - self.taken <= 1:
            self._end("")
            return
        usual = (packets for packets in USUAL if self.taken < packets < self.refused)
        self._ask(next(usual, (self.taken + self.refused) // 2))

    def _end(self, unknown: str) -> None:
        self.unknown = unknown
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        waiting, self._open = self._open, []
        for packets, dropped in waiting:
            self.note(packets, dropped)
        done, self._done = self._done, None
        if done is not None:
            done()
