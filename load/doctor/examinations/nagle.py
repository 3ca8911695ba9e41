"""Nagle's algorithm with delayed acknowledgements, per transport.

The experiment works on a slow machine too. It waits for the same answer twice: once this side acknowledges
late, as clients do, and once at once. The difference shows whether the second part of the answer waits for
the acknowledgement.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from load.doctor.findings import LATENCY, Examined, Finding, NotExamined
from load.doctor.instruments.tcp_link import can_choose_acks
from load.doctor.mend import NAGLE
from load.doctor.patient import Patient, middle, milliseconds, on_each_transport
from sioprobe.engine import Kind, SwarmError

__all__ = ["Arms", "examine"]

PAIRS = 12
PACED_CALLS = 40
PACED_INTERVAL = 0.02
"""50 calls a second on one connection. With less than 40 ms between two, replies wait for each other."""
HELD = 0.02
"""A delayed acknowledgement takes 40 ms or more. Half of that is too much for an accident."""
HELD_SHARE = 0.6


@dataclass(slots=True)
class Arms:
    """The seconds from the first part to the second, for each way of acknowledging."""

    late: list[float] = field(default_factory=list)
    at_once: list[float] = field(default_factory=list)

    def add(self, seconds: float, *, at_once: bool) -> None:
        """Add one answer."""
        (self.at_once if at_once else self.late).append(seconds)

    @property
    def waits(self) -> bool:
        """Whether the second part comes late only if this side acknowledges late."""
        usual = middle(self.at_once)
        share = sum(gap > usual + HELD for gap in self.late) / len(self.late)
        return middle(self.late) - usual >= HELD and share >= HELD_SHARE

    def to_json(self) -> dict[str, Any]:
        """Milliseconds."""
        usual = middle(self.at_once)
        return {
            "answers": len(self.late),
            "late_ack_ms": middle(self.late) * 1000,
            "immediate_ack_ms": usual * 1000,
            "held": sum(gap > usual + HELD for gap in self.late),
        }


def examine(patient: Patient) -> Examined:
    """Examine both transports, if the server has them."""
    if not can_choose_acks():
        raise NotExamined("on this system a program cannot choose when it acknowledges (it can on Linux)")
    return on_each_transport(patient, _polling, _websocket)


def _polling(patient: Patient, examined: Examined) -> str:
    arms, calls = Arms(), Arms()
    with closing(patient.poller()) as client:
        for number in range(2 * PAIRS + 2):
            at_once = bool(number % 2)
            client.set_acks(at_once=at_once)
            seconds = client.call(patient.calls.next())
            poll, push = client.last_poll, client.last_push
            assert poll is not None
            assert push is not None
            if number >= 2:  # the first call of a client is slow for other reasons
                arms.add(max(poll.gap, push.gap), at_once=at_once)
                calls.add(seconds, at_once=at_once)
    figures = {**arms.to_json(), "call_p50_ms": middle(calls.late) * 1000}
    figures["call_immediate_ack_p50_ms"] = middle(calls.at_once) * 1000
    examined.figures["polling"] = figures
    if arms.waits:
        examined.findings.append(
            Finding(
                "nagle-polling",
                LATENCY,
                f"{figures['held']} of {len(arms.late)} answers came in two parts, the second"
                f" {milliseconds(middle(arms.late))} after the first, or"
                f" {milliseconds(middle(arms.at_once))} if this side acknowledged the first part at once. A"
                f" polled call took {milliseconds(middle(calls.late))}, or"
                f" {milliseconds(middle(calls.at_once))} (medians)",
                "The server writes each answer in two pieces, and Nagle's algorithm is on: the second piece"
                " waits for the acknowledgement of the first, which clients delay by 40 ms or more. Each"
                " polled call takes that much longer.",
                NAGLE,
                figures=figures,
            )
        )
    return f"polling: {_saw('parts', arms)}"


def _websocket(patient: Patient, examined: Examined) -> str:
    arms, paced = Arms(), Arms()
    with closing(patient.socket()) as client:
        for number in range(2 * PAIRS + 2):
            at_once = bool(number % 2)
            client.link.ack_at_once = at_once
            first, second = client.call(patient.calls.next(), patient.calls.next())
            if number >= 2:
                arms.add(abs(second - first), at_once=at_once)
        for at_once in (False, True):
            client.link.ack_at_once = at_once
            for seconds in _pace(patient, client):
                paced.add(seconds, at_once=at_once)
    figures = {**arms.to_json(), "paced_calls_per_second": 1 / PACED_INTERVAL}
    figures["paced_p50_ms"] = middle(paced.late) * 1000
    figures["paced_immediate_ack_p50_ms"] = middle(paced.at_once) * 1000
    examined.figures["websocket"] = figures
    if arms.waits:
        examined.findings.append(
            Finding(
                "nagle-websocket",
                LATENCY,
                f"Of two answers in a row, the second came {milliseconds(middle(arms.late))} after the first"
                f" in {figures['held']} of {len(arms.late)} pairs, or {milliseconds(middle(arms.at_once))}"
                f" if this side acknowledged the first at once. At {1 / PACED_INTERVAL:.0f} calls a second"
                f" on one connection, a call took {milliseconds(middle(paced.late))}, or"
                f" {milliseconds(middle(paced.at_once))} (medians)",
                "Nagle's algorithm is on: a small frame waits until the client has acknowledged the one"
                " before. Clients delay this by 40 ms, or until they send something. So events in a row"
                " wait, and at a moderate rate each reply waits for the next request.",
                NAGLE,
                figures=figures,
            )
        )
    return f"websocket: {_saw('frames', arms)}"


def _saw(what: str, arms: Arms) -> str:
    return f"second {what} wait {milliseconds(middle(arms.late))} for a late ACK" if arms.waits else "no wait"


def _pace(patient: Patient, client: Any) -> list[float]:
    """Make calls on a schedule, without waiting for answers. Returns the seconds of each from its due time.

    The first two go out together, as in a burst, so that one reply waits and the others wait behind it.
    """
    started = time.perf_counter()
    waiting: dict[int, Any] = {}
    times: list[float] = []
    sent = 0
    while sent < PACED_CALLS or waiting:
        now = time.perf_counter()
        due = started + max(0, sent - 1) * PACED_INTERVAL
        if sent < PACED_CALLS and now >= due:
            waiting[sent] = patient.calls.next()
            client.send(waiting[sent].text)
            sent += 1
            continue
        try:
            packet = client.take(max(due - now, 0.0005) if sent < PACED_CALLS else 5.0)
        except SwarmError as error:
            if error.kind == Kind.TIMEOUT and sent < PACED_CALLS:
                continue
            raise
        now = time.perf_counter()
        for number, call in list(waiting.items()):
            if call.is_answer(packet):
                del waiting[number]
                times.append(now - started - max(0, number - 1) * PACED_INTERVAL)
                break
    return times
