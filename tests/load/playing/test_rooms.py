"""Rooms of `fanout` and `slow`: who takes a seat where, and what becomes of a join that nobody answers."""

from __future__ import annotations

import pytest

from tests.load.lame_servers import LameServer, SilentServer
from tests.load.stage import Stage

SCENARIOS = ("fanout", "slow")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rooms_are_filled_in_turn_and_a_seat_is_taken_again(scenario: str) -> None:
    with LameServer() as server, Stage(server.url, scenario, "websocket", 5, room_size=2) as stage:
        rooms = stage.scenario.rooms
        stage.wait(lambda: sum(len(room.members) for room in rooms) == 5, "everybody in a room")
        assert [len(room.seats) for room in rooms] == [2, 2, 1]
        assert len({room.name for room in rooms}) == 3

        stage.players[2].leave()
        stage.wait(lambda: stage.players[2].state == "closed", "one that left")
        assert [len(room.members) for room in rooms] == [2, 1, 1]
        stage.add()
        stage.wait(lambda: [len(room.members) for room in rooms] == [2, 2, 1], "another in its place")
        assert stage.errors() == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_join_that_is_not_answered_is_an_error_and_frees_the_seat(scenario: str) -> None:
    options = {"room_size": 2, "timeout": 0.2}
    with SilentServer() as server, Stage(server.url, scenario, "websocket", 3, **options) as stage:
        stage.wait(lambda: all(player.state == "closed" for player in stage.players), "the end of all")
        assert stage.errors() == {"join timeout": 3}
        assert [len(room.seats) for room in stage.scenario.rooms] == [0, 0]
        assert not any(room.members for room in stage.scenario.rooms)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_connection_that_ends_before_the_join_is_answered_is_told_as_that(scenario: str) -> None:
    with SilentServer() as server, Stage(server.url, scenario, "websocket", 2, room_size=2) as stage:
        stage.wait(lambda: all(player.connection.namespaces for player in stage.players), "everybody")
        server.drop_all()
        stage.wait(lambda: all(player.state == "closed" for player in stage.players), "the end of all")
        errors = stage.errors()
        assert sum(errors.values()) == 2
        assert not any(kind.startswith("join") for kind in errors)
