"""Figures as inline SVG: what is drawn, in colours of the page, the same each time."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import pytest

from reports.charts.drawing import draw_figures
from reports.charts.labels import spread
from reports.charts.latency_spectrum import spectrum
from reports.charts.panels import ARM_COLOURS, arm_styles
from reports.statistics.derivation import merged_histogram
from reports.writing.quoting import Quotes
from sioprobe.results.histogram import Histogram
from tests.reports import synthetic
from tests.reports.statistics.test_derivation import block, derived


def test_arms_differ_in_colour_and_marker_up_to_eight_and_in_line_beyond() -> None:
    arms = [{**synthetic.ARMS["gevent"], "id": str(n)} for n in range(16)]
    styles = list(arm_styles(arms).values())  # type: ignore[arg-type]
    assert len({(style.colour, style.marker) for style in styles[:8]}) == 8
    assert len(set(styles)) == 16
    assert {style.colour for style in styles} == set(ARM_COLOURS)


def figures() -> list[str]:
    blocks = [block(arm, t, r) for arm in ("a", "b") for t in ("polling", "websocket") for r in (1, 2, 3)]
    results = derived(*blocks)
    histograms = {(cell["arm"], cell["transport"]): merged_histogram(blocks[:1]) for cell in results["cells"]}
    drawn = draw_figures(results["arms"], results["cells"], histograms, Quotes(results), "fig1")  # type: ignore[arg-type]
    return [svg for figure in drawn for svg in (figure.wide, figure.narrow)]


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    return figures()


def test_a_figure_is_drawn_the_same_each_time(drawn: list[str]) -> None:
    assert len(drawn) == 8
    assert figures() == drawn


def test_colours_and_fonts_are_those_of_the_page(drawn: list[str]) -> None:
    for svg in drawn:
        assert not re.findall(r"#[0-9a-f]{6}\b", svg)
        assert "DejaVu" not in svg
        assert "var(--arm-0)" in svg
        assert "var(--arm-1)" in svg
        assert "<image" not in svg


def test_names_are_text_beside_the_marks(drawn: list[str]) -> None:
    for svg in drawn:
        labels = re.findall(r">([^<]+)</text>", svg)
        assert {"a", "b", "Polling", "WebSocket"} <= set(labels)


def test_a_figure_has_a_title_and_says_its_numbers(drawn: list[str]) -> None:
    assert '<title id="fig1-throughput-wide-title">Over WebSocket, a has the highest median' in drawn[0]
    assert "b over WebSocket 1\u202f000 (1\u202f000) per second" in drawn[0]


def test_nothing_measured_draws_nothing() -> None:
    assert draw_figures([], [], {}, Quotes(derived()), "fig1") == []


def test_the_spectrum_ends_where_ten_samples_lie_beyond() -> None:
    histogram = Histogram()
    for n in range(1, 1001):
        histogram.record(n * 1000.0)
    line = spectrum(histogram)
    assert line[0][0] == pytest.approx(1.7)
    assert line[-1][0] == pytest.approx(100)
    assert line[-1][1] == pytest.approx(990, rel=0.01)
    assert [y for _, y in line] == sorted(y for _, y in line)


def test_too_few_samples_have_no_spectrum() -> None:
    histogram = Histogram()
    histogram.record(1.0)
    assert spectrum(histogram) == []


def test_labels_are_moved_apart_and_keep_their_order() -> None:
    moved = spread([0.5, 0.5, 0.51, 0.9], 0.1)
    assert moved == sorted(moved)
    assert all(b - a >= 0.1 - 1e-9 for a, b in itertools.pairwise(moved))
    assert moved[-1] == pytest.approx(0.9)
    assert max(spread([0.99, 0.995, 1.0], 0.1)) <= 1.0


def test_matplotlib_is_imported_only_to_draw() -> None:
    program = "import sys, reports.comparison.page, reports.__main__; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
