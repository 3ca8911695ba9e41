"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.children import tie_children
from tests.figures import FIGURE

# A run starts about a thousand Python processes. Where this is set, each of them compiles our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

tie_children()

# Files that take 20 s or more, the longest first. A process of the run takes one file after the other: what
# begins first leaves no process alone at the end.
LONG = (
    "conformance/test_green.py",
    "conformance/test_guarded.py",
    "conformance/test_clusters.py",
    "conformance/test_client_run.py",
    "conformance/test_causes.py",
    "test_children.py",
    "load/comparing/test_comparison.py",
    "load/scenarios/test_scenarios.py",
    "test_packaging.py",
    "load/running/test_distributed.py",
    "load/running/test_swarm.py",
    "load/blocks/test_detection.py",
    "load/blocks/test_block.py",
    "server_under_test/test_page.py",
    "load/doctor/test_connections.py",
    "load/running/test_swarm_lifecycle.py",
    "engine/test_connection.py",
    "conformance/test_run.py",
    "conformance/test_handlers.py",
    "conformance/test_target.py",
    "load/doctor/test_main.py",
    "users/test_user.py",
    "load/running/test_shapes.py",
)
RANKS = {Path(__file__).parent / name: rank for rank, name in enumerate(LONG)}
assert [path for path in RANKS if not path.is_file()] == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; pytest keeps the order of the others."""
    items.sort(key=lambda item: RANKS.get(item.path, len(RANKS)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests recorded: a worker of a run in several processes cannot print itself."""
    figures = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.write_line(str(figure))
