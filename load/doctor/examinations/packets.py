"""How many packets the server takes in one POST of polling, and what happens to those of a larger one."""

from __future__ import annotations

import gevent
from gevent.event import Event

from load.doctor.findings import LOSES, Examined, Finding, NotExamined
from load.doctor.mend import PACKETS
from load.doctor.patient import Patient
from sioprobe.engine.push_limit import PushLimit

__all__ = ["examine"]

ENOUGH = 256
"""A client seldom has more packets waiting."""
DEADLINE = 60.0


def examine(patient: Patient) -> Examined:
    """Send POSTs with more and fewer packets, each on a session of its own."""
    if patient.polling:
        raise NotExamined(f"no polling: {patient.polling}")
    limit, done = PushLimit(gevent.get_hub().loop, patient.target), Event()
    limit.find(ENOUGH, done.set)
    if not done.wait(DEADLINE):
        limit.stop()
        raise NotExamined(f"it took more than {DEADLINE:.0f} s")
    if limit.unknown:
        raise NotExamined(f"it failed: {limit.unknown}")
    examined = Examined(
        saw=f"{limit.taken} or more are taken",
        figures={
            "taken": limit.taken,
            "refused": limit.refused or None,
            "answer": limit.closes or ("http 200" if limit.refused else None),
        },
    )
    if limit.refused:
        examined.saw = f"{limit.taken} are taken, {limit.refused} are not"
        what = (
            f"it ended the session ({limit.closes})" if limit.closes else "it answered 200 and dropped them"
        )
        examined.findings.append(
            Finding(
                "few-packets-per-post",
                LOSES,
                f"The server took a POST of {limit.taken} packets; of one with {limit.refused}, {what}",
                "Clients send all packets that wait in one POST, as far as maxPayload allows. After"
                f" {limit.refused + 1} emits in a row over polling, {limit.refused} of them are lost"
                + (", with the session." if limit.closes else ", and nobody is told."),
                PACKETS,
                figures=examined.figures,
            )
        )
    return examined
