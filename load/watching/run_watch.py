"""The looks at the server during one run, and what the scenario observed.

It looks before the first connection, then once a second if the scenario has phases, then while all
connections are still there, and during a cool-down after the last one has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import gevent

from load.watching.server_state import ServerWatch, Watched
from sioprobe.measured import Recorder

__all__ = ["RunWatch"]

LOOK_SECONDS = 1.0


class Finding(Protocol):
    """What a scenario observed."""

    def to_json(self) -> dict[str, Any]: ...


class Watching(Protocol):
    """What this module needs of a scenario: see `load.playing.players.Scenario`."""

    cools_down: ClassVar[bool]
    has_phases: ClassVar[bool]

    @classmethod
    def found(
        cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched
    ) -> Finding | None: ...


class RunWatch:
    """One run. Make it before the first connection, call `hold` with all, and `found` after the last."""

    def __init__(self, kind: type[Watching], server: ServerWatch) -> None:
        self._kind = kind
        self._watch = server
        self._watched = Watched(before=server.look(), looks=server.looks, unseen=server.unseen)
        self._looking = gevent.spawn(self._look_each_second) if kind.has_phases else None

    def _look_each_second(self) -> None:
        while True:
            gevent.sleep(LOOK_SECONDS)
            self._watch.look(under_load=True)

    def hold(self) -> None:
        """Look while all connections are there and nothing is under way."""
        if self._looking is not None:
            self._looking.kill()
        self._watched.held = self._watch.look()

    def found(
        self, states: Sequence[dict[str, Any] | None], recorder: Recorder, options: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """What the scenario observed, as `found` of a result. Waits for the cool-down, if it has one.

        `states` holds the state of the scenario in each process.
        """
        known = [state for state in states if state is not None]
        if not known:
            return None
        before, longest = self._watched.before, options.get("cool_down", 0.0)
        if self._kind.cools_down and longest and before is not None and self._watched.cooled is None:
            heartbeat = max(state["heartbeat_seconds"] for state in known)
            self._watched.cooled = self._watch.cool_down(before, heartbeat, longest, gevent.sleep)
        found = self._kind.found(known, recorder, self._watched)
        return found.to_json() if found is not None else None
