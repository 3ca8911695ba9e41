"""Nagle's algorithm with delayed acknowledgements, per transport.

The experiment needs no fast machine: the same answer is waited for with this side acknowledging late, as
clients do, and at once. What makes the second part come is then this side's acknowledgement, or it is not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from load.doctor.findings import LATENCY, Examined, Finding, NotExamined
from load.doctor.instruments.tcp_link import can_choose_acks
from load.doctor.mend import NAGLE
from load.doctor.patient import Patient, middle, milliseconds
from sioprobe.engine import Kind, SwarmError

__all__ = ["Arms", "examine"]

PAIRS = 12
PACED_CALLS = 40
PACED_INTERVAL = 0.02
"""50 calls a second on one connection: less than 40 ms between two, so that replies wait for each other."""
HELD = 0.02
"""A delayed acknowledgement takes 40 ms or more; half of it more than without one is no accident."""
HELD_SHARE = 0.6


@dataclass(slots=True)
class Arms:
    """How long second parts came after first ones, in seconds, with each way of acknowledging."""

    late: list[float] = field(default_factory=list)
    at_once: list[float] = field(default_factory=list)

    def add(self, seconds: float, *, at_once: bool) -> None:
        """One answer."""
        (self.at_once if at_once else self.late).append(seconds)

    @property
    def waits(self) -> bool:
        """Whether what this side acknowledges late comes late, and not otherwise."""
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
    """Both transports, as far as the server has them."""
    if not can_choose_acks():
        raise NotExamined("this system does not let a program choose when it acknowledges (Linux does)")
    examined = Examined()
    saw = []
    for name, part in (("polling", _polling), ("websocket", _websocket)):
        try:
            saw.append(f"{name}: {part(patient, examined)}")
        except (NotExamined, SwarmError) as error:
            examined.left_out.append(f"{name}: {error}")
    if not saw:
        raise NotExamined("; ".join(examined.left_out))
    examined.saw = "; ".join(saw)
    return examined


def _polling(patient: Patient, examined: Examined) -> str:
    arms, calls = Arms(), Arms()
    client = patient.poller()
    try:
        for number in range(2 * PAIRS + 2):
            at_once = bool(number % 2)
            client.set_acks(at_once=at_once)
            seconds = client.call(patient.calls.next())
            poll, push = client.last_poll, client.last_push
            assert poll is not None
            assert push is not None
            if number >= 2:  # what a server does for its first call is no waiting
                arms.add(max(poll.gap, push.gap), at_once=at_once)
                calls.add(seconds, at_once=at_once)
    finally:
        client.close()
    figures = {**arms.to_json(), "call_p50_ms": middle(calls.late) * 1000}
    figures["call_immediate_ack_p50_ms"] = middle(calls.at_once) * 1000
    examined.figures["polling"] = figures
    if arms.waits:
        examined.findings.append(
            Finding(
                "nagle-polling",
                LATENCY,
                f"{figures['held']} of {len(arms.late)} answers came in two parts, the second"
                f" {milliseconds(middle(arms.late))} after the first; where this side acknowledged the first"
                f" at once, {milliseconds(middle(arms.at_once))} after it. A polled call took"
                f" {milliseconds(middle(calls.late))} and {milliseconds(middle(calls.at_once))} (medians)",
                "The server writes an answer in two pieces with Nagle's algorithm on: the second waits for"
                " the acknowledgement of the first, which clients delay by 40 ms or more. Each polled call"
                " takes that long.",
                NAGLE,
                figures=figures,
            )
        )
    return f"second parts wait {milliseconds(middle(arms.late))} for a late ACK" if arms.waits else "no wait"


def _websocket(patient: Patient, examined: Examined) -> str:
    arms, paced = Arms(), Arms()
    client = patient.socket()
    try:
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
    finally:
        client.close()
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
                f" in {figures['held']} of {len(arms.late)} pairs; where this side acknowledged the first at"
                f" once, {milliseconds(middle(arms.at_once))} after it. At {1 / PACED_INTERVAL:.0f} calls a"
                f" second on one connection, begun with two together, a call took"
                f" {milliseconds(middle(paced.late))} and {milliseconds(middle(paced.at_once))} (medians)",
                "Nagle's algorithm is on: a small frame waits until the client has acknowledged the one"
                " before it, which clients delay by 40 ms or until they send something. Events in a row wait,"
                " and at a moderate rate each reply goes out with the next request only.",
                NAGLE,
                figures=figures,
            )
        )
    return f"second frames wait {milliseconds(middle(arms.late))} for a late ACK" if arms.waits else "no wait"


def _pace(patient: Patient, client: Any) -> list[float]:
    """Calls on a schedule, whatever has been answered; how long each took from its time on.

    The first two go out together, as a burst does: a reply that waits is what those behind it wait for.
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
