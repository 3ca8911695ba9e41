"""The server's CPU share from what it tells, and none from one that does not."""

from __future__ import annotations

import pytest
from gevent.event import Event

from load.watching.reported_cpu import ReportedCpu


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> ReportedCpu:
    monkeypatch.setattr("load.watching.reported_cpu.server_metrics", lambda url: None)
    return ReportedCpu(["http://a", "http://b"])


def test_the_share_is_the_sum_of_all_servers_and_none_until_all_told(servers: ReportedCpu) -> None:
    servers.take("http://a", 10.0, 5.0)
    servers.take("http://b", 10.0, 1.0)
    assert servers.share() is None
    servers.take("http://a", 12.0, 6.0)
    assert servers.share() is None
    servers.take("http://b", 12.0, 1.5)
    assert servers.share() == pytest.approx(0.75)


def test_a_server_that_was_started_again_counts_anew(servers: ReportedCpu) -> None:
    for server in ("http://a", "http://b"):
        servers.take(server, 10.0, 5.0)
        servers.take(server, 12.0, 6.0)
    servers.take("http://a", 14.0, 0.1)
    assert servers.share() == pytest.approx(1.0)
    servers.take("http://a", 16.0, 0.3)
    assert servers.share() == pytest.approx(0.6)


def test_a_server_that_tells_nothing_has_no_share(servers: ReportedCpu) -> None:
    Event().wait(0)
    servers._asking.join(10)
    assert servers._asking.ready()
    assert servers.share() is None
