"""Whether the server releases at once what a leaving client held: its poll, its TCP connection."""

from __future__ import annotations

import select
import time

from load.doctor.findings import LIMITS, Examined, Finding, NotExamined
from load.doctor.instruments.http_link import receive_all
from load.doctor.mend import SLOW_CLOSE
from load.doctor.patient import Patient, milliseconds, on_each_transport
from sioprobe.engine import Kind, SwarmError

__all__ = ["examine"]

PATIENCE = 3.0
"""Seconds to wait for something that takes a millisecond."""
SOCKETS = 8


def examine(patient: Patient) -> Examined:
    """Examine both transports, if the server has them."""
    return on_each_transport(patient, _polling, _websocket)


def _still_answers(patient: Patient) -> bool:
    """Whether another client gets an answer: then the machine does not stand still."""
    client = patient.socket() if not patient.websocket else patient.poller()
    try:
        client.call(patient.calls.next(), timeout=PATIENCE)
    except SwarmError:
        return False
    finally:
        client.close()
    return True


def _polling(patient: Patient, examined: Examined) -> str:
    client = patient.poller()
    client.call(patient.calls.next())
    client.start_poll()
    started = time.perf_counter()
    try:
        client.send("1")
        try:
            receive_all([client.poll], PATIENCE)
        except SwarmError as error:
            if error.kind == Kind.TIMEOUT:
                if not _still_answers(patient):
                    raise NotExamined("the server did not answer another client either") from None
                examined.figures["poll_released_ms"] = None
                examined.findings.append(
                    Finding(
                        "poll-held-after-close",
                        LIMITS,
                        f"A client closed its session, and {PATIENCE:g} s later its poll had no answer, while"
                        " the server answered another client",
                        "The server holds the connection of a leaving client, and a thread or greenlet for"
                        " it, until the ping timeout. A client that waits for its poll hangs as long.",
                        SLOW_CLOSE[:1],
                    )
                )
                return f"polling: the poll of a closed session is held for more than {PATIENCE:g} s"
            # The end of the connection also releases it.
    finally:
        client.abort()
    seconds = time.perf_counter() - started
    examined.figures["poll_released_ms"] = seconds * 1000
    return f"polling: released in {milliseconds(seconds)}"


def _websocket(patient: Patient, examined: Examined) -> str:
    clients = [patient.socket() for _ in range(SOCKETS)]
    try:
        started = time.perf_counter()
        for client in clients:
            client.send_close()
        waiting = {client.link: client for client in clients}
        last = started
        while waiting and time.perf_counter() < started + PATIENCE:
            for link in select.select(list(waiting), [], [], 0.05)[0]:
                try:
                    ended = not link.receive(0.01)
                except SwarmError as error:
                    ended = error.kind != Kind.TIMEOUT
                if ended:
                    del waiting[link]
                    last = time.perf_counter()
        held = len(waiting)
    finally:
        for client in clients:
            client.link.close()
    figures = {"closed": SOCKETS, "held": held, "last_ms": None if held else (last - started) * 1000}
    examined.figures["websocket"] = figures
    if not held:
        return f"WebSocket: {SOCKETS} closed at once were released in {milliseconds(last - started)}"
    if not _still_answers(patient):
        raise NotExamined("the server did not answer another client either")
    examined.findings.append(
        Finding(
            "connection-held-after-close",
            LIMITS,
            f"{SOCKETS} clients closed session and WebSocket at once; {PATIENCE:g} s later {held} of the TCP"
            " connections were still open on the server's side, while it answered another client",
            "A server should end the connection after the closing handshake. Until the client ends it, the"
            " server holds a file and a thread or greenlet, and the client may wait seconds.",
            SLOW_CLOSE[1:],
            figures=figures,
        )
    )
    return f"WebSocket: {held} of {SOCKETS} connections are held for more than {PATIENCE:g} s"
