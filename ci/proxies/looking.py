"""How a mistake is looked at: raw requests, real clients, a browser and logs, each told in words."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import trustme

from ci.proxies.clients import ROOT, visit
from ci.proxies.standing import front
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.listener import bind, hold_for_program

Said = list[tuple[str, str]]
"""Lines of `(who, what it says)`."""
JAVASCRIPT, PYTHON, BROWSER, HTTP = "socket.io-client", "python-socketio", "Chromium", "HTTP"
WORKER = "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


# What was seen, in words


def lost_session(url: str) -> str:
    """The answer to a session that came to the wrong worker."""
    opened = ask(url, HANDSHAKE)
    for _ in range(500):
        status, body, _ = ask(url, f"{HANDSHAKE}&sid={session_id(opened)}", body=b"3")
        if status != "200":
            return shown(status, body)
    raise RuntimeError(f"500 requests of one session found it at {url}")


def silent_poll(url: str) -> str:
    """The answer to a poll of a session where nothing happens."""
    opened = ask(url, HANDSHAKE)
    began = time.monotonic()
    status, body, _ = ask(url, f"{HANDSHAKE}&sid={session_id(opened)}", cookie=opened.cookie)
    return f"{shown(status, body)}, after {time.monotonic() - began:.0f} s"


def client_says(who: str, client: str, url: str, way: str, *flags: str) -> Said:
    came = visit(client, url, way, 1, *flags)
    said = sorted({tidy(text) for text in came.errors})
    return [(who, text) for text in said] or [
        (who, "is served" if came.served else "is not served, and silent")
    ]


def silent_client_says(url: str) -> Said:
    ways = (("polling", "polling"), ("websocket", "WebSocket"))
    return [
        line
        for way, title in ways
        for line in client_says(f"{JAVASCRIPT}, {title}", "javascript", url, way, "linger")
    ]


def browser_says(url: str, way: str, seconds: int) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "ci.proxies.browser_client", url, way, str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"the browser failed: {done.stderr.strip()[-300:]}")
    return [(BROWSER, text) for text in sorted({tidy(each) for each in json.loads(done.stdout)["errors"]})]


def logged(who: str, log: Path, words: str) -> Said:
    lines = (line for line in log.read_text("utf-8", "replace").splitlines() if words in line)
    line = next(lines, None)
    return [] if line is None else [(who, tidy(line))]


def tidy(text: str) -> str:
    """Without what is different each time."""
    text = re.sub(r"(?<![\w-])[\w-]{16}AA[\w-]{2}(?![\w-])", "SID", text)
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", "HOST", text)
    text = re.sub(r"^[\d/]+ [\d:]+ \[error\] \d+#\d+: \*\d+ ", "", text)
    return re.sub(r"(, client: |:? *<html>).*", "", text, flags=re.DOTALL)


def shown(status: str, body: bytes) -> str:
    title = re.search(rb"<h1>(?:\d+ )?(.*?)</h1>", body)
    text = (title[1] if title else body).decode("utf-8", "replace").strip()
    return tidy(f"{status} {text}".strip())


# What stands


@contextmanager
def gunicorn(*options: str) -> Iterator[tuple[str, Path]]:
    """The chat under gunicorn with gevent: its URL and its log."""
    with bind("127.0.0.1", 0, nagle=False) as listener, tempfile.TemporaryDirectory() as folder:
        log, fd = Path(folder) / "log", listener.fileno()
        words = ("-m", "gunicorn", "--no-control-socket", "--worker-class", WORKER, "--bind", f"fd://{fd}")
        with log.open("wb") as output:
            process = start_child(
                [sys.executable, *words, *options, "ci.proxies.chat:app"],
                cwd=ROOT,
                pass_fds=[fd],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            ask(url, "/page")
            yield url, log
        finally:
            stop_children([process], 5.0)


def without_header(lacks: str, *, tls: bool = True) -> Said:
    """What a browser gets from the chat, whose proxy does not pass on this header."""
    with ExitStack() as stack:
        server, log = stack.enter_context(gunicorn("--workers", "1"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        held = stack.enter_context(hold_for_program("127.0.0.1", 0))
        port = held.getsockname()[1]
        certificate = trustme.CA().issue_cert("127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "pem"))
        more = f"    listen 127.0.0.1:{port} ssl reuseport;\n"
        more += "".join(f"    ssl_{what} {folder}/pem;\n" for what in ("certificate", "certificate_key"))

        def edit(text: str) -> str:
            return without(lacks)(text).replace("server {\n", f"server {{\n{more if tls else ''}")

        it = stack.enter_context(front("nginx", [server], "none", edit=edit, transports=("polling",)))
        url = f"https://127.0.0.1:{port}" if tls else it.url
        answer = ask(url, HANDSHAKE, headers={"Origin": url})
        said = [(HTTP, shown(*answer[:2])), *browser_says(url, "upgrade", 8)]
        return [*said, *logged("the server's log", log, "origin")]


def without(*words: str) -> Callable[[str], str]:
    """Drop the lines that have one of these words."""

    def edit(text: str) -> str:
        return "".join(
            line for line in text.splitlines(keepends=True) if not any(word in line for word in words)
        )

    return edit


def instead(*pairs: str) -> Callable[[str], str]:
    """`instead("a", "b", "c", "d")` writes b for a, and d for c."""

    def edit(text: str) -> str:
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            if old not in text:
                raise ValueError(f"the configuration lacks {old!r}")
            text = text.replace(old, new)
        return text

    return edit


class Answer(NamedTuple):
    """An answer, with the cookie that a client has after it."""

    status: str
    body: bytes
    cookie: str


def session_id(opened: Answer) -> str:
    return str(json.loads(opened.body[1:])["sid"])


def ask(
    url: str,
    target: str,
    *,
    cookie: str = "",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    source: str = "",
    timeout: float = 30.0,
) -> Answer:
    """The answer to a GET, or to a POST with this body. Raises OSError and HTTPException."""
    parts = urlsplit(url)
    place = (parts.hostname or "", parts.port)
    via = (source, 0) if source else None
    connection = (
        HTTPSConnection(*place, timeout=timeout, context=ssl._create_unverified_context())
        if parts.scheme == "https"
        else HTTPConnection(*place, timeout=timeout, source_address=via)
    )
    try:
        sent = {**(headers or {}), **({"Cookie": cookie} if cookie else {})}
        connection.request("GET" if body is None else "POST", target, body, sent)
        answer = connection.getresponse()
        given = answer.headers.get("Set-Cookie", "").partition(";")[0]
        return Answer(str(answer.status), answer.read(), given or cookie)
    finally:
        connection.close()
