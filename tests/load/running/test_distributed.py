"""A master and workers: counts agree wherever they are shown, and what a worker does not report is said."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.load.endings import assert_nothing_failed
from tests.load.hosts import some_hosts
from tests.load.locusts import (
    counts_of_console,
    counts_of_csv,
    counts_of_html,
    counts_of_summary,
    headless,
    load,
    null_server,
    started,
    summary_when,
    with_workers,
)
from tests.servers import held_port

ACK = ("SIO ack", "message-with-ack")


def test_on_hosts_of_their_own_all_counts_agree_and_users_stay_with_their_server(tmp_path: Path) -> None:
    summary_file = tmp_path / "summary.json"
    with some_hosts(4) as found:
        serving, ruling, *working = found.hosts
        port = str(held_port())
        with (
            null_server(serving.address, serving.prefix) as one,
            null_server(serving.address, serving.prefix) as other,
            started(
                *("--master", "--master-bind-host", ruling.address, "--master-bind-port", port),
                *("--expect-workers", "2", "--headless", "--only-summary", "-u", "8", "-r", "8", "-t", "60s"),
                *("--host", one.url, "--urls", other.url, "--summary-json", str(summary_file)),
                *("--csv", str(tmp_path / "run"), "--html", str(tmp_path / "run.html")),
                prefix=ruling.prefix,
                until={"SIO connect": 8, "SIO ack": 8},
            ) as master,
            started(
                *("--worker", "--master-host", ruling.address, "--master-port", port),
                prefix=working[0].prefix,
            ),
            started(
                *("--worker", "--master-host", ruling.address, "--master-port", port),
                prefix=working[1].prefix,
            ),
        ):
            code = master.wait()
            told = master.stderr

    assert_nothing_failed(code, told)
    ours = counts_of_summary(summary_file)
    assert counts_of_console(told) == ours
    assert counts_of_csv(tmp_path / "run_stats.csv") == ours
    assert counts_of_html(tmp_path / "run.html") == ours
    assert ours["SIO connect", "websocket"] == (8, 0)
    summary = json.loads(summary_file.read_text())
    assert summary["errors"] == {}
    assert [process["state"] for process in summary["generators"]] == ["done", "done"]
    assert sum(process["counted"] for process in summary["generators"]) == sum(
        count for count, _ in ours.values()
    )
    assert set(summary["urls"]) == {one.url, other.url}
    assert sum(url["operations"] for url in summary["urls"].values()) == ours[ACK][0] > 0
    for url in summary["urls"].values():
        assert url["errors"] == 0
        assert 0 < url["p50"] <= url["p99"]


def test_a_worker_that_is_killed_one_that_leaves_and_one_that_joins_late_are_told(tmp_path: Path) -> None:
    summary_file = tmp_path / "summary.json"
    port, web_port = str(held_port()), held_port()
    join = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
    with (
        null_server() as server,
        started(
            *("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            *("--expect-workers", "2", "--autostart", "-u", "6", "-r", "6", "--host", server.url),
            *("--web-host", "127.0.0.1", "--web-port", str(web_port)),
            *("--summary-json", str(summary_file), "--csv", str(tmp_path / "run")),
        ) as master,
        started(*join) as killed,
        started(*join) as leaving,
    ):
        summary_when(web_port, lambda summary: users_of(summary) == 6 and len(summary["generators"]) == 2)
        with started(*join) as late:
            joined = summary_when(web_port, lambda summary: len(summary["generators"]) == 3)
            assert [each["late"] for each in joined["generators"]] == [False, False, True]

            killed.process.send_signal(signal.SIGKILL)
            lost = summary_when(web_port, lambda summary: "lost" in states_of(summary))
            assert lost["validity"]["verdict"] == "INVALID"

            leaving.process.send_signal(signal.SIGTERM)
            # Within two seconds of the end it could be the same Ctrl-C that ended the master.
            summary_when(
                web_port,
                lambda summary: any(
                    each["state"] == "left" and summary["seconds"] - each["last_report"] > 2.5
                    for each in summary["generators"]
                ),
            )
            pids = [killed.process.pid, leaving.process.pid, late.process.pid]

            master.process.send_signal(signal.SIGTERM)
            code = master.wait()
            told = master.stderr

    assert code == 1, told
    summary = json.loads(summary_file.read_text())
    state_of = {process["pid"]: process["state"] for process in summary["generators"]}
    assert state_of == dict(zip(pids, ["lost", "left", "done"], strict=True))
    assert summary["validity"]["verdict"] == "INVALID"
    reasons = " | ".join(summary["validity"]["reasons"])
    assert f"pid {pids[0]}) was lost: its last report came" in reasons
    assert "what it counted later is missing" in reasons
    assert f"pid {pids[1]}) left" in reasons
    assert "joined" in " ".join(summary["notes"])
    assert f"pid {pids[0]}) was lost" in told.partition("verdict: ")[2]
    # What was reported is all there, and no more.
    ours = counts_of_summary(tmp_path / "summary.json")
    assert counts_of_csv(tmp_path / "run_stats.csv") == ours
    assert sum(process["counted"] for process in summary["generators"]) == sum(
        count for count, _ in ours.values()
    )


def users_of(summary: dict[str, Any]) -> int:
    return sum(process["users"] for process in summary["generators"])


def states_of(summary: dict[str, Any]) -> list[str]:
    return [process["state"] for process in summary["generators"]]


@pytest.mark.parametrize("processes", [1, 2])
def test_counts_agree_when_they_start_again_after_spawning(tmp_path: Path, processes: int) -> None:
    summary_file = tmp_path / "summary.json"
    port = str(held_port())
    several = ("--processes", "2", "--master-bind-port", port, "--master-port", port) if processes > 1 else ()
    with (
        null_server() as server,
        started(
            *("--headless", "--only-summary", "--reset-stats", "-u", "4", "-r", "4", "-t", "8s", *several),
            *("--host", server.url, "--summary-json", str(summary_file), "--csv", str(tmp_path / "run")),
        ) as run,
    ):
        code = run.wait()
        told = run.stderr

    assert_nothing_failed(code, told)
    ours = counts_of_summary(summary_file)
    assert counts_of_csv(tmp_path / "run_stats.csv") == ours
    assert counts_of_console(told) == ours
    assert ours[ACK][0] > 0


def test_source_addresses_bring_more_ports(tmp_path: Path) -> None:
    """On a host with sixteen ports forty connections to one server need more than one address."""
    summary_file = tmp_path / "summary.json"
    with some_hosts(1) as found:
        (host,) = found.hosts
        with null_server("127.0.0.1", host.prefix) as server:
            # The range of the machine itself is not ours to change.
            limit = () if found.kind != "network namespaces" else ("sh", "-c", SIXTEEN_PORTS, "sh")
            with started(
                *("--headless", "--only-summary", "-u", "40", "-r", "40", "-t", "60s", "--host", server.url),
                *("--scenario", "idle", "--source-addresses", "127.0.0.20-127.0.0.22"),
                *("--summary-json", str(summary_file)),
                prefix=(*host.prefix, *limit),
                until={"SIO connect": 40},
            ) as run:
                code = run.wait()
                told = run.stderr

    assert_nothing_failed(code, told)
    assert counts_of_summary(summary_file) == {("SIO connect", "websocket"): (40, 0)}


SIXTEEN_PORTS = 'echo "40000 40015" > /proc/sys/net/ipv4/ip_local_port_range; exec "$@"'


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--source-addresses", "127.0.0.x"],
            "locust: error: --source-addresses: '127.0.0.x' is not an IPv4 address;"
            " write 127.0.0.1-127.0.0.8 or 10.0.0.5,10.0.0.6",
        ),
        (["--urls", "http://127.0.0.1:1"], "locust: error: nothing listens at http://127.0.0.1:1"),
        (
            ["--urls", "http://127.0.0.1:1/socket.io/"],
            "locust: error: http://127.0.0.1:1/socket.io has a path;"
            " give that of the Socket.IO endpoint with --path",
        ),
    ],
)
def test_bad_urls_and_addresses_get_one_line(arguments: list[str], line: str) -> None:
    with (
        null_server() as server,
        started(
            "--headless", "-u", "1", "-t", "1s", "--loglevel", "ERROR", "--host", server.url, *arguments
        ) as run,
    ):
        assert run.wait() == 2
        assert run.stderr.splitlines() == [line]


def test_a_worker_that_has_not_the_address_says_so_to_its_master(tmp_path: Path) -> None:
    summary_file = tmp_path / "summary.json"
    port = str(held_port())
    with (
        null_server() as server,
        started(
            *("--headless", "--only-summary", "-u", "2", "-r", "2", "-t", "3s", "--processes", "1"),
            *("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port),
            *("--host", server.url, "--source-addresses", "192.0.2.1", "--summary-json", str(summary_file)),
        ) as run,
    ):
        code = run.wait()

    assert code == 1
    summary = json.loads(summary_file.read_text())
    assert summary["validity"]["verdict"] == "INVALID"
    (kind,) = summary["errors"]
    assert kind.startswith("source address 192.0.2.1 is not one of this machine")


def test_sioprobe_load_takes_several_urls() -> None:
    with null_server() as one, null_server() as other:
        done = load(
            *("--url", f"{one.url},{other.url}", "--scenario", "idle", "--users", "3", "--json"),
            until={"SIO connect": 3},
        )
    summary = json.loads(done.stdout)
    assert set(summary["urls"]) == {one.url, other.url}
    assert summary["connected"] == 3


def test_what_a_server_loses_is_in_its_own_line_whichever_worker_saw_it(tmp_path: Path) -> None:
    """No queue joins the two servers, and each worker has a room with members on both."""
    file = tmp_path / "summary.json"
    with null_server() as one, null_server() as other:
        done = headless(
            *("--host", one.url, "--urls", other.url, "-u", "8", "-r", "8", "-t", "60s"),
            *("--scenario", "fanout", "--room-size", "4", "--rate", "20", "--summary-json", str(file)),
            *with_workers(2),
            until={"SIO deliver": 20},
        )

    assert done.returncode == 1, done.stderr
    summary = json.loads(file.read_text())
    parts = [summary["urls"][server.url] for server in (one, other)]
    assert summary["errors"] == {"lost": sum(part["errors"] for part in parts)}
    for name in ("expected", "received", "lost"):
        assert sum(part["ledger"][name] for part in parts) == summary["ledger"][name] > 0
    assert [part["errors"] for part in parts] == [part["ledger"]["lost"] for part in parts]
