"""How many connections the server takes, what each costs it, and how it fails beyond.

Opens them on the load engine, some at a time, and holds them. Where some stay without an answer while the
others are served, some are closed: the waiting ones that are answered then had waited for a place.
"""

from __future__ import annotations

import time
from typing import Any

from load.doctor.crowd import DEADLINE, PATIENCE, Crowd
from load.doctor.findings import INFERRED, LIMITS, NOTE, Examined, Finding, NotExamined
from load.doctor.http import HttpLink
from load.doctor.kernel import listen_backlog, open_files_limit
from load.doctor.mend import BACKLOG, CONNECTIONS, OPEN_FILES, THREADS
from load.doctor.patient import Patient
from load.sampling import TreeSample
from sioprobe.swarm import SwarmError

__all__ = ["examine"]

RELEASED = 10
RECOVERY = 15.0
FEW_FILES = 1024
SMALL_BACKLOG = 128
HEAVY = 256 * 1024
NEAR = 16


def examine(patient: Patient) -> Examined:
    """As many connections as were allowed, or as the server takes."""
    if not patient.max_connections:
        raise NotExamined(patient.why_no_connections)
    examined = Examined()
    before: TreeSample | None = None
    watch = None
    try:
        watch = patient.watch()
        before = watch.sample()
    except NotExamined as error:
        examined.left_out.append(f"memory and threads per connection: {error}")
    crowd = Crowd(patient)
    crowd.engine.start()
    try:
        stopped = crowd.fill()
        served = crowd.count("open")
        figures = examined.figures
        figures |= {"asked": patient.max_connections, "served": served, "waiting": crowd.count("waiting")}
        figures["failures"] = crowd.failures()
        during = watch.sample() if watch is not None else None
        if before is not None and during is not None and served:
            _weigh(examined, before, during, served)
        if stopped == "deadline":
            examined.left_out.append(
                f"more than {served} connections: these took {DEADLINE:.0f} s to open, and time was up"
            )
        elif stopped == "memory":
            examined.left_out.append(f"more than {served} connections: memory of this machine runs out")
        elif stopped == "silence" and not crowd.still_served():
            examined.left_out.append(
                f"more than {served} connections: the server no longer answered those that it had"
            )
        elif stopped:
            _diagnose(patient, crowd, examined, during)
    finally:
        crowd.end()
    examined.saw = f"{served} connections at once" + (f" of {patient.max_connections}" if stopped else "")
    _recover(patient, examined)
    _listener(patient, examined, before)
    return examined


def _weigh(examined: Examined, before: TreeSample, during: TreeSample, served: int) -> None:
    """What each connection holds in the server's processes."""
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
                "Threads are what this server runs out of: each connection needs memory for its stacks, and"
                " all of them share the interpreter's lock.",
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
                "Memory limits how many clients fit.",
                figures={"rss_bytes": memory},
            )
        )


def _diagnose(patient: Patient, crowd: Crowd, examined: Examined, during: TreeSample | None) -> None:
    """Say how it failed: for want of places, of files, or otherwise."""
    served, waiting = crowd.count("open"), crowd.count("waiting")
    failures = ", ".join(f"{count} {kind}" for kind, count in crowd.failures().items())
    limit = open_files_limit(patient.located.pids)
    figures: dict[str, Any] = {"served": served, "waiting": waiting, "open_files_limit": limit}
    out_of_files = (
        during is not None and during.fds is not None and limit is not None and during.fds >= limit - NEAR
    )
    how = []
    if waiting:
        how.append(f"{waiting} more got no answer for {PATIENCE:g} s")
    if failures:
        how.append(f"others failed ({failures})")
    seen = f"{served} connections were served; {', and '.join(how)}"
    admitted = 0
    if waiting:
        crowd.release(min(RELEASED, served))
        crowd.wait(lambda: crowd.count("waiting") <= max(0, waiting - RELEASED), PATIENCE)
        admitted = waiting - crowd.count("waiting")
        figures["admitted_after_close"] = admitted
        seen += f"; when {min(RELEASED, served)} were closed, {admitted} of those were answered"
    if out_of_files and during is not None:
        figures["fds"] = during.fds
        examined.findings.append(
            Finding(
                "out-of-files",
                LIMITS,
                f"{seen}. The server had {during.fds} files open and may open {limit}",
                "The limit of open files of the server's process is reached: further clients hang or are"
                " dropped, and a server that tries to accept them in vain may use a whole core for it.",
                OPEN_FILES,
                figures=figures,
            )
        )
    else:
        examined.findings.append(
            Finding(
                "connection-limit",
                LIMITS,
                seen,
                "The server serves no more at once. The next client's connection is accepted by the system"
                " and waits without an answer until another one leaves."
                if waiting
                else "The server, or a proxy before it, turns further clients away.",
                _limits_known(patient),
                # That a place became free for one who waited shows that places are what is short.
                "measured" if admitted or failures else INFERRED,
                figures,
            )
        )


def _limits_known(patient: Patient) -> tuple[tuple[str, str], ...]:
    """The settings of the server that this is, where it says which; all of them otherwise."""
    names = patient.names
    named = tuple(
        pair
        for pair in CONNECTIONS
        if any(word in names for word in pair[0].lower().split() if len(word) > 5)
    )
    return named or CONNECTIONS


def _recover(patient: Patient, examined: Examined) -> None:
    """Whether a new client is served when all have gone."""
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
            time.sleep(0.2)  # asked again, not waited for
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
            "The server does not come back by itself after it was full.",
        )
    )


def _listener(patient: Patient, examined: Examined, before: TreeSample | None) -> None:
    """What the kernel says about the listener and the process, whether or not it was reached."""
    if not patient.located.pids or before is None:
        return
    backlog = listen_backlog(int(patient.target.address[1]))
    limit = open_files_limit(patient.located.pids)
    examined.figures |= {"listen_backlog": backlog, "open_files_limit": limit}
    reached = any(finding.id == "out-of-files" for finding in examined.findings)
    if limit is not None and limit <= FEW_FILES and not reached:
        examined.findings.append(
            Finding(
                "few-open-files",
                LIMITS,
                f"The server's process may open {limit} files, and has {before.fds} open without any client",
                f"Each client needs one at least: it ends at fewer than {limit}, by hanging.",
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
                "Of clients that all come at once, after a restart, those beyond wait 1 s or more for their"
                " connection while the server is busy with the others.",
                BACKLOG,
                INFERRED,
                {"listen_backlog": backlog},
            )
        )
