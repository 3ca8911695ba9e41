"""The most important texts of docs/proxies.md, seen behind nginx. `make proxies` looks at all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ci.proxies.looking import HANDSHAKE, ask, instead, session_id, shown, silent_poll, without
from ci.proxies.standing import Workers, front, workers
from tests.server_under_test.conftest import require_redis
from tests.server_under_test.proxies.test_proxies import require_proxies

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Workers]:
    require_redis()
    require_proxies()
    with workers() as both:
        yield both


def test_without_the_headers_a_websocket_gets_400(running: Workers) -> None:
    lines = ("proxy_http_version", "header Upgrade", "header Connection")
    with front("nginx", running.urls, "cookie", edit=without(*lines), transports=("polling",)) as it:
        target = "/socket.io/?EIO=4&transport=websocket"
        assert ask(it.url, target, headers=UPGRADE)[0] == "400"
        assert ask(it.url, HANDSHAKE)[0] == "200"


def test_a_short_timeout_gets_504_from_one_server_and_400_from_several(running: Workers) -> None:
    edit = instead("proxy_read_timeout 60s", "proxy_read_timeout 1s")
    with front("nginx", running.urls[:1], "none", edit=edit) as one:
        assert silent_poll(one.url).startswith("504 Gateway Time-out, ")
    with front("nginx", running.urls, "address", edit=edit) as several:
        assert silent_poll(several.url).startswith('400 "Invalid session SID", ')


def test_a_message_above_the_limit_of_nginx_gets_413(running: Workers) -> None:
    edit = instead("client_max_body_size 1m", "client_max_body_size 1k")
    with front("nginx", running.urls, "cookie", edit=edit) as it:
        opened = ask(it.url, HANDSHAKE)
        path = f"{HANDSHAKE}&sid={session_id(opened)}"
        large = ask(it.url, path, cookie=opened[2], body=b"4" + b"x" * 2000)
        assert shown(*large[:2]) == "413 Request Entity Too Large"
        # A packet that nobody answers.
        assert ask(it.url, path, cookie=opened[2], body=b"3")[:2] == ("200", b"OK")
