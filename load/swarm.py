"""The locustfile: `locust -f load/swarm.py --host http://127.0.0.1:5000 --transport websocket`.

One Locust user is one connection. It works headless and with the web page, alone, with `--processes`, and
with workers on other hosts. At the end it prints our figures, in microseconds, and a verdict on the
generator.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# Locust puts the folder of this file first on the path, and takes entry 0 away later. So we use entry 1.
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

# Locust patches the process, so it comes before everything that opens a socket.
import locust
from gevent.event import Event
from locust import User, task
from locust.env import Environment

from load.running.director import Director
from load.running.locustfile_options import add_swarm_options
from load.scenarios import Player
from load.servers.placement import PlacementError
from load.servers.user_lines import Seat
from sioprobe.commandline.connection_options import OptionError
from sioprobe.engine import Connection, SwarmError
from sioprobe.locusts.attachment import Attachment

CLOSE_DEADLINE = 3.0
RECONNECT_SECONDS = 1.0

locust.events.init_command_line_parser.add_listener(add_swarm_options)


@locust.events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, **_: Any) -> None:
    """From here on the director conducts. `load/running/director.py` shows the whole run."""
    Director.of(environment).prepare()


@locust.events.test_start.add_listener  # type: ignore[untyped-decorator]
def start_early(environment: Environment, **_: Any) -> None:
    """A worker that joins a running test starts while Locust makes its runner, before `init`."""
    if Attachment.of(environment) is None:
        Director.of(environment).test_starts()


class SwarmUser(User):  # type: ignore[misc]
    """One connection that plays the scenario until it is stopped. If it is lost, it opens again after 1 s."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._director = Director.of(environment)
        self._player: Player | None = None
        self._closed = Event()
        self._seat: Seat | None = None
        self._arrived = False

    @task  # type: ignore[untyped-decorator]
    def play(self) -> None:
        """Open a connection, play, and wait until it is closed."""
        while self._director.play is None or self.environment.runner is None:
            self._closed.wait(0.05)
        play, engine = self._director.play, self._director.attachment.engine
        try:
            self._seat = self._seat or play.place()
        except (SwarmError, OptionError, PlacementError) as error:
            # Counted as an error, because nobody looks at the stderr of a worker.
            engine.recorder.series("SIO connect", play.transport).error(str(error))
            engine.arrivals.begin(self, None)
            self._closed.wait()
            return
        self._closed.clear()
        connection = Connection(engine, self._seat.target, play.transport)
        if self._player is not None:
            connection.resume(self._player.connection)
        self._player = play.scenario.player(connection, self._changed)
        if not self._arrived:
            engine.arrivals.begin(self, connection)
        self._player.open()
        self._closed.wait()
        Event().wait(RECONNECT_SECONDS)

    def _changed(self, player: Player) -> None:
        if player.state == "ready":
            self._arrived = True
            self._director.attachment.engine.arrivals.arrive(self)
            player.begin()
        elif player.state == "closed":
            self._closed.set()

    def on_stop(self) -> None:
        """Leave in order."""
        self._director.attachment.engine.arrivals.leave(self)
        if self._player is not None:
            self._leave(self._player)
        if self._seat is not None:
            self._seat.leave()

    def _leave(self, player: Player) -> None:
        # Also if its connection was lost: then it leaves its place in a schedule and its room.
        lost = player.state == "closed"
        player.leave()
        if not lost:
            self._closed.wait(CLOSE_DEADLINE)
