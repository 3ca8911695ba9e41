"""The lines of `--auth @FILE.jsonl` and the like: each user has one of its own while it is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.engine import Target

__all__ = ["Seat", "UserLines"]

NONE_LEFT = "no line of the .jsonl file is left for this user"


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one user connects to, and what it shows there. A user that goes calls `leave`."""

    target: Target
    leave: Callable[[], None]


class UserLines:
    """The lines of this process. `share` tells which they are, given how many there are in all.

    Without such a file every user shows the same, and there is no end of seats.
    """

    def __init__(self, connection: ConnectionOptions, share: Callable[[int], Sequence[int]]) -> None:
        self._connection = connection
        self._free = deque(share(len(connection.per_user)))

    def take(self) -> int | None:
        """The next free line, by its number from 0; None without such a file. OptionError if none is left."""
        if not self._connection.per_user:
            return None
        if not self._free:
            raise OptionError(NONE_LEFT)
        return self._free.popleft()

    def seat(self, target: Target, line: int | None) -> Seat:
        """A seat at this server, for a user with this line. Raises SwarmError."""
        if line is None:
            return Seat(target, lambda: None)
        own = self._connection.of_user(line)
        shown = Target.from_url(target.url, own.path, auth=own.auth, **own.target_arguments())
        shown = replace(shown, source=target.source, label=target.label)
        return Seat(shown, lambda: self._free.appendleft(line))
