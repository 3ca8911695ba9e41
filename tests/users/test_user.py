"""`SocketIOUser` in locustfiles of a user's own, run by Locust in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from load.watching.metrics import server_metrics
from tests.servers import ROOT, Server, held_port, start_server
from tests.users.runs import counts, run


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_server("threading") as started:
        yield started


QUIET = """
    from locust import constant, task
    from sioprobe import SocketIOUser


    class Quiet(SocketIOUser):
        wait_time = constant(0.1)

        def on_start(self):
            self.connect()

        @task
        def ask_it(self):
            self.call("message-with-ack", 1)
"""


def test_a_run_ends_with_our_figures_and_the_verdict(server: Server, tmp_path: Path) -> None:
    # Until something was measured, however busy the machine is.
    source = (
        QUIET
        + """
            self.asked = getattr(self, "asked", 0) + 1
            if self.asked == 5:
                self.environment.runner.quit()
"""
    )
    done = run(tmp_path, source, "--host", server.url, "-u", "1", "-t", "60s")

    # A call that is under way when the run ends is no failure.
    assert done.returncode == 0, done.stderr
    told = done.stderr[done.stderr.index("sioprobe: ") :].splitlines()
    acks = next(line.split() for line in told if "SIO ack message-with-ack" in line)
    assert int(acks[3]) == counts(done.stdout)["SIO ack", "message-with-ack"][0] > 0
    # Behind it there is nothing but its reasons, indented further.
    verdict = max(number for number, line in enumerate(told) if line.startswith("  verdict: "))
    assert all(line.startswith("    ") for line in told[verdict + 1 :])


def test_a_master_tells_for_its_workers(server: Server, tmp_path: Path) -> None:
    port = str(held_port())
    words = ["--processes", "2", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    done = run(
        tmp_path,
        QUIET,
        *("--host", server.url, *words, "--master-port", port),
        *("-u", "2", "-r", "2", "-t", "60s"),
        until={"SIO connect": 2, "SIO ack": 2},
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("sioprobe: ") == 1
    told = done.stderr[done.stderr.index("sioprobe: ") :]
    assert "SIO ack message-with-ack" in told
    assert "  verdict: " in told


WHOLE = """
    from locust import task
    from sioprobe import SocketIOUser


    class Chatter(SocketIOUser):
        transport = "TRANSPORT"

        def on_start(self):
            self.on("message-back", self.heard)
            self.on("question", lambda number: (number, b"answer"))
            self.on("asked", self.heard)
            self.things = []
            socket_id = self.connect(auth={"token": "good"})
            assert socket_id and self.connected
            self.connect("/custom")

        def heard(self, *things):
            # A handler may block.
            assert self.call("message-with-ack", "in a handler", 2, 3) == ["in a handler", 2, 3]
            self.things.append(things)

        @task
        def talk(self):
            assert self.call("message-with-ack", 1, b"x", {"a": [b""]}, timeout=5) == [1, b"x", {"a": [b""]}]
            assert self.call("join", "lobby", namespace="/custom", name="join a room") == ["lobby"]
            self.emit("message", "hello", b"bytes", 3)
            self.emit("ask", "question", 7)
            self.wait_for(2)
            assert self.things == [("hello", b"bytes", 3), (7, b"answer")], self.things
            self.disconnect()
            assert not self.connected
            self.environment.runner.quit()

        def wait_for(self, number):
            import gevent

            with gevent.Timeout(10):
                while len(self.things) < number:
                    gevent.sleep(0.01)
"""


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_tasks_are_plain_python(server: Server, tmp_path: Path, transport: str) -> None:
    done = run(tmp_path, WHOLE.replace("TRANSPORT", transport), "-u", "1", "-t", "40s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    found = counts(done.stdout)
    assert found["SIO connect", transport] == (2, 0, 0)
    assert found["SIO ack", "message-with-ack"] == (3, 0, 0)
    assert found["SIO ack", "join a room"] == (1, 0, 0)
    assert found["SIO emit", "message"] == (1, 0, 1)
    assert found["SIO event", "message-back"] == (1, 0, 1)
    assert ("SIO session", transport) not in found


FAILING = """
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError


    class Unlucky(SocketIOUser):
        @task
        def fail(self):
            kinds = []
            for step in (
                lambda: self.emit("too early"),
                lambda: self.call("too early"),
                lambda: self.connect("/reject"),
                lambda: self.connect(),
                lambda: self.emit("here", namespace="/elsewhere"),
                lambda: self.call("nobody-answers", timeout=0.3),
            ):
                try:
                    step()
                    kinds.append("fine")
                except SwarmError as error:
                    kinds.append(error.kind)
            print("KINDS", kinds)
            self.environment.runner.quit()
"""


def test_what_fails_is_raised_and_counted(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, FAILING, "-u", "1", "-t", "40s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("KINDS"))
    expected = ["not connected", "not connected", "connect refused", "fine", "not connected"]
    assert line.startswith(f"KINDS {expected}"[:-1])
    found = counts(done.stdout[done.stdout.index("[\n") :])
    assert found["SIO connect", "websocket"] == (2, 1, 1)
    assert found["SIO emit", "too early"] == (1, 1, 1)
    assert found["SIO ack", "too early"] == (1, 1, 1)
    assert done.returncode == 1


def test_the_connection_ends_with_the_user_whatever_on_stop_does(server: Server, tmp_path: Path) -> None:
    source = """
        from locust import task
        from sioprobe import SocketIOUser


        class Rude(SocketIOUser):
            def on_start(self):
                self.connect()

            def on_stop(self):
                pass

            @task
            def talk(self):
                self.call("message-with-ack", 1, 2, 3)
    """
    done = run(
        tmp_path, source, "-u", "3", "-r", "3", "-t", "60s", "--host", server.url, until={"SIO connect": 3}
    )

    assert done.returncode == 0, done.stderr
    assert counts(done.stdout)["SIO connect", "websocket"] == (3, 0, 0)
    # The server's patience with a lost client is 45 s; the socket of a closed one is gone at once.
    deadline = time.monotonic() + 30
    while (metrics := server_metrics(server.url)) is None or any(metrics["sockets"].values()):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)


# Written for locust.contrib.socketio; IMPORT is the one line that differs.
CONTRIB = """
    import gevent
    from locust import HttpUser, task
    from socketio import Client
    IMPORT


    class Tester(SocketIOUser, HttpUser):
        host = "http://127.0.0.1:1"
        options = {"reconnection_delay": 2, "logger": False}

        def on_start(self):
            self.heard, self.told, self.seen = [], [], []
            self.sio.on("*", self.catch_all)
            self.sio.on("message-back", self.on_message_back)
            self.sio.on("question", lambda number: (number, b"answer"))
            self.sio.on("disconnect", lambda *reason: self.told.append("disconnect"))

            @self.sio.on("asked")
            def asked(*values):
                self.heard.append(values)

            @self.sio.event
            def connect():
                self.told.append("connect")

            self.sio.connect(
                "URL",
                headers={"X-Token": "t"},
                auth={"token": "good"},
                transports=["websocket"],
                namespaces=["/", "/auth"],
                socketio_path="socket.io",
                wait_timeout=20,
            )
            assert self.sio.connected and self.sio.get_sid() and self.sio.get_sid("/auth")
            assert set(self.sio.namespaces) == {"/", "/auth"}
            assert self.sio.transport() == "websocket"
            self.sio_greenlet = gevent.spawn(self.sio.wait)

        def on_message_back(self, *data):
            self.heard.append(data)

        def catch_all(self, event, *data):
            self.seen.append(event)
            self.sio.on_message(event, data)

        @task
        def talk(self):
            assert self.sio.call("message-with-ack", {"a": b"x"}, timeout=20) == {"a": b"x"}
            assert self.sio.call("message-with-ack", (1, 2), "/auth", 20) == (1, 2)
            assert self.sio.call("message-with-ack", timeout=20) is None
            assert Client.call(self.sio, "message-with-ack", [7], timeout=20) == [7]
            self.sio.emit("message", ("two", 2))
            self.sio.send("one", name="a message")
            self.sio.emit("ask", ("question", 7))
            acked = []
            self.sio.emit("message-with-ack", [1, 2], callback=acked.append)
            with gevent.Timeout(20):
                while len(self.heard) < 3 or not acked or not self.seen:
                    self.sio.sleep(0.01)
            assert self.heard == [("two", 2), ("one",), (7, b"answer")], self.heard
            assert acked == [[1, 2]]
            assert set(self.seen) == {"auth"}
            self.sio.disconnect()
            assert not self.sio.connected
            self.sio_greenlet.join(20)
            with gevent.Timeout(20):
                while "disconnect" not in self.told:
                    self.sio.sleep(0.01)
            assert self.told[:2] == ["connect", "disconnect"], self.told
            print("ALL DONE")
            self.environment.runner.quit()
"""


@pytest.mark.parametrize(
    "module", ["from sioprobe import SocketIOUser", "from locust.contrib.socketio import SocketIOUser"]
)
def test_a_locustfile_for_contrib_runs_with_one_import_changed(
    server: Server, tmp_path: Path, module: str
) -> None:
    source = CONTRIB.replace("IMPORT", module).replace("URL", server.url)
    done = run(tmp_path, source, "-u", "1", "-t", "60s")

    assert "Traceback" not in done.stderr, done.stderr
    assert "ALL DONE" in done.stdout, done.stderr
    if "sioprobe" in module:
        found = counts(done.stdout[done.stdout.index("[\n") :])
        assert found["SIO connect", "websocket"] == (2, 0, 0)
        assert found["SIO ack", "message-with-ack"] == (5, 0, 0)
        assert found["SIO emit", "a message"] == (1, 0, 1)
        assert found["SIO event", "auth"] == (2, 0, 2)
        assert done.returncode == 0


LOSING = """
    import gevent
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError


    class Loser(SocketIOUser):
        reconnection_delay = 0.05
        reconnection_delay_max = 0.1
        randomization_factor = 0
        SETTING

        @task
        def lose(self):
            self.told = []
            self.on("connect", lambda: self.told.append("connect"))
            self.on("disconnect", lambda reason: self.told.append(reason))
            self.connect(auth={"token": "good"})
            self.connect("/auth", {"token": "good"})
            first = self.namespaces
            self._sioprobe.connection.drop()
            try:
                self.call("message-with-ack", 1)
            except SwarmError as error:
                print("WHILE LOST", error.kind)
            if self.reconnection:
                with gevent.Timeout(20):
                    while len(self.told) < 3 or self.namespaces.keys() != first.keys():
                        gevent.sleep(0.01)
                assert self.call("message-with-ack", 1, namespace="/auth") == 1
                assert self.namespaces != first
            print("TOLD", self.told)
            self.environment.runner.quit()
"""


@pytest.mark.parametrize("reconnection", [True, False])
def test_a_lost_session_is_followed_by_another_where_it_is_wanted(
    server: Server, tmp_path: Path, reconnection: bool
) -> None:
    source = LOSING.replace("SETTING", f"reconnection = {reconnection}")
    done = run(tmp_path, source, "-u", "1", "-t", "60s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    assert "WHILE LOST not connected" in done.stdout
    found = counts(done.stdout[done.stdout.index("[\n") :])
    if reconnection:
        assert "TOLD ['connect', 'dropped', 'connect']" in done.stdout
        assert found["SIO reconnect", "websocket"] == (1, 0, 0)
        assert found["SIO connect", "websocket"] == (4, 0, 0)
    else:
        assert ("SIO reconnect", "websocket") not in found
        assert found["SIO connect", "websocket"] == (2, 0, 0)


WRONG = """
    import socket
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError


    class Wrong(SocketIOUser):
        reconnection_delay = 0.01
        reconnection_delay_max = 0.01
        reconnection_attempts = 3

        def kind(self, function, *arguments, **keywords):
            try:
                function(*arguments, **keywords)
            except (SwarmError, AttributeError) as error:
                return getattr(error, "kind", None) or str(error)[:30]
            return "fine"

        @task
        def go_wrong(self):
            host = self.host
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.host = f"http://127.0.0.1:{free.getsockname()[1]}"
            said = [self.kind(self.connect, retry=True)]
            self.host, self.headers = host, {"A B": "1"}
            said.append(self.kind(self.connect))
            self.headers, self.transport = None, "websockets"
            said.append(self.kind(self.connect))
            self.transport, self.reconnection_delay = "websocket", -1
            said.append(self.kind(self.connect))
            self.reconnection_delay = 1
            said.append(self.kind(self.connect))
            said.append(self.kind(self.emit, "message", object()))
            said.append(self.kind(self.call, "disconnect"))
            said.append(self.kind(lambda: self.sio.packet_class))
            said.append(self.kind(self.sio.connect, host))
            print("SAID", said)
            self.environment.runner.quit()
"""


def test_what_is_wrong_is_told_by_kind(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, WRONG, "-u", "1", "-t", "60s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    expected = ["connection refused", "bad header", "bad transport", "bad option", "fine", "cannot be sent"]
    expected += ["cannot be sent", "self.sio has no 'packet_class'", "already connected"]
    assert f"SAID {expected}" in done.stdout, done.stdout
    found = counts(done.stdout[done.stdout.index("[\n") :])
    assert found["SIO connect", "websocket"] == (5, 4, 4)
    assert found["SIO emit", "message"] == (1, 1, 1)
    assert found["SIO ack", "disconnect"] == (1, 1, 1)


def test_an_option_that_cannot_be_honoured_is_refused(tmp_path: Path) -> None:
    source = """
        from locust import task
        from sioprobe import SocketIOUser


        class Packer(SocketIOUser):
            options = {"serializer": "msgpack"}

            @task
            def nothing(self):
                pass
    """
    done = run(tmp_path, source, "-u", "1", "-t", "2s", "--host", "http://127.0.0.1:1")

    assert "serializer='msgpack' is not supported" in done.stderr


ANSWERS = """
    import gevent
    from locust import task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError


    class Asker(SocketIOUser):
        def kind(self, function, *arguments, **keywords):
            try:
                function(*arguments, **keywords)
            except (SwarmError, TypeError) as error:
                return getattr(error, "kind", "TypeError")
            return "fine"

        @task
        def ask(self):
            heard = []
            self.on("message-back", lambda *values: heard.append(values))
            said = [self.kind(self.call, "message", 1, answer="message-back")]
            said.append(self.kind(self.connect, "custom"))
            said.append(self.kind(self.on, "message-back", heard.append, "custom"))
            said.append(self.kind(self.connect, "/", {"token": object()}))
            self.connect()
            self.connect("/custom")
            assert self.call("message", 1, answer="message-back") == 1
            assert self.call("message", 1, 2, answer="message-back", namespace="/custom") == [1, 2]
            assert self.call("message", answer="message-back") is None
            # What comes for another is let pass: an event sent before, and one in another namespace.
            gevent.spawn_later(0.1, self.emit, "message", "elsewhere")
            said.append(
                self.kind(self.call, "nobody-answers", namespace="/custom", answer="message-back", timeout=1)
            )
            self.emit("message", "other")
            own = lambda *values: values == ("own",)
            assert self.call("message", "own", answer="message-back", where=own, name="asked") == "own"
            said.append(self.kind(self.call, "message", 2, answer="another", timeout=0.3))
            said.append(self.kind(self.call, "message", 3, where=own))
            gevent.spawn_later(0.2, self._sioprobe.connection.drop)
            said.append(self.kind(self.call, "message", 4, answer="another", timeout=60))
            print("SAID", said)
            with gevent.Timeout(20):
                while ("own",) not in heard:
                    gevent.sleep(0.01)
            self.environment.runner.quit()
"""


def test_an_event_may_be_answered_by_an_event(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, ANSWERS, "-u", "1", "-t", "60s", "--host", server.url)

    assert "SAID" in done.stdout, done.stderr
    expected = ["not connected", "bad namespace", "bad namespace", "cannot be sent"]
    assert f"SAID {[*expected, 'timeout', 'timeout', 'TypeError', 'dropped']}" in done.stdout
    found = counts(done.stdout[done.stdout.index("[\n") :])
    # Three answers; before the session, without an answer, and when the session was lost.
    assert found["SIO answer", "message"] == (6, 3, 3)
    assert found["SIO answer", "asked"] == (1, 0, 0)
    assert found["SIO answer", "nobody-answers"] == (1, 1, 1)
    assert ("SIO ack", "message") not in found
    assert found["SIO connect", "websocket"][0] >= 2


NAMES = """
    from locust import HttpUser, TaskSet, tag, task
    from sioprobe import SocketIOUser


    @task
    def job(self):
        pass


    @task
    class Jobs(TaskSet):
        pass


    class Mixin:
        @tag("x")
        @task
        def call(self):
            pass


    def told(name, bases, **body):
        try:
            type(SocketIOUser)(name, bases, body)
        except TypeError as error:
            print("TOLD", error)
        else:
            print("TAKEN", name)


    own = (SocketIOUser,)
    told("A", own, emit=job)
    told("B", own, wait=job)
    told("C", (Mixin, SocketIOUser, HttpUser))
    told("D", own, on_stop=Jobs)
    told("E", own, query=lambda self: {})
    told("F", own, _sioprobe=job)
    told("G", own, on_start=job, ask=job, say=job, query={"a": "1"}, headers=property(lambda self: {}))
    told("H", own, emit=lambda self, *args: None, namespaces=["/"])
"""


def test_a_task_in_the_place_of_a_call_is_refused_where_the_class_is_made(tmp_path: Path) -> None:
    file = tmp_path / "names.py"
    file.write_text(textwrap.dedent(NAMES))
    done = subprocess.run([sys.executable, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=120)

    place = "takes the place of"
    other = "give it another name, such as"
    assert done.stdout.splitlines() == [
        f"TOLD the task A.emit {place} SocketIOUser.emit; {other} do_emit",
        f"TOLD the task B.wait {place} SocketIOUser.wait; {other} do_wait",
        f"TOLD the task C.call {place} SocketIOUser.call; {other} do_call",
        f"TOLD the task D.on_stop {place} SocketIOUser.on_stop; {other} do_on_stop",
        f"TOLD the method E.query {place} a setting of SocketIOUser (a mapping); {other} do_query",
        f"TOLD the task F._sioprobe {place} SocketIOUser._sioprobe; {other} do_sioprobe",
        "TAKEN G",
        "TAKEN H",
    ], done.stderr


OWN_NAMES = """
    import gevent
    from locust import task
    from sioprobe import SocketIOUser


    class Namesake(SocketIOUser):
        # None of these is what it would be in SocketIOUser; some were its own once.
        namespaces = ["/"]
        connected = session_id = _connection = _inbox = _handlers = _statistics = _worker = None

        def send(self):
            raise AssertionError("called from inside")

        emit = disconnect = _live = _tell = _open = send

        @task
        def ask(self):
            asked = []
            self.on("question", lambda number: number + 1)
            self.sio.on("asked", asked.append)
            self.connect()
            assert self.call("message-with-ack", 1) == 1
            self.sio.emit("ask", ("question", 7))
            with gevent.Timeout(20):
                while not asked:
                    gevent.sleep(0.01)
            assert asked == [8], asked
            assert self.sio.connected and list(self.sio.namespaces) == ["/"]
            self.sio.disconnect()
            assert not self.sio.connected
            print("ALL DONE")
            self.environment.runner.quit()
"""


def test_a_class_may_have_names_of_its_own(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, OWN_NAMES, "-u", "1", "-t", "60s", "--host", server.url)

    assert "Traceback" not in done.stderr, done.stderr
    assert "ALL DONE" in done.stdout, done.stderr


def test_sioprobe_has_no_other_lazy_names() -> None:
    import sioprobe

    with pytest.raises(AttributeError, match="no attribute 'SocketIOUsers'"):
        sioprobe.SocketIOUsers  # noqa: B018
