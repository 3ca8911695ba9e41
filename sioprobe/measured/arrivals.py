"""Who got in: the users of one process that began to connect, and those whom the server did not let in.

A server that has no room leaves clients waiting, and a client waits for ten seconds before it gives up. So a
user that still waits when the run ends has failed as one that gave up has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic_ns
from typing import Protocol

__all__ = ["GRACE_SECONDS", "SO_FAR", "ArrivalFigures", "Arrivals", "ArrivalsWatch", "Attempt", "sentences"]

GRACE_SECONDS = 3.0
"""A user that waits for less time may have come just before the end, which says nothing about the server."""

STILL_LOOKS = 3
SO_FAR = "sioprobe: so far "
"""A line about a run that goes on begins with it."""


class Attempt(Protocol):
    """What this module needs of a connection that somebody tries to make."""

    @property
    def namespaces(self) -> Collection[str]:
        """The connected namespaces."""

    @property
    def connecting_since(self) -> int:
        """Since when it waits for the answer to a CONNECT (`monotonic_ns`); 0 if it does not wait."""

    def count_error(self, kind: str) -> None:
        """Count an error that belongs to no operation."""


@dataclass(frozen=True, slots=True)
class ArrivalFigures:
    """`users` began to connect, and `connected` of them were let in.

    `outside` were not connected, and `unready` were connected but could not begin. All of them waited for
    `waited_seconds` or longer. During a run others may be on their way, for less than GRACE_SECONDS.
    """

    users: int = 0
    connected: int = 0
    outside: int = 0
    unready: int = 0
    waited_seconds: float | None = None

    @classmethod
    def together(cls, parts: Iterable[ArrivalFigures]) -> ArrivalFigures:
        """Those of several processes."""
        parts = list(parts)
        waits = [part.waited_seconds for part in parts if part.waited_seconds is not None]
        return cls(
            users=sum(part.users for part in parts),
            connected=sum(part.connected for part in parts),
            outside=sum(part.outside for part in parts),
            unready=sum(part.unready for part in parts),
            waited_seconds=min(waits, default=None),
        )


class Arrivals:
    """The users of one process. A user is any object; it is told here until it has arrived or leaves."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Another run begins. It has no users yet."""
        self._users = self._arrived = 0
        self._waiting: dict[object, tuple[int, Attempt | None]] = {}
        self._missed: list[tuple[bool, float]] = []
        """Of each user that gave up or was given up: whether it was connected, and the seconds it waited."""
        self._closed = False

    def begin(self, user: object, attempt: Attempt | None) -> None:
        """The user tries to connect, for the first time or again. It must not have arrived before.

        Without an attempt there is nothing to connect to.
        """
        if self._closed:
            return
        since, _ = self._waiting.get(user, (0, None))
        self._users += not since
        self._waiting[user] = (since or monotonic_ns(), attempt)

    def arrive(self, user: object) -> None:
        """The user is connected, and may begin. A second call does nothing."""
        if self._waiting.pop(user, None) is not None:
            self._arrived += 1

    def leave(self, user: object) -> None:
        """The user leaves. One that had hardly tried counts no more; one that has arrived still counts."""
        found = self._waiting.pop(user, None)
        if found is None:
            return
        since, attempt = found
        waited = _seconds_since(since)
        on_the_way = attempt is not None and (attempt.connecting_since or attempt.namespaces)
        if on_the_way and waited < GRACE_SECONDS:
            self._users -= 1
        else:
            self._missed.append((_is_connected(attempt), waited))

    def waiting(self) -> Iterator[tuple[int, Attempt | None]]:
        """Since when each user waits that has not arrived, and its last attempt."""
        return iter(list(self._waiting.values()))

    def close(self, over: int) -> None:
        """The run was over at this moment (`monotonic_ns`): who waited then has not arrived.

        Who came later does not count.
        """
        self._closed = True
        in_time = [(since, attempt) for since, attempt in self._waiting.values() if since <= over]
        self._users -= len(self._waiting) - len(in_time)
        self._missed += [(_is_connected(attempt), _seconds_since(since)) for since, attempt in in_time]
        self._waiting.clear()

    def figures(self) -> ArrivalFigures:
        """The numbers now."""
        waiting = [(_is_connected(attempt), _seconds_since(since)) for since, attempt in self.waiting()]
        late = [*self._missed, *(each for each in waiting if each[1] >= GRACE_SECONDS)]
        unready = sum(connected for connected, _ in late)
        return ArrivalFigures(
            users=self._users,
            connected=self._arrived + sum(connected for connected, _ in [*self._missed, *waiting]),
            outside=len(late) - unready,
            unready=unready,
            waited_seconds=min((waited for _, waited in late), default=None),
        )


def _is_connected(attempt: Attempt | None) -> bool:
    return attempt is not None and bool(attempt.namespaces)


def _seconds_since(moment: int) -> float:
    return (monotonic_ns() - moment) / 1e9


def sentences(arrivals: ArrivalFigures) -> Iterator[tuple[int, str]]:
    """How many users failed, and a sentence about them; nothing if nobody did."""
    for count, what in (
        (arrivals.outside, "not connected"),
        (arrivals.unready, "connected, but not ready to begin,"),
    ):
        if count:
            verb = "was" if count == 1 else "were"
            waited = f"{arrivals.waited_seconds or 0.0:.1f} s"
            yield count, f"{count} of {arrivals.users} users {verb} {what} after {waited}"


class ArrivalsWatch:
    """Looks once a second whether users still get in, and tells once that they do not."""

    def __init__(self, figures: Callable[[], ArrivalFigures]) -> None:
        self._figures = figures
        self._connected = self._looks = 0
        self._told = False

    def look(self) -> str | None:
        """A line for people, the first time that users wait and nobody got in for some looks."""
        now = self._figures()
        self._looks = self._looks + 1 if now.connected == self._connected else 0
        self._connected = now.connected
        said = [sentence for _, sentence in sentences(now)]
        if self._told or self._looks < STILL_LOOKS or not said:
            return None
        self._told = True
        return f"{SO_FAR}{'; '.join(said)}, and nobody got in for {STILL_LOOKS} s"
