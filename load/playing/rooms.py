"""For scenarios with rooms: a room with seats, and a player that joins it and leaves it again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from load.playing.parameters import Parameter
from load.playing.players import Player, Scenario
from sioprobe.engine import Connection, SwarmError

__all__ = ["ROOM_SIZE", "WRONG_DELIVERY", "Member", "MemberRoom", "room_with_a_seat"]

WRONG_DELIVERY = "wrong delivery"
"""The kind of an error: a delivery does not contain what was published."""
ROOM_SIZE = Parameter("room_size", 10, "members of a room", least=1)


class MemberRoom(ABC):
    """A room, with its members in this process. Players that come take `seats`; `members` have joined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seats: set[Any] = set()
        self.members: list[Any] = []

    @abstractmethod
    def join(self, member: Any) -> None:
        """Add a member whose join was acknowledged, and open its account."""

    @abstractmethod
    def leave(self, member: Any, *, excused: bool) -> None:
        """Remove a member, or a player that had not joined yet. It is `excused` if it wanted to leave."""

    def remove(self, member: Any) -> bool:
        """Remove it from seats and members. False if it had not joined."""
        self.seats.discard(member)
        if member not in self.members:
            return False
        self.members.remove(member)
        return True


AnyRoom = TypeVar("AnyRoom", bound=MemberRoom)


def room_with_a_seat(rooms: list[AnyRoom], size: int, make: Callable[[int], AnyRoom]) -> AnyRoom:
    """The first room with fewer than `size` seats taken. If all are full, a new one: `make(index)`."""
    room = next((room for room in rooms if len(room.seats) < size), None)
    if room is None:
        room = make(len(rooms))
        rooms.append(room)
    return room


class Member(Player):
    """A player with a seat in a room. It joins the room before it begins."""

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
        """Be a member, because the join was acknowledged."""
        self.room.join(self)
        self.set_ready()

    def leave(self) -> None:
        """Leave the room and close the connection."""
        self.room.leave(self, excused=True)
        super().leave()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Leave the room, because the connection is closed."""
        self.room.leave(self, excused=self.leaving)
        super().closed(connection, failure)
