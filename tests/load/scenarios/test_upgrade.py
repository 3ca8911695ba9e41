"""`upgrade`: nothing is lost while events are under way, and the ledger tells if it is."""

from __future__ import annotations

import pytest

from tests.load.lame_servers import (
    LameServer,
    strict_server,
)
from tests.load.stage import Stage
from tests.servers import start_command


def test_upgrades_lose_nothing_while_events_are_under_way() -> None:
    with LameServer() as server, Stage(server.url, "upgrade", "upgrade", 4) as stage:
        stage.wait(lambda: stage.scenario.lives >= 20, "twenty upgrades")
        found = stage.finish()

        assert stage.errors() == {}
        assert (found["failed"], found["upgrade_errors"], found["failed_share"]) == ({}, {}, 0.0)
        assert found["in_flight_sent"] > 0
        assert found["in_flight_received"] > 0
        ledger = stage.scenario.ledger
        assert ledger.clean
        assert ledger.received == ledger.expected > 0


FAULTS = {
    "packets-of-the-upgrade-are-lost": "lost",
    "packets-of-the-upgrade-come-twice": "duplicated",
    "packets-of-the-upgrade-are-reversed": "reordered",
    "burst-loses-one-event": "lost",
    "acks-twice": "duplicated",
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items(), ids=FAULTS.keys())
def test_what_goes_wrong_in_an_upgrade_is_in_the_ledger(fault: str, kind: str) -> None:
    with (
        start_command(strict_server(fault)) as server,
        Stage(server.url, "upgrade", "upgrade", 4, timeout=1.5) as stage,
    ):
        stage.wait(lambda: getattr(stage.scenario.ledger, kind), kind)
        stage.finish()

        assert stage.errors()[kind] == getattr(stage.scenario.ledger, kind)


def test_upgrades_that_are_not_offered_are_a_share_that_failed() -> None:
    with (
        start_command(strict_server("polling-offers-no-upgrade")) as server,
        Stage(server.url, "upgrade", "upgrade", 2) as stage,
    ):
        stage.wait(lambda: stage.scenario.lives >= 2, "a life each")
        found = stage.finish()

    assert found["failed_share"] == 1.0
    assert set(found["upgrade_errors"]) == {"upgrade not offered"}
    assert "failed (100.0%: upgrade not offered" in found["words"][0]
