"""Why a server takes no more connections: for want of places, of files, of room in its backlog."""

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
"""How many of the served connections are closed to see who moves up."""
NEAR = 16
"""Files left of a process that is out of them: some libraries keep a few back."""
FURTHER = 4


def diagnose(patient: Patient, held: HeldConnections) -> Finding:
    """Why some of the connections wait or have failed, while others are served."""
    served, waiting = held.count(State.SERVED), held.count(State.WAITING)
    failures = ", ".join(f"{count} {kind}" for kind, count in held.failures().items())
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
        seen += f"; when {min(RELEASED, served)} were closed, {admitted} of those were answered"
    if files is not None and files.opened >= files.limit - NEAR:
        figures |= {"fds": files.opened, "open_files_limit": files.limit}
        return Finding(
            "out-of-files",
            LIMITS,
            f"{seen}. A process of the server had {files.opened} files open and may open {files.limit}",
            "The limit of open files of the server's process is reached: further clients hang or are"
            " dropped, and a server that tries to accept them in vain may use a whole core for it.",
            OPEN_FILES,
            figures=figures,
        )
    if not accepts:
        return Finding(
            "backlog-full",
            LIMITS,
            f"{seen}. A further TCP connection was not accepted by the server's system either",
            "The server does not accept what waits for it, and the backlog of its listener is full: clients"
            " do not even get a connection, and their systems try again after 1, 3 and 7 s.",
            (*CONNECTIONS, *BACKLOG),
            figures=figures,
        )
    return Finding(
        "connection-limit",
        LIMITS,
        seen,
        "The server serves no more at once. The next client's connection is accepted by the system"
        " and waits without an answer until another one leaves."
        if waiting
        else "The server, or a proxy before it, turns further clients away.",
        CONNECTIONS,
        # That one who waited was served when another left shows that places are what is short.
        MEASURED if admitted or failures else INFERRED,
        figures,
    )


def _system_accepts(patient: Patient) -> bool:
    """Whether some more TCP connections can be opened at once, whoever would answer on them.

    One alone may find the last place in the queue of a server that accepts no more.
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
