"""A life of a locustfile: what its users do on each server, and what is said when they cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.load.driver import Driver
from tests.load.side_by_side.test_life import program, side
from tests.servers import ROOT


def life(driver: Driver, file: Path, *sides: str, **more: Any) -> dict[str, Any]:
    """A short one."""
    short = {"seconds": 0.1, "realtime": False, "warmup_seconds": 0.1, "seed": 7, **more}
    return driver.ask(sides=[side(name) for name in sides], locustfile=str(file), **short)


EVERYTHING = """
import json, random
from locust import MarkovTaskSet, SequentialTaskSet, constant, task, transition
from sioprobe import SocketIOUser

users = []


class Base(SocketIOUser):
    abstract = True
    wait_time = constant(1000)

    def on_start(self):
        users.append(self)
        self.number = len(users)
        self.connect()
        self.log("on_start")

    def log(self, what):
        with open("LOG", "a") as file:
            line = [self.host, type(self).__name__, self.number, what, random.random()]
            file.write(json.dumps(line) + "\\n")

    def ask(self, what):
        # Others draw while this one waits.
        assert self.call("message-with-ack", what) == what
        self.log(what)


class Many(Base):
    weight = 3

    @task(2)
    def one(self):
        self.ask("one")

    @task
    def two(self):
        self.one_more()

    @task
    def one_more(self):
        self.ask("two")

    @task
    class Inner(SequentialTaskSet):
        wait_time = constant(1000)

        @task
        def first(self):
            self.user.ask("first")

        @task
        def last(self):
            self.user.ask("last")
            self.interrupt()


class Chain(Base):
    @task
    class Markov(MarkovTaskSet):
        wait_time = constant(1000)

        @transition("b")
        def a(self):
            self.user.ask("a")

        @transition("a")
        def b(self):
            self.user.ask("b")
"""


def test_every_side_plays_the_same_and_waits_for_nothing(driver: Driver, tmp_path: Path) -> None:
    log = tmp_path / "log"
    file = tmp_path / "all_sorts.py"
    file.write_text(EVERYTHING.replace("LOG", str(log)))

    done = life(driver, file, "base", "head")

    assert done.get("error") is None
    assert len(done["slices"]) >= 24
    assert all(cpu > 0 and 0 < p50 * 1000 < wall for _, cpu, wall, p50 in done["slices"])
    played: dict[str, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for host, kind, number, what, drawn in map(json.loads, log.read_text().splitlines()):
        played[host][number].append((kind, what, drawn))
    base, head = played.values()
    # The user of the n-th place does the same and draws the same; the file was loaded for each side.
    assert dict(base) == dict(head)
    kinds = [entries[0][:2] for _, entries in sorted(base.items())]
    assert kinds == [("Many", "on_start"), ("Chain", "on_start"), ("Many", "on_start"), ("Many", "on_start")]
    whats = {what for entries in base.values() for _, what, _ in entries}
    assert whats == {"on_start", "one", "two", "first", "last", "a", "b"}
    assert sum(what == "on_start" for entries in base.values() for _, what, _ in entries) == 4
    (chain,) = [entries[1:] for entries in base.values() if entries[0][0] == "Chain"]
    assert [what for _, what, _ in chain] == ["a", "b"] * (len(chain) // 2) + ["a"] * (len(chain) % 2)
    assert not list(tmp_path.glob("__pycache__"))


USER = """
from locust import TaskSet, task
from sioprobe import SocketIOUser


class Asker(SocketIOUser):
    def on_start(self):
        self.connect()

    @task
    def ask(self):
        self.call("message-with-ack", 1)
"""


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            ('self.call("message-with-ack", 1)', 'self.call("nobody answers", timeout=0.2)'),
            "base: Asker.ask: SwarmError: timeout",
        ),
        (
            ('self.call("message-with-ack", 1)', "assert False, 'no\\nroom'"),
            "base: Asker.ask: AssertionError: no room",
        ),
        (("self.connect()", "self.connect('/nowhere')"), "base: on_start: SwarmError: connect refused: "),
        (
            (
                "self.connect()",
                "self.on('message-back', lambda *_: 1 / 0); self.connect(); self.emit('message', 1)",
            ),
            "base: a handler: ZeroDivisionError: division by zero",
        ),
        (
            (
                'self.call("message-with-ack", 1)',
                "import contextlib\n"
                "        with contextlib.suppress(Exception): self.call('nobody answers', timeout=0.2)",
            ),
            "base: SIO ack nobody answers: timeout (",
        ),
        (
            ('self.call("message-with-ack", 1)', "from locust.exception import StopUser; raise StopUser"),
            "base: Asker.ask: StopUser",
        ),
        (
            ("self.connect()", "self.sio.connect(self.host, transports=['polling'])"),
            "base: Asker connects over polling, the cell says websocket",
        ),
    ],
    ids=["timeout", "assertion", "on_start", "handler", "forgiven", "stopped", "transport"],
)  # fmt: skip
def test_what_fails_is_named(driver: Driver, tmp_path: Path, change: tuple[str, str], line: str) -> None:
    file = tmp_path / "asker.py"
    assert change[0] in USER
    file.write_text(USER.replace(*change))

    failed = life(driver, file, "base")

    assert failed["error"].startswith(line)
    assert (failed["side"], failed["ended"]) == ("base", False)


def test_users_of_another_server_are_refused(driver: Driver, tmp_path: Path) -> None:
    file = tmp_path / "asker.py"
    # The first server's users are where they should be, the second's are there too.
    file.write_text(
        USER.replace(
            "self.connect()",
            "import sys; sys.first = self.host = getattr(sys, 'first', self.host); self.connect()",
        )
    )

    failed = life(driver, file, "base", "head")

    assert failed["error"].startswith("head: Asker connects to http://127.0.0.1:")
    assert failed["error"].endswith(", not to self.host")


def test_a_choice_that_does_not_come_from_random_is_refused(driver: Driver, tmp_path: Path) -> None:
    file = tmp_path / "asker.py"
    own = "import sys; sys.turns = getattr(sys, 'turns', 0) + 1\n"
    task = "    @task\n    def other(self):\n        self.call('message-with-ack', 2)\n"
    file.write_text(own + USER + task + "\n\nAsker.tasks = [Asker.ask if sys.turns == 1 else Asker.other]\n")

    failed = life(driver, file, "base", "head")

    assert failed["error"].startswith(
        "base played Asker.ask where head played Asker.other: what comes next must"
    )


def test_a_server_that_dies_is_told_as_such(driver: Driver, tmp_path: Path) -> None:
    file = tmp_path / "asker.py"
    file.write_text(USER)

    # It serves no request, and ends at the first.
    dying = (
        "import json, socket\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "url = f'http://127.0.0.1:{listener.getsockname()[1]}'\n"
        "print('READY', json.dumps({'urls': [url]}), flush=True)\n"
        "for _ in range(2): listener.accept()\n"
        "raise SystemExit('out of memory')\n"
    )
    failed = driver.ask(sides=[side("base", program(dying))], locustfile=str(file))

    assert failed == {"error": "base: the server ended with 1: out of memory", "side": "base", "ended": True}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "chat.py: there is no such file"),
        ("def broken(:", "chat.py: SyntaxError: invalid syntax"),
        ("import sys\n\nimport no_such_module", "chat.py: line 3: ModuleNotFoundError: No module named"),
        ("x = 1", "chat.py: has no class that inherits from SocketIOUser"),
        (
            "from locust import HttpUser, task\nclass Web(HttpUser):\n    @task\n    def get(self): pass",
            "chat.py: Web is no SocketIOUser",
        ),
        ("from sioprobe import SocketIOUser\nclass Idle(SocketIOUser): pass", "chat.py: Idle has no @task"),
    ],
    ids=["none", "syntax", "import", "empty", "http", "no task"],
)  # fmt: skip
def test_a_file_that_cannot_be_played_is_one_line(tmp_path: Path, text: str | None, line: str) -> None:
    file = tmp_path / "chat.py"
    if text is not None:
        file.write_text(text)

    done = subprocess.run(
        [sys.executable, "-m", "load.playing.locustfile", str(file)], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(line)
