"""A line for each user: no line twice, and none too few, in one process and in several."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from load.blocks.measuring import BlockRequest, measure
from load.servers.user_lines import NONE_LEFT, UserLines
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.engine import Target
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import headless, load, with_workers
from tests.servers import ROOT, Server
from tests.users.runs import chat

USERS = 5
KEYS = ("name", "tenant", "visit", "room")


@pytest.fixture
def server() -> Iterator[Server]:
    with chat() as started:
        yield started


def files(folder: Path, lines: int = USERS) -> list[str]:
    """The options, and their files."""
    shown = {
        "auth": lambda user: {"token": f"T-secret{user}"},
        "header": lambda user: {"X-Tenant": f"tenant{user}"},
        "cookie": lambda user: {"visit": f"visit{user}"},
        "query": lambda user: {"room": f"room{user}"},
    }
    words = []
    for option, line in shown.items():
        file = folder / f"{option}s.jsonl"
        file.write_text("".join(json.dumps(line(user)) + "\n" for user in range(lines)))
        words += [f"--{option}", f"@{file}"]
    return words


def seen(server: Server) -> list[tuple[str, ...]]:
    """What each connection showed, as `shown_by` has it."""
    with urllib.request.urlopen(f"{server.url}/seen", timeout=20) as answer:
        return [tuple(each[key] for key in KEYS) for each in json.loads(answer.read())]


def shown_by(user: int) -> tuple[str, ...]:
    return (f"secret{user}", f"tenant{user}", f"visit{user}", f"room{user}")


@pytest.mark.parametrize("processes", [1, 2])
def test_each_user_of_a_run_shows_a_line_of_its_own(server: Server, tmp_path: Path, processes: int) -> None:
    workers = with_workers(processes) if processes > 1 else []
    summary = tmp_path / "summary.json"
    done = headless(
        *("--host", server.url, "-u", str(USERS), "-r", str(USERS), "-t", "60s", *workers),
        *(*files(tmp_path), "--summary-json", str(summary)),
        until={"SIO connect": USERS, "SIO ack": USERS},
    )

    assert_nothing_failed(done.returncode, done.stderr)
    connections = Counter(seen(server))
    # The first visit, before there is any user, shows what the first user does.
    assert connections == Counter([shown_by(0), *map(shown_by, range(USERS))])
    assert "secret" not in done.stdout + done.stderr + summary.read_text()


def test_the_front_hands_the_lines_on(server: Server, tmp_path: Path) -> None:
    done = load(
        *("--url", server.url, "--users", "2", "--no-calibrate", *files(tmp_path)),
        until={"SIO connect": 2},
    )

    assert done.returncode in (0, 3), done.stderr
    # More lines than users: the others stay unused.
    assert set(seen(server)) == {shown_by(0), shown_by(1)}
    assert "secret" not in done.stdout + done.stderr


def called(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("module", "words", "users"),
    [
        ("load", ["--users", "6"], 6),
        ("load", ["--shape", "steps", "--shape-users", "2,9"], 9),
        ("load.capacity", ["--users", "5", "--processes", "3"], 6),
        ("load.survey", [], 20),
    ],
)
def test_fewer_lines_than_users_are_refused_before_the_run(
    tmp_path: Path, module: str, words: list[str], users: int
) -> None:
    given = files(tmp_path)
    done = called(module, "--url", "http://127.0.0.1:1", *words, *given)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        f"error: --auth {given[1]} has {USERS} line(s) for {users} users: each takes one of its own"
    )


def test_a_run_of_locust_itself_refuses_them_too(tmp_path: Path) -> None:
    done = headless("--host", "http://127.0.0.1:1", "-u", "6", "-t", "1s", *files(tmp_path))

    assert done.returncode == 2
    assert "has 5 line(s) for 6 users" in done.stderr


@pytest.mark.parametrize(
    ("module", "words"),
    [("load.doctor", ["http://127.0.0.1:1"]), ("conformance", ["--url", "http://127.0.0.1:1"])],
)
def test_who_comes_alone_takes_no_lines(tmp_path: Path, module: str, words: list[str]) -> None:
    done = called(module, *words, *files(tmp_path))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "has a line for each user, and here all show the same" in line


def test_the_generators_of_a_search_share_the_lines(server: Server) -> None:
    lines = [{"auth": {"token": f"T-{user}"}} for user in range(6)]
    shown: list[set[str]] = []
    for place in range(2):
        request = {"url": server.url, "connections": 3, "numbering": [place, 2], "per_user": lines}
        block = measure(BlockRequest.from_json({**request, "warmup_seconds": 0.0, "seconds": 0.2}))
        assert (block.connected, block.errors) == (3, 0)
        shown.append({name for name, *_ in seen(server)} - set().union(*shown))

    assert shown == [set("024"), set("135")]


def test_a_line_is_free_again_when_its_user_has_left() -> None:
    connection = ConnectionOptions(per_user=tuple({"auth": {"token": user}} for user in "abcd"))
    lines = UserLines(connection, lambda count: range(1, count, 2))
    target = Target.from_url("http://127.0.0.1:1")

    first, second = (lines.seat(target, lines.take()) for _ in range(2))
    assert [seat.target.auth["token"] for seat in (first, second)] == ["b", "d"]
    with pytest.raises(OptionError, match=NONE_LEFT):
        lines.take()
    first.leave()
    assert lines.seat(target, lines.take()).target.auth == {"token": "b"}
