"""An application without a handler of the contract is found out, and no case fails for want of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from conformance.client.address import parse_url
from conformance.client.handlers import CUSTOM_EVENTS, VARIADIC, lacking
from conformance.finding.profile import ServerProfile
from conformance.finding.server import find_target
from conformance.judging.collecting import all_questions
from conformance.target import Target
from conformance.verdicts import Verdict
from tests.conformance.mutation import CONFIG, Answered, one, target_of
from tests.strict_server.faults import FAULTS
from tests.strict_server.server import StrictServer

# The application of the official suites has no more in /custom than `auth`.
FINDABLE = {CUSTOM_EVENTS, "/custom", "/auth", "/reject", "join", "leave", "ask", "burst", "kick", "kick-all"}


IN_A_CLUSTER = {"ask-other", "join-other", "leave-other", "disconnect-other", "close-room", "count"}


async def found(
    *, fault: str | None = None, without: Collection[str] = (), clustered: bool = False, **profile: Any
) -> Target:
    async with StrictServer(fault, **CONFIG | {"revisions": (4,)}, without=without) as server:
        return await find_target(parse_url(server.url), ServerProfile(**profile), clustered=clustered)


async def a_few_at_a_time(*work: Coroutine[Any, Any, Target]) -> list[Target]:
    """All of them, in this order. More would keep each other waiting, and a late answer says nothing."""
    places = asyncio.Semaphore(4)

    async def in_turn(one: Coroutine[Any, Any, Target]) -> Target:
        async with places:
            return await one

    return await asyncio.gather(*map(in_turn, work))


def test_each_missing_handler_is_found() -> None:
    async def ask() -> list[Target]:
        return await a_few_at_a_time(
            found(),
            *(found(without={name}, contract_level=2) for name in sorted(FINDABLE)),
            found(without=FINDABLE - {"burst"}),
            found(without=FINDABLE, contract_level=1),
        )

    whole, *single, many, level_1 = asyncio.run(ask())
    assert (whole.lacks, whole.note) == (frozenset(), None)
    assert [target.lacks for target in single] == [{name} for name in sorted(FINDABLE)]
    assert (many.level, many.lacks) == (2, FINDABLE - {"burst", CUSTOM_EVENTS})
    assert many.note == (
        "the application does not answer /auth, /custom, /reject, ask, join, kick, kick-all, leave: "
        "cases that need them do not apply"
    )
    assert level_1.lacks == {"/custom"}, "level 1 asks for no more"


def test_each_missing_handler_of_a_cluster_is_found() -> None:
    async def ask() -> list[Target]:
        of_a_cluster = sorted(IN_A_CLUSTER)
        return await a_few_at_a_time(
            found(clustered=True),
            found(without=IN_A_CLUSTER),
            *(found(without={name}, clustered=True, contract_level=2) for name in of_a_cluster),
        )

    whole, alone, *single = asyncio.run(ask())
    assert (whole.lacks, alone.lacks) == (frozenset(), frozenset())
    assert [target.lacks for target in single] == [{name} for name in sorted(IN_A_CLUSTER)]


def test_what_is_declared_is_believed() -> None:
    async def ask() -> list[Target]:
        all_there = {"reject": True, "kick_all": True}
        nothing_there = {"reject": False, "kick_all": False, "variadic": False}
        return await a_few_at_a_time(
            found(without={"/reject", "kick-all"}, capabilities=all_there),
            found(capabilities=nothing_there),
            found(capabilities=nothing_there, contract_level=0),
        )

    there, absent, level_0 = asyncio.run(ask())
    assert there.lacks == frozenset(), "they are judged as missing"
    assert absent.lacks == {"/reject", "/auth", "kick-all", VARIADIC}
    assert absent.note is None
    assert level_0.lacks == frozenset()


# Faults of the library beneath these handlers.
BENEATH = ("SIO-CN", "SIO-CE", "SIO-NS", "SIO-AK", "SIO-EV", "SIO-DC", "SIO-RM-01", "SIO-OR")


def test_a_broken_library_is_not_taken_for_an_application_without_handlers() -> None:
    faults = [fault.name for fault in FAULTS if fault.requirement.startswith(BENEATH)]

    async def ask() -> list[Target]:
        return list(
            await asyncio.gather(*(found(fault=name, contract_level=2, clustered=True) for name in faults))
        )

    lacks = {name: target.lacks for name, target in zip(faults, asyncio.run(ask()), strict=True)}
    assert len(lacks) > 40
    assert {name: missing for name, missing in lacks.items() if missing} == {}


def judged(lacks: Collection[str], *ids: str) -> dict[str, set[Verdict]]:
    """What the cases of these requirements say of a faultless server without these handlers, by case."""

    async def ask() -> list[Answered]:
        async with StrictServer(**CONFIG, without=lacks) as server:
            target = replace(target_of(server, {}), lacks=frozenset(lacks))
            asked = [question for question in all_questions() if question.requirement.id in ids]
            return list(await asyncio.gather(*(one(question, target) for question in asked)))

    verdicts: dict[str, set[Verdict]] = {}
    for item in asyncio.run(ask()):
        verdicts.setdefault(item.question.name, set()).add(item.outcome.judgement.verdict)
    return verdicts


@pytest.mark.parametrize(
    ("lacks", "ids", "still_asked"),
    [
        (("/reject", "/auth"), ("SIO-CE-01", "SIO-CE-03", "SIO-CE-04", "SIO4-15"), set[str]()),
        (("kick-all",), ("SIO-DC-04", "EIO-PL-21"),
         {"test_the_server_disconnects_a_namespace", "test_a_kicked_client_hears_no_broadcast"}),
        (("kick",), ("SIO-DC-04", "SIO-DC-05"),
         {"test_the_server_closes_the_session", "test_closes_on_a_disconnect_with_data"}),
        (("join", "leave"), ("SIO-RM-01",), set[str]()),
        (("burst",), ("SIO-OR-01", "EIO-PL-18"), set[str]()),
        (("ask",), ("SIO-AK-07", "SIO4-11"), set[str]()),
        (("/custom",), ("SIO-CN-12", "SIO-NS-01", "SIO4-06"), set[str]()),
        ((CUSTOM_EVENTS,), ("SIO-CN-12", "SIO-NS-01", "SIO-AK-04"),
         {"test_connects_a_custom_namespace", "test_the_comma_may_be_left_out"}),
        ((VARIADIC,), ("SIO4-08", "SIO4-09"),
         {"test_sio4_events_keep_their_order", "test_sio4_an_ack_stays_in_its_namespace"}),
    ],
)  # fmt: skip
def test_cases_that_need_what_is_missing_do_not_apply(
    lacks: tuple[str, ...], ids: tuple[str, ...], still_asked: set[str]
) -> None:
    verdicts = judged(lacks, *ids)

    asked = {name for name, found in verdicts.items() if found == {Verdict.PASS}}
    assert asked == still_asked
    assert {name for name, found in verdicts.items() if found == {Verdict.NOT_APPLICABLE}} == (
        verdicts.keys() - still_asked
    )


def test_a_packet_names_what_it_asks_for() -> None:
    lacks = {"/reject", "kick-all", VARIADIC}
    assert lacking("40/reject,", lacks) == lacking("40/reject?a=1,", lacks) == "namespace /reject"
    assert lacking('42/custom,7["kick-all"]', lacks) == "handler of 'kick-all'"
    assert lacking('42/custom,7["x"]', {CUSTOM_EVENTS}) == "handler of 'x' in /custom"
    assert lacking('42["x"]', {CUSTOM_EVENTS}) is None
    assert lacking('451-["message",{"_placeholder":true,"num":0},1]', lacks) == (
        "handler of 'message' with 2 arguments"
    )
    for packet in ("40", "40/rejected,", '42["kick"]', '42["message",1]', "42{", "42[1]", "3", b"\x01"):
        assert lacking(packet, lacks) is None
