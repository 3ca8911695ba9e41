"""The driver of lives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load.driver import Driver


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver("load.side_by_side")
    yield driver
    driver.close()
