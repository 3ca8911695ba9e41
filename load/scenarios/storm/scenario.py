"""`storm`: when everyone is connected, all connections end at the same moment, and all clients come back.

`drop` says how they end. `abort`: each client closes its socket without a word, on a whole second of the wall
clock, so that several processes drop together. `server`: the server ends them, because this run
(`--server-command`) or somebody else restarts it. `backoff` says when a client tries again. `none`: at once,
and every 0.1 s after a failure. `fixed`: after the delays of the official client, without jitter. `official`:
with its jitter. A wave is over when all are back, or after `wave_seconds`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from load.playing.lives import LivesPlayer
from load.playing.observations import Observations, add_counts
from load.playing.parameters import NAMESPACE, Options, Parameter
from load.playing.players import Player, Scenario, kind_of_end
from load.playing.timers import CALM, Calm, Later
from load.scenarios.storm.waves import Wave, waves_observed
from load.watching.server_state import Watched
from sioprobe.engine import Connection, Engine, SwarmError
from sioprobe.engine.reconnect import Backoff
from sioprobe.measured import Recorder

__all__ = ["StormScenario"]

WAVES = Parameter("waves", 3, "how often all connections end", least=1, most=10_000)
BACKOFF = Parameter(
    "backoff",
    "none",
    "when a dropped client tries again: at once and then every 0.1 s (none), or after the official client's"
    " delays, without its jitter (fixed) or with it (official)",
    choices=("none", "fixed", "official"),
)
DROP = Parameter(
    "drop",
    "abort",
    "who ends the connections: the clients without a word (abort), or the server (server)",
    choices=("abort", "server"),
)
WAVE_SECONDS = Parameter(
    "wave_seconds",
    60.0,
    "a wave is over after this time, even if not all are back",
    unit="s",
    least=0.1,
    most=86_400,
)

BACKOFFS = {
    "none": Backoff(delay=0.1, delay_max=0.1, factor=1.0, randomization_factor=0.0),
    "fixed": Backoff(randomization_factor=0.0),
    "official": Backoff(),
}
LOOK_SECONDS = 0.05
AFTERMATH_SECONDS = 1.0
"""A wave that the server made is over when nobody has been dropped for so long."""


class StormScenario(Scenario):
    """Each client that comes back is one operation, timed from the drop. One that does not is an error."""

    title = "everyone is dropped at once and comes back"
    parameters = (NAMESPACE, WAVES, DROP, BACKOFF, CALM, WAVE_SECONDS)
    operation = ("SIO back", "storm")

    def __init__(self, engine: Engine, options: Options) -> None:
        super().__init__(engine, options)
        self.backoff = BACKOFFS[options.backoff]
        self.players: set[StormPlayer] = set()
        self.waves: list[Wave] = []
        self.wave: Wave | None = None
        self.unexpected: dict[str, int] = {}
        self.restart_server: Callable[[], Callable[[], bool]] | None = None
        """Set if this run owns the server. It begins a restart and returns a function: is it over?"""
        self._restarted: Callable[[], bool] = lambda: True
        self._asked_for_restart = False
        self._calm = Calm(options.calm)
        self._look_timer = Later(engine)
        self._drop_timer = Later(engine)
        self._drop_due = False

    def player(self, connection: Connection, changed: Callable[[Player], None] | None = None) -> Player:
        """A client. With the first one the scenario begins to wait for the calm."""
        if not self.players:
            self._look_timer.set(LOOK_SECONDS, self._look)
        player = StormPlayer(self, connection, changed)
        self.players.add(player)
        return player

    def arrived(self) -> None:
        """A client is connected for the first time. Nobody waits for one that cannot connect."""
        self._calm.disturb()

    # The course of a run

    def _look(self) -> None:
        if self.players and not self.halted:
            self._look_timer.set(LOOK_SECONDS, self._look)
        wave = self.wave
        if wave is not None:
            if wave.seconds() > self.options.wave_seconds or self._is_over(wave):
                self._end_wave()
        elif not self._drop_due and len(self.waves) < self.options.waves and self._everybody_is_there():
            self._prepare_drop()

    def _everybody_is_there(self) -> bool:
        calm = self._calm.reached and not self.halted
        return calm and any(player.in_place for player in self.players)

    def _is_over(self, wave: Wave) -> bool:
        # A server that is ending may accept clients and drop them again.
        if wave.out or not self._restarted():
            return False
        return self.options.drop == "abort" or wave.seconds_since_drop() >= AFTERMATH_SECONDS

    def _prepare_drop(self) -> None:
        if self.options.drop == "server":
            if self.restart_server is not None and not self._asked_for_restart:
                self._asked_for_restart = True
                self._restarted = self.restart_server()
            return  # the first connection that ends begins the wave
        self._drop_due = True
        now = time.time()
        self._drop_timer.set(math.ceil(now) - now, self._drop)

    def _drop(self) -> None:
        self._drop_due = False
        if self.halted:
            return
        dropped = [player for player in self.players if player.in_place]
        self._begin_wave()
        for player in dropped:
            player.drop()

    def _begin_wave(self) -> Wave:
        self.wave = wave = Wave()
        self.waves.append(wave)
        return wave

    def _end_wave(self) -> None:
        if self.wave is not None:
            for player in self.players:
                if player.out is self.wave:
                    player.series.error("not back")
            self.wave.end()
        self.wave = None
        self._asked_for_restart = False
        self._calm.disturb()

    def wave_of_loss(self, failure: SwarmError | None) -> Wave | None:
        """The wave to which a lost connection belongs. None without a wave: the loss is unexpected."""
        if self.wave is not None:
            return self.wave
        if self.options.drop == "server" and not self.halted and len(self.waves) < self.options.waves:
            return self._begin_wave()
        add_counts(self.unexpected, {kind_of_end(failure): 1})
        self._calm.disturb()
        return None

    # Ends and accounts

    @property
    def at_rest(self) -> bool:
        """Whether nobody is out."""
        return self.wave is None or not self.wave.out

    def settle(self) -> None:
        """End the current wave, because the run is over."""
        self._drop_timer.cancel()
        self._look_timer.cancel()
        if self.wave is not None:
            self.wave.end()
            self.wave = None

    def state(self) -> dict[str, Any]:
        """All waves, and connections that were lost at other times."""
        return {
            "waves": [wave.to_json() for wave in self.waves],
            "planned": self.options.waves,
            "unexpected": dict(self.unexpected),
        }

    @classmethod
    def found(cls, states: Sequence[dict[str, Any]], recorder: Recorder, server: Watched) -> Observations:
        """For each wave: when the first, half, 99 % and all were back, and the attempts and failures."""
        return waves_observed(states)


class StormPlayer(LivesPlayer):
    """One client. `out` is the wave in which it was dropped, None while it is connected."""

    __slots__ = ("_attempt", "out", "play", "series")

    def __init__(
        self, scenario: StormScenario, connection: Connection, changed: Callable[[Player], None] | None
    ) -> None:
        super().__init__(scenario, connection, changed)
        self.play = scenario
        self.series = connection.series(*scenario.operation)
        self.out: Wave | None = None
        self._attempt = 0
        # The restart of the server ends connections; that is expected and not an error.
        connection.end_is_no_error = scenario.options.drop == "server"

    @property
    def in_place(self) -> bool:
        """Whether it is connected and may be dropped."""
        return self.state == "playing" and self.out is None and self.connection.is_open

    def drop(self) -> None:
        """End the connection without a word."""
        self.connection.abort()

    def set_ready(self) -> None:
        """Be connected, for the first time or again."""
        if self.state == "connecting":
            self.play.arrived()
            super().set_ready()
            return
        wave, self.out = self.out, None
        self._attempt = 0
        us = wave.back() if wave is not None else None
        if us is not None:
            self.series.record(us)

    def upgraded(self, connection: Connection) -> None:
        if self.state == "connecting":
            super().upgraded(connection)
        elif self.play.options.namespace in connection.namespaces and self.out is not None:
            self.prepare()

    def closed(self, connection: Connection, failure: SwarmError | None) -> None:
        """Try again after the back-off: the client was dropped, or an attempt failed."""
        failure, self.failure = self.failure or failure, None
        if self.leaving or self.state != "playing":
            self.play.players.discard(self)
            if self.out is not None:
                self.out.leave()
            self.finish(failure)
            return
        if self.out is None:
            self.out = self.play.wave_of_loss(failure)
            if self.out is not None:
                self.out.drop()
        else:
            self.out.fail(kind_of_end(failure))
        self._try_again()

    def _try_again(self) -> None:
        at_once = self.play.options.backoff == "none" and not self._attempt
        seconds = 0.0 if at_once else self.play.backoff.seconds(self._attempt)
        self._attempt += 1
        self.later.set(seconds, self._attempt_now)

    def _attempt_now(self) -> None:
        if self.leaving:
            return
        if self.out is not None:
            self.out.attempts += 1
        self.reopen(lost=True)

    def leave(self) -> None:
        """Leave for good, connected or not."""
        self.play.players.discard(self)
        if self.out is not None and self.connection.closed:
            self.out.leave()
            self.out = None
        super().leave()
