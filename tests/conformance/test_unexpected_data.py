"""A server may send any arguments: no case dies of them, which would be a harness error by our own fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.judging.runner import Question
from conformance.verdicts import Verdict
from tests.conformance.mutation import Answered, cases, judge
from tests.strict_server.parser import SocketPacket, SocketType
from tests.strict_server.socketio import Client

CASES_AT_ONCE = 144
# Bytes would change the types of packets, and objects in their place say nothing new.
CHANGES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "no arguments": lambda arguments: [],
    "objects, and one more": lambda arguments: [{"a": None} for _ in [*arguments, "more"]],
}


def asked() -> list[Question]:
    """Each case that hears of events or acks, once."""
    once = {
        question.name: question
        for question in cases()
        if question.requirement.contract in (1, 2) and not question.slow and question.transport != "upgraded"
    }
    return list(once.values())


@pytest.mark.parametrize("change", CHANGES)
def test_no_case_dies_of_unexpected_arguments(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Client.send

    def send_changed(self: Client, packet: SocketPacket) -> None:
        data = packet.data
        if packet.type is SocketType.EVENT and isinstance(data, list):
            packet = replace(packet, data=[data[0], *CHANGES[change](data[1:])])
        elif packet.type is SocketType.ACK and isinstance(data, list):
            packet = replace(packet, data=CHANGES[change](data))
        send(self, packet)
        if packet.type is SocketType.CONNECT:
            send(self, packet)  # an object where the next event is looked for

    monkeypatch.setattr(Client, "send", send_changed)
    found = answers()

    assert [str(item) for item in found if item.outcome.judgement.verdict is Verdict.HARNESS_ERROR] == []
    assert sum(item.outcome.judgement.verdict is Verdict.FAIL for item in found) > 40


def answers() -> list[Answered]:
    return asyncio.run(judge(None, asked(), asyncio.Semaphore(CASES_AT_ONCE)))
