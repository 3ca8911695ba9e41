"""What the client puts into one POST, as the official client does, and what it says if the POST is lost."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent.event import Event

from sioprobe.engine import Engine, SwarmError, Target
from sioprobe.engine.push_limit import PushLimit
from sioprobe.engine.transports.polling import PollingChannel
from sioprobe.users.settings import UserSettings, target_of
from tests.engine.clients import OPEN, Client, Peer, ScriptedServer
from tests.servers import ROOT, Server, start_command, start_foreign, start_server

SEPARATOR = "\x1e"


class Pushes:
    """Answers each POST with 200, keeps its body, and answers all polls but the first when `ended` is set."""

    def __init__(self, opened: str = OPEN) -> None:
        self.opened = opened
        self.bodies: list[str] = []
        self.pushed, self.ended = threading.Event(), threading.Event()
        self.welcomed = False

    def stop(self) -> None:
        self.pushed.set()
        self.ended.set()

    def __call__(self, peer: Peer) -> None:
        while request := peer.read_request():
            if request.startswith(b"POST"):
                self.bodies.append(request.partition(b"\r\n\r\n")[2].decode())
                if "end" in self.bodies[-1]:
                    self.ended.set()
                peer.answer("ok")
                self.pushed.set()
            elif b"sid=" not in request:
                peer.answer(self.opened)
            elif not self.welcomed:
                self.welcomed = self.pushed.wait(20)
                peer.answer('40{"sid":"x"}')
            else:
                self.ended.wait(20)
                peer.answer("6")


def wait_for_push(client: Client) -> None:
    """Until no POST is under way: the next packet then goes out alone."""
    polling = client.connection.session._polling
    client.wait(lambda: polling is not None and not polling._push.busy, "the answer to the POST")


def packed(opened: str, emit: Callable[[Client], None], most: int = 0) -> list[list[str]]:
    """The packets of each POST after CONNECT and the first packet, which found no POST under way."""
    script = Pushes(opened)
    with ScriptedServer(script) as server:
        target = Target.from_url(server.url, max_packets_per_post=most)
        with Client(target, "polling") as client:
            client.connect()
            wait_for_push(client)
            emit(client)
            client.connection.emit("end")
            client.wait(script.ended.is_set, "all pushed")
    # A POST with many packets makes the engine ask on another session.
    bodies = [body.split(SEPARATOR) for body in script.bodies if "/sioprobe-" not in body]
    assert bodies[0] == ["40"]
    assert len(bodies[1]) == 1
    return bodies[2:]


def numbers(count: int) -> Callable[[Client], None]:
    def emit(client: Client) -> None:
        for number in range(count):
            client.connection.emit("seq", number)

    return emit


@pytest.mark.parametrize(
    "opened", [OPEN, OPEN.replace(',"maxPayload":1000000', ""), OPEN.replace("1000000", "0")]
)
def test_all_packets_that_wait_go_out_in_one_post(opened: str) -> None:
    assert [len(packets) for packets in packed(opened, numbers(60))] == [60]


def test_a_fixed_limit_divides_them() -> None:
    assert [len(packets) for packets in packed(OPEN, numbers(60), most=16)] == [16, 16, 16, 12]
    assert [len(packets) for packets in packed(OPEN, numbers(3), most=1)] == [1, 1, 1]


def test_an_attachment_counts_1_33_times_its_size() -> None:
    """The official client counts so, though base64 takes 4 bytes for 3."""

    def emit(client: Client) -> None:
        client.connection.emit("first")
        client.connection.emit("b", b"\x00" * 1000)

    size = len('451-["b",{"_placeholder":true,"num":0}]') + len(SEPARATOR) + 1 + 1330
    whole, *_ = packed(OPEN.replace("1000000", str(size)), emit)
    divided, *_ = packed(OPEN.replace("1000000", str(size - 1)), emit)

    assert (len(whole), len(divided)) == (2, 1)
    assert len(SEPARATOR.join(whole)) > size


ASK_OFFICIAL = """
globalThis.XMLHttpRequest = class { open() {} setRequestHeader() {} send() {} abort() {} };
const { io } = require(process.argv[1]);
const engine = io("http://127.0.0.1:1", { transports: ["polling"], reconnection: false }).io.engine;
const made = (each) => each === null ? {} : { data: typeof each === "number" ? Buffer.alloc(each) : each };
const counts = JSON.parse(require("fs").readFileSync(0)).map(({ most, packets }) =>
  engine._getWritablePackets.call({
    _maxPayload: most, transport: { name: "polling" }, writeBuffer: packets.map(made),
  }).length);
console.log(JSON.stringify(counts));
process.exit(0);
"""
"""null is a packet without data, a number the size of an attachment."""


def test_as_many_packets_as_the_official_client_puts_into_one_post() -> None:
    dice = random.Random(7)
    texts = ["", "x", "é" * 9, "\U0001f600" * 5, "€uro" * 4, 'm["a",1]' * 12]
    buffers: list[list[Any]] = [
        [dice.choice([None, *texts, dice.randrange(1, 200)]) for _ in range(dice.randrange(1, 30))]
        for _ in range(400)
    ]
    questions = [
        {"most": dice.choice([0, 1, 50, 133, 134, 300, 1000, 100_000]), "packets": packets}
        for packets in buffers
    ]
    node = shutil.which("node")
    assert node
    bundle = ROOT / "server_under_test/foreign/node/node_modules/socket.io/client-dist/socket.io.js"
    done = subprocess.run(
        [node, "-e", ASK_OFFICIAL, str(bundle)],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    official = json.loads(done.stdout)

    assert [count_of_first_post(**question) for question in questions] == official  # type: ignore[arg-type]
    assert {1, 2, 3, 5} <= set(official)


def count_of_first_post(most: int, packets: list[Any]) -> int:
    target = Target.from_url("http://127.0.0.1:1")
    channel = PollingChannel(
        None,
        target,
        target.new_cookies(),
        text=lambda text: None,
        binary=lambda data: None,
        polled=lambda: None,
        pushed=lambda packets: None,
        failed=lambda failure: None,
    )
    for packet in packets:
        if isinstance(packet, int):
            channel.send_binary(bytes(packet))
        else:
            channel.send_text("3" if packet is None else f"4{packet}")
    channel.max_payload = most or math.inf
    return channel._next_body().count(SEPARATOR.encode()) + 1


class Limited(UserSettings):
    host = "http://127.0.0.1:1"
    transport = "polling"


def test_a_user_class_sets_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limited, "max_packets_per_post", 16)
    assert target_of(Limited())[0].max_packets_per_post == 16

    for wrong in ("16", -1, True):
        monkeypatch.setattr(Limited, "max_packets_per_post", wrong)
        with pytest.raises(SwarmError, match=r"max_packets_per_post is .* but must be a whole number from 0"):
            target_of(Limited())


# What a server takes


@pytest.fixture(scope="module")
def flask() -> Iterator[Server]:
    with start_server("threading") as started:
        yield started


def taken(target: Target, most: int) -> PushLimit:
    """What the server takes, as it is found out."""
    limit, done = PushLimit(Engine().loop, target), Event()
    limit.find(most, done.set)
    assert done.wait(40)
    return limit


@pytest.mark.parametrize("most", [200, 17])
def test_python_engineio_takes_16_and_says_nothing_of_more(flask: Server, most: int) -> None:
    limit = taken(Target.from_url(flask.url), most)

    assert (limit.taken, limit.refused, limit.closes, limit.unknown) == (16, 17, "", "")


def test_socket_io_takes_as_many_as_it_is_sent() -> None:
    with start_foreign("node") as server:
        limit = taken(Target.from_url(server.url), 200)

    assert (limit.taken, limit.refused, limit.unknown) == (200, 0, "")


def test_a_server_that_is_not_there_is_not_known() -> None:
    limit = taken(Target.from_url("http://127.0.0.1:1"), 40)

    assert (limit.taken, limit.refused) == (1, 0)
    assert "connection refused" in limit.unknown


# What is said of a loss


def test_a_post_that_the_server_drops_is_an_error(flask: Server) -> None:
    with Client(flask.url, "polling") as client:
        client.connect()
        wait_for_push(client)
        # The call is in the POST with the other 59.
        for number in range(60):
            client.connection.emit("message", number)
        with pytest.raises(SwarmError) as caught:
            client.call("message-with-ack", 1, timeout=2.0)
        client.wait(lambda: client.counted("SIO session")[2], "the error")

        assert client.names().count("message-back") == 1
        assert client.counted("SIO session")[2] == {"POST of more than 16 packets dropped": 1}
        # Later ones are known at once.
        for number in range(30):
            client.connection.emit("message", number)
        client.wait(
            lambda: client.counted("SIO session")[2] == {"POST of more than 16 packets dropped": 2}, "two"
        )
        for number in range(30):
            client.connection.emit("message", number)
        with pytest.raises(SwarmError) as later:
            client.call("message-with-ack", 1, timeout=0.5)
    assert caught.value.kind == later.value.kind == "timeout"
    assert str(later.value).startswith("timeout: no ack (the server dropped a POST of ")


def test_posts_of_a_fixed_limit_lose_nothing_and_ask_nothing(flask: Server) -> None:
    target = Target.from_url(flask.url, max_packets_per_post=16)
    with Client(target, "polling") as client:
        client.connect()
        for number in range(60):
            client.connection.emit("message", number)
        client.wait(lambda: client.names().count("message-back") == 60, "all 60")

        assert client.engine.companions == {}
        assert client.engine.recorder.errors() == {}


def test_many_packets_for_a_server_that_takes_them_are_no_error() -> None:
    with (
        start_command([sys.executable, "-m", "load.blocks.null_server"]) as server,
        Client(server.url, "polling") as client,
    ):
        client.connect()
        for _ in range(60):
            client.connection.emit("unanswered")
        assert client.call("message-with-ack", 1) == [1]
        (limit,) = client.engine.companions.values()
        client.wait(lambda: limit._timer is None, "asked")  # type: ignore[attr-defined]

        assert client.engine.recorder.errors() == {}
