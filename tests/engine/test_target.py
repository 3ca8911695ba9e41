"""Addresses, and the words for those that lead nowhere."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sioprobe.engine import SwarmError, Target
from sioprobe.engine.first_visit import problem_with
from tests.engine.clients import Peer, ScriptedServer
from tests.engine.tls_front import TlsFront, make_authority
from tests.servers import start_server


@pytest.mark.parametrize(
    ("url", "host", "address"),
    [
        ("http://127.0.0.1:5000", "127.0.0.1:5000", ("127.0.0.1", 5000)),
        ("127.0.0.1:5000", "127.0.0.1:5000", ("127.0.0.1", 5000)),
        ("ws://127.0.0.1", "127.0.0.1", ("127.0.0.1", 80)),
        ("https://127.0.0.1", "127.0.0.1", ("127.0.0.1", 443)),
    ],
)
def test_a_url_names_host_and_address(url: str, host: str, address: tuple[str, int]) -> None:
    target = Target.from_url(url)

    assert (target.host, target.address) == (host, address)
    assert (target.tls is not None) == url.startswith("https")


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http:", "HTTPS:/", "http://127.0.0.1:99999", "http://127.0.0.1:x"]
)
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(SwarmError, match="bad url"):
        Target.from_url(url)


@pytest.mark.parametrize("url", ["http://user:secret@127.0.0.1:1", "user:secret@127.0.0.1:x"])
def test_a_user_name_in_the_url_is_refused_with_advice(url: str) -> None:
    with pytest.raises(SwarmError, match="user name in front of it; give it with the header Auth") as caught:
        Target.from_url(url)

    assert "secret" not in str(caught.value)


def test_the_endpoint_carries_query_transport_and_session() -> None:
    target = Target.from_url("http://127.0.0.1:1", "chat/", query={"token": "a b"})

    assert target.endpoint("polling") == "/chat/?token=a+b&EIO=4&transport=polling"
    assert target.endpoint("websocket", "s&") == "/chat/?token=a+b&EIO=4&transport=websocket&sid=s%26"


def answer_404(peer: Peer) -> None:
    while peer.read_request():
        peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def test_a_url_that_is_no_server_gets_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert problem_with(url) == f"nothing listens at {url}"
    for transport in ("polling", "websocket", "upgrade"):
        with ScriptedServer(answer_404) as server:
            problem = problem_with(server.url, transport=transport)
        said = f"{server.url} is no Socket.IO server at /socket.io/: HTTP 404; --path names another path"
        assert problem == said
    with ScriptedServer(Peer.wait_for_end) as server:
        assert (
            problem_with(server.url, seconds=0.3) == f"{server.url} accepts connections and does not answer"
        )


def test_a_url_that_is_nearly_right_is_told_what_is_there(tmp_path: Path) -> None:
    context, _ = make_authority(tmp_path)
    with (
        start_server("threading", transports="polling") as server,
        TlsFront(context, server.url) as front,
    ):
        url, plain = server.url, front.url.replace("https", "http")
        assert problem_with(url) is None
        assert problem_with(url, path="/chat/") == (
            f"{url} is no Socket.IO server at /chat/; the nearest is --path /socket.io/"
        )
        assert problem_with(url, transport="websocket") == (
            f"{url} accepts no WebSocket at /socket.io/, but it answers there with --transport polling"
        )
        assert problem_with(plain) == f"{plain} speaks TLS; write {front.url}"
        untrusted = problem_with(front.url) or ""
        assert untrusted.startswith(f"TLS to {front.url} failed: CERTIFICATE_VERIFY_FAILED (")
        assert untrusted.endswith("; --ca-file trusts its authority, --no-verify takes any certificate")
        secured = url.replace("http", "https")
        assert problem_with(secured) == f"{secured} does not speak TLS; write {url}"


def test_importing_the_engine_patches_nothing_and_imports_no_locust() -> None:
    script = (
        "import sys, socket, sioprobe.engine\n"
        "from gevent import monkey\n"
        "print('locust' in sys.modules, monkey.is_module_patched('socket'),"
        " 'socketio' in sys.modules, 'ssl' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split()[:3] == ["False"] * 3
