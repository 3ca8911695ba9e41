"""The table of queues: how a cell is judged, and that the page says what `serve --list` says."""

from __future__ import annotations

import re

import pytest

from ci.pages import lines_of, part
from ci.queues import PAGE, Cell, cluster_ids, is_surprise, verdict
from server_under_test.queues.registry import ASYNC_MODES, QUEUES


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({("SIO-CL-01", "pass"), ("SIO-CL-06", "known deviation")}, ("yes", "")),
        (
            {("SIO-CL-01", "pass"), ("FSIO-71", "fail"), ("SIO-CL-02", "inconclusive")},
            ("partly", "FSIO-71, SIO-CL-02"),
        ),
        (
            {("SIO-CL-01", "pass"), ("SIO-CL-01", "fail")},
            ("no", "a broadcast does not reach the other process"),
        ),
        ({("SIO-CL-01", "not applicable")}, ("no", "a broadcast does not reach the other process")),
    ],
)
def test_a_cell_says_whether_the_queue_works(seen: set[tuple[str, str]], said: tuple[str, str]) -> None:
    assert verdict(seen) == said


def test_what_is_otherwise_than_the_registry_says_is_a_surprise() -> None:
    assert is_surprise(Cell("redis", "gevent", "partly", "SIO-CL-02"))
    assert is_surprise(Cell("memory", "gevent", "yes"))
    assert is_surprise(Cell("zeromq", "gunicorn-gevent", "yes"))
    for cell in (
        Cell("redis", "gevent", "yes"),
        Cell("zeromq", "gevent", "no", "silence"),
        Cell("redis", "gevent", "not run", "no Redis"),
        Cell("filesystem", "gevent", "no", "by chance"),
    ):
        assert not is_surprise(cell)


def test_the_cases_about_several_processes_are_asked() -> None:
    assert {"SIO-CL-01", "SIO-CL-02", "FSIO-71", "FSIO-72"} <= set(cluster_ids())


def test_the_page_has_a_line_for_each_queue_that_agrees_with_the_registry() -> None:
    lines = lines_of(part(PAGE.read_text("utf-8"), "rows"))
    assert list(lines) == list(QUEUES)
    for name, line in lines.items():
        queue = QUEUES[name]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[3:-2]]
        assert len(cells) == len(ASYNC_MODES)
        for mode, cell in zip(ASYNC_MODES, cells, strict=True):
            works = queue.works_in(mode)
            assert works == "partly" or cell == {"yes": "works", "no": "no"}.get(works, "not run"), (
                name,
                mode,
            )
