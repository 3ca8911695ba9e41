"""What scenarios with rooms share: a room with seats, and the player that joins it and leaves it again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from load.playing.parameters import Parameter
from load.playing.players import Player, Scenario
from sioprobe.engine import Connection, SwarmError

__all__ = ["ROOM_SIZE", "WRONG_DELIVERY", "Member", "MemberRoom", "room_with_a_seat"]

WRONG_DELIVERY = "wrong delivery"
"""The kind of an error: a delivery does not hold what was published."""
ROOM_SIZE = Parameter("room_size", 10, "members of a room", least=1)


class MemberRoom(ABC):
    """Members in one process. `seats` are taken by players that come, `members` have joined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seats: set[Any] = set()
        self.members: list[Any] = []

    @abstractmethod
    def join(self, member: Any) -> None:
        """Take a member whose join was acknowledged, and open its account."""

    @abstractmethod
    def leave(self, member: Any, *, excused: bool) -> None:
        """A member is gone, or a player that was to be one; of its own will where it is excused."""

    def remove(self, member: Any) -> bool:
        """Take seat and membership away; False where it had not joined."""
        self.seats.discard(member)
        if member not in self.members:
            return False
        self.members.remove(member)
        return True


AnyRoom = TypeVar("AnyRoom", bound=MemberRoom)


def room_with_a_seat(rooms: list[AnyRoom], size: int, make: Callable[[int], AnyRoom]) -> AnyRoom:
    """The first room with fewer seats taken than `size`; where all are full, a new one: `make(index)`."""
    room = next((room for room in rooms if len(room.seats) < size), None)
    if room is None:
        room = make(len(rooms))
        rooms.append(room)
    return room


class Member(Player):
    """A player with a seat in a room, which it joins before it begins. A subclass says what it does there."""

    __slots__ = ("room",)

    def __init__(
        self,
        scenario: Scenario,
        connection: Connection,
        changed: Callable[[Player], None] | None,
        room: MemberRoom,
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.room = room
        room.seats.add(self)

    def prepare(self) -> None:
        """Join the room."""
        options = self.scenario.options
        self.connection.emit(
            "join", self.room.name, namespace=options.namespace, ack=self._answered, timeout=options.timeout
        )

    def _answered(self, args: list[Any] | None, failure: SwarmError | None) -> None:
        if failure is None:
            self.join()
        elif not self.connection.closed:
            self.connection.count_error("join " + failure.kind)
            self.connection.close()

    def join(self) -> None:
        """The join was acknowledged: be a member from now on."""
        self.room.join(self)
        self.set_ready()

    def leave(self) -> None:
        """Leave of the member's own will."""
        self.room.leave(self, excused=True)
        super().leave()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """The connection is gone, and the member with it."""
        self.room.leave(self, excused=self.leaving)
        super().closed(connection, failure)
