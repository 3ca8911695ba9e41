"""The page and the Markdown of conformance results: of one server and of many."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.requirements import catalogue
from reports.conformance.__main__ import main
from reports.conformance.coverage import coverage_of
from reports.conformance.server_names import names_of
from reports.conformance.words import AREAS
from tests.reports import synthetic
from tests.reports.html import Page

ARMS = ("gevent", "threading", "node")


def document(arm: str, **target: Any) -> Any:
    """A result of 46 requirements, of which the suite has 50, and two statements without a case."""
    made: Any = synthetic.conformance_document(arm)
    made["suite"] |= {
        "requirements": 50,
        "protocols": ["Engine.IO protocol 4"],
        "without_cases": [
            {"id": f"EIO-WT-0{n}", "level": "MUST", "requirement": "a wire of `light`", "reason": "no fibre"}
            for n in (1, 2)
        ],
    }
    made["target"] |= target
    for case in made["cases"]:
        if case["id"] == made["cases"][0]["id"]:
            case |= {"verdict": "not applicable", "reason": "the server has no polling"}
    return made


def write(folder: Path, **documents: Any) -> list[str]:
    for name, made in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(made))
    return [str(folder / f"{name}.json") for name in documents]


def pages(folder: Path, *files: str) -> tuple[str, str]:
    """HTML and Markdown of these results."""
    words = [*files, "--html", str(folder / "p.html"), "--markdown", str(folder / "p.md"), "--command", "x y"]
    assert main(words) == 0
    return (folder / "p.html").read_text("utf-8"), (folder / "p.md").read_text("utf-8")


@pytest.fixture(params=[1, 3], ids=["one server", "three servers"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    files = write(tmp_path, **{arm: document(arm) for arm in ARMS[: request.param]})
    return pages(tmp_path, *files)


def test_the_page_names_no_address_outside_itself(both: tuple[str, str]) -> None:
    page, _ = both
    assert [address for address in Page(page).addresses if not address.startswith("#")] == []
    seen = re.sub(r'<script>.*?</script>|data-gzip="[^"]*"', "", page, flags=re.DOTALL)
    assert set(re.findall(r"(?:https?:)?//([\w.-]+)", seen)) == {"127.0.0.1"}
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_page_is_well_formed_and_its_references_lead_somewhere(both: tuple[str, str]) -> None:
    read = Page(both[0])
    assert (read.mismatched, read.open) == ([], [])
    assert len(read.ids) == len(set(read.ids))
    assert {address.removeprefix("#") for address in read.addresses} <= set(read.ids)
    [script] = re.findall(r"<script>(.*?)</script>", both[0], flags=re.DOTALL)
    assert script.count("\n") < 100


def test_the_page_says_what_was_covered_and_what_was_not(both: tuple[str, str]) -> None:
    text = " ".join(Page(both[0]).text.split())
    for told in (
        "The catalogue has 52 statements. 50 of them have cases; 2 have none",
        "the run asked for only 46 of 50 requirements",
        "the server has no polling: EIO-HS-01",
        "a wire of light",
        "no fibre",
        "Engine.IO protocol 4",
        "contract level",
        "x y",
    ):
        assert told in text, told


def test_the_summary_is_short_before_its_details(both: tuple[str, str]) -> None:
    before, details, _ = both[1].partition("<details>")
    assert details
    assert len(before.strip().splitlines()) <= 25
    tables = re.findall(r"(?:^\|.*\n)+", both[1], flags=re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_a_page_of_one_server_tells_its_passes_case_by_case(tmp_path: Path) -> None:
    [file, other] = write(tmp_path, a=document("gevent"), b=document("node"))
    one = " ".join(Page(pages(tmp_path, file)[0]).text.split())
    many = " ".join(Page(pages(tmp_path, file, other)[0]).text.split())
    assert "✓ pass" in one
    assert one.count("Reproduce") > many.count("Reproduce")
    assert "Every case passes on" in many
    assert "Every case passes on" not in one


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    files = write(tmp_path, **{arm: document(arm) for arm in ARMS})
    assert pages(tmp_path, *files) == pages(tmp_path, *files)


def test_hostile_content_shows_and_does_nothing(tmp_path: Path) -> None:
    nasty = '"><img src=x onerror=alert(1)>\x00{{7*7}}</style><script>alert(2)</script>|`'
    made = document("gevent", title=nasty, library=nasty, version=nasty, mode=nasty, url=nasty)
    made["suite"] |= {"version": nasty, "protocols": [nasty]}
    made["suite"]["without_cases"][0] |= dict.fromkeys(("id", "requirement", "reason"), nasty)
    for case in made["cases"]:
        case |= dict.fromkeys(
            ("id", "requirement", "case", "closed", "actual", "reason", "reproduce", "transport", "spec"),
            nasty,
        )
    page, summary = pages(tmp_path, *write(tmp_path, a=made, b=document("node")))
    read = Page(page)
    assert "img" not in {tag for tag, _ in read.elements}
    assert [tag for tag, _ in read.elements].count("script") == 1
    assert [tag for tag, _ in read.elements].count("style") == 1
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.mismatched == []
    assert "<img" not in summary
    assert "<script" not in summary


def test_what_the_schema_leaves_out_may_be_missing(tmp_path: Path) -> None:
    least: Any = {
        "schema": 1,
        "kind": "conformance",
        "suite": {"version": "0.1.0"},
        "target": {"url": "http://127.0.0.1:9"},
        "conformant": False,
        "outcome": "harness error",
        "counts": {},
        "cases": [],
    }
    case = {"id": "X", "requirement": "a", "level": "MAY", "case": "b", "verdict": "not applicable"}
    files = write(
        tmp_path,
        least=least,
        shake=least | {"target": {"url": "x", "handshake": {"upgrades": []}}, "cases": [case]},
        limit=least | {"target": {"url": "x", "handshake": {"pingInterval": 1, "maxPayload": None}}},
    )
    for chosen in ([files[0]], [files[1]], [files[2]], files):
        page, summary = pages(tmp_path, *chosen)
        assert "no requirement was judged" in page or "3 servers" in page
        assert "Not judged" in summary or "not judged" in summary


def test_results_of_different_suites_are_marked(tmp_path: Path) -> None:
    old: Any = synthetic.conformance_document("node")
    page, summary = pages(tmp_path, *write(tmp_path, a=document("gevent"), b=old))
    assert "different suites made these results (0.1.0; 46, 50 requirements)" in Page(page).text
    assert "different suites made these results" in summary


def test_a_verdict_that_stands_for_no_requirement_is_shown_as_none(tmp_path: Path) -> None:
    made = document("gevent")
    case = next(one for one in made["cases"] if one["verdict"] == "pass")
    made["cases"] += [{**case, "verdict": "info"}, {**case, "verdict": "unexpected pass"}]
    page, _ = pages(tmp_path, *write(tmp_path, a=made))
    assert '<b>1</b> <span aria-hidden="true">‼</span> unexpected pass' in page


def test_coverage_counts_requirements_by_their_worst_case() -> None:
    made = document("gevent")
    one = made["cases"][1]
    made["cases"] = [{**one, "verdict": v, "level": "MUST"} for v in ("pass", "fail", "not applicable")]
    [server] = coverage_of({"a": made}).servers
    assert (server.judged, server.not_applicable, server.not_asked) == (1, 0, 49)
    assert server.verdicts == {"fail": 1}
    assert (server.must_kept, server.must_judged) == (0, 1)


def test_a_reason_is_told_once_for_the_servers_that_share_it() -> None:
    coverage = coverage_of({arm: document(arm) for arm in ARMS})
    found = [reason.servers for reason in coverage.reasons if reason.text == "the server has no polling"]
    assert found == [list(ARMS)]


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ([("f", "1", "a"), ("f", "1", "b")], ["a", "b"]),
        ([("f", "1", "a"), ("f", "2", "a")], ["f 1", "f 2"]),
        ([("f", "1", "a"), ("f", "1", "b"), ("g", "2", None)], ["f a", "f b", "g 2"]),
        ([("f", "1", "a"), ("f", "1", "a")], ["f 1 (file-0)", "f 1 (file-1)"]),
        ([("f", "1", "a")], ["f 1"]),
        ([(None, None, None), (None, "2", "x")], ["title 0", "title 1"]),
    ],
)
def test_names_hold_what_tells_servers_apart(targets: list[Any], names: list[str]) -> None:
    results = [
        document("gevent", library=library, version=version, mode=mode, title=f"title {number}")
        for number, (library, version, mode) in enumerate(targets)
    ]
    assert names_of([Path(f"file-{n}.json") for n in range(len(targets))], results) == names


def test_a_server_that_is_called_by_its_address_goes_by_its_file() -> None:
    result = document("gevent", library=None, url="http://127.0.0.1:9", title="http://127.0.0.1:9")
    assert names_of([Path("folder/strict.json")], [result]) == ["strict"]


def test_every_area_of_the_catalogue_has_a_name() -> None:
    entries = [*catalogue().values(), *catalogue("client").values()]
    assert {entry.area for entry in entries} <= AREAS.keys()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.json", "--html", "p.html"], "none.json: cannot be read: No such file or directory"),
        (["a.json"], "give --html FILE or --markdown FILE"),
        (["a.json", "--html", "no/such/p.html"], "no/such/p.html: cannot be written"),
    ],
)
def test_bad_input_gets_one_line_and_2(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a=document("gevent"))
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert message in capsys.readouterr().err
