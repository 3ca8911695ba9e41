"""`storm`: everyone comes back, wave by wave."""

from __future__ import annotations

import re

import pytest

from load.scenarios.storm.waves import waves_observed
from sioprobe.engine import TRANSPORTS
from tests.load.lame_servers import (
    CrowdedServer,
    LameServer,
)
from tests.load.stage import Stage


@pytest.mark.parametrize(
    ("transport", "backoff"), [*((transport, "none") for transport in TRANSPORTS), ("websocket", "official")]
)
def test_a_storm_brings_everybody_back_in_each_wave(transport: str, backoff: str) -> None:
    with (
        LameServer() as server,
        Stage(server.url, "storm", transport, 5, waves=2, calm=0.1, backoff=backoff) as stage,
    ):
        stage.wait(lambda: len(stage.scenario.waves) == 2 and stage.scenario.at_rest, "both waves")
        found = stage.finish()

        assert stage.errors() == {}
        for wave in found["waves"]:
            assert (wave["dropped"], wave["back"], wave["attempts"], wave["errors"]) == (5, 5, 5, {})
            assert 0 < wave["first_us"] <= wave["p50_us"] <= wave["p99_us"] <= wave["all_us"]
        assert len(found["words"]) == 2
        assert found["words"][0].startswith("wave 1: 5 dropped, back after the drop: first ")


def test_a_storm_counts_who_is_not_let_in_again() -> None:
    with (
        CrowdedServer(limit=10) as server,
        Stage(server.url, "storm", "websocket", 6, waves=1, calm=0.1, wave_seconds=2.0) as stage,
    ):
        stage.wait(lambda: stage.scenario.waves and stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"]) == (6, 4)
        assert wave["p50_us"] is not None
        assert (wave["p99_us"], wave["all_us"]) == (None, None)
        assert set(wave["errors"]) == {"connect refused"}
        # Who is out tries on after the wave, so more may be refused by now.
        errors = stage.errors()
        assert (set(errors), errors["not back"]) == ({"connect refused", "not back"}, 2)
        assert errors["connect refused"] >= wave["errors"]["connect refused"]
        assert wave["attempts"] >= 4 + wave["errors"]["connect refused"] >= 6
        # A wave that lasted 2.003 s is told as one of 2 s.
        assert re.search(r"99 % -, all - \(2 not back after 2(\.\d+)? s\)", found["words"][0])


def test_a_storm_may_be_the_servers_doing() -> None:
    with (
        LameServer() as server,
        Stage(server.url, "storm", "websocket", 4, waves=1, drop="server", calm=0.1) as stage,
    ):
        stage.wait(lambda: sum(player.state == "playing" for player in stage.players) == 4, "everybody")
        server.drop_all()
        stage.wait(lambda: stage.scenario.waves and stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"], found["unexpected"]) == (4, 4, {})
        assert stage.errors() == {}


def test_a_wave_lasts_until_the_server_was_restarted() -> None:
    """One that is ending may take clients back, and drop them again when they seemed to be safe."""
    with (
        LameServer() as server,
        Stage(server.url, "storm", "websocket", 3, waves=1, drop="server", calm=0.1) as stage,
    ):
        restarted, asked = [False], []
        stage.scenario.restart_server = lambda: asked.append(1) or (lambda: restarted[0])
        stage.wait(lambda: asked, "the restart")
        server.drop_all()
        stage.wait(lambda: stage.scenario.wave and stage.scenario.wave.out == 0, "everybody again")
        stage.wait(lambda: stage.scenario.wave.seconds_since_drop() > 1.5, "what would have been the end")
        server.drop_all()
        restarted[0] = True
        stage.wait(lambda: stage.scenario.wave is None, "the end of the wave")
        found = stage.finish()

        (wave,) = found["waves"]
        assert (wave["dropped"], wave["back"], found["unexpected"]) == (6, 6, {})


def test_a_loss_outside_of_a_wave_is_told() -> None:
    with LameServer() as server, Stage(server.url, "storm", "websocket", 3, calm=60.0) as stage:
        stage.wait(lambda: sum(player.state == "playing" for player in stage.players) == 3, "everybody")
        server.drop_all()
        stage.wait(lambda: sum(stage.scenario.unexpected.values()) == 3, "the losses")
        stage.wait(lambda: all(player.in_place for player in stage.players), "everybody again")
        found = stage.finish()

        assert found["unexpected"] == {"connection closed": 3}
        assert found["words"] == [
            "3 waves of 3 did not come before the end of the run",
            "lost outside of a wave: connection closed 3",
        ]


def test_waves_of_several_processes_are_added_up() -> None:
    def wave(at: float, *back: int) -> dict[str, object]:
        return {
            "at": at,
            "dropped": 50,
            "attempts": 51,
            "errors": {"connection refused": 1},
            "first_us": back[0],
            "lasted_us": back[-1],
            "back": {"pairs": [[us, 50 // len(back)] for us in back], "max": back[-1]},
        }

    state = {"planned": 1, "unexpected": {}}
    found = waves_observed(
        [{**state, "waves": [wave(9.0, 64, 100)]}, {**state, "waves": [wave(9.002, 50, 120)]}]
    )

    (merged,) = found.figures["waves"]
    assert (merged["dropped"], merged["back"], merged["first_us"], merged["all_us"]) == (100, 100, 50, 120)
    assert merged["p50_us"] == pytest.approx(64, rel=0.01)
    assert found.words == [
        "wave 1: 100 dropped, back after the drop: first 50 µs, half 64 µs, 99 % 120 µs, all 120 µs;"
        " 102 attempts, 2 failed (connection refused 2); the processes dropped within 2 ms"
    ]
