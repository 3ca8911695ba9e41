"""The page: one file, nothing fetched, everything in it without script, hostile content harmless."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from reports.comparison.page import render_page
from reports.comparison.report import write_report
from reports.statistics.result_folder import Inputs, read_folder
from reports.writing.rendering import LARGEST_PAGE
from sioprobe.results.files import Rounds, append_block, conformance_path, write_conformance, write_run
from sioprobe.results.loads import PartnerUsage
from tests.reports import synthetic
from tests.reports.html import Page, Tree, transcripts

TOO_LARGE = 3_000_000


def rendered(folder: Path) -> str:
    write_report(folder, read_folder(folder))
    return (folder / "report.html").read_text("utf-8")


def test_the_same_input_gives_the_same_bytes(report_folder: Path, page: str, tmp_path: Path) -> None:
    copy = shutil.copytree(report_folder, tmp_path / "elsewhere")
    assert rendered(copy) == page


def test_the_page_names_no_address_outside_itself(page: str) -> None:
    read = Page(page)
    assert read.addresses
    assert [address for address in read.addresses if not address.startswith("#")] == []
    # Addresses in text are those of the judged servers, which are on this machine.
    seen = re.sub(r'<script>.*?</script>|data-gzip="[^"]*"', "", page, flags=re.DOTALL)
    hosts = set(re.findall(r"(?:https?:)?//([\w.-]+)", seen))
    assert hosts == {"127.0.0.1"}
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_page_forbids_itself_to_fetch(page: str) -> None:
    policy = next(
        a["content"] for tag, a in Page(page).elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    read = Page(page)
    assert len(read.ids) == len(set(read.ids))
    assert {address.removeprefix("#") for address in read.addresses} <= set(read.ids)
    assert set(read.references) <= set(read.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(read.ids)


def test_every_element_is_closed(page: str) -> None:
    read = Page(page)
    assert read.mismatched == []
    assert read.open == []


def test_everything_stands_in_the_page_without_script(page: str) -> None:
    text = " ".join(Page(page).text.split())
    for told in (
        "among servers with one process, every block of gevent was above every block of the 4 others",
        "sioprobe compare --profile quick",
        "AMD EPYC 7B13, 2 cores, in a container",
        "uWSGI is not installed here: no wheel exists and no C compiler was found",
        "oversubscribed: 4 processes",
        "queue not counted: the redis process is in neither server CPU nor RSS",
        "the CPU of a message includes that of the queue, which has a row of its own",
        "At saturation p50 and p99 are mostly the wait in this queue",
        "still open after 2.0 s; answers a fresh event",
        "websocket 1011",
        "range of 3 blocks",
        "CPU pressure 34 %",
        "sioprobe conform --url http://127.0.0.1:5000 -- -k EIO-HB-17",
        "no longer has a listed deviation, or could not be judged",
        "conformance only",
    ):
        assert told in text, told


def test_the_queue_of_a_server_has_a_row_of_its_own(tmp_path: Path) -> None:
    synthetic.write_folder(tmp_path)
    inputs = read_folder(tmp_path)
    queue = PartnerUsage(cpu_seconds=0.03, rss_bytes=8 * 2**20, processes=1)
    for n, block in enumerate(inputs.blocks):
        if block.arm == "gevent-2":
            inputs.blocks[n] = replace(block, partners={"queue": queue}, messages=1000)
    write_report(tmp_path, inputs)

    rows = [
        each for each in Tree((tmp_path / "report.html").read_text("utf-8")).root.all() if each.tag == "tr"
    ]
    [row] = [each.text for each in rows if each.attributes.get("class") == "partner"]
    assert row.startswith("of that its queue")
    assert "30.0" in row
    assert "8.00MiB in all" in row


def test_hostile_content_shows_and_does_nothing(page: str) -> None:
    assert page.count("<script>") == 1
    raws = {line[3] for transcript in transcripts(page) for line in transcript}
    assert '42["<script>alert(1)</script>","\\x1e\\x00\\x1b[31m\\u202eabc"]' in raws
    unwanted = set(map(chr, range(32))) - {"\n"} | {"\u202e", "\x7f"}
    assert unwanted.isdisjoint(page)


def test_hostile_names_are_escaped_everywhere(tmp_path: Path) -> None:
    nasty = '"><img src=x onerror=alert(1)>\x00{{7*7}}'
    arm: Any = {**synthetic.ARMS["gevent"], "id": nasty, "title": nasty, "versions": {nasty: nasty}}
    run = synthetic.run_document({nasty: arm}, command=nasty, profile={nasty: nasty})
    document: Any = synthetic.conformance_document("gevent", 3)
    document["target"] |= {"title": nasty, "library": nasty}
    for case in document["cases"]:
        case |= dict.fromkeys(
            ("requirement", "case", "closed", "actual", "reason", "reproduce", "transport"), nasty
        )
        case |= {"id": nasty, "verdict": "fail", "expected": [nasty]}
    blocks = [
        replace(block, arm=nasty, scenario=nasty)
        for block in synthetic.blocks(2, {"gevent": synthetic.ARMS["gevent"]})
    ]
    inputs = Inputs(run, Rounds(blocks, nasty), {nasty: document})

    write_report(tmp_path, inputs)

    read = Page((tmp_path / "report.html").read_text("utf-8"))
    assert "img" not in {tag for tag, _ in read.elements}
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.mismatched == []
    assert '"><img src=x onerror=alert(1)>\\x00{{7*7}}' in read.text
    assert "<img" not in (tmp_path / "summary.md").read_text("utf-8")


def test_each_figure_is_described_and_has_its_table(page: str) -> None:
    figures = [(attributes, n) for n, (tag, attributes) in enumerate(Page(page).elements) if tag == "svg"]
    assert len(figures) == 8
    for attributes, _ in figures:
        assert attributes["role"] == "img"
    text = Page(page).text
    assert "gevent over WebSocket 8\u202f" in text
    assert page.count("The figures as a table") == 4


def test_the_embedded_files_are_those_beside_the_page(page: str, report_folder: Path) -> None:
    buttons = [attributes for tag, attributes in Page(page).elements if tag == "button"]
    names = [button["data-name"] for button in buttons]
    assert names[:4] == ["results.json", "cells.csv", "run.json", "rounds.jsonl"]
    assert len(names) == 4 + 7
    for button in buttons:
        inside = gzip.decompress(base64.b64decode(button["data-gzip"]))
        assert inside == (report_folder / button["data-name"]).read_bytes()


def test_the_page_stays_small_with_many_requirements_and_servers(tmp_path: Path) -> None:
    arms: dict[str, Any] = {}
    for n in range(10):
        arms[f"gevent-{n}"] = {**synthetic.ARMS["gevent"], "id": f"gevent-{n}", "title": f"gevent number {n}"}
        document: Any = synthetic.conformance_document(f"gevent-{n}", 200)
        for case in document["cases"]:
            case["transcript"] = synthetic.transcript(case["id"]) * 8
            if case["verdict"] != "pass":
                case["actual"] = f"answer {n}"
        write_conformance(conformance_path(tmp_path, f"gevent-{n}"), document)
    write_run(tmp_path / "run.json", synthetic.run_document(arms))
    page = rendered(tmp_path)
    assert len(page.encode()) < TOO_LARGE
    assert len([1 for tag, a in Page(page).elements if a.get("class") == "req"]) == 200


def test_raw_files_that_would_make_the_page_too_large_are_named_instead(report_folder: Path) -> None:
    inputs = read_folder(report_folder)
    results = json.loads((report_folder / "results.json").read_text("utf-8"))
    import random

    large = random.Random(1).randbytes(LARGEST_PAGE)
    page = render_page(inputs, results, {"small.json": b"{}", "large.bin": large})
    assert "except large.bin, which would make it too large" in " ".join(Page(page).text.split())
    assert [a["data-name"] for tag, a in Page(page).elements if tag == "button"] == ["small.json"]


def test_an_interrupted_run_says_what_is_missing(tmp_path: Path) -> None:
    write_run(tmp_path / "run.json", synthetic.run_document(interrupted=True))
    for block in synthetic.blocks(1)[:5]:
        append_block(tmp_path / "rounds.jsonl", block)
    with (tmp_path / "rounds.jsonl").open("a") as file:
        file.write('{"schema": 1, "ki')
    text = " ".join(Page(rendered(tmp_path)).text.split())
    assert "Incomplete" in text
    assert "the run was interrupted" in text
    assert "rounds.jsonl: line 6 is cut off" in text
    assert "no block was recorded" in text
    assert "one block" in text
    assert "No server was judged" in text


def test_blocks_that_failed_are_shown(tmp_path: Path) -> None:
    lost = "round 2: gevent + gevent-websocket, websocket: no block: no answer within 12 s"
    failed = {"round": 2, "arm": "gevent", "transport": "websocket", "reason": "no answer within 12 s"}
    arms = {arm: synthetic.ARMS[arm] for arm in ("gevent", "eventlet")}
    synthetic.write_folder(tmp_path, arms=arms, conformance=False)
    write_run(tmp_path / "run.json", synthetic.run_document(arms, profile={"failed_blocks": [failed]}))
    text = " ".join(Page(rendered(tmp_path)).text.split())
    assert "Incomplete" in text
    assert "1 block of the plan failed" in text
    assert f"Blocks that failed Each of these blocks began and gave no result. {lost}" in text
    assert "1 failed" in text
    assert f"failed block: {lost}" in (tmp_path / "summary.md").read_text("utf-8")


def test_bold_is_only_what_no_range_overlaps(tmp_path: Path) -> None:
    arms = {arm: synthetic.ARMS[arm] for arm in ("gevent", "eventlet")}
    write_run(tmp_path / "run.json", synthetic.run_document(arms))
    for block in synthetic.blocks(3, arms):
        server = replace(block.server, cpu_seconds=1.0 if block.arm == "gevent" else 2.0)
        changed = replace(block, messages=1000 + block.round, server=server)
        append_block(tmp_path / "rounds.jsonl", changed)
    cells = [
        a
        for tag, a in Page(rendered(tmp_path)).elements
        if tag == "td" and "best" in a.get("class", "").split()
    ]
    labels = [cell["data-label"] for cell in cells]
    assert "Server CPU, µs a message" in labels
    assert "Messages, per second" not in labels


def test_a_run_of_one_arm_ranks_nobody(tmp_path: Path) -> None:
    page = rendered(synthetic.write_folder(tmp_path, arms={"eventlet": synthetic.ARMS["eventlet"]}))
    text = " ".join(Page(page).text.split())
    assert "Over WebSocket, eventlet carries" in text
    assert "carries the most" not in text
    assert "overlaps the best" not in page


def test_a_folder_with_conformance_only(tmp_path: Path) -> None:
    write_conformance(conformance_path(tmp_path, "node"), synthetic.conformance_document("node"))
    text = " ".join(Page(rendered(tmp_path)).text.split())
    assert "No server of 1 deviates" in text
    assert "No load was measured" in text
    assert "46 requirements, 1 server" in text


def test_a_folder_with_blocks_only(tmp_path: Path) -> None:
    for block in synthetic.blocks(5):
        append_block(tmp_path / "rounds.jsonl", block)
    text = " ".join(Page(rendered(tmp_path)).text.split())
    assert "93 % interval of 5 blocks" in text
    assert "the folder has no run.json" in text


def test_a_run_that_measured_nothing_says_so(tmp_path: Path) -> None:
    write_run(tmp_path / "run.json", synthetic.run_document())
    text = " ".join(Page(rendered(tmp_path)).text.split())
    assert "Nothing measured" in text
    assert "<svg" not in text


def test_each_workload_has_its_own_matrix_and_figures(tmp_path: Path) -> None:
    arms = {arm: synthetic.ARMS[arm] for arm in ("gevent", "eventlet")}
    write_run(tmp_path / "run.json", synthetic.run_document(arms))
    for block in synthetic.blocks(2, arms):
        append_block(tmp_path / "rounds.jsonl", block)
        append_block(tmp_path / "rounds.jsonl", replace(block, connections=200))
    read = Page(rendered(tmp_path))
    assert "Scenario ack, 50 connections" in read.text
    assert "Scenario ack, 200 connections" in read.text
    assert {"fig1-throughput", "fig2-throughput"} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))


def test_a_flag_that_every_server_has_is_said_once(tmp_path: Path) -> None:
    arms = {arm: synthetic.ARMS[arm] for arm in ("gevent", "eventlet")}
    write_run(tmp_path / "run.json", synthetic.run_document(arms))
    for block in synthetic.blocks(2, arms):
        idle = replace(block, server=replace(block.server, cpu_seconds=0.3))
        append_block(tmp_path / "rounds.jsonl", idle)
    text = Page(rendered(tmp_path)).text
    assert text.count("no server was at its maximum") == 1
    assert "server not saturated:" not in text


def test_the_shares_of_the_processor_stand_in_the_table_under_cpu(page: str) -> None:
    text = Page(page).text
    assert "Server CPU share, % of a core" in text
    assert "Generator CPU share, % of a core" in text


def test_the_script_is_short_and_the_page_declares_its_language(page: str) -> None:
    script = page[page.index("<script>") : page.index("</script>")]
    assert len(script.splitlines()) < 100
    assert '<html lang="en">' in page
