"""The forms of a result: page, Markdown, badge, JUnit XML; results side by side, and what differs."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import xmlschema

from tests.reports.html import transcripts
from tests.servers import ROOT, start_command

WORDS = [sys.executable, "-m", "tests.strict_server", "--ping-interval", "1", "--ping-timeout", "3"]
# A pass, a failure (with the fault), a remark, what does not apply; over one transport and over two.
IDS = ("EIO-HS-05", "EIO-PL-01", "EIO-HS-10", "SIO-CL-01", "EIO-EN-01")
KNOWN = ("--target-library", "flask-socketio", "--target-version", "5.7.0", "--target-mode", "gevent")

Done = subprocess.CompletedProcess[str]


def conform(folder: Path, *words: str, **environment: str) -> Done:
    """`sioprobe conform WORDS` in this folder."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "SIOPROBE_PROG": "sioprobe conform", **environment},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A folder with every form of one judgement of a server with one fault, and the run."""
    folder = tmp_path_factory.mktemp("written")
    forms = [word for name in ("html", "markdown", "badge", "junit") for word in (f"--{name}", name)]
    with start_command([*WORDS, "--fault", "push-is-answered-in-capitals"]) as server:
        selected = [word for id_ in IDS for word in ("--id", id_)]
        done = conform(folder, "--url", server.url, *selected, *forms, "--report", "faulty.json")
        known = conform(folder, "--url", server.url, "--id", "EIO-PL-01", *KNOWN, "--junit", "known.xml")
    assert known.returncode == 0, known.stdout + known.stderr
    return folder, done


def test_every_form_is_written_and_the_exit_code_is_that_of_the_judgement(written: tuple[Path, Done]) -> None:
    folder, done = written
    assert done.returncode == 1, done.stdout + done.stderr
    names = {"html", "markdown", "badge", "junit", "faulty.json", "known.xml"}
    assert {path.name for path in folder.iterdir()} == names


def test_the_page_holds_what_was_found(written: tuple[Path, Done]) -> None:
    page = (written[0] / "html").read_text()
    for told in ("body &#39;OK&#39;", "needs a cluster: give a second --url"):
        assert told in page
    assert "answer to GET: 200" in json.dumps(transcripts(page))
    assert "sioprobe conform --url http://127.0.0.1:" in page
    assert "only 5 of " in page  # a run of some requirements says so


def test_the_summary_names_what_is_not_kept(written: tuple[Path, Done]) -> None:
    summary = (written[0] / "markdown").read_text()
    assert summary.startswith("## ✗ Failures: ")
    assert (
        "| EIO-PL-01 A push is answered by HTTP 200 and the body `ok` | MUST | ✗ fail | body 'OK' |"
        in summary
    )


def test_the_badge_is_an_endpoint_of_shields(written: tuple[Path, Done]) -> None:
    badge = json.loads((written[0] / "badge").read_text())
    assert badge.keys() == {"schemaVersion", "label", "message", "color"}
    assert badge["schemaVersion"] == 1
    assert badge["color"] == "red"
    assert badge["message"].startswith("failures, 3 of 4 MUST (5 of ")


@pytest.mark.parametrize("name", ["junit", "known.xml"])
def test_junit_xml_keeps_its_schema(name: str, written: tuple[Path, Done]) -> None:
    xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd")).validate(written[0] / name)


def test_junit_holds_requirement_level_verdict_close_and_transcript(written: tuple[Path, Done]) -> None:
    cases = ElementTree.parse(written[0] / "junit").getroot().findall(".//testcase")
    found = {
        case.get("name"): {item.get("name"): item.get("value") for item in case.findall(".//property")}
        for case in cases
    }
    assert found["test_closes_on_an_unknown_engine_packet_type[websocket]"] == {
        "requirement": "EIO-EN-01",
        "level": "MUST",
        "verdict": "pass",
        "closed": "WebSocket close without a code",
    }
    verdicts = {properties["verdict"] for properties in found.values()}
    assert verdicts == {"pass", "fail", "not applicable"}
    assert all("C→S" in case.findtext("system-out", "") for case in cases if case.find("skipped") is None)
    # What was not judged is no pass in JUnit either.
    skipped = {case.get("name") for case in cases if case.find("skipped") is not None}
    assert skipped == {name for name, item in found.items() if item["verdict"] == "not applicable"}


def test_a_known_deviation_is_skipped_in_junit_with_its_reason(written: tuple[Path, Done]) -> None:
    skipped = ElementTree.parse(written[0] / "known.xml").getroot().find(".//skipped")
    assert skipped is not None
    assert "answered by `OK` in capitals" in skipped.get("message", "")


def test_results_stand_side_by_side(written: tuple[Path, Done], tmp_path: Path) -> None:
    one = written[0] / "faulty.json"
    other = json.loads(one.read_text())
    other["target"] |= {"library": "other", "title": "other"}
    (tmp_path / "other.json").write_text(json.dumps(other))
    done = conform(tmp_path, "--matrix", str(one), "other.json", "--html", "m.html", "--markdown", "m.md")
    assert done.returncode == 0, done.stderr
    assert "2 servers, 5 requirements: none are answered differently" in (tmp_path / "m.html").read_text()
    assert (tmp_path / "m.md").read_text().startswith("## ✗ 2 servers with failures: ")


def test_a_difference_ends_with_1_and_none_with_0(written: tuple[Path, Done], tmp_path: Path) -> None:
    one = written[0] / "faulty.json"
    other = json.loads(one.read_text())
    other["cases"][0] |= {"closed": "by an act of the sea"}
    (tmp_path / "other.json").write_text(json.dumps(other))
    same = conform(tmp_path, "--diff", str(one), str(one))
    assert (same.returncode, same.stderr) == (0, "")
    differs = conform(tmp_path, "--diff", str(one), "other.json", "--json")
    assert differs.returncode == 1
    [case] = json.loads(differs.stdout)["cases"]
    assert case["id"] == other["cases"][0]["id"]
    assert case["second"]["closed"] == "by an act of the sea"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--matrix", "--html", "m.html"], "--matrix takes result files, as --report writes them"),
        (["--matrix", "good.json"], "--matrix writes a page: give --html FILE or --markdown FILE"),
        (["--matrix", "nowhere.json", "--html", "m.html"], "there is no result file nowhere.json"),
        (["--matrix", "wrong.json", "--html", "m.html"], "wrong.json: kind is missing"),
        (["--matrix", "good.json", "--html", "no/m.html"], "--html: folder no does not exist"),
        (["--matrix", "good.json", "--markdown", "."], "--markdown: . is a folder"),
        (
            ["good.json"],
            "give --url URL of the server, or --client COMMAND, or --matrix or --diff for result files",
        ),
        (["--diff", "--url", "http://127.0.0.1:9"], "--diff judges nothing: leave --url out"),
        (["--diff", "good.json"], "--diff takes two result files, not 1"),
        (["--diff", "good.json", "wrong.json"], "wrong.json: kind is missing"),
        (["--diff", "--matrix", "good.json"], "--matrix and --diff do not go together"),
        (["--url", "http://127.0.0.1:9", "--badge", "no/b.json"], "--badge: folder no does not exist"),
    ],
)
def test_wrong_usage_gets_one_line_and_2(
    words: list[str], message: str, written: tuple[Path, Done], tmp_path: Path
) -> None:
    (tmp_path / "good.json").write_bytes((written[0] / "faulty.json").read_bytes())
    (tmp_path / "wrong.json").write_text("{}")
    done = conform(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    """Before anything is judged. A module that cannot be found stands in for one that is not installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'jinja2' else find(name, *more)\n"
    )
    path = f"{ROOT}:{tmp_path}"
    done = conform(tmp_path, "--url", "http://127.0.0.1:9", "--html", "m.html", PYTHONPATH=path)
    assert done.returncode == 2
    assert "--html and --markdown need jinja2: pip install 'sioprobe[report]'" in done.stderr
    assert not (tmp_path / "m.html").exists()
