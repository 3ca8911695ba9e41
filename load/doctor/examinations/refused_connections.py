"""Why a server accepts no more connections: too few places, files, or room in its backlog."""

from __future__ import annotations

from typing import Any

from load.doctor.findings import INFERRED, LIMITS, MEASURED, Finding
from load.doctor.instruments.held_connections import PATIENCE, HeldConnections, State
from load.doctor.instruments.kernel import least_files_left
from load.doctor.instruments.tcp_link import Link
from load.doctor.mend import BACKLOG, CONNECTIONS, OPEN_FILES
from load.doctor.patient import Patient
from sioprobe.engine import Kind, SwarmError

__all__ = ["diagnose"]

RELEASED = 10
"""So many served connections are closed, to see whether others are served then."""
NEAR = 16
"""A process with so few files left is out of them: some libraries reserve a few."""
FURTHER = 4


def diagnose(patient: Patient, held: HeldConnections) -> Finding:
    """Why some of the connections wait or have failed, while others are served."""
    served, waiting = held.count(State.SERVED), held.count(State.WAITING)
    failures = held.failures_in_words()
    figures: dict[str, Any] = {"served": served, "waiting": waiting}
    files = least_files_left(patient.located.pids)
    how = []
    if waiting:
        how.append(f"{waiting} more got no answer for {PATIENCE:g} s")
    if failures:
        how.append(f"others failed ({failures})")
    seen = f"{served} connections were served; {', and '.join(how)}"
    admitted = 0
    accepts = True
    if waiting:
        accepts = figures["system_accepts"] = _system_accepts(patient)
        held.release(min(RELEASED, served))
        held.wait(lambda: held.count(State.WAITING) <= max(0, waiting - RELEASED), PATIENCE)
        admitted = figures["admitted_after_close"] = waiting - held.count(State.WAITING)
        seen += f"; after {min(RELEASED, served)} were closed, {admitted} of the waiting ones were answered"
    if files is not None and files.opened >= files.limit - NEAR:
        figures |= {"fds": files.opened, "open_files_limit": files.limit}
        return Finding(
            "out-of-files",
            LIMITS,
            f"{seen}. A process of the server had {files.opened} files open and may open {files.limit}",
            "The server's process has reached its limit of open files. Further clients hang or are dropped,"
            " and the server may use a whole core to try to accept them.",
            OPEN_FILES,
            figures=figures,
        )
    if not accepts:
        return Finding(
            "backlog-full",
            LIMITS,
            f"{seen}. The server's system did not accept a further TCP connection either",
            "The server does not accept the connections that wait for it, and the backlog of its listener"
            " is full. Clients do not even get a connection; their systems try again after 1, 3 and 7 s.",
            (*CONNECTIONS, *BACKLOG),
            figures=figures,
        )
    return Finding(
        "connection-limit",
        LIMITS,
        seen,
        "The server serves no more clients at once. The system accepts the connection of the next client,"
        " which waits without an answer until another client leaves."
        if waiting
        else "The server, or a proxy in front of it, refuses further clients.",
        CONNECTIONS,
        # Measured: one that waited was served when another left, so places are short.
        MEASURED if admitted or failures else INFERRED,
        figures,
    )


def _system_accepts(patient: Patient) -> bool:
    """Whether the system accepts some more TCP connections at once.

    A single one might find the last place in the queue of a server that accepts no more.
    """
    links = []
    try:
        for _ in range(FURTHER):
            links.append(Link(patient.target, timeout=PATIENCE))
    except SwarmError as error:
        return error.kind != Kind.CONNECT_TIMEOUT
    finally:
        for link in links:
            link.close()
    return True
