"""What the tests of the doctor share: a patient that was met, and a small polling server with faults."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from load.doctor.findings import Examined, Finding
from load.doctor.patient import Patient
from load.watching.locating import locate
from sioprobe.engine import Target

__all__ = ["Behaviour", "finding", "ids", "meet", "polling_server"]


def meet(url: str, *, pids: bool = True, max_connections: int = 0) -> Patient:
    """A patient after its handshakes."""
    patient = Patient(Target.from_url(url), max_connections=max_connections, why_no_connections="not asked")
    if pids:
        patient.located = locate([url])
        assert patient.located.pids, patient.located.reason
    patient.meet()
    return patient


def ids(examined: Examined) -> list[str]:
    """The findings' ids."""
    return [each.id for each in examined.findings]


def finding(examined: Examined, id: str) -> Finding:
    """That finding."""
    found = [each for each in examined.findings if each.id == id]
    assert found, f"{ids(examined)}; {examined}"
    return found[0]


@dataclass
class Behaviour:
    """What the small server says and does; the faults are off."""

    upgrades: list[str] = field(default_factory=list)
    ping_interval: int = 25000
    ping_timeout: int = 20000
    max_payload: int = 1_000_000
    """0: the OPEN packet names none."""
    closes: bool = False
    packs: bool = False
    allows_origin: str = "*"
    refuses_origin: bool = False
    cookie: str = ""
    """Without it a POST is told that it knows no such session."""
    deaf: bool = False
    """Sessions are opened, and their packets not answered."""
    most_packets: int = 1000
    """The packets of a larger POST are dropped, and it is answered with 200."""
    refuses_packets: bool = False
    """Such a POST is answered with 400 instead."""
    holds_polls: bool = False
    """The poll of a session that was closed is never answered."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    behaviour: Behaviour
    outbox: dict[str, list[str]]
    changed: threading.Condition
    ended: set[str]
    stopped = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one write, and no Nagle: what is looked for here is something else.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        behaviour, server = self.server.behaviour, self.server
        query = parse_qs(urlsplit(self.path).query)
        if query.get("transport") != ["polling"]:
            self._answer("Not here", status=404 if urlsplit(self.path).path == "/about" else 400)
            return
        if behaviour.refuses_origin and "Origin" in self.headers:
            self._answer("Not an accepted origin", status=400)
            return
        if "sid" not in query:
            with server.changed:
                session_id = f"s{len(server.outbox)}"
                server.outbox[session_id] = []
            opened = {
                "sid": session_id,
                "upgrades": behaviour.upgrades,
                "pingInterval": behaviour.ping_interval,
                "pingTimeout": behaviour.ping_timeout,
            }
            if behaviour.max_payload:
                opened["maxPayload"] = behaviour.max_payload
            self._answer("0" + json.dumps(opened), cookie=behaviour.cookie)
            return
        session_id = query["sid"][0]
        with server.changed:
            while not server.outbox[session_id] and not server.stopped:
                if session_id in server.ended and not behaviour.holds_polls:
                    break
                server.changed.wait(0.1)
            packets, server.outbox[session_id] = server.outbox[session_id] or ["6"], []
        self._answer("\x1e".join(packets))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        behaviour, server = self.server.behaviour, self.server
        if behaviour.cookie and behaviour.cookie not in self.headers.get("Cookie", ""):
            self._answer('{"code":1,"message":"Session ID unknown"}', status=400)
            return
        session_id = parse_qs(urlsplit(self.path).query)["sid"][0]
        packets = body.split("\x1e")
        if 0 < behaviour.max_payload < len(body):
            with server.changed:
                server.ended.add(session_id)
                server.changed.notify_all()
            self._answer("too large", status=413)
            return
        if len(packets) > behaviour.most_packets:
            if behaviour.refuses_packets:
                self._answer("too many", status=400)
                return
            packets = []
        with server.changed:
            for packet in packets:
                if packet.startswith("40") and not behaviour.deaf:
                    name = packet[2:].partition(",")[0]
                    server.outbox[session_id].append(f'44{name},{{"message":"Invalid namespace"}}')
                elif packet == "1":
                    server.ended.add(session_id)
            server.changed.notify_all()
        self._answer("ok")

    def _answer(self, text: str, status: int = 200, cookie: str = "") -> None:
        body = text.encode()
        self.send_response(status)
        if (
            self.server.behaviour.packs
            and len(body) > 1024
            and "gzip" in self.headers.get("Accept-Encoding", "")
        ):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if cookie:
            self.send_header("Set-Cookie", f"{cookie}; Path=/; HttpOnly")
        if self.server.behaviour.allows_origin:
            self.send_header("Access-Control-Allow-Origin", self.server.behaviour.allows_origin)
        self.send_header("Content-Length", str(len(body)))
        if self.server.behaviour.closes:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def polling_server(**behaviour: Any) -> Iterator[str]:
    """Its URL."""
    with _serving(lambda: _start(Behaviour(**behaviour))) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


def _start(behaviour: Behaviour) -> _Server:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.behaviour, server.outbox, server.ended = behaviour, {}, set()
    server.changed = threading.Condition()
    return server


@contextmanager
def _serving(make: Callable[[], _Server]) -> Iterator[_Server]:
    server = make()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with server.changed:
            server.stopped = True
            server.changed.notify_all()
        server.shutdown()
        server.server_close()
        thread.join(30)
