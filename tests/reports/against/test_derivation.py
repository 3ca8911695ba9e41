"""What two folders side by side say: changes, their intervals, and the words for them."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from reports.against.derivation import compare
from reports.against.ratios import ratio_changes
from reports.against.rules import COVERAGE, SMALLEST, word_of
from reports.against.sentences import claims_of, findings_of
from reports.statistics.kept_results import read_kept
from reports.statistics.rank_sum import relative_change
from sioprobe.results.across import Against
from sioprobe.results.files import conformance_path, write_conformance, write_results
from tests.reports import folders, synthetic

CPU = "server_cpu_us_per_message"


def against(old: Path, new: Path) -> Against:
    return compare(read_kept(old, "old"), read_kept(new, "new"))


def claimed(found: Against, word: str) -> set[tuple[str, str, str]]:
    return {(cell["arm"], cell["transport"], figure["figure"]) for cell, figure in claims_of(found, word)}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Against:
    """gevent over WebSocket costs 40 % more CPU, eventlet over polling a third less."""
    folder = tmp_path_factory.mktemp("changed")
    cpu = {("gevent", "websocket"): 1.4, ("eventlet", "polling"): 0.66}
    return against(folders.write(folder / "old"), folders.write(folder / "new", 2, cpu=cpu))


def test_what_changed_is_found_and_nothing_else(changed: Against) -> None:
    assert claimed(changed, "worse") == {("gevent", "websocket", CPU)}
    assert claimed(changed, "better") == {("eventlet", "polling", CPU)}
    assert changed["meaningless"] == []
    assert len(changed["cells"]) == 6


def test_the_interval_holds_the_change(changed: Against) -> None:
    [(_, figure)] = claims_of(changed, "worse")
    assert figure["low"] is not None
    assert figure["high"] is not None
    assert figure["low"] < 0.4 < figure["high"]
    assert figure["low"] < (figure["change"] or 0) < figure["high"]
    assert figure["blocks"] == [6, 6]


def test_the_sentences_name_both_with_their_intervals(changed: Against) -> None:
    first, worse, better = changed["findings"]
    assert first == "1 of 30 figures got worse, 1 got better; 28 cannot be told apart."
    [(_, figure)] = claims_of(changed, "worse")
    interval = f"[{figure['low'] * 100:+.1f}, {figure['high'] * 100:+.1f}]"  # type: ignore[operator]
    assert worse.startswith("Worse: gevent over WebSocket: CPU per message +")
    assert interval in worse
    assert better.startswith("Better: eventlet over Polling: CPU per message -")


def test_sides_that_change_places_turn_the_words_round(tmp_path: Path) -> None:
    old = folders.write(tmp_path / "old")
    new = folders.write(tmp_path / "new", 2, cpu={("gevent", "websocket"): 1.4})
    one, other = against(old, new), against(new, old)
    assert claimed(one, "worse") == claimed(other, "better") == {("gevent", "websocket", CPU)}
    assert claimed(one, "better") == claimed(other, "worse") == set()


def test_nothing_is_claimed_of_a_folder_against_itself(tmp_path: Path) -> None:
    old = folders.write(tmp_path / "old")
    found = against(old, old)
    assert found["findings"] == ["No figure changed for sure: all 30 cannot be told apart."]
    assert all(figure["change"] == 0 for cell in found["cells"] for figure in cell["figures"])


def test_two_runs_of_one_server_hardly_ever_differ_for_sure() -> None:
    """Blocks vary by 5 % and the runs by 4 %, which no interval over blocks can know."""
    chance = random.Random(1)

    def run() -> list[float]:
        day = chance.gauss(0, 0.04)
        return [math.exp(day + chance.gauss(0, 0.05)) for _ in range(6)]

    words = []
    for _ in range(1000):
        change = relative_change(run(), run(), COVERAGE)
        assert change is not None
        assert change.low is not None
        assert change.high is not None
        words.append(word_of(change.low, change.high, higher_is_better=False, smallest=SMALLEST[CPU]))
    assert sum(word != "cannot be told apart" for word in words) <= 15


def test_the_same_factor_counts_up_and_down() -> None:
    assert word_of(0.051, 0.2, higher_is_better=False, smallest=0.05) == "worse"
    assert word_of(0.051, 0.2, higher_is_better=True, smallest=0.05) == "better"
    assert word_of(-0.2, -0.048, higher_is_better=False, smallest=0.05) == "better"
    assert word_of(-0.2, -0.047, higher_is_better=False, smallest=0.05) == "cannot be told apart"


def test_too_few_blocks_have_a_change_and_no_word(tmp_path: Path) -> None:
    old = folders.write(tmp_path / "old", rounds=3)
    new = folders.write(tmp_path / "new", 2, rounds=3, cpu={("gevent", "websocket"): 3.0})
    found = against(old, new)
    assert found["findings"] == ["There are too few blocks to say what changed."]
    figures = [figure for cell in found["cells"] for figure in cell["figures"]]
    assert {figure["word"] for figure in figures} == {None}
    assert all(figure["change"] is not None and figure["low"] is None for figure in figures)


def test_what_moves_everywhere_may_be_the_machine(tmp_path: Path) -> None:
    everywhere = dict.fromkeys(synthetic.SHAPES, 1.5)
    found = against(folders.write(tmp_path / "old"), folders.write(tmp_path / "new", 2, cpu=everywhere))
    assert found["together"] == {CPU: pytest.approx(0.5, abs=0.05)}
    assert claims_of(found, "worse") == []
    assert any(
        sentence.startswith("In most cells at once, CPU per message changed by about +")
        for sentence in found["findings"]
    )


def test_a_cell_without_a_partner_is_named_with_the_reason(tmp_path: Path) -> None:
    other = {**synthetic.ARMS["gevent-simple"], "workers": 2, "queue": "redis"}
    old = folders.write(tmp_path / "old", arms={"gevent": synthetic.ARMS["gevent"], **ONLY_SIMPLE})
    new = folders.write(tmp_path / "new", arms={"gevent-simple": other, "eventlet": folders.ARMS["eventlet"]})  # type: ignore[dict-item]
    found = against(old, new)
    assert found["cells"] == []
    assert "gevent over WebSocket, ack at 50: only in old" in found["unpaired"]
    assert "eventlet over Polling, ack at 50: only in new" in found["unpaired"]
    assert "gevent-simple over Polling, ack at 50: another server (workers 1, then 2)" in found["unpaired"]
    assert found["meaningless"] == ["no cell and no judged server is in both"]


ONLY_SIMPLE = {"gevent-simple": synthetic.ARMS["gevent-simple"]}


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (
            {"environment": folders.environment(cpu_model="Other")},
            "another processor (AMD EPYC 7B13, then Other)",
        ),
        ({"environment": folders.environment(cores=8)}, "another number of cores (2, then 8)"),
        (
            {"environment": folders.environment(memory_bytes=2**34)},
            "another size of memory (7.7 GiB, then 16 GiB)",
        ),
        (
            {"profile": {"load": {**folders.PROFILE["load"], "seconds": 0.8}}},  # type: ignore[dict-item]
            "another load (seconds = 1.5, then 0.8)",
        ),
        ({"profile": {}}, "the plan of one of them is unknown"),
        ({"sioprobe": "0.2.0"}, "another sioprobe measured (0.1.0, then 0.2.0)"),
    ],
)
def test_what_says_nothing_is_said_with_the_reason(tmp_path: Path, run: dict[str, Any], reason: str) -> None:
    found = against(
        folders.write(tmp_path / "old", rounds=1), folders.write(tmp_path / "new", rounds=1, **run)
    )
    assert found["meaningless"] == [reason]


@pytest.mark.parametrize(
    "run",
    [
        {"environment": folders.environment(memory_bytes=int(folders.MACHINE["memory_bytes"] * 1.01))},
        {"environment": folders.environment(kernel="Linux 6.12.0")},
        {"profile": {"title": "mine", "load": {**folders.PROFILE["load"], "rounds": 10, "seed": 3}}},  # type: ignore[dict-item]
    ],
)
def test_what_a_block_does_not_depend_on_is_no_reason(tmp_path: Path, run: dict[str, Any]) -> None:
    found = against(
        folders.write(tmp_path / "old", rounds=1), folders.write(tmp_path / "new", rounds=1, **run)
    )
    assert found["meaningless"] == []


def test_versions_are_said_and_refuse_nothing(tmp_path: Path) -> None:
    arms = {
        name: {**arm, "versions": {**arm["versions"], "python-engineio": "4.16.0"}}
        for name, arm in folders.ARMS.items()
    }
    libraries = {**folders.MACHINE["libraries"], "gevent": "26.10.0", "python-engineio": "4.16.0"}
    found = against(
        folders.write(tmp_path / "old", rounds=1),
        folders.write(
            tmp_path / "new",
            rounds=1,
            arms=arms,
            environment=folders.environment(libraries=libraries),  # type: ignore[arg-type]
        ),
    )
    assert found["meaningless"] == []
    assert found["versions"] == [
        {"name": "python-engineio", "old": "4.15.1", "new": "4.16.0", "arms": list(folders.ARMS)},
        {"name": "gevent", "old": "26.9.0", "new": "26.10.0", "arms": []},
    ]
    [note] = found["notes"]
    assert "gevent (26.9.0, then 26.10.0)" in note


def ratio(arm: str, over: str, value: float, half: float | None = 0.02) -> dict[str, Any]:
    low, high = (None, None) if half is None else (value * (1 - half), value * (1 + half))
    return {"arm": arm, "over": over, "ratio": value, "low": low, "high": high, "claimed": None}


def side(*ratios: dict[str, Any], figure: str = "cpu_us_per_message") -> Any:
    one = {
        "transport": "websocket", "figure": figure, "lives": 8, "coverage": 0.98, "priority": "nice -20",
        "medians": {}, "ratios": list(ratios), "problem": None,
    }  # fmt: skip
    return {"side_by_side": [one]}


def test_a_ratio_is_compared_with_the_same_one_however_it_is_turned() -> None:
    old = {**ratio("gevent", "eventlet", 0.8), "low": 0.79, "high": 0.84}
    turned = {**ratio("eventlet", "gevent", 1 / 0.8), "low": 1 / 0.84, "high": 1 / 0.79}
    new = ratio("gevent", "eventlet", 0.88)
    [found] = ratio_changes(side(old), side(new))
    [same] = ratio_changes(side(turned), side(new))
    assert (found["arm"], found["over"], found["word"]) == ("gevent", "eventlet", "worse")
    assert found["change"] == same["change"] == pytest.approx(0.1)
    # Logarithms of independent ratios: the distances to their bounds add up as squares.
    below = math.hypot(math.log(0.84 / 0.8), math.log(1 / 0.98))
    above = math.hypot(math.log(0.8 / 0.79), math.log(1.02))
    for one in (found, same):
        assert one["low"] == pytest.approx(1.1 * math.exp(-below) - 1)
        assert one["high"] == pytest.approx(1.1 * math.exp(above) - 1)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (ratio("a", "b", 1.0, 0.001), ratio("a", "b", 1.02, 0.001), "cannot be told apart"),
        (ratio("a", "b", 1.0, 0.1), ratio("a", "b", 1.08, 0.1), "cannot be told apart"),
        (ratio("a", "b", 1.0), ratio("a", "b", 0.9), "better"),
        (ratio("a", "b", 1.0, None), ratio("a", "b", 2.0), None),
    ],
    ids=["small", "unsure", "better", "too few lives"],
)
def test_a_change_of_a_ratio_is_claimed_if_it_is_sure_and_large(old: Any, new: Any, word: str | None) -> None:
    [found] = ratio_changes(side(old), side(new))
    assert found["word"] == word


def test_the_arm_that_explains_the_ratios_is_named_once(tmp_path: Path) -> None:
    old, new = (read_kept(folders.write(tmp_path / name, rounds=1), name) for name in ("old", "new"))
    old.results.update(side(ratio("a", "b", 1.0), ratio("a", "c", 2.0), ratio("b", "c", 2.0)))
    new.results.update(side(ratio("a", "b", 1.2), ratio("a", "c", 2.5), ratio("b", "c", 2.0)))
    found = compare(old, new)
    assert found["findings"][0] == (
        "Over WebSocket, the CPU per message of a is 20\u202f% to 25\u202f% higher than before, "
        "side by side with b and c."
    )
    # Seen from the arm itself, whichever side of the ratio it is on.
    old.results.update(side(ratio("b", "a", 1.0), ratio("c", "a", 0.5)))
    new.results.update(side(ratio("b", "a", 1 / 1.2), ratio("c", "a", 1 / 2.5)))
    assert compare(old, new)["findings"][0] == found["findings"][0]


def test_ratios_of_another_load_or_scheduler_are_not_compared(tmp_path: Path) -> None:
    old, new = (read_kept(folders.write(tmp_path / name, rounds=1), name) for name in ("old", "new"))
    for changes in ({"priority": "as others"}, {"load": "64 KB a message"}):
        old.results.update(side(ratio("a", "b", 1.0)))
        new.results.update(side(ratio("a", "b", 2.0)))
        new.results["side_by_side"][0].update(changes)  # type: ignore[typeddict-item]
        found = compare(old, new)
        assert found["ratios"] == []
        assert found["notes"][-1].startswith("no ratio side by side is in both: ")


def section(**figures: float | None) -> Any:
    row = {"arm": "gevent", "transport": "websocket", "at": {"rate": 100}, "figures": figures, "notes": []}
    return {"sections": [{"name": "latency", "units": {"p99_us": "µs", "lost": "1"}, "rows": [row]}]}


def test_figures_of_sections_are_paired_and_claim_nothing(tmp_path: Path) -> None:
    old, new = (read_kept(folders.write(tmp_path / name, rounds=1), name) for name in ("old", "new"))
    old.results.update(section(p99_us=100.0, lost=0.0))
    new.results.update(section(p99_us=150.0, lost=2.0))
    found = compare(old, new)
    assert [(one["figure"], one["old"], one["new"], one["change"]) for one in found["sections"]] == [
        ("p99_us", 100.0, 150.0, pytest.approx(0.5)),
        ("lost", 0.0, 2.0, None),
    ]
    new.results.update(section(p99_us=None, lost=2.0))
    assert [one["figure"] for one in compare(old, new)["sections"]] == ["lost"]


def test_verdicts_that_changed_are_broken_mended_or_other(tmp_path: Path) -> None:
    old, new = folders.write(tmp_path / "old", rounds=1), folders.write(tmp_path / "new", rounds=1)
    before, after = (synthetic.conformance_document("gevent") for _ in range(2))
    passing = [case for case in before["cases"] if case["verdict"] == "pass"]
    places = [before["cases"].index(case) for case in passing[:3]]
    after["cases"][places[0]]["verdict"] = "fail"
    before["cases"][places[1]]["verdict"] = "fail"
    after["cases"][places[2]]["verdict"] = "known deviation"
    gone = after["cases"].pop()
    write_conformance(conformance_path(old, "gevent"), before)
    write_conformance(conformance_path(new, "gevent"), after)

    found = against(old, new)

    kinds = {(one["id"], one["kind"]) for one in found["conformance"]}
    names = [before["cases"][place]["id"] for place in places]
    assert kinds == {
        (names[0], "broken"),
        (names[1], "mended"),
        (names[2], "other"),
        (gone["id"], "asked once"),
    }
    assert f"gevent newly breaks {names[0]}." in found["findings"]
    assert f"gevent no longer breaks {names[1]}." in found["findings"]
    assert "1 case of the judge has another verdict." in found["findings"]
    assert "1 case of the judge is in one folder only" in found["notes"]


def test_judged_servers_alone_are_compared_on_any_machine(tmp_path: Path) -> None:
    for name, environment in (("old", folders.environment()), ("new", folders.environment(cores=64))):
        folder = folders.write(tmp_path / name, rounds=0, environment=environment)
        write_conformance(conformance_path(folder, "gevent"), synthetic.conformance_document("gevent"))
    found = against(tmp_path / "old", tmp_path / "new")
    assert found["meaningless"] == []
    assert found["findings"] == ["No verdict of the judge changed (1 server)."]


def test_results_alone_are_enough(tmp_path: Path) -> None:
    """A folder of an artifact may hold results.json and nothing else."""
    old = folders.write(tmp_path / "old")
    new = folders.write(tmp_path / "new", 2, cpu={("gevent", "websocket"): 1.4})
    whole = against(old, new)
    for name in ("old", "new"):
        (tmp_path / "bare" / name).mkdir(parents=True)
        write_results(tmp_path / "bare" / name / "results.json", read_kept(tmp_path / name, name).results)
    assert against(tmp_path / "bare/old", tmp_path / "bare/new") == whole
    assert findings_of(whole) == whole["findings"]
