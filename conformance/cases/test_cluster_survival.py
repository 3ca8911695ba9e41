"""Whether the processes of a cluster still hear each other, whatever came before.

`target` is the first process (level 3), `second` another, `cluster` are all of them.
"""

import asyncio
import time

from conformance.client.session import Session
from conformance.expect import (
    ask,
    connect_main_namespace,
    is_alive,
    is_event,
)
from conformance.requirements import last, requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, Violation

AGAIN_SECONDS = 5.0  # for a process that has to connect to the queue again


@last
@requirement("SIO-CL-13")
async def test_what_clients_emit_at_the_same_time_crosses(target: Target, second: Target) -> None:
    """Eight clients, twenty events each, in any order."""
    there = await connect_main_namespace(second, second.any_transport)
    await ask(there, "join", "all-at-once")
    sessions = [await connect_main_namespace(target, target.any_transport) for _ in range(8)]
    wanted = {number * 100 + mark for number in range(len(sessions)) for mark in range(20)}

    async def talk(number: int, session: Session) -> None:
        for mark in range(20):
            await session.emit("to", "all-at-once", "at-once", number * 100 + mark)

    await asyncio.gather(*(talk(number, session) for number, session in enumerate(sessions)))

    came: list[int] = []
    while len(came) < len(wanted) and (packet := await there.take(lambda p: is_event(p, "at-once"))):
        came += packet.data[1:]
    if sorted(came) != sorted(wanted):
        raise Violation(
            f"{len(wanted)} events, each once", f"{len(came)} events, {len(set(came))} of them once"
        )


@last
@requirement("SIO-CL-12")
async def test_each_process_still_hears_the_others(cluster: list[Target]) -> None:
    """One that has to connect to the queue again has five seconds. Each serves its own clients meanwhile."""
    sessions = []
    for server in cluster:
        try:
            sessions.append(await connect_main_namespace(server, server.any_transport))
        except Inconclusive as error:
            # It let everybody in before.
            raise Violation("each process lets a client in", f"{server.address.url}: {error}") from None
    numbers = range(len(sessions))
    unheard = {(by, of) for by in numbers for of in numbers if by != of}

    deadline = time.monotonic() + AGAIN_SECONDS
    while unheard and time.monotonic() < deadline:
        for number, session in enumerate(sessions):
            await session.emit("broadcast", "still-here", number)
        for number, session in enumerate(sessions):
            while packet := await session.take(lambda p: is_event(p, "still-here"), session.timing.quiet):
                unheard.discard((number, packet.data[1]))

    if unheard:
        by, of = min(unheard)
        serves = "and serves" if await is_alive(sessions[by]) else "and no longer serves"
        raise Violation(
            "each process hears every other",
            f"{cluster[by].address.url} hears nothing of {cluster[of].address.url}, {serves} its own clients",
        )
