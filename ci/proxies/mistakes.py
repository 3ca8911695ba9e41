"""Set-ups that are wrong, each with what clients, browsers and logs say then.

`MISTAKES` has them by the name of their part in docs/proxies.md.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import socketio

from ci.proxies.looking import (
    HANDSHAKE,
    HTTP,
    JAVASCRIPT,
    PYTHON,
    Said,
    ask,
    browser_says,
    client_says,
    gunicorn,
    instead,
    logged,
    lost_session,
    session_id,
    shown,
    silent_client_says,
    silent_poll,
    without,
    without_header,
)
from ci.proxies.standing import Workers, front


def no_stickiness(running: Workers) -> Said:
    """nginx gives each request to the next worker."""
    with front("nginx", running.urls, "none") as it:
        return [
            (HTTP, lost_session(it.url)),
            *client_says(JAVASCRIPT, "javascript", it.url, "polling"),
            *client_says(PYTHON, "python", it.url, "polling"),
            *browser_says(it.url, "upgrade", 20),
        ]


def gunicorn_alone(running: Workers) -> Said:
    """`gunicorn -w 2` without a proxy."""
    with gunicorn("--workers", "2") as (url, log):
        said = [(HTTP, lost_session(url)), *client_says(JAVASCRIPT, "javascript", url, "polling")]
        return [*said, *logged("gunicorn's log", log, "Invalid session")]


def no_upgrade(running: Workers) -> Said:
    """nginx without the lines for WebSocket."""
    lines = ("proxy_http_version", "header Upgrade", "header Connection")
    with front("nginx", running.urls, "cookie", edit=without(*lines), transports=("polling",)) as it:
        return [
            *client_says(JAVASCRIPT + ", WebSocket alone", "javascript", it.url, "websocket"),
            *client_says(JAVASCRIPT + ", upgrade", "javascript", it.url, "upgrade"),
            *client_says(PYTHON + ", WebSocket alone", "python", it.url, "websocket"),
            *client_says(PYTHON + ", upgrade", "python", it.url, "upgrade"),
            *browser_says(it.url, "websocket", 5),
        ]


def short_read_timeout(running: Workers) -> Said:
    """nginx ends what is silent, before a ping comes. A poll then goes to another server, if there is one."""
    edit = instead("proxy_read_timeout 60s", "proxy_read_timeout 2s")
    with front("nginx", running.urls[:1], "none", edit=edit) as it:
        said = [(HTTP + ", one server", silent_poll(it.url)), *silent_client_says(it.url)]
    with front("nginx", running.urls, "address", edit=edit) as it:
        return [*said, (HTTP + ", several servers", silent_poll(it.url))]


def haproxy_short_timeouts(running: Workers) -> Said:
    """HAProxy does."""
    edit = instead("timeout server 60s", "timeout server 2s", "timeout tunnel 60s", "timeout tunnel 2s")
    with front("haproxy", running.urls, "cookie", edit=edit) as it:
        return [(HTTP, silent_poll(it.url)), *silent_client_says(it.url)]


def envoy_route_timeout(running: Workers) -> Said:
    """Envoy ends each request after 15 s, if nothing is said."""
    with front("envoy", running.urls, "cookie", edit=without("timeout: 0s")) as it:
        return [(HTTP, silent_poll(it.url))]


def envoy_no_upgrade(running: Workers) -> Said:
    """Envoy without upgrade_configs."""
    edit = without("upgrade_configs")
    with front("envoy", running.urls, "cookie", edit=edit, transports=("polling",)) as it:
        return [
            *client_says(JAVASCRIPT + ", WebSocket alone", "javascript", it.url, "websocket"),
            *browser_says(it.url, "websocket", 5),
        ]


def small_body(running: Workers) -> Said:
    """nginx takes no POST of this size."""
    edit = instead("client_max_body_size 1m", "client_max_body_size 1k")
    with front("nginx", running.urls, "cookie", edit=edit) as it:
        opened = ask(it.url, HANDSHAKE)
        answer = ask(
            it.url, f"{HANDSHAKE}&sid={session_id(opened)}", cookie=opened[2], body=b"4" + b"x" * 2000
        )
        return [
            (HTTP, shown(*answer[:2])),
            *client_says(JAVASCRIPT, "javascript", it.url, "polling", "large"),
        ]


def patience(running: Workers) -> Said:
    """Nothing is wrong: what the configurations let through."""
    said: Said = []
    with ExitStack() as stack:
        fronts = {
            name: stack.enter_context(front(name, running.urls, "cookie")).url
            for name in ("nginx", "haproxy", "caddy", "traefik", "envoy")
        }
        with ThreadPoolExecutor(len(fronts)) as pool:
            silent = pool.map(silent_poll, fronts.values())
        for (name, url), poll in zip(fronts.items(), silent, strict=True):
            opened = ask(url, HANDSHAKE)
            path, body = f"{HANDSHAKE}&sid={session_id(opened)}", b"4" + b"x" * 900_000
            large = ask(url, path, cookie=opened[2], body=body)[0]
            said.append((name, f"a silent poll: {poll}; a POST of 900,000 bytes: {large}"))
        return said


def other_origins(running: Workers) -> Said:
    """Nothing is wrong: whether the server knows the address that a browser sees, without TLS."""
    with gunicorn("--workers", "1") as (server, _):
        said: Said = []
        for name in ("nginx", "haproxy", "caddy", "traefik", "envoy"):
            with front(name, [server], "none") as it:
                status, body, _ = ask(it.url, HANDSHAKE, headers={"Origin": it.url})
                said.append((name, "is let in" if status == "200" else shown(status, body)))
        return said


def dead_worker(running: Workers) -> Said:
    """The configuration lacks the lines that let clients move on."""
    with ExitStack() as stack:
        fronts = {
            name: stack.enter_context(front(name, running.urls, "cookie", moves_on=False))
            for name in ("nginx", "haproxy", "caddy", "traefik", "envoy")
        }
        cookies = {}
        for name, it in fronts.items():
            while name not in cookies:
                opened = ask(it.url, "/about")
                if running.number_of(json.loads(opened[1])["pids"][0]) == 1:
                    cookies[name] = opened[2]
        running.tell("kill worker 1")
        try:
            answers = {n: ask(it.url, HANDSHAKE, cookie=cookies[n])[:2] for n, it in fronts.items()}
        finally:
            running.tell("start worker 1")
        return [(name, shown(*answer)) for name, answer in answers.items()]


def origin(running: Workers) -> Said:
    """A proxy with TLS that does not tell the server about it."""
    return without_header("X-Forwarded-Proto")


def host_without_port(running: Workers) -> Said:
    """A proxy that tells another Host than the browser's."""
    return without_header("header Host", tls=False)


def closed_by_close(running: Workers) -> Said:
    """nginx from 1.29.7 on, `Connection: close`, and gevent."""
    edit = instead("''      \"\"", "''      close")
    with front("nginx", running.urls, "address", moves_on=False, edit=edit) as it:
        statuses: Counter[str] = Counter()
        for _ in range(100):
            ask(it.url, f"{HANDSHAKE}&sid=unknown", body=b"3")
            statuses[ask(it.url, HANDSHAKE)[0]] += 1
        told = ", ".join(f"{count} times {status}" for status, count in statuses.most_common())
        return [
            (HTTP, f"of 100 handshakes, each after a POST that gets 400: {told}"),
            *logged("nginx's error log", it.file.parent / "log", "prematurely"),
        ]


def one_address(running: Workers) -> Said:
    """Where clients go whose addresses differ in the last number, and clients of one address."""
    said: Said = []
    ways = {"`ip_hash`": "ip_hash;", "`hash $remote_addr consistent`": "hash $remote_addr consistent;"}
    for title, line in ways.items():
        edit = instead("hash $remote_addr consistent;", line) if line == "ip_hash;" else str
        with front("nginx", running.urls, "address", edit=edit) as it:
            for many, what in ((20, "20 addresses 127.0.0.x"), (1, "20 clients of one address")):
                pids = Counter(
                    json.loads(ask(it.url, "/about", source=f"127.0.0.{2 + number % many}")[1])["pids"][0]
                    for number in range(20)
                )
                counts = " and ".join(map(str, sorted(pids.values(), reverse=True)))
                said.append(
                    (f"nginx, {title}, {what}", f"{counts} at one worker" if len(pids) == 1 else counts)
                )
    return said


def no_queue(running: Workers) -> Said:
    """Two processes that no queue joins: a broadcast stays in one of them."""
    with ExitStack() as stack:
        urls = [stack.enter_context(gunicorn("--workers", "1"))[0] for _ in range(2)]
        it = stack.enter_context(front("nginx", urls, "cookie"))
        heard: list[str] = []
        clients = [socketio.Client(reconnection=False) for _ in range(8)]
        try:
            for client in clients:
                client.on("news", heard.append)
                client.connect(it.url)
            clients[0].emit("news", "hello")
            clients[0].call("message-with-ack")
            time.sleep(2)
        finally:
            for client in clients:
                client.disconnect()
        return [("8 clients, one of them emits to all", f"{len(heard)} hear it")]


MISTAKES: dict[str, Callable[[Workers], Said]] = {
    name.replace("_", "-"): look
    for name, look in list(globals().items())
    if callable(look) and getattr(look, "__annotations__", {}).get("running") == "Workers"
}
