"""Where users go: evenly, on every server from every worker, and from the addresses that were named."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from load.servers.placement import (
    Placement,
    PlacementError,
    check_addresses,
    parse_addresses,
    parse_urls,
    server_index,
)
from sioprobe.engine import Target

PROFILE = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PROFILE
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 300))
def test_no_server_has_two_users_more_than_another(servers: int, workers: int, users: int) -> None:
    # Locust gives users to workers in turn.
    used = Counter(
        server_index(number // workers, servers, number % workers, workers) for number in range(users)
    )
    counts = [used[server] for server in range(servers)]
    assert max(counts) - min(counts) <= 1


@PROFILE
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 11))
def test_every_worker_uses_every_server(servers: int, workers: int, worker: int) -> None:
    used = {server_index(user, servers, worker % workers, workers) for user in range(servers**2)}
    assert used == set(range(servers))


def test_one_worker_goes_round() -> None:
    assert [server_index(user, 3) for user in range(6)] == [0, 1, 2, 0, 1, 2]


def test_a_placement_pairs_servers_with_addresses_and_labels_several() -> None:
    targets = [Target.from_url(f"http://127.0.0.1:{port}") for port in (1, 2)]
    placement = Placement(targets, ["127.0.0.1", "127.0.0.2"])

    given = [placement.next() for _ in range(5)]

    assert [(target.address[1], target.source) for target in given] == [
        (1, "127.0.0.1"),
        (2, "127.0.0.1"),
        (1, "127.0.0.2"),
        (2, "127.0.0.2"),
        (1, "127.0.0.1"),
    ]
    assert {target.label for target in given} == {"http://127.0.0.1:1", "http://127.0.0.1:2"}


def test_a_single_server_is_not_told_apart() -> None:
    target = Placement([Target.from_url("http://127.0.0.1:1")]).next()
    assert (target.label, target.source) == (None, None)


def test_urls_stand_once_each() -> None:
    assert parse_urls("http://a:1/", "http://b:2, http://a:1 ,") == ["http://a:1", "http://b:2"]
    assert parse_urls("http://a:1", "") == ["http://a:1"]


def test_addresses_are_ranges_and_lists() -> None:
    assert parse_addresses("127.0.0.254-127.0.1.1, 10.0.0.5,10.0.0.5") == [
        "127.0.0.254",
        "127.0.0.255",
        "127.0.1.0",
        "127.0.1.1",
        "10.0.0.5",
    ]
    assert parse_addresses("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("127.0.0.x", "'127.0.0.x' is not an IPv4 address; write 127.0.0.1-127.0.0.8"),
        ("127.0.0.9-127.0.0.1", "127.0.0.9-127.0.0.1 is not a range of at most 1024 addresses, lowest first"),
        ("127.0.0.1-127.9.0.1", "is not a range of at most 1024 addresses"),
        ("127.0.0.1-", "'' is not an IPv4 address"),
    ],
)
def test_a_wrong_address_is_named(text: str, message: str) -> None:
    with pytest.raises(PlacementError, match=message):
        parse_addresses(text)


def test_an_address_of_another_machine_is_named() -> None:
    check_addresses(["127.0.0.1"])
    with pytest.raises(PlacementError, match=r"source address 192\.0\.2\.1 is not one of this machine"):
        check_addresses(["127.0.0.1", "192.0.2.1"])
