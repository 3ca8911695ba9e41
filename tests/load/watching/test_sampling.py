"""What the server used, in the summary of a run: figures that fit together, or the reason for none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gevent
import msgspec
import pytest
from msgspec.structs import replace

from load.watching.locating import Located, locate
from load.watching.sampling import INTERVAL, Counts, ServerSampler
from load.watching.server_state import ServerWatch
from sioprobe.measured.rendering import render_server
from sioprobe.measured.server_figures import server_figures
from sioprobe.measured.vitals import KernelClocks
from sioprobe.results.loads import ServerFigures, ServerMoment
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import headless, load
from tests.servers import start_command, start_server


def moment(at: float, **given: Any) -> ServerMoment:
    values: dict[str, Any] = {
        "cpu_seconds": at / 2,
        "rss_bytes": 1000,
        "threads": 1,
        "fds": 3,
        "processes": 1,
        "context_switches": None,
        "connections": 0,
        "operations": 0,
        "messages": 0,
    }
    return ServerMoment(at=at, **{**values, **given})


def test_figures_are_those_of_the_window_and_of_settled_memory() -> None:
    moments = [
        moment(0.0, cpu_seconds=0.0),
        moment(1.0, cpu_seconds=0.9, rss_bytes=50_000, connections=10, operations=5, messages=10),
        moment(2.0, cpu_seconds=1.4, rss_bytes=61_000, threads=11, fds=23, connections=10, operations=105),
        moment(3.0, cpu_seconds=1.5, rss_bytes=61_000, threads=21, fds=23, connections=10, operations=205),
        moment(3.2, cpu_seconds=1.9, rss_bytes=99_000, threads=21, fds=23, connections=10, operations=255),
    ]
    end = moment(4.0, cpu_seconds=1.9, operations=305, messages=610, context_switches=77)

    figures = server_figures(moments, connected=1, first=1, end=end, window="all connected")

    assert figures.window_seconds == 3.0
    assert figures.cpu_us_per_operation == pytest.approx(1e6 * 1.0 / 300)
    assert figures.cpu_us_per_message == pytest.approx(1e6 * 1.0 / 600)
    # The last 0.2 s, all of it busy, are no second.
    assert figures.busiest_second == pytest.approx(0.9)
    assert (figures.rss_before_bytes, figures.rss_settled_bytes) == (1000, 61_000)
    assert figures.rss_under_load_bytes == 99_000
    assert figures.rss_bytes_per_connection == 6000
    assert (figures.threads_per_connection, figures.fds_per_connection) == (2.0, 2.0)
    assert figures.context_switches == 77
    assert len(figures.series) == 5
    assert "per connection: 5.9 KiB, " in "\n".join(render_server(figures))
    shrunk = replace(figures, rss_bytes_per_connection=-600_000.0)
    assert "per connection: memory has not grown, 2.00 threads" in "\n".join(render_server(shrunk))


def test_a_connection_costs_what_those_cost_that_are_there() -> None:
    """Eight of twenty came in, the last of them a second after memory had stood still for a while."""
    moments = [
        moment(0.0),
        moment(1.0, rss_bytes=30_000, connections=4),
        moment(2.0, rss_bytes=30_000, connections=4),
        moment(3.0, rss_bytes=41_000, connections=8),
        moment(4.0, rss_bytes=41_000, threads=9, connections=8),
    ]

    figures = server_figures(moments, connected=1, first=1, end=moment(5.0), window="all users started")

    assert (figures.connections, figures.rss_bytes_per_connection) == (8, 5000)
    assert figures.threads_per_connection == 1.0
    assert "(8 of 20 connections)" in "\n".join(render_server(figures, 20))
    assert "(8 connections)" in "\n".join(render_server(figures, 8))


def test_what_was_not_seen_is_none() -> None:
    moments = [moment(0.0, fds=None), moment(0.5, fds=None, operations=None)]

    figures = server_figures(
        moments, connected=None, first=0, end=moment(0.6, operations=None), window="whole run"
    )

    for name in (
        *("busiest_second", "cpu_us_per_operation", "cpu_us_per_message", "rss_settled_bytes"),
        *("rss_bytes_per_connection", "threads_per_connection", "fds_per_connection", "fds_before"),
    ):
        assert getattr(figures, name) is None, name
    text = "\n".join(render_server(replace(figures, notes=["ended"])))
    assert "per connection" not in text
    assert "None" not in text
    assert "ended" in text


def test_neighbours_are_those_of_the_window_and_of_its_worst_second() -> None:
    taken: list[float | None] = [None, 5.0, 5.1, 5.9, 6.0]
    moments = [moment(float(at), neighbours_cpu_seconds=cpu) for at, cpu in enumerate(taken)]
    end = moment(5.0, neighbours_cpu_seconds=None)

    whole = server_figures(moments, connected=None, first=0, end=end, window="whole run", most="find (pid 9)")
    later = server_figures(moments, connected=3, first=3, end=end, window="all connected")
    blind = server_figures(moments[:2], connected=None, first=0, end=end, window="whole run")

    assert whole.neighbours is not None
    assert later.neighbours is not None
    # From the first to the last moment at which somebody could tell.
    assert whole.neighbours.share == pytest.approx(1.0 / 3)
    assert whole.neighbours.busiest_second == pytest.approx(0.8)
    assert whole.neighbours.most == "find (pid 9)"
    assert later.neighbours.share == pytest.approx(0.1)
    assert blind.neighbours is None


def test_the_share_is_that_of_the_last_second_and_none_of_a_server_that_ended() -> None:
    side = ServerSampler(ServerWatch([], Located(reason="not asked")), counts=Counts)
    assert (side.sampling, side.share()) == (False, None)

    side._moments = [moment(0.0, cpu_seconds=0.0), moment(1.0, cpu_seconds=0.5)]
    assert side.share() == 0.5
    # All connected: a sample out of turn, 0.1 s later, says nothing alone.
    side._moments.append(moment(1.1, cpu_seconds=0.6))
    assert side.share() == pytest.approx(0.6 / 1.1)
    side._moments.append(moment(2.1, cpu_seconds=1.4))
    assert side.share() == pytest.approx(0.8)
    side._ended = True
    assert side.share() is None


def test_the_last_sample_under_load_is_taken_before_workers_end_their_users() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        now = Counts(connections=8, operations=100, messages=200)
        side = ServerSampler(ServerWatch([server.url], locate([server.url])), counts=lambda: now)
        side.start()
        side.all_connected()
        side.hold()
        # What comes now is the end of the users, and the counts that their last reports bring.
        now = Counts(connections=0, operations=150, messages=300)
        gevent.sleep(INTERVAL)
        side.finish()

    used = side.figures
    assert used is not None
    assert [each.connections for each in used.series] == [8, 8, 8]
    assert used.cpu_us_per_operation == pytest.approx(1e6 * used.window_cpu_seconds / 50)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_says_what_the_server_used(processes: int) -> None:
    with start_server("gunicorn-gthread") as server:
        done = load(
            *("--url", server.url, "--no-calibrate", "--users", "8", "--seconds", "8", "--json"),
            *("--processes", str(processes)),
        )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    summary = json.loads(done.stdout)
    used = summary["server"]
    assert [root["pid"] for root in used["roots"]] == [server.process.pid]
    assert used["window"] == ("all connected" if processes == 1 else "whole run")
    assert used["processes"] == 2  # master and worker
    assert used["connections"] == 8
    assert 0 < used["window_cpu_seconds"] <= used["cpu_seconds"]
    # An ack is two messages.
    assert used["cpu_us_per_operation"] == pytest.approx(2 * used["cpu_us_per_message"])
    assert used["fds_per_connection"] >= 1
    assert used["threads_per_connection"] >= 1
    assert used["context_switches"] > 0
    series = used["series"]
    assert len(series) >= 3
    for name in ("at", "cpu_seconds"):
        values = [each[name] for each in series]
        assert values == sorted(values)
    assert series[0]["cpu_seconds"] < 1.0
    assert series[-1]["connections"] == 8
    if KernelClocks().pressure() is not None:
        # They are told once each worker has reported.
        assert used["neighbours"]["share"] >= 0.0
        assert series[-1]["neighbours_cpu_seconds"] is not None
    if processes == 2:
        operations = summary["operations"]
        assert used["cpu_us_per_operation"] == pytest.approx(1e6 * used["window_cpu_seconds"] / operations)


def test_a_run_across_a_cluster_has_the_queue_and_each_server_apart() -> None:
    with start_server("gevent", workers=2, queue="redis") as cluster:
        [queue] = cluster.about["queue_pids"]
        done = load(
            *("--url", ",".join(cluster.about["urls"]), "--no-calibrate", "--users", "4", "--json"),
            *("--scenario", "broadcast"),
            until={"SIO connect": 4, "SIO deliver": 400},
        )

    summary = json.loads(done.stdout)
    assert (summary["errors"], summary["ledger"]["reach"]) == ({}, 1.0)
    assert [each["ledger"]["reach"] for each in summary["urls"].values()] == [1.0, 1.0]
    counted = {each["name"]: each["count"] for each in summary["series"] if each["type"] == "SIO fan-out"}
    assert counted["same-server delivery"] + counted["other-server delivery"] == summary["operations"]
    used = summary["server"]
    [(who, partner)] = used["partners"].items()
    assert who.startswith(f"{queue} ")
    assert 0 < partner["cpu_seconds"] < used["window_cpu_seconds"]
    lines = list(render_server(msgspec.convert(used, ServerFigures)))
    assert [line.partition(": ")[0] for line in lines if "connected to" in line] == [
        f"    connected to {who}"
    ]


def test_a_run_that_samples_nothing_says_why() -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = load(
            *("--url", server.url, "--no-calibrate", "--users", "2"),
            *("--scenario", "churn", "--server-pid", "none"),
            until={"SIO life": 2},
        )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    assert "  server: not sampled (--server-pid none)" in done.stdout.splitlines()
    # The scenario looks at the same processes, or at none.
    assert "its processes are not seen: --server-pid none" in done.stdout


def test_a_wrong_process_is_one_line_and_exit_code_2() -> None:
    done = load("--url", "http://127.0.0.1:1", "--server-pid", "gunicorn")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "python -m load: error: --server-pid 'gunicorn' is no process id (valid are a number, auto and none)"
    ]


def test_the_summary_of_the_locustfile_has_it_too(tmp_path: Path) -> None:
    with start_command([sys.executable, "-m", "load.blocks.null_server"]) as server:
        done = headless(
            *("--host", server.url, "-u", "3", "-r", "3", "-t", "60s", "--scenario", "idle"),
            *("--server-pid", str(server.process.pid)),
            cwd=tmp_path,
            until={"SIO connect": 3},
        )

    assert_nothing_failed(done.returncode, done.stdout + done.stderr)
    assert f"  server: process {server.process.pid} python (--server-pid; 1 in all)" in done.stderr
    assert "an operation" not in done.stderr
    assert "(3 connections)" in done.stderr
