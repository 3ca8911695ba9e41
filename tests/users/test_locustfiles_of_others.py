"""Locustfiles as people write them for `locust.contrib.socketio`, and what `SocketIOUser` has beyond it.

Those in `tests/applications/locustfiles` have the shapes of public ones: their names, attributes and calls.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sioprobe.engine import SwarmError
from sioprobe.users.habits import refuse_url
from tests.servers import ROOT, Server, start_server
from tests.users.runs import chat, counts, run

OTHERS = ROOT / "tests" / "applications" / "locustfiles"
THEIRS, OURS = "from locust.contrib.socketio import", "from sioprobe import"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with chat() as started:
        yield started


@pytest.mark.parametrize("file", sorted(OTHERS.glob("*.py")), ids=lambda file: file.stem)
def test_they_run_after_changing_their_import(server: Server, tmp_path: Path, file: Path) -> None:
    source = file.read_text()
    assert source.count(THEIRS) == 1
    done = run(tmp_path, source.replace(THEIRS, OURS), "--host", server.url, "-u", "1", "-t", "60s")

    assert "ALL DONE" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    failed = {name: each for name, each in counts(done.stdout[done.stdout.index("[\n") :]).items() if each[1]}
    assert failed == {}


STATES = """
    from locust import task
    from sioprobe import SocketIOUser


    class Owner(SocketIOUser):
        def __init__(self, environment):
            self.connected = False
            super().__init__(environment)
            self.session_id = "mine"

        @task
        def tell(self):
            assert self.connected is False
            assert self.namespaces == {} and self.current_transport == "polling"
            self.connect(auth={"token": "T-ann"})
            assert list(self.namespaces) == ["/"] and self.current_transport == "websocket"
            assert (self.connected, self.session_id) == (False, "mine")
            assert self.sio.connected and self.sio.sid not in (None, "mine")
            del self.connected
            assert self.connected is True
            self.call = self.emit = self.namespaces = self.current_transport = self.on = 1
            self.sio = self.send = self.connect = self.wait_for = self.sio_greenlet = 2
            print("ALL DONE")
            self.environment.runner.quit()
"""


def test_what_tells_a_state_may_be_assigned(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, STATES, "--host", server.url, "-u", "1", "-t", "60s")

    assert "Traceback" not in done.stderr, done.stderr
    assert "ALL DONE" in done.stdout
    assert done.returncode == 0, done.stderr


HABITS = """
    from locust import HttpUser, task
    from sioprobe import SocketIOClient, SocketIOUser


    class Used(SocketIOUser):
        def kind(self, function, *arguments, **keywords):
            try:
                function(*arguments, **keywords)
            except Exception as error:
                print("SAID", type(error).__name__, error)
            else:
                print("SAID nothing")

        @task
        def try_it(self):
            self.kind(self.connect, "ws://u:p@127.0.0.1:1/socket.io/?token=secret", transports=["websocket"])
            self.kind(self.connect, transports=["websocket"])
            self.kind(self.connect, wait_timeout=3)
            self.kind(self.connect, colour=3)
            self.kind(lambda: self.client.post("/login"))
            self.kind(SocketIOClient, self)
            self.kind(SocketIOClient, self.environment.events.request, serializer="msgpack")
            self.kind(self.sio.register_namespace, self)
            self.kind(lambda: self.sio.handlers)
            self.environment.runner.quit()
"""


def test_what_people_try_gets_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, HABITS, "--host", "http://127.0.0.1:1", "-u", "1", "-t", "60s")

    said = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert said == [
        "SAID SwarmError bad namespace: '127.0.0.1:1/socket.io/' is a URL: use --host and self.connect(), or "
        "self.sio.connect(url)",
        "SAID TypeError self.connect() has no argument 'transports': set transport = \"websocket\" in the "
        "class, or use self.sio.connect(url, transports=[...])",
        "SAID TypeError self.connect() has no argument 'wait_timeout': it is called timeout",
        "SAID TypeError self.connect() has no argument 'colour'",
        "SAID AttributeError self.client.post: self.client is the HTTP client of an HttpUser, write "
        "class X(SocketIOUser, HttpUser); the calls of a socketio.Client are those of self.sio",
        "SAID TypeError SocketIOClient is made with self.environment.events.request, in a run of Locust",
        "SAID SwarmError bad option: serializer='msgpack' is not supported; supported are reconnection, "
        "reconnection_attempts, reconnection_delay, reconnection_delay_max, randomization_factor, "
        "http_session, ssl_verify",
        "SAID TypeError Used is no namespace class: inherit from socketio.ClientNamespace",
        "SAID AttributeError self.sio has no 'handlers'; sioprobe has the common calls of "
        "locust.contrib.socketio: connect, disconnect, emit, send, call, on, event, register_namespace, wait",
    ], done.stderr
    assert "secret" not in done.stdout + done.stderr


WAITING = """
    import gevent
    from locust import HttpUser, task
    from sioprobe import SocketIOUser
    from sioprobe.engine import SwarmError


    class Waiter(SocketIOUser, HttpUser):
        def kind(self, function, *arguments, **keywords):
            try:
                return function(*arguments, **keywords)
            except (SwarmError, ZeroDivisionError) as error:
                return getattr(error, "kind", None) or type(error).__name__

        def notify(self, text):
            self.client.post("/notify", json={"text": text})

        @task
        def wait_for_some(self):
            heard = []
            self.on("notice", heard.append)
            said = [self.kind(self.wait_for, "notice")]
            self.kind(self.wait_for, "ready", after=lambda: self.connect(auth={"token": "T-ann"}))
            self.connect("/chat", {"token": "T-ann"})
            # It comes before the answer of the request that makes the server send it.
            said.append(self.wait_for("notice", 20, after=lambda: self.notify("one"), name="notified"))
            gevent.spawn_later(0.1, self.notify, "two")
            said.append(self.wait_for("notice", timeout=20))
            gevent.spawn(lambda: [self.notify("three"), self.notify("four")])
            said.append(self.wait_for("notice", 20, where=lambda text: text == "four", namespace="/chat"))
            said.append(self.kind(self.wait_for, "nobody sends it", timeout=0.2))
            said.append(self.kind(self.wait_for, "never", after=lambda: 1 / 0))
            gevent.spawn_later(0.2, self._sioprobe.connection.drop)
            said.append(self.kind(self.wait_for, "lost", timeout=60))
            print("SAID", said)
            assert heard[:2] == ["one", "two"], heard
            self.environment.runner.quit()
"""


def test_a_user_waits_for_what_the_server_sends_by_itself(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, WAITING, "--host", server.url, "-u", "1", "-t", "60s")

    said = ["not connected", "one", "two", "four", "timeout", "ZeroDivisionError", "dropped"]
    assert f"SAID {said}" in done.stdout, done.stdout + done.stderr
    found = counts(done.stdout[done.stdout.index("[\n") :])
    assert found["SIO wait", "ready"] == (1, 0, 0)
    assert found["SIO wait", "notified"] == (1, 0, 0)
    # The one of `/chat`, the one in time, and the one before the session.
    assert found["SIO wait", "notice"] == (3, 1, 1)
    assert found["SIO wait", "nobody sends it"] == (1, 1, 1)
    assert found["SIO wait", "lost"] == (1, 1, 1)
    # `after` has failed, not the waiting.
    assert ("SIO wait", "never") not in found
    assert "SIO wait notified" in done.stderr


SESSION = """
    import requests
    from locust import FastHttpUser, HttpUser, task
    from locust.exception import StopUser
    from sioprobe import SocketIOUser


    class Base(SocketIOUser):
        abstract = True
        done = 0

        @task
        def ask(self):
            self.client.post("/login", json={"username": "ann"})
            self.http_session = self.client
            print("SAID", type(self).__name__, self.wait_for("ready", 20, after=self.connect)["name"])
            self.disconnect()
            session = requests.Session()
            session.headers["X-Tenant"] = "t1"
            session.auth = ("T", "-")
            self.http_session = lambda: session
            self.headers = {"Authorization": "Bearer T-eve"}
            shown = self.wait_for("ready", 20, after=self.connect)
            print("SAID", shown["name"], shown["tenant"])
            self.disconnect()
            session.proxies = {"http": "http://127.0.0.1:1"}
            for wrong in (session, "me"):
                self.http_session = wrong
                try:
                    self.connect()
                except Exception as error:
                    print("SAID", error)
            Base.done += 1
            if Base.done == 2:
                self.environment.runner.quit()
            raise StopUser()


    class Slow(Base, HttpUser):
        fixed_count = 1


    class Fast(Base, FastHttpUser):
        fixed_count = 1
"""


def test_a_connection_shows_what_an_http_session_shows(server: Server, tmp_path: Path) -> None:
    done = run(tmp_path, SESSION, "--host", server.url, "-u", "2", "-r", "2", "-t", "60s")

    said = sorted(line.removeprefix("SAID ") for line in done.stdout.splitlines() if "SAID" in line)
    assert said == sorted(
        ["Slow ann", "Fast ann"]
        + ["eve t1"] * 2
        + ["bad option: http_session has proxies, which is not supported"] * 2
        + ["bad option: http_session is str, not a requests.Session"] * 2
    ), done.stderr


def test_the_class_speaks_for_contribs_calls_and_attributes_of_a_user_do_not(tmp_path: Path) -> None:
    source = """
        from locust import task
        from sioprobe import SocketIOUser


        class Mixed(SocketIOUser):
            transport = "polling"
            headers = {"X-Tenant": "of the class"}

            @task
            def ask(self):
                self.headers = {"X-Tenant": "of a request"}
                self.transport = self.path = self.verify = "mine"
                self.sio.connect(self.host, auth={"token": "T-ann"})
                assert self.sio.transport() == "polling"
                assert self.host and self.headers == {"X-Tenant": "of a request"}
                self.environment.runner.quit()
    """
    with chat() as server:
        done = run(tmp_path, source, "--host", server.url, "-u", "1", "-t", "60s")
        with urllib.request.urlopen(f"{server.url}/seen", timeout=20) as answer:
            seen = json.loads(answer.read())

    assert "Traceback" not in done.stderr, done.stderr
    assert [each["tenant"] for each in seen] == ["of the class"]


def test_the_main_namespace_is_always_joined_as_contribs_user_does(tmp_path: Path) -> None:
    source = """
        from locust import task
        from sioprobe import SocketIOUser


        class Two(SocketIOUser):
            @task
            def ask(self):
                self.sio.on("message-back", print, namespace="/custom")
                self.sio.connect(self.host)
                print("SAID", sorted(self.sio.namespaces), self.sio.connection_namespaces)
                self.environment.runner.quit()
    """
    with start_server("threading") as server:
        done = run(tmp_path, source, "--host", server.url, "-u", "1", "-t", "60s")

    assert "SAID ['/', '/custom'] ['/', '/custom']" in done.stdout, done.stderr


@pytest.mark.parametrize("url", ["ws://h", "http://me:pw@h:1?token=t", "127.0.0.1:5000", "chat.example:80/x"])
def test_a_url_is_no_namespace_whether_it_has_a_scheme_or_not(url: str) -> None:
    refuse_url("/chat:1")
    with pytest.raises(SwarmError, match="is a URL: use --host and self") as caught:
        refuse_url(url)

    assert "pw" not in str(caught.value)
    assert "token" not in str(caught.value)
