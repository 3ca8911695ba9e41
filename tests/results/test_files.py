"""Result files: what is written is read again, and what cannot be used is named in one line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import (
    append_block,
    append_life,
    append_measurement,
    conformance_path,
    conformance_paths,
    read_conformance,
    read_lives,
    read_measurements,
    read_results,
    read_rounds,
    read_run,
    write_conformance,
    write_run,
    write_text,
)
from sioprobe.results.loads import RoundsLine, Validity, to_json
from tests.reports import synthetic
from tests.reports.measurements import measurement

Document = dict[str, Any]


def run() -> Document:
    return json.loads(json.dumps(synthetic.run_document()))


def one_block() -> Document:
    return to_json(synthetic.blocks(1)[0])


def message_of(path: Path, read: Callable[[Path], object]) -> str:
    with pytest.raises(ResultFileError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_run(tmp_path / "run.json", synthetic.run_document())
    assert read_run(tmp_path / "run.json") == synthetic.run_document()
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_conformance_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = conformance_path(tmp_path, "gevent")
    write_conformance(path, synthetic.conformance_document("gevent"))
    assert read_conformance(path) == synthetic.conformance_document("gevent")
    assert conformance_paths(tmp_path) == {"gevent": path}


def test_blocks_are_read_as_they_were_appended(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    blocks = synthetic.blocks(2)
    for block in blocks:
        append_block(path, block)
    assert read_rounds(path).blocks == blocks
    assert read_rounds(path).note is None


def test_a_folder_without_rounds_has_no_blocks(tmp_path: Path) -> None:
    assert read_rounds(tmp_path / "rounds.jsonl").blocks == []


@pytest.mark.parametrize("kept_bytes", [1, 200, -2])
def test_a_cut_off_last_line_is_left_out_and_said(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "rounds.jsonl"
    first, second = synthetic.blocks(1)[:2]
    append_block(path, first)
    size = path.stat().st_size
    append_block(path, second)
    whole = path.read_bytes()
    path.write_bytes(whole[: size + kept_bytes] if kept_bytes > 0 else whole[:kept_bytes])

    rounds = read_rounds(path)

    assert rounds.blocks == [first]
    assert rounds.note is not None
    assert rounds.note.startswith("rounds.jsonl: line 2 is cut off")


def test_a_line_cut_within_a_character_is_left_out_too(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    append_block(path, synthetic.blocks(1)[0])
    path.write_bytes(path.read_bytes() + '{"arm": "é'.encode()[:-1])
    assert len(read_rounds(path).blocks) == 1


def test_appending_after_a_cut_off_line_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    first, second, third = synthetic.blocks(1)[:3]
    append_block(path, first)
    append_block(path, second)
    path.write_bytes(path.read_bytes()[:-30])

    append_block(path, third)

    assert read_rounds(path).blocks == [first, third]
    assert read_rounds(path).note is None


def test_a_last_line_without_its_newline_counts_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    append_block(path, synthetic.blocks(1)[0])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert len(read_rounds(path).blocks) == 1


def test_a_broken_line_amid_others_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    append_block(path, synthetic.blocks(1)[0])
    path.write_bytes(b'{"half\n' + path.read_bytes())
    assert message_of(path, read_rounds).startswith("rounds.jsonl: line 1 is not JSON: ")


def change(document: Document, place: list[str | int], value: object) -> Document:
    inner: Any = document
    for part in place[:-1]:
        inner = inner[part]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return document


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["cells", 3, "arm"], ..., "run.json: cells[3].arm is missing"),
        (["arms"], ..., "run.json: arms is missing"),
        (["schema"], 2, "run.json: schema is 2, this sioprobe reads schema 1"),
        (["schema"], ..., "run.json: schema is missing, this sioprobe reads schema 1"),
        (["kind"], "block", "run.json: kind is 'block', it should be 'run'"),
        (["interrupted"], "no", 'run.json: interrupted is "no", it should be of type boolean'),
        (["finished_at"], 5, "run.json: finished_at is 5, it should be of type string or null"),
        (["cells", 0, "connections"], 0, "run.json: cells[0].connections is 0, it should be at least 1"),
        (
            ["cells", 11, "transport"],
            "websockets",
            'run.json: cells[11].transport is "websockets", which is not valid'
            " (the nearest is 'websocket'; valid are polling, upgrade, websocket)",
        ),
    ],
)
def test_a_wrong_run_is_named_by_place(
    tmp_path: Path, place: list[str | int], value: object, message: str
) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(change(run(), place, value)))
    assert message_of(path, read_run) == message


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["direction"], "C->S", 'direction is "C->S", which is not valid (valid are C→S, S→C)'),
        (["time"], "0", 'time is "0", it should be of type number'),
        (["raw"], ..., "raw is missing"),
        (["layer"], 1, "layer is 1, it should be of type string or null"),
        (["meaning"], [], "meaning is [], it should be of type string or null"),
    ],
)
def test_a_wrong_transcript_line_is_named_by_place(
    tmp_path: Path, place: list[str | int], value: object, message: str
) -> None:
    document = json.loads(json.dumps(synthetic.conformance_document("gevent")))
    case = next(n for n, case in enumerate(document["cases"]) if case["transcript"])
    change(document, ["cases", case, "transcript", 2, *place], value)
    with pytest.raises(ResultFileError) as caught:
        write_conformance(tmp_path / "conformance-gevent.json", document)
    assert str(caught.value) == f"conformance-gevent.json: cases[{case}].transcript[2].{message}"


def test_the_first_wrong_place_in_the_document_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    document = change(change(run(), ["cells", 10, "arm"], 1), ["cells", 2, "arm"], 1)
    path.write_text(json.dumps(document))
    assert message_of(path, read_run).startswith("run.json: cells[2].arm is 1")


def test_a_wrong_block_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    good, bad = one_block(), change(one_block(), ["latency", "unit"], "ms")
    path.write_text(json.dumps(good) + "\n" + json.dumps(bad) + "\n")
    assert message_of(path, read_rounds) == "rounds.jsonl: line 2: latency.unit is \"ms\", it should be 'us'"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["latency", "count"], 1, "rounds.jsonl: latency.count is 1, its histogram holds "),
        (["latency", "histogram", 0, 0], 3, None),
        (["latency", "histogram", 0, 0], 513, "rounds.jsonl: latency.histogram: 513 is not the lower bound"),
    ],
)
def test_a_histogram_that_does_not_add_up_is_named(
    tmp_path: Path, place: list[str | int], value: int, message: str | None
) -> None:
    block = msgspec.convert(change(one_block(), place, value), RoundsLine)
    if message is None:
        append_block(tmp_path / "rounds.jsonl", block)
        return
    with pytest.raises(ResultFileError) as caught:
        append_block(tmp_path / "rounds.jsonl", block)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "run.json: not a JSON object but an array"),
        (b"{", "run.json: not JSON: "),
        (b'{"schema": NaN}', "run.json: not JSON: NaN is no number in JSON"),
        (b"[" * 100_000, "run.json: not JSON: it is nested too deeply"),
        (b"\xff", "run.json: not UTF-8 at byte 0"),
        (None, "run.json: cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_document_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    assert message_of(path, read_run).startswith(message)


def test_results_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(run()))
    assert message_of(path, read_results) == "results.json: kind is 'run', it should be 'results'"


def test_a_writer_learns_of_its_own_mistake_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    block = synthetic.blocks(1)[0]
    wrong: Any = Validity(verdict="OK", reasons=[])  # type: ignore[arg-type]
    with pytest.raises(ResultFileError, match=r"rounds.jsonl: validity.verdict is \"OK\""):
        append_block(path, msgspec.structs.replace(block, validity=wrong))
    with pytest.raises(ResultFileError, match="a number in it is not finite"):
        append_block(path, msgspec.structs.replace(block, seconds=math.inf))
    assert not path.exists()


def test_a_lone_surrogate_that_a_server_sent_is_kept(tmp_path: Path) -> None:
    document = synthetic.conformance_document("gevent")
    document["cases"][0]["actual"] = "\ud83d alone"
    path = conformance_path(tmp_path, "gevent")
    write_conformance(path, document)
    assert read_conformance(path) == document


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    document = run() | {"added_later": 1}
    path.write_text(json.dumps(document))
    assert read_run(path) == document


def test_measurements_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "measurements.jsonl"
    first = measurement("fanout", "gevent", {"room_size": 10}, {"kind": "block"})
    second = measurement("fanout", "eventlet", {"room_size": 10}, None, problem="not ready")
    assert read_measurements(path) == []

    append_measurement(path, first)
    append_measurement(path, second)

    assert read_measurements(path) == [first, second]
    with pytest.raises(ResultFileError, match='section is "fan-out", which is not valid'):
        append_measurement(path, {**first, "section": "fan-out"})  # type: ignore[typeddict-item]


def test_lines_go_on_after_one_that_was_cut_off(tmp_path: Path) -> None:
    one = measurement("fanout", "gevent", {"room_size": 10}, None, problem="not ready")
    measurements, lives = tmp_path / "measurements.jsonl", tmp_path / "lives.jsonl"
    for path in (measurements, lives):
        path.write_text('{"schema": 1, "kin')

    assert read_measurements(measurements) == []
    append_measurement(measurements, one)
    append_life(lives, {"number": 1})

    assert read_measurements(measurements) == [one]
    assert read_lives(lives) == [{"number": 1}]


def test_a_link_and_a_pipe_are_written_and_not_replaced(tmp_path: Path) -> None:
    """As `/dev/stdout` and `/dev/null` are."""
    file, link, pipe = (tmp_path / name for name in ("file", "link", "pipe"))
    file.touch()
    link.symlink_to(file)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    for path in (link, pipe):
        write_text(path, "text")

    with os.fdopen(reader) as heard:
        assert heard.read() == "text"
    assert file.read_text() == "text"
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert len(list(tmp_path.iterdir())) == 3
