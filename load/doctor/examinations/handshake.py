"""What the handshakes show: transports, upgrade, heartbeat, payload, origins."""

from __future__ import annotations

from load.doctor.findings import LATENCY, LIMITS, NOTE, Examined, Finding, NotExamined
from load.doctor.instruments.blocking_clients import PollingClient, SocketClient
from load.doctor.instruments.http_link import HttpLink
from load.doctor.mend import CORS, MAX_PAYLOAD, PING, POLLING, STICKY, UPGRADE, WEBSOCKET
from load.doctor.patient import Patient
from sioprobe.diagnosis import Cause
from sioprobe.engine import SwarmError

__all__ = ["examine_heartbeat", "examine_origins", "examine_transports"]

LOSES_SESSIONS = (Cause.PROCESSES, Cause.SESSION_REFUSED)
"""Why an upgrade may fail. Another cause, such as a token that is missing, has nothing to do with it."""

ORIGIN = "http://sioprobe-doctor.example"
LONG_PING = 60_000
"""Milliseconds: many proxies cut a connection that is idle for so long."""
SHORT_PING = 5_000
SHORT_TIMEOUT = 5_000
SMALL_PAYLOAD = 100_000


def examine_transports(patient: Patient) -> Examined:
    """Which transports there are, and whether a session can be upgraded."""
    examined = Examined(figures={"polling": not patient.polling, "websocket": not patient.websocket})
    if patient.polling:
        examined.saw = "WebSocket only"
        examined.findings.append(
            Finding(
                "no-polling",
                NOTE,
                f"The server refuses the handshake over polling: {patient.polling}",
                "Clients begin with polling by default, and those fail here.",
                POLLING,
            )
        )
        return examined
    client = PollingClient(patient.target)
    offered = "websocket" in client.opened.upgrades
    examined.figures["upgrade_offered"] = offered
    failure = _upgrade(client, patient) if offered else None
    client.close()
    if offered:
        examined.figures["upgrade_failure"] = failure
    if patient.websocket and offered:
        fails = "polling only: the upgrade is offered, and each WebSocket fails"
        examined.saw = fails if failure else "polling, and WebSocket by an upgrade alone"
    elif patient.websocket:
        examined.saw = "polling only"
        examined.findings.append(
            Finding(
                "no-websocket",
                LATENCY,
                f"The server refuses the handshake over WebSocket ({patient.websocket}) and offers no"
                " upgrade",
                "Clients stay on polling, and each event needs HTTP requests.",
                WEBSOCKET,
            )
        )
    elif offered:
        examined.saw = "polling and WebSocket, and the upgrade " + ("fails" if failure else "works")
    else:
        examined.saw = "polling and WebSocket, no upgrade between them"
        examined.findings.append(
            Finding(
                "upgrade-not-offered",
                LATENCY,
                "WebSocket works, and the OPEN packet over polling offers no upgrade to it",
                "A client that begins with polling, as by default, stays there.",
                UPGRADE,
            )
        )
    if failure:
        found = patient.diagnosis(None)
        if found is not None and found.cause not in LOSES_SESSIONS:
            found = None
        unsticky = found is not None and found.cause is Cause.PROCESSES
        examined.findings.append(
            Finding(
                "upgrade-fails",
                LATENCY,
                f"The OPEN packet offers an upgrade to WebSocket, and it fails: {failure}",
                f"{found.sentence}."
                if found
                else "Each client tries it without success and stays on polling.",
                STICKY if unsticky else UPGRADE,
            )
        )
    return examined


def _upgrade(client: PollingClient, patient: Patient) -> str | None:
    """Upgrade the session. Returns why it failed, or None."""
    try:
        socket = SocketClient(
            patient.target, session_id=client.opened.session_id, cookies=client.poll.cookies
        )
        socket.send("2probe")
        answer = socket.take()
        if answer != "3probe":
            return f"{answer[:20]!r} came instead of the answer to the probe"
        socket.send("5")
        socket.call(patient.unknown.next())
        socket.close()
    except SwarmError as error:
        return str(error)
    return None


def examine_heartbeat(patient: Patient) -> Examined:
    """The times and the size in the OPEN packet."""
    opened = patient.opened
    assert opened is not None
    examined = Examined(
        saw=f"ping interval {opened.ping_interval / 1000:g} s, ping timeout {opened.ping_timeout / 1000:g} s,"
        + (f" payload up to {opened.max_payload:,} bytes" if opened.max_payload else " no maxPayload named"),
        figures={
            "ping_interval_ms": opened.ping_interval,
            "ping_timeout_ms": opened.ping_timeout,
            "max_payload_bytes": opened.max_payload or None,
        },
    )
    seconds = f"{opened.ping_interval / 1000:g} s"
    add = examined.findings.append
    if opened.ping_interval >= LONG_PING:
        add(
            Finding(
                "long-ping-interval",
                NOTE,
                f"The server pings every {seconds}",
                "Many proxies cut connections that are idle for 60 s, so they cut these.",
                PING,
                "inferred",
            )
        )
    elif opened.ping_interval < SHORT_PING:
        add(
            Finding(
                "short-ping-interval",
                NOTE,
                f"The server pings every {seconds}: 10,000 idle clients are"
                f" {10_000_000 / opened.ping_interval:.0f} pings a second",
                "Idle clients cost CPU, and the pings wake up phones.",
                PING,
                "inferred",
            )
        )
    if opened.ping_timeout < SHORT_TIMEOUT:
        add(
            Finding(
                "short-ping-timeout",
                NOTE,
                f"A client has {opened.ping_timeout / 1000:g} s to answer a ping",
                "A client that stands still for so long, such as a phone or a busy page, is disconnected.",
                PING,
                "inferred",
            )
        )
    if 0 < opened.max_payload < SMALL_PAYLOAD:
        add(
            Finding(
                "small-max-payload",
                LIMITS,
                f"maxPayload is {opened.max_payload:g} bytes",
                "A larger message closes the session, and clients need more pushes for the packets that"
                " wait.",
                MAX_PAYLOAD,
                "inferred",
            )
        )
    return examined


def examine_origins(patient: Patient) -> Examined:
    """Whether a page of another origin may connect."""
    examined = Examined()
    refused = {}
    if not patient.polling:
        answer = HttpLink(patient.target).request(
            "GET", patient.target.endpoint("polling"), headers=[("Origin", ORIGIN)]
        )
        allowed = answer.headers.get("access-control-allow-origin")
        if answer.status != 200:
            refused["polling"] = f"HTTP {answer.status} {answer.excerpt}".strip()
        elif allowed not in ("*", ORIGIN):
            refused["polling"] = "no Access-Control-Allow-Origin for it"
    if not patient.websocket:
        try:
            SocketClient(patient.target, headers=[("Origin", ORIGIN)]).close()
        except SwarmError as error:
            refused["websocket"] = str(error)
    if patient.polling and patient.websocket:
        raise NotExamined("no transport")
    examined.figures = {"origin": ORIGIN, "refused": refused}
    examined.saw = "another origin is refused" if refused else "any origin may connect"
    if refused:
        examined.findings.append(
            Finding(
                "origin-refused",
                NOTE,
                f"With the origin {ORIGIN}: "
                + "; ".join(f"{transport}: {why}" for transport, why in refused.items()),
                "Pages of other origins cannot connect. That is right if there are none.",
                CORS,
                figures=examined.figures,
            )
        )
    return examined
