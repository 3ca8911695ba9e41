"""How many connections the server accepts, what each costs, and how it fails beyond.

The connections are opened some at a time and held. If some get no answer while others are served, a few of
the served ones are closed. Connections that are answered then had waited for a place.
"""

from __future__ import annotations

import time

import gevent

from load.doctor.examinations.refused_connections import diagnose
from load.doctor.findings import INFERRED, LIMITS, NOTE, Examined, Finding, NotExamined
from load.doctor.instruments.held_connections import DEADLINE, HeldConnections, State, Stop
from load.doctor.instruments.http_link import HttpLink
from load.doctor.instruments.kernel import listen_backlog, open_files_limit
from load.doctor.mend import BACKLOG, OPEN_FILES, THREADS
from load.doctor.patient import Patient
from load.watching.process_trees import TreeSample, TreeWatch
from sioprobe.commandline.own_limits import advice_on
from sioprobe.engine import SwarmError
from sioprobe.host.listening import is_this_host

__all__ = ["examine"]

REST, REST_DEADLINE = 0.5, 5.0
RECOVERY = 20.0
FEW_FILES = 1024
SMALL_BACKLOG = 128
HEAVY = 256 * 1024


def examine(patient: Patient) -> Examined:
    """Open as many connections as allowed, or as the server accepts."""
    if not patient.max_connections:
        raise NotExamined(patient.why_no_connections)
    examined = Examined()
    before: TreeSample | None = None
    watch = None
    try:
        watch = patient.watch()
        before = _at_rest(watch)
    except NotExamined as error:
        examined.left_out.append(f"memory and threads per connection: {error}")
    held = HeldConnections(patient.target, "polling" if patient.websocket else "websocket", patient.auth)
    try:
        stop = held.fill(
            patient.max_connections,
            lambda: (
                watch.sample().threads - before.threads if watch is not None and before is not None else 0
            ),
        )
        served = held.count(State.SERVED)
        figures = examined.figures
        figures |= {"asked": patient.max_connections, "served": served, "waiting": held.count(State.WAITING)}
        figures["failures"] = held.failures()
        during = watch.sample() if watch is not None else None
        if before is not None and during is not None and served:
            _weigh(examined, before, during, served)
        if stop is Stop.DEADLINE:
            examined.left_out.append(
                f"more than {served} connections: these took {DEADLINE:.0f} s to open, and then the time was"
                " over"
            )
        elif stop is Stop.THREADS:
            examined.left_out.append(
                f"more than {served} connections: the server has a thread or more for each"
            )
        elif stop is Stop.MEMORY:
            examined.left_out.append(f"more than {served} connections: this machine has little memory left")
        elif limits := [f"{kind}; {advice}" for kind in held.failures() if (advice := advice_on(kind))]:
            examined.left_out.append(f"more than {served} connections: {limits[0]}")
        elif stop is not Stop.ALL_THERE and not served:
            examined.left_out.append("no connection was served, so none could be counted")
        elif lost := held.count(State.LOST):
            # A limit keeps new clients out. A server that is too slow loses those that it has.
            examined.left_out.append(
                f"more than {served} connections: {lost} that were served failed later"
                f" ({held.failures_in_words()}), so the server or this machine was too slow for so many"
            )
        elif stop is Stop.SILENCE and not held.still_served():
            examined.left_out.append(
                f"more than {served} connections: the server stopped answering those that it had"
            )
        elif stop is not Stop.ALL_THERE:
            examined.findings.append(diagnose(patient, held))
    finally:
        held.end()
    examined.saw = f"{served} connections at once"
    if stop is not Stop.ALL_THERE:
        examined.saw += f" of {patient.max_connections}"
    if "threads_per_connection" in examined.figures:
        examined.saw += (
            f"; {examined.figures['rss_bytes_per_connection'] / 1024:.0f} KiB and"
            f" {examined.figures['threads_per_connection']:.2f} threads each"
        )
    _recover(patient, examined)
    _listener(patient, examined, before)
    return examined


def _at_rest(watch: TreeWatch) -> TreeSample:
    """A sample after the threads and files of earlier clients are gone, or after a deadline."""
    end = time.monotonic() + REST_DEADLINE
    last, since = watch.sample(), time.monotonic()
    while time.monotonic() < min(end, since + REST):
        gevent.sleep(0.05)
        sample = watch.sample()
        if (sample.threads, sample.fds) != (last.threads, last.fds):
            since = time.monotonic()
        last = sample
    return last


def _weigh(examined: Examined, before: TreeSample, during: TreeSample, served: int) -> None:
    """What each connection costs in the processes of the server."""
    threads = (during.threads - before.threads) / served
    memory = (during.rss_bytes - before.rss_bytes) / served
    fds = (during.fds - before.fds) / served if during.fds is not None and before.fds is not None else None
    examined.figures |= {
        "threads_per_connection": threads,
        "rss_bytes_per_connection": memory,
        "fds_per_connection": fds,
        "threads": during.threads,
        "rss_bytes": during.rss_bytes,
    }
    if threads >= 0.5:
        examined.findings.append(
            Finding(
                "thread-per-connection",
                LIMITS,
                f"{served} connections brought {during.threads - before.threads} threads"
                f" ({threads:.1f} each) and {memory / 1024:.0f} KiB of memory each",
                "This server will run out of threads: each connection needs memory for the stacks of its"
                " threads, and all threads share the lock of the interpreter.",
                THREADS,
                figures={"threads": threads, "rss_bytes": memory},
            )
        )
    elif memory >= HEAVY:
        examined.findings.append(
            Finding(
                "memory-per-connection",
                LIMITS,
                f"{served} connections brought {memory / 1024:.0f} KiB of memory each",
                "Memory limits the number of clients.",
                figures={"rss_bytes": memory},
            )
        )


def _recover(patient: Patient, examined: Examined) -> None:
    """Whether a new client is served after all others have left."""
    started = time.monotonic()
    failure = ""
    while time.monotonic() < started + RECOVERY:
        link = HttpLink(patient.target)
        try:
            if patient.polling:
                patient.socket().close()
            else:
                link.request("GET", patient.target.endpoint("polling"), timeout=5.0)
        except SwarmError as error:
            failure = str(error)
            time.sleep(0.2)  # before it asks again
            continue
        finally:
            link.close()
        examined.figures["recovered_ms"] = (time.monotonic() - started) * 1000
        return
    examined.figures["recovered_ms"] = None
    examined.findings.append(
        Finding(
            "no-recovery",
            LIMITS,
            f"{RECOVERY:.0f} s after all connections were closed, a new client was not served: {failure}",
            "The server has failed, or it cannot serve new clients because of what the old ones left.",
        )
    )


def _listener(patient: Patient, examined: Examined, before: TreeSample | None) -> None:
    """The limits of the listener and the process, even if they were not reached."""
    if not patient.located.pids or before is None:
        return
    host, port = str(patient.target.address[0]), int(patient.target.address[1])
    backlog = listen_backlog(port) if is_this_host(host) else None
    limit = open_files_limit(patient.located.pids)
    examined.figures |= {"listen_backlog": backlog, "open_files_limit": limit}
    reached = any(finding.id == "out-of-files" for finding in examined.findings)
    if limit is not None and limit <= FEW_FILES and not reached:
        examined.findings.append(
            Finding(
                "few-open-files",
                LIMITS,
                f"The server's process may open {limit} files, and has {before.fds} open without any client",
                f"Each client needs at least one file, so the server hangs before it has {limit} clients.",
                OPEN_FILES,
                INFERRED,
                {"open_files_limit": limit, "fds": before.fds},
            )
        )
    if backlog is not None and backlog < SMALL_BACKLOG:
        examined.findings.append(
            Finding(
                "small-backlog",
                NOTE,
                f"The listener's backlog is {backlog}",
                "If more clients come at once, such as after a restart, the others wait 1 s or more for their"
                " connection.",
                BACKLOG,
                INFERRED,
                {"listen_backlog": backlog},
            )
        )
