"""Properties of polling answers: do they close their connection, are they compressed, are they logged?"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from load.doctor.findings import CPU, INFERRED, MEASURED, NOTE, Examined, Finding, NotExamined
from load.doctor.mend import CLOSES_POLLS, COMPRESSION, LOG
from load.doctor.patient import Patient, middle, milliseconds
from load.watching.proc import descendants, written_bytes

__all__ = ["examine_compression", "examine_keeping", "examine_log"]

POLLS = 8
PACKED_CALLS = 20
PADDING = 3000
"""Bytes of an answer. Libraries compress from 1024 on."""
WORTH_NAMING = 0.1
LOGGED_CALLS = 20
LOG_LINE = 30
"""A line of an access log has at least so many bytes."""


def examine_keeping(patient: Patient) -> Examined:
    """Whether the connection is kept for the next request, and what a new one costs."""
    closed = polls = 0
    connects: list[float] = []
    with closing(patient.poller()) as client:
        for _ in range(POLLS):
            client.call(patient.calls.next())
            for answer in (client.last_poll, client.last_push):
                assert answer is not None
                polls += 1
                closed += not answer.keep_alive
                if answer.connect_seconds is not None:
                    connects.append(answer.connect_seconds)
    figures = {
        "answers": polls,
        "closed": closed,
        "connect_p50_ms": middle(connects) * 1000 if connects else None,
        "tls": patient.target.tls is not None,
    }
    examined = Examined(
        saw=f"{closed} of {polls} answers close their connection" if closed else "connections are kept",
        figures=figures,
    )
    if closed >= polls / 2:
        with_tls = " and its TLS handshake" if patient.target.tls is not None else ""
        examined.findings.append(
            Finding(
                "closes-each-poll",
                CPU,
                f"{closed} of {polls} polling answers closed their connection; opening one{with_tls} took"
                f" {milliseconds(middle(connects))} (median)",
                "Each poll and each push needs a new TCP connection. That costs time, CPU on both sides,"
                " and a local port that stays in TIME_WAIT for a minute.",
                CLOSES_POLLS,
                figures=figures,
            )
        )
    return examined


def examine_compression(patient: Patient) -> Examined:
    """Whether a polling answer of some kilobytes is compressed for clients that allow it, as browsers do."""
    accepting = [("Accept-Encoding", "gzip, deflate")]
    with closing(patient.poller()) as packing, closing(patient.poller()) as plain:
        packing.call(patient.unknown.next(PADDING), accepting)
        answer = packing.last_poll
        plain.call(patient.unknown.next(PADDING))
        assert answer is not None
        assert plain.last_poll is not None
        encoding = answer.headers.get("content-encoding", "")
        figures: dict[str, Any] = {
            "encoding": encoding or None,
            "bytes": len(plain.last_poll.body),
            "packed_bytes": len(answer.body) if encoding else None,
        }
        examined = Examined(figures=figures)
        if not encoding:
            examined.saw = f"an answer of {len(answer.body)} bytes is not compressed"
            return examined
        try:
            packed_cpu = patient.cpu_of(
                lambda: packing.call(patient.unknown.next(PADDING), accepting), PACKED_CALLS
            )
            plain_cpu = patient.cpu_of(lambda: plain.call(patient.unknown.next(PADDING)), PACKED_CALLS)
        except NotExamined as error:
            examined.left_out.append(f"its CPU: {error}")
            packed_cpu = plain_cpu = 0.0
    seen = f"With {encoding} an answer of {figures['bytes']} bytes has {figures['packed_bytes']}"
    severity, certainty = CPU, INFERRED
    if plain_cpu:
        figures |= {"packed_cpu_us": packed_cpu * 1e6, "plain_cpu_us": plain_cpu * 1e6}
        seen += (
            f"; the server used {packed_cpu * 1e6:.0f} µs CPU for such a call, {plain_cpu * 1e6:.0f} without"
        )
        severity = CPU if packed_cpu > plain_cpu * (1 + WORTH_NAMING) else NOTE
        certainty = MEASURED
    examined.saw = f"answers above 1 KB are compressed with {encoding}"
    examined.findings.append(
        Finding(
            "compresses-polling",
            severity,
            seen,
            "To compress each answer above 1 KB saves bytes, but costs CPU and latency. It is worth it if the"
            " network is the limit.",
            COMPRESSION,
            certainty,
            figures,
        )
    )
    return examined


def examine_log(patient: Patient) -> Examined:
    """Whether the server writes a line of text for each request. The kernel counts what it writes."""
    pids = patient.located.pids
    if not pids:
        raise NotExamined(f"the server's processes are not seen: {patient.located.reason}")
    with closing(patient.poller()) as poller, closing(patient.socket()) as socket:
        for _ in range(3):
            poller.call(patient.calls.next())
            socket.call(patient.calls.next())
        start = _written(pids)
        for _ in range(LOGGED_CALLS):
            socket.call(patient.calls.next())
        between = _written(pids)
        for _ in range(LOGGED_CALLS):
            poller.call(patient.calls.next())
        end = _written(pids)
    if between - start > LOGGED_CALLS * 8:
        # Node writes to sockets as to files, so a log cannot be told from an answer.
        raise NotExamined(
            "the server writes to its sockets as to files, so its log cannot be told from its answers"
        )
    # A polled call is two requests.
    each = (end - between) / (2 * LOGGED_CALLS)
    examined = Examined(saw="no line for each request", figures={"bytes_per_request": each})
    if each >= LOG_LINE:
        examined.saw = f"{each:.0f} bytes of text for each request"
        examined.findings.append(
            Finding(
                "access-log",
                CPU,
                f"Besides its answers, the server wrote {each:.0f} bytes for each polling request and"
                f" {(between - start) / LOGGED_CALLS:.0f} for each call over WebSocket",
                "The server logs each request. With polling that is two lines for each event.",
                LOG,
                INFERRED,
                examined.figures,
            )
        )
    return examined


def _written(pids: tuple[int, ...]) -> int:
    """Bytes that the processes and their descendants have written, but not to sockets of Python."""
    total = 0
    for pid in descendants(*pids):
        try:
            total += written_bytes(pid)
        except PermissionError:
            raise NotExamined(f"this user may not read what process {pid} writes") from None
    return total
