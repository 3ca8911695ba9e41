"""The looks at the server during one run, and what the scenario observed.

It looks before the first connection, then again and again if the scenario asks for that, then while all
connections are still there, and during a cool-down after the last one has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import gevent

from load.watching.server_state import ServerWatch, Watched
from sioprobe.measured import Recorder

__all__ = ["RunWatch"]

States = Sequence[dict[str, Any] | None]
"""The state of the scenario in each process; None of one that has not told it yet."""


class Finding(Protocol):
    """What a scenario observed."""

    def to_json(self) -> dict[str, Any]: ...


class Watching(Protocol):
    """What this module needs of a scenario: see `load.playing.players.Scenario`."""

    cools_down: ClassVar[bool]
    look_seconds: ClassVar[float | None]

    @classmethod
    def ended_lives(cls, states: Sequence[dict[str, Any]]) -> int | None: ...

    @classmethod
    def found(
        cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched
    ) -> Finding | None: ...


class RunWatch:
    """One run. Make it before the first connection, call `hold` with all, and `found` after the last.

    `states` answers the states of the moment. Those of workers are up to `states_age` seconds old: then it
    does not look more often than that, because the lives that it notes would not be those of the look.
    """

    def __init__(
        self,
        kind: type[Watching],
        server: ServerWatch,
        states: Callable[[], States] = list,
        *,
        states_age: float = 0.0,
    ) -> None:
        self._kind = kind
        self._watch = server
        self._states = states
        self._watched = Watched(before=server.look(), looks=server.looks, unseen=server.unseen)
        seconds = kind.look_seconds
        self._looking = gevent.spawn(self._look_each, max(seconds, states_age)) if seconds else None

    def _look_each(self, seconds: float) -> None:
        while True:
            gevent.sleep(seconds)
            self._watch.look(under_load=True, lives=self._lives())

    def _lives(self) -> int | None:
        if not self._kind.look_seconds:
            return None
        return self._kind.ended_lives([state for state in self._states() if state is not None])

    def hold(self) -> None:
        """Look while all connections are there and nothing is under way."""
        if self._looking is not None:
            self._looking.kill()
        self._watched.held = self._watch.look(lives=self._lives())

    def found(self, states: States, recorder: Recorder, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the scenario observed, as `found` of a result. Waits for the cool-down, if it has one."""
        known = [state for state in states if state is not None]
        if not known:
            return None
        before, longest = self._watched.before, options.get("cool_down", 0.0)
        if self._kind.cools_down and longest and before is not None and self._watched.cooled is None:
            heartbeat = max(state["heartbeat_seconds"] for state in known)
            self._watched.cooled = self._watch.cool_down(before, heartbeat, longest, gevent.sleep)
        self._watched.unseen = self._watch.unseen
        found = self._kind.found(known, recorder, self._watched)
        return found.to_json() if found is not None else None
