"""`python -m load.blocks`: one block for each request, over each transport, against whole servers."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from load.blocks.measuring import BlockRequest, RequestError
from sioprobe.measured.vitals import KernelClocks
from tests.load.driver import Driver
from tests.servers import Server, start_command, start_server
from tests.standstill import undisturbed

TRANSPORTS = ("polling", "websocket", "upgrade")


class Generator(Driver):
    """The generator of blocks."""

    def __init__(self) -> None:
        super().__init__("load.blocks")

    def block(self, **request: Any) -> dict[str, Any]:
        """A short block; one during which this machine stood still says nothing, and is asked for again."""
        short = {"connections": 12, "warmup_seconds": 0.1, "seconds": 0.6, **request}
        return undisturbed(lambda: self.ask(**short))


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    generator = Generator()
    yield generator
    if generator.process.poll() is None:
        assert generator.close() == 0


@pytest.fixture(scope="module", params=["null", "threading", "eventlet", "gevent"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "null":
        started = start_command([sys.executable, "-m", "load.blocks.null_server"])
    else:
        started = start_server(request.param)
    with started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ack_block_counts_every_operation_once(generator: Generator, server: Server, transport: str) -> None:
    block = generator.block(url=server.url, transport=transport, server_pids=server.about["pids"])

    assert block["error_kinds"] == {}
    assert block["operations"] > 0
    assert block["messages"] == 2 * block["operations"]
    assert block["latency"]["count"] == block["operations"]
    assert sum(count for _, count in block["latency"]["histogram"]) == block["operations"]
    assert 0 < block["latency"]["p50"] <= block["latency"]["p99"] <= block["latency"]["max"]
    assert block["generator"]["unconfirmed_closes"] == 0
    assert block["generator"]["cpu_seconds"] > 0
    assert block["server"]["cpu_seconds"] > 0
    assert block["server"]["processes"] >= 1
    if KernelClocks().pressure() is not None:
        assert block["server"]["neighbours"]["share"] >= 0
    assert block["server"]["rss_bytes"] >= block["server"]["rss_before_connections_bytes"] * 0.9
    for key in (
        "transport",
        "scenario",
        "connections",
        "started_at",
        "warmup_seconds",
        "seconds",
        "validity",
    ):
        assert key in block


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_fanout_block_has_a_clean_ledger(generator: Generator, server: Server, transport: str) -> None:
    block = generator.block(url=server.url, transport=transport, scenario="fanout", room_size=5)

    assert block["error_kinds"] == {}
    ledger = block["ledger"]
    assert (ledger["lost"], ledger["duplicated"], ledger["reordered"], ledger["reach"]) == (0, 0, 0, 1.0)
    assert ledger["received"] >= block["operations"] > 0
    assert block["messages"] > block["operations"]
    # Where the server is not seen, everything beside the generator may be the server.
    assert block["server"]["neighbours"] is None


def test_a_block_has_what_was_counted_beside_the_operations_if_asked_for(
    generator: Generator, server: Server
) -> None:
    request = {"url": server.url, "scenario": "fanout", "room_size": 5}
    plain, block = generator.block(**request), generator.block(**request, series=True)

    assert plain["series"] == []
    counted = {(series["type"], series["name"]): series for series in block["series"]}
    assert ("SIO deliver", "m") not in counted
    published = counted["SIO publish", "m"]
    assert published["count"] == block["published"] > 0
    first, last = (counted["SIO fan-out", f"{which} delivery"]["latency"] for which in ("first", "last"))
    assert 0 < first["p50"] <= last["p50"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_idle_block_has_connections_and_no_operations(
    generator: Generator, server: Server, transport: str
) -> None:
    block = generator.block(
        url=server.url, transport=transport, scenario="idle", server_pids=server.about["pids"]
    )

    assert (block["operations"], block["messages"], block["error_kinds"]) == (0, 0, {})
    assert block["latency"]["count"] == 0
    assert block["server"]["fds"] >= 12


def test_users_are_spread_over_several_servers_and_custom_namespaces_work(generator: Generator) -> None:
    with start_server("gevent") as first, start_server("gevent") as second:
        block = generator.block(
            urls=[first.url, second.url],
            namespace="/custom",
            server_pids=[*first.about["pids"], *second.about["pids"]],
            scenario="idle",
        )

        assert block["error_kinds"] == {}
        assert block["server"]["processes"] == 2


def test_a_cluster_has_its_queue_apart_and_deliveries_within_and_across_processes(
    generator: Generator,
) -> None:
    with start_server("gevent", workers=2, queue="redis") as cluster:
        pids = {"server_pids": cluster.about["pids"], "partner_pids": {"queue": cluster.about["queue_pids"]}}
        block = generator.block(
            urls=cluster.about["urls"], **pids, scenario="fanout", room_size=4, series=True
        )

    assert block["error_kinds"] == {}
    assert block["server"]["processes"] == 2
    queue = block["partners"]["queue"]
    assert queue["processes"] == 1
    assert 0 < queue["cpu_seconds"] < block["server"]["cpu_seconds"]
    assert queue["rss_bytes"] > 1_000_000
    counted = {
        series["name"]: series["count"] for series in block["series"] if series["type"] == "SIO fan-out"
    }
    # Rooms of four have two members on each process; what is under way at the ends makes the difference.
    same, other = (counted[f"{which}-server delivery"] for which in ("same", "other"))
    assert same + other == pytest.approx(block["operations"], abs=block["connections"])
    assert same == pytest.approx(other, abs=block["connections"])


def test_a_paced_block_keeps_its_schedule(generator: Generator) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        for scenario, operations, more in (("ack", 12 * 25, {}), ("fanout", 12 * 25, {"room_size": 4})):
            block = generator.block(url=server.url, scenario=scenario, rate=50, seconds=0.5, **more)

            assert block["error_kinds"] == {}
            assert block["operations"] <= operations * 1.2
            assert block["generator"]["send_lag_p99_us"] >= 0


BAD = {
    "no json": ("{", "not JSON"),
    "no object": ("[]", "a request is a JSON object"),
    "no url": ("{}", "url is missing"),
    "transport": ('{"url":"http://127.0.0.1:1","transport":"websokcet"}', "the nearest is 'websocket'"),
    "scenario": ('{"url":"http://127.0.0.1:1","scenario":"fan-out"}', "the nearest is 'fanout'"),
    "key": ('{"url":"http://127.0.0.1:1","connection":1}', "the nearest is 'connections'"),
    "number": ('{"url":"http://127.0.0.1:1","connections":0}', "connections is 0, not a number from 1"),
    "text": ('{"url":"http://127.0.0.1:1","seconds":"1"}', "seconds is '1', not a number"),
    "parameter": ('{"url":"http://127.0.0.1:1","payload_byte":1}', "the nearest is 'payload_bytes'"),
    "parameter of another": (
        '{"url":"http://127.0.0.1:1","room_size":4}',
        "room_size: scenario ack does not know it (fanout, slow do)",
    ),
    "parameter's value": (
        '{"url":"http://127.0.0.1:1","scenario":"fanout","room_size":0}',
        "room_size: 0 is less than 1",
    ),
    "refused": ('{"url":"http://127.0.0.1:1","connections":2}', "connection refused"),
    "scheme": ('{"url":"ftp://127.0.0.1:1"}', "bad url"),
}


@pytest.mark.parametrize(("line", "expected"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_measured_is_answered_in_one_line(
    generator: Generator, line: str, expected: str
) -> None:
    generator.send(line)
    answer = generator.receive()

    assert list(answer) == ["error"]
    assert expected in answer["error"]
    assert "\n" not in answer["error"]


def test_a_failed_block_leaves_the_generator_usable(generator: Generator) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        assert "error" in generator.block(url=server.url, namespace="bad,name")
        assert generator.block(url=server.url)["operations"] > 0


def test_a_server_that_dies_under_load_is_counted(generator: Generator) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        descriptors = f"/proc/{server.about['pids'][0]}/fd"
        before = len(os.listdir(descriptors))
        # Long enough to be killed within, however late this process is.
        request = {"url": server.url, "connections": 5, "warmup_seconds": 0.5, "seconds": 5.0}
        generator.send(json.dumps(request))
        deadline = time.monotonic() + 60
        while len(os.listdir(descriptors)) < before + 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.process.kill()
        answer = generator.receive()

    assert "error" in answer or answer["validity"]["verdict"] != "VALID"
    assert "error" in answer or sum(answer["error_kinds"].values()) > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(number: signal.Signals) -> None:
    generator = Generator()
    assert "error" in generator.ask()
    generator.process.send_signal(number)

    assert generator.process.wait(60) == -number
    generator.close()


def test_a_request_keeps_what_it_is_given() -> None:
    request = BlockRequest.from_json({"url": "http://x", "server_pids": [1, 2], "connections": 7})

    assert (request.urls, request.server_pids, request.connections) == (("http://x",), (1, 2), 7)
    with pytest.raises(RequestError):
        BlockRequest.from_json({"urls": [3]})
