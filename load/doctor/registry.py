"""The list of examinations in their order, and the function that makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from load.doctor.examinations import (
    deflate,
    endings,
    handshake,
    many_connections,
    nagle,
    packets,
    polling_answers,
    roundtrips,
    sticky_sessions,
)
from load.doctor.findings import Examined, Finding, NotExamined
from load.doctor.mend import mend_for
from load.doctor.patient import Patient, as_failure
from load.watching.proc import process_name
from load.watching.process_trees import SamplingError
from sioprobe.engine import SwarmError

__all__ = ["EXAMINATIONS", "examine"]


@dataclass(frozen=True, slots=True)
class Examination:
    """`examine` may raise NotExamined, and SwarmError if the server fails."""

    id: str
    title: str
    examine: Callable[[Patient], Examined]


EXAMINATIONS = {
    each.id: each
    for each in (
        Examination("transports", "transports and upgrade", handshake.examine_transports),
        Examination("heartbeat", "heartbeat and payload", handshake.examine_heartbeat),
        Examination("origins", "other origins", handshake.examine_origins),
        Examination("roundtrips", "round trips", roundtrips.examine),
        Examination("nagle", "Nagle's algorithm", nagle.examine),
        Examination("keeping", "kept connections", polling_answers.examine_keeping),
        Examination("compression", "compression of polling", polling_answers.examine_compression),
        Examination("packets", "packets in one POST", packets.examine),
        Examination("deflate", "compression of WebSocket", deflate.examine),
        Examination("log", "access log", polling_answers.examine_log),
        Examination("sessions", "one session, many connections", sticky_sessions.examine),
        Examination("closing", "closing", endings.examine),
        # The last one, because it fills the server.
        Examination("connections", "many connections", many_connections.examine),
    )
}


def examine(patient: Patient, ids: Sequence[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Make the examinations with these ids and return the whole result as plain values.

    `patient.meet` must have been called. `tell` is called with the title of each examination before it
    begins.
    """
    started = time.monotonic()
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    examined: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for examination in EXAMINATIONS.values():
        if examination.id not in ids:
            left_out.append(_left_out(examination, "not asked for", asked=False))
            continue
        tell(examination.title)
        try:
            result = examination.examine(patient)
        except NotExamined as error:
            left_out.append(_left_out(examination, str(error)))
            continue
        except (SwarmError, ValueError) as error:
            left_out.append(_left_out(examination, f"it failed: {as_failure(error)}"))
            continue
        except (SamplingError, OSError) as error:
            # This process may open no more files.
            left_out.append(_left_out(examination, f"it failed: {error}"))
            continue
        examined.append(
            {
                "id": examination.id,
                "title": examination.title,
                "saw": result.saw,
                "figures": result.figures,
            }
        )
        left_out += [_left_out(examination, reason) for reason in result.left_out]
        findings += [
            replace(finding, mend=mend_for(finding.mend, patient.names)) for finding in result.findings
        ]
    return {
        "schema": 1,
        "kind": "doctor",
        "url": patient.target.url,
        "at": at,
        "seconds": time.monotonic() - started,
        "server": {
            "header": patient.server_header or None,
            "name": patient.about.get("server"),
            "mode": patient.about.get("mode"),
            "processes": [{"pid": pid, "name": process_name(pid)} for pid in patient.located.pids],
            "found": patient.located.how or patient.located.reason,
        },
        "findings": [finding.to_json() for finding in sorted(findings, key=lambda each: not each.costs)],
        "examined": examined,
        "not_examined": left_out,
    }


def _left_out(examination: Examination, reason: str, *, asked: bool = True) -> dict[str, Any]:
    return {"id": examination.id, "asked": asked, "reason": reason}
