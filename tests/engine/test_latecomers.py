"""The end of a run for who is still connecting."""

from __future__ import annotations

import gevent
import pytest

from sioprobe.engine import Connection, Engine, Listener, Target
from sioprobe.engine.hub import SECOND
from sioprobe.engine.latecomers import give_up_latecomers
from tests.load.narrow_server import NarrowServer

DEADLINE = 60.0


class Swarm:
    """Connections of users that are counted. A context manager."""

    def __init__(self, server: NarrowServer, users: int, inside: int) -> None:
        self.engine = Engine()
        self.engine.start()
        self.connections = [
            Connection(self.engine, Target.from_url(server.url), "websocket", Arriving(self.engine))
            for _ in range(users)
        ]
        for connection in self.connections:
            self.engine.arrivals.begin(connection, connection)
            connection.connect()
        with gevent.Timeout(DEADLINE):
            while self.engine.connected < inside:
                gevent.sleep(0.01)

    def __enter__(self) -> Swarm:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self.connections:
            connection.abort()
        self.engine.stop()


class Arriving(Listener):
    """Tells the engine who has arrived."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def connected(self, connection: Connection, namespace: str) -> None:
        self._engine.arrivals.arrive(connection)


def connected(server: NarrowServer) -> int:
    """How many clients the server takes for connected."""
    return sum(bool(client.namespaces) for client in server.clients.values())


@pytest.mark.parametrize("step", ["http", "connect"])
def test_who_is_still_connecting_has_failed(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr("sioprobe.engine.latecomers.GRACE", 0)
    with NarrowServer(2, step) as server, Swarm(server, 5, inside=2) as swarm:
        give_up_latecomers(swarm.engine)

        assert swarm.engine.recorder.errors() == {"not connected": 3}
        figures = swarm.engine.arrivals.figures()
        assert (figures.users, figures.connected, figures.outside, figures.unready) == (5, 2, 3, 0)

        # An answer that comes now is no surprise, and whoever leaves is not counted again.
        server.seats = 5
        with gevent.Timeout(DEADLINE):
            while server.outside or server.held or len(server.clients) < 5 or connected(server) > 2:
                gevent.sleep(0.01)
        for connection in swarm.connections:
            connection.close()
        assert swarm.engine.recorder.errors() == {"not connected": 3}


def test_who_gets_in_meanwhile_has_not_failed() -> None:
    with NarrowServer(2, "connect") as server, Swarm(server, 5, inside=2) as swarm:
        opening = gevent.spawn_later(0.05, setattr, server, "seats", 5)
        give_up_latecomers(swarm.engine)
        opening.join()

        assert swarm.engine.recorder.errors() == {}
        assert swarm.engine.arrivals.figures().connected == swarm.engine.connected == 5


def test_who_is_connected_and_cannot_begin_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sioprobe.engine.latecomers.GRACE", 0)
    with NarrowServer(3) as server, Swarm(server, 3, inside=3) as swarm:
        # It waits for something else than the answer to CONNECT.
        unready = swarm.connections[0]
        swarm.engine.arrivals.reset()
        swarm.engine.arrivals.begin(unready, unready)
        give_up_latecomers(swarm.engine)

        assert swarm.engine.recorder.errors() == {"not ready": 1}
        assert swarm.engine.arrivals.figures().unready == 1


def test_who_begins_after_the_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sioprobe.engine.latecomers.GRACE", SECOND // 2)
    with NarrowServer(1) as server, Swarm(server, 2, inside=1) as swarm:
        inside = next(each for each in swarm.connections if each.namespaces)
        coming = gevent.spawn_later(0.05, swarm.engine.arrivals.begin, "late", inside)
        give_up_latecomers(swarm.engine)
        coming.join()

        assert swarm.engine.recorder.errors() == {"not connected": 1}
        figures = swarm.engine.arrivals.figures()
        assert (figures.users, figures.connected, figures.unready) == (2, 1, 0)


def test_an_end_that_is_no_error_is_none_at_the_end_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sioprobe.engine.latecomers.GRACE", 0)
    with NarrowServer(0) as server, Swarm(server, 1, inside=0) as swarm:
        swarm.connections[0].end_is_no_error = True
        give_up_latecomers(swarm.engine)

        assert swarm.engine.recorder.errors() == {}
