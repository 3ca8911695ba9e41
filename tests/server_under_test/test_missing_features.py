"""Each test of the guide fails against a server that lacks the feature it names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.server_under_test import test_guide
from tests.server_under_test.crippled_app import WITHOUT
from tests.server_under_test.peers import deadline
from tests.servers import Server, start_command

# Seconds until a test gives up here; most of them end by waiting in vain.
PATIENCE = 2.0

GUIDE_TESTS = {
    name.removeprefix("test_"): function
    for name, function in vars(test_guide).items()
    if name.startswith("test_") and callable(function)
}


@pytest.fixture(scope="module")
def crippled_servers() -> Iterator[Server]:
    with start_command([sys.executable, "-m", "tests.server_under_test.crippled_app"]) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(crippled_servers: Server) -> Iterator[dict[str, Future[None]]]:
    """Every test of the guide, running against its own server, several at a time."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield {
            feature: pool.submit(run_impatiently, feature, url)
            for feature, url in crippled_servers.about["without"].items()
        }


def run_impatiently(feature: str, url: str) -> None:
    deadline.set(PATIENCE)
    GUIDE_TESTS[feature](url)


def test_every_test_of_the_guide_has_a_server_without_its_feature() -> None:
    assert set(WITHOUT) == set(GUIDE_TESTS)


@pytest.mark.parametrize("feature", list(WITHOUT))
def test_each_guide_test_notices_its_missing_feature(feature: str, outcomes: dict[str, Future[None]]) -> None:
    with pytest.raises(AssertionError):
        outcomes[feature].result(timeout=60)
