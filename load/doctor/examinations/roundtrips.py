"""How long a call takes on each transport, to compare with other findings."""

from __future__ import annotations

from contextlib import closing

from load.doctor.findings import LATENCY, Examined, Finding, NotExamined
from load.doctor.instruments.blocking_clients import Call
from load.doctor.mend import STICKY
from load.doctor.patient import Patient, middle, milliseconds
from sioprobe.diagnosis import Cause
from sioprobe.engine import SwarmError

__all__ = ["examine"]

CALLS = 30


def examine(patient: Patient) -> Examined:
    """Make one call after the other, on one connection for each transport."""
    examined = Examined(figures={"call": patient.calls.what})
    saw = []
    for name, times_of in (("polling", _polling), ("websocket", _websocket)):
        try:
            times = sorted(times_of(patient)[2:])
        except NotExamined as error:
            examined.left_out.append(f"{name}: {error}")
            continue
        except SwarmError as error:
            saw.append(f"{name} fails")
            found = patient.diagnosis("websocket" if name == "websocket" else None)
            examined.findings.append(
                Finding(
                    "calls-fail",
                    LATENCY,
                    f"A session over {name} was opened, but a call in it ({patient.calls.what}) failed:"
                    f" {error}",
                    f"{found.sentence}."
                    if found is not None
                    else "The server accepts clients on this transport, but does not serve them. Nothing else"
                    " could be examined there.",
                    STICKY if found is not None and found.cause is Cause.PROCESSES else (),
                )
            )
            continue
        p50, p90 = middle(times), times[int(len(times) * 0.9)]
        examined.figures[name] = {
            "calls": len(times),
            "p50_ms": p50 * 1000,
            "p90_ms": p90 * 1000,
            "max_ms": times[-1] * 1000,
        }
        saw.append(f"{name} p50 {milliseconds(p50)}, p90 {milliseconds(p90)}")
    if not saw:
        raise NotExamined("; ".join(examined.left_out))
    examined.saw = "; ".join(saw) + f" ({patient.calls.what})"
    return examined


def _polling(patient: Patient) -> list[float]:
    with closing(patient.poller()) as client:
        return [client.call(patient.calls.next()) for _ in range(CALLS + 2)]


def _websocket(patient: Patient) -> list[float]:
    with closing(patient.socket()) as client:
        calls: list[Call] = [patient.calls.next() for _ in range(CALLS + 2)]
        return [client.call(call)[0] for call in calls]
